"""Settings by name, as scikit-learn has them, so that its ``clone`` and searches take a model."""

from dataclasses import fields
from typing import Any, Self

from forecast.errors import UsageError, listed

__all__ = ["Settings"]


class Settings:
    """The fields of a model's dataclass, read and set by name.

    Examples
    --------
    >>> from sklearn.base import clone
    >>> import forecast as fc
    >>> model = clone(fc.BTYD(season=2)).set_params(purchases="mbgnbd")
    >>> model.get_params()["purchases"], model.season
    ('mbgnbd', 2)
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name.

        Parameters
        ----------
        deep : bool
            Also those of models and regressors among them, as ``seasonal__season``.
        """
        names = [each.name for each in fields(self) if each.init]  # type: ignore[arg-type]  # a dataclass
        found = {name: getattr(self, name) for name in names}
        for name in names if deep else ():
            if hasattr(found[name], "get_params") and not isinstance(found[name], type):
                inner = found[name].get_params().items()
                found |= {f"{name}__{key}": each for key, each in inner}
        return found

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name and return the model; what was fitted stays until the next fit.

        Raises
        ------
        UsageError
            If there is no setting of that name.
        """
        known = self.get_params(deep=False)
        for name, value in settings.items():
            outer, _, inner = name.partition("__")
            held: Any = known.get(outer)
            if outer not in known or (inner and not hasattr(held, "set_params")):
                raise UsageError(
                    f"{type(self).__name__} has no setting {name!r}, but {listed(list(known), 20)}."
                )
            if inner:
                held.set_params(**{inner: value})
            else:
                setattr(self, name, value)
        return self
