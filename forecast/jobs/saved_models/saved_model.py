"""A model on disk: what it learned, as data, without the customers it learned from.

``model.json`` holds settings and what was learned; large arrays lie beside it in
``model.parquet`` and scikit-learn's trees in ``model.skops``. Everything is checked by SHA-256 and
read through a list of classes; no pickle is ever read or written. Ids, dates and histories of
customers are not kept. Learned models keep how many purchases past customers of a prediction made,
and of what value, since that is their distribution.
"""

from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.calendar import Horizon
from forecast.errors import DataError, ModelWarning, NotFittedError, UsageError
from forecast.jobs.saved_models.model_file import (
    ARRAYS,
    ESTIMATORS,
    file_of,
    read_file,
    write_file,
)

if TYPE_CHECKING:
    from forecast.forecaster import Forecaster
    from forecast.ledger import Ledger

__all__ = ["SavedModel", "load_model", "read_model", "save_model"]


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
        many = "1 day" if days == 1 else f"{days:,} days"
        since = "on the cutoff" if days == 0 else f"{many} before the cutoff {ledger.cutoff}"
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
    encoder, file = Encoder(), file_of(path)
    state = encoder.encode(model)
    beside = {}
    if encoder.arrays:
        beside[ARRAYS] = dump_arrays(encoder.arrays)
    if encoder.estimators:
        beside[ESTIMATORS] = dump_estimators(encoder.estimators)
    lessons = getattr(model, "lessons_", None)
    told = {
        "model": type(model).__name__,
        "cutoff": str(cutoff),
        "horizons": [] if lessons is None else list(lessons.by_horizon),
    }
    write_file(file, told, state, beside)
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

    file = file_of(path)
    facts, beside = read_file(file)
    try:
        arrays = parse_arrays(beside[ARRAYS]) if ARRAYS in beside else []
        estimators = parse_estimators(beside[ESTIMATORS]) if ESTIMATORS in beside else []
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
