"""A model on disk: what it learned, as data, without the customers it learned from.

``model.json`` holds settings and what was learned; large arrays lie beside it in
``model.parquet`` and scikit-learn's trees in ``model.skops``. Everything is checked by SHA-256 and
read through a list of classes; no pickle is ever read or written. Ids, dates and histories of
customers are not kept. Learned models keep how many purchases past customers of a prediction made,
and of what value, since that is their distribution.
"""

import hashlib
import json
import os
import platform
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.calendar import Horizon
from forecast.errors import DataError, FileError, ModelWarning, NotFittedError, UsageError

if TYPE_CHECKING:
    from forecast.forecaster import Forecaster
    from forecast.ledger import Ledger

__all__ = ["SavedModel", "load_model", "read_model", "save_model"]

FORMAT = 1
KIND = "ltv-forecast model"
MOST_JSON, MOST_ARRAYS = 1 << 26, 1 << 31  # bytes
_PACKAGES = ("ltv-forecast", "numpy", "pandas", "scipy", "scikit-learn")


@dataclass(frozen=True)
class SavedModel:
    """A model read from disk, and what its file says of it.

    Attributes
    ----------
    model : Forecaster
        Without customers: ``model.update(ledger)`` brings them.
    name : str
        Of its class.
    cutoff : date
        Last day it learned from.
    horizons : tuple of str
        Those it learned for; empty where any can be asked.
    versions : dict of str to str
        Of the packages it was written with.
    """

    model: Any
    name: str
    cutoff: date
    horizons: tuple[str, ...]
    versions: dict[str, str]

    def stale(self, ledger: "Ledger", horizon: str) -> tuple[str, bool]:
        """Say how old the model is for a ledger, and whether it is too old.

        Returns
        -------
        said : str
        too_old : bool
            More days have passed since it learned than the horizon has.

        Raises
        ------
        UsageError
            If the ledger ends before the model's cutoff: the model would know its future.
        """
        days = (ledger.cutoff - self.cutoff).days
        if days < 0:
            raise UsageError(
                f"The model learned up to {self.cutoff}, {-days:,} days after the ledger's cutoff "
                f"{ledger.cutoff}: it has seen what it is asked to forecast. Use a later cutoff or "
                "an older model."
            )
        ahead = Horizon.parse(horizon).window(ledger.cutoff).days
        if days > ahead:
            return (
                f"The model learned up to {self.cutoff}, {days:,} days before the cutoff "
                f"{ledger.cutoff}: more than the {ahead:,} days it forecasts. Fit it anew."
            ), True
        since = "on the cutoff" if days == 0 else f"{days:,} days before the cutoff {ledger.cutoff}"
        return f"Not fitted anew: the model learned up to {self.cutoff}, {since}.", False


def save_model(model: "Forecaster", path: str | Path) -> Path:
    """Write what a model learned to ``model.json`` in a folder, or to a file of another name.

    Parameters
    ----------
    model : Forecaster
        A fitted model of this package. One that learns horizon by horizon keeps those that it has
        forecast; another horizon needs a fit.
    path : str or Path
        A folder, made if missing, or a file that ends in ``.json``; arrays lie beside it.

    Returns
    -------
    Path
        Of the JSON file.

    Raises
    ------
    NotFittedError
        If the model has not been fitted.
    UsageError
        If a part of it has no place in a model file.
    FileError
        If the disk refuses.

    Examples
    --------
    >>> import forecast as fc, tempfile
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    >>> model = fc.BTYD().fit(ledger)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_model(save_model(model, folder)).update(ledger)
    >>> one, other = (each.forecast("13W", draws=50).customers for each in (model, again))
    >>> one.equals(other)
    True
    """
    from forecast.jobs.saved_models.array_file import dump_arrays
    from forecast.jobs.saved_models.estimator_file import dump_estimators
    from forecast.jobs.saved_models.model_codec import Encoder
    from forecast.jobs.saved_models.model_parts import MODELS, learned_on

    if type(model) not in MODELS:
        raise UsageError(f"save_model: {type(model).__name__} is no model of this package.")
    cutoff = learned_on(model)
    if cutoff is None:
        raise NotFittedError(model)
    encoder, file = Encoder(), _file(path)
    state = encoder.encode(model)
    beside = {}
    if encoder.arrays:
        beside[f"{file.stem}.parquet"] = dump_arrays(encoder.arrays)
    if encoder.estimators:
        beside[f"{file.stem}.skops"] = dump_estimators(encoder.estimators)
    lessons = getattr(model, "lessons_", None)
    facts = {
        "kind": KIND,
        "format": FORMAT,
        "model": type(model).__name__,
        "cutoff": str(cutoff),
        "horizons": [] if lessons is None else list(lessons.by_horizon),
        "versions": _versions(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in beside.items()},
        "state": state,
    }
    text = json.dumps(facts | {"sha256": _digest(facts)}, indent=1, allow_nan=False) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write({file.parent / name: content for name, content in beside.items()} | {
            file: text.encode()
        })  # fmt: skip
    except OSError as error:
        raise FileError(f"{file} cannot be written ({error.strerror or error}).") from error
    return file


def load_model(path: str | Path) -> Any:
    """Return the model of a file that :func:`save_model` wrote, still without customers.

    Raises
    ------
    FileError, DataError
        As :func:`read_model`.
    """
    return read_model(path).model


