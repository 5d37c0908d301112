"""How Sphinx builds the documentation: `make docs`."""

import shutil
from pathlib import Path

from forecast import __version__

HERE = Path(__file__).parent
shutil.copytree(HERE.parent / "notebooks", HERE / "notebooks", dirs_exist_ok=True)

project = "ltv-forecast"
author = "The ltv-forecast authors"
release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
]
exclude_patterns = ["build", "notebooks/.ipynb_checkpoints"]
nb_execution_mode = "off"  # notebooks are executed by the tests, with their outputs kept
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's parameter tables say types
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
html_theme = "pydata_sphinx_theme"
html_title = "ltv-forecast"
html_theme_options = {"show_prev_next": False, "navbar_end": ["theme-switcher"]}
html_show_sourcelink = False
