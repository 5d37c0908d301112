"""Models as data: plain JSON, arrays apart, and back again through an explicit list of classes.

Nothing is imported, evaluated or unpickled on the way back. Every part is checked against the types
its class declares, and the classes check their own values.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import DataError, UsageError
from forecast.jobs.saved_models.model_parts import ANY_NUMBER, DROPPED, FUNCTIONS, MODELS, PARTS
from forecast.models.btyd.lifetimes_engine import LifetimesProcess, LifetimesSpend
from forecast.models.kept_fit import KeptFit

__all__ = ["Decoder", "Encoder"]

Array = npt.NDArray[Any]


@dataclass
class Encoder:
    """Turns a model into JSON; arrays and scikit-learn estimators are put aside in order.

    Attributes
    ----------
    arrays : list of array
    estimators : list of scikit-learn estimator
    """

    arrays: list[Array] = field(default_factory=list)
    estimators: list[Any] = field(default_factory=list)

    def encode(self, value: Any) -> Any:
        """Return JSON for a value.

        Raises
        ------
        UsageError
            If it is of a class that has no place in a model file.
        """
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, np.bool_ | np.integer | np.floating):
            return self.encode(value.item())
        if isinstance(value, int | float):
            return value if np.isfinite(value) else {"$number": repr(float(value))}
        if isinstance(value, date):
            return {"$date": value.isoformat()}
        if isinstance(value, list | tuple):
            kind = "$list" if isinstance(value, list) else "$tuple"
            return {kind: [self.encode(each) for each in value]}
        if isinstance(value, Mapping):
            return {"$map": [[self.encode(key), self.encode(value[key])] for key in value]}
        if isinstance(value, np.ndarray):
            self.arrays.append(value)
            return {"$array": len(self.arrays) - 1}
        if isinstance(value, pd.DataFrame):
            return {"$frame": self._frame(value)}
        if type(value) in PARTS.values():
            return {"$part": type(value).__name__, "fields": self._fields(value)}
        for name, function in FUNCTIONS.items():
            if value is function:
                return {"$function": name}
        if type(value).__module__.split(".")[0] == "sklearn":
            self.estimators.append(value)
            return {"$estimator": len(self.estimators) - 1}
        raise UsageError(
            f"save_model: {type(value).__name__} has no place in a model file; models of this "
            "package and scikit-learn's regressors do."
        )

    def _fields(self, value: Any) -> dict[str, Any]:
        if isinstance(value, LifetimesProcess):
            return {"fitter": value.fitter, "params": self.encode(value.params)}
        if isinstance(value, LifetimesSpend):
            return {"params": self.encode(value.params)}
        if isinstance(value, KeptFit):
            value = value.without_data()
        return {name: self.encode(getattr(value, name)) for name in _kept(type(value))}

    def _frame(self, table: pd.DataFrame) -> dict[str, Any]:
        """Split a table by day, such as known events, into days, names and numbers."""
        try:
            values = table.to_numpy(float)
            days = pd.DatetimeIndex(table.index).to_numpy("datetime64[D]").astype(np.int64)
        except (TypeError, ValueError):
            raise UsageError("save_model: events must be numbers, one row a day.") from None
        names = [str(name) for name in table.columns]
        return {"days": self.encode(days), "names": names, "values": self.encode(values)}


@dataclass(frozen=True)
class Decoder:
    """Turns JSON back into a model.

    Attributes
    ----------
    arrays : sequence of array
    estimators : sequence of scikit-learn estimator
    """

    arrays: Sequence[Array]
    estimators: Sequence[Any]

    def decode(self, node: Any, where: str = "model", *, any_number: bool = False) -> Any:
        """Return the value of a node.

        Raises
        ------
        DataError
            If it is nothing that an :class:`Encoder` writes, says where.
        """
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if not isinstance(node, dict):
            raise DataError(f"{where}: a {type(node).__name__} where a value should be.")
        if set(node) == {"$part", "fields"}:
            return self._part(node["$part"], node["fields"], where)
        if len(node) != 1:
            raise DataError(f"{where}: not a value of a model file.")
        ((kind, inner),) = node.items()
        readers: dict[str, Callable[..., Any]] = {
            "$number": self._number, "$date": self._date, "$list": self._list,
            "$tuple": self._tuple, "$map": self._map, "$array": self._array,
            "$frame": self._frame, "$function": self._function, "$estimator": self._estimator,
        }  # fmt: skip
        if kind not in readers:
            raise DataError(f"{where}: {kind[:40]!r} is no kind of value.")
        try:
            return readers[kind](inner, where, any_number)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
            raise DataError(f"{where}: a damaged {kind[1:]} ({error}).") from None

    def _part(self, name: Any, inner: Any, where: str) -> Any:
        kind = PARTS.get(name) if isinstance(name, str) else None
        if kind is None or not isinstance(inner, dict):
            raise DataError(f"{where}: {str(name)[:40]!r} is no part of a model.")
        at = f"{where}.{name}"
        given = {
            each: self.decode(
                value, f"{at}.{each[:40]}", any_number=each in ANY_NUMBER.get(name, ())
            )
            for each, value in inner.items()
        }
        if kind in (LifetimesProcess, LifetimesSpend):
            return self._checked(lambda: kind.of(**given), at)
        expected = _kept(kind)
        if set(given) != set(expected):
            raise DataError(
                f"{at}: fields {sorted(set(given) ^ set(expected))[:5]} are missing or too many."
            )
        hints = _hints(kind)
        for each, value in given.items():
            if not _fits(value, hints.get(each, Any)):
                raise DataError(f"{at}.{each}: a {type(value).__name__} has no place here.")
        learned = {each: given.pop(each) for each in MODELS.get(kind, ())}
        made = self._checked(lambda: kind(**given), at)
        for each, value in learned.items():
            setattr(made, each, value)
        return made

    def _checked(self, make: Callable[[], Any], where: str) -> Any:
        try:
            return make()
        except (UsageError, TypeError, ValueError, AttributeError, KeyError) as error:
            raise DataError(f"{where}: {error}") from None

    def _number(self, inner: Any, where: str, any_number: bool) -> float:
        if not any_number or inner not in ("nan", "inf", "-inf"):
            raise DataError(f"{where}: {inner!r} must be a finite number.")
        return float(inner)

    def _date(self, inner: Any, where: str, any_number: bool) -> date:
        return date.fromisoformat(inner)

    def _list(self, inner: Any, where: str, any_number: bool) -> list[Any]:
        if not isinstance(inner, list):
            raise TypeError("no list")
        return [
            self.decode(each, f"{where}[{place}]", any_number=any_number)
            for place, each in enumerate(inner)
        ]

    def _tuple(self, inner: Any, where: str, any_number: bool) -> tuple[Any, ...]:
        return tuple(self._list(inner, where, any_number))

    def _map(self, inner: Any, where: str, any_number: bool) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in inner:
            name = self.decode(key, where)
            if name in found:
                raise ValueError(f"{name!r} is there twice")
            found[name] = self.decode(value, f"{where}[{name!r:.40}]", any_number=any_number)
        return found

    def _array(self, inner: Any, where: str, any_number: bool) -> Array:
        if not isinstance(inner, int) or isinstance(inner, bool) or inner < 0:
            raise TypeError("no position")
        found = self.arrays[inner]
        if not any_number and not np.isfinite(found).all():
            raise DataError(f"{where}: holds numbers that are not finite.")
        return found

    def _frame(self, inner: Any, where: str, any_number: bool) -> pd.DataFrame:
        days, values = (self.decode(inner[each], where) for each in ("days", "values"))
        index = pd.DatetimeIndex(np.asarray(days).astype("datetime64[D]"))
        return pd.DataFrame(values, index=index, columns=pd.Index(inner["names"]))

    def _function(self, inner: Any, where: str, any_number: bool) -> Callable[..., Any]:
        return FUNCTIONS[inner]

    def _estimator(self, inner: Any, where: str, any_number: bool) -> Any:
        if not isinstance(inner, int) or isinstance(inner, bool) or inner < 0:
            raise TypeError("no position")
        return self.estimators[inner]


def _kept(kind: Any) -> tuple[str, ...]:
    """Return the fields of a class that are written."""
    dropped = DROPPED.get(kind, ())
    settings = [each.name for each in fields(kind) if each.init and each.name not in dropped]
    return (*settings, *MODELS.get(kind, ()))


@cache
def _hints(kind: type) -> dict[str, Any]:
    import sys

    return get_type_hints(kind, vars(sys.modules[kind.__module__]))


def _fits(value: Any, hint: Any) -> bool:
    """Say whether a value is of a declared type, as far as a file can get it wrong."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return True
    if hasattr(origin, "__value__"):  # an alias, as NumPy's arrays are from 2.5 on
        return _fits(value, origin.__value__)
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if hint is None or hint is type(None):
        return value is None
    if origin is Literal:
        return value in inner
    if origin is np.ndarray:
        return isinstance(value, np.ndarray)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        each = inner[:1] * len(value) if inner[-1:] == (...,) else inner
        return len(each) == len(value) and all(map(_fits, value, each))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(
            _fits(key, inner[0]) and _fits(each, inner[1]) for key, each in value.items()
        )
    if origin is not None and isinstance(origin, type) and issubclass(origin, Sequence):
        return isinstance(value, list | tuple) and all(_fits(each, inner[0]) for each in value)
    if getattr(hint, "_is_protocol", False):
        return is_dataclass(value)
    if isinstance(hint, type):
        return isinstance(value, hint)
    return callable(value)