def read_model(path: str | Path) -> SavedModel:
    """Read a model file and what it says of itself.

    Parameters
    ----------
    path : str or Path
        ``model.json``, or the folder it lies in.

    Raises
    ------
    FileError
        If it is not there or cannot be read.
    DataError
        If it is no model file, was changed or cut short, holds what no model has, or was written
        by a newer version.

    Warns
    -----
    ModelWarning
        If it holds trees of another version of scikit-learn.
    """
    from forecast.jobs.saved_models.array_file import parse_arrays
    from forecast.jobs.saved_models.estimator_file import parse_estimators
    from forecast.jobs.saved_models.model_codec import Decoder
    from forecast.jobs.saved_models.model_parts import MODELS

    file = _file(path)
    facts = _facts(file)
    contents = {name: _beside(file, name, digest) for name, digest in facts["files"].items()}
    try:
        arrays = [each for name, content in contents.items() if name.endswith(".parquet")
                  for each in parse_arrays(content)]  # fmt: skip
        estimators = [each for name, content in contents.items() if name.endswith(".skops")
                      for each in parse_estimators(content)]  # fmt: skip
        model = Decoder(arrays, estimators).decode(facts["state"])
        if type(model) not in MODELS or type(model).__name__ != facts["model"]:
            raise DataError(f"it holds a {type(model).__name__}, not the model {facts['model']!r}.")
        found = SavedModel(
            model,
            facts["model"],
            date.fromisoformat(facts["cutoff"]),
            tuple(str(each) for each in facts["horizons"]),
            {str(name): str(each) for name, each in facts["versions"].items()},
        )
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"{file}: a damaged model file ({error}).") from None
    if estimators:
        _warn_of_version(file, found.versions.get("scikit-learn", "an unknown version"))
    return found


def _facts(file: Path) -> dict[str, Any]:
    """Return the checked content of the JSON file."""
    content = _read(file, MOST_JSON)
    if not content.strip():
        raise DataError(f"{file} is empty. Save the model again.")
    try:
        facts = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{file} is no model file of JSON: cut short, or something else such as a pickle, "
            f"which is never read ({error})."
        ) from None
    if not isinstance(facts, dict) or facts.get("kind") != KIND:
        raise DataError(f"{file} is no model file of ltv-forecast.")
    known = facts.get("format")
    if not isinstance(known, int) or isinstance(known, bool) or known < 1:
        raise DataError(f"{file}: format {str(known)[:40]!r} is unknown.")
    if known > FORMAT:
        by = facts.get("versions", {}) if isinstance(facts.get("versions"), dict) else {}
        raise DataError(
            f"{file} was written by a newer version (format {known}, ltv-forecast "
            f"{by.get('ltv-forecast', 'unknown')}); this one, {version('ltv-forecast')}, reads up "
            f"to format {FORMAT}. Install the newer one."
        )
    given = facts.pop("sha256", None)
    if given != _digest(facts):
        raise DataError(f"{file} is not as it was written (SHA-256). Save the model again.")
    names = ("model", "cutoff", "horizons", "versions", "files", "state")
    if missing := [name for name in names if name not in facts]:
        raise DataError(f"{file} lacks {missing[0]!r}. Save the model again.")
    if not isinstance(facts["files"], dict):
        raise DataError(f"{file}: a damaged list of files.")
    return facts


def _beside(file: Path, name: str, digest: Any) -> bytes:
    """Return the content of a file beside the JSON, if it is the one that was written."""
    if name not in (f"{file.stem}.parquet", f"{file.stem}.skops"):
        raise DataError(
            f"{file}: its file {name[:60]!r} must lie beside it under its own name. Was it renamed?"
        )
    other = file.with_name(name)
    content = _read(other, MOST_ARRAYS)
    if hashlib.sha256(content).hexdigest() != digest:
        raise DataError(
            f"{other} is not as it was written with {file.name} (SHA-256). Save the model again."
        )
    return content


def _read(file: Path, most: int) -> bytes:
    try:
        if file.stat().st_size > most:
            raise DataError(f"{file} is larger than a model file can be ({most:,} bytes).")
        return file.read_bytes()
    except OSError as error:
        raise FileError(f"{file} cannot be read ({error.strerror or error}).") from error


def _write(contents: dict[Path, bytes]) -> None:
    """Write all files whole beside their places, then move them there, the JSON last."""
    parts = {path.with_name(f".{path.name}.{os.getpid()}.part"): path for path in contents}
    try:
        for part, path in parts.items():
            with part.open("wb") as file:
                file.write(contents[path])
                file.flush()
                os.fsync(file.fileno())
        for part, path in parts.items():
            os.replace(part, path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _warn_of_version(file: Path, written: str) -> None:
    import warnings

    here = version("scikit-learn")
    if written.split(".")[:2] != here.split(".")[:2]:
        warnings.warn(
            f"{file} holds trees of scikit-learn {written}; this is {here}. Compare forecasts, or "
            "fit it anew.",
            ModelWarning,
            stacklevel=3,
        )


def _file(path: str | Path) -> Path:
    found = Path(path)
    return found if found.suffix == ".json" and not found.is_dir() else found / "model.json"


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def _digest(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
