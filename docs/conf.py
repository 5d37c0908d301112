"""How Sphinx builds the documentation: `make docs`."""

import inspect
import shutil
import sys
from pathlib import Path
from typing import Any

from forecast import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # readable.py
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
    "readable",
]
toc_object_entries_show_parents = "hide"  # the side bar is narrow
exclude_patterns = ["build", "notebooks/.ipynb_checkpoints"]
nb_execution_mode = "off"  # notebooks are executed by the tests, with their outputs kept
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's parameter tables say types
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "ltv-forecast"
html_theme_options = {
    "show_prev_next": False,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "pygments_dark_style": "github-dark",  # its comments are quieter than its code
}
html_sidebars = {page: [] for page in ("index", "readme", "changelog")}  # nothing stands below them
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False


def inherit_parameters(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Give a class that says no parameters those of the class it is made of."""
    if what != "class" or "Parameters" in lines or "Attributes" in lines:
        return
    for parent in obj.__mro__[1:]:
        text = (inspect.getdoc(parent) or "").splitlines()
        if "Parameters" in text:
            start = text.index("Parameters")
            after = [i for i, line in enumerate(text) if line.startswith("---") and i > start + 1]
            found = ["", *text[start : after[0] - 1 if after else None], ""]
            place = lines.index("Examples") if "Examples" in lines else len(lines)
            lines[place:place] = found
            return


def setup(app: Any) -> None:
    """Run before numpydoc reads the docstrings."""
    app.connect("autodoc-process-docstring", inherit_parameters, priority=100)
