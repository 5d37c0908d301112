"""scikit-learn estimators in one file, by skops and its safe loader: nothing in it is run.

skops builds objects of the types it trusts and of those allowed here by name, refuses others, and
never unpickles. The bytes depend on the estimators alone: object numbers and times are set.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.errors import DataError, UsageError, listed

__all__ = ["dump_estimators", "parse_estimators"]

ALLOWED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
MOST_BYTES = 1 << 30
_EPOCH = (1980, 1, 1, 0, 0, 0)


def dump_estimators(estimators: Sequence[Any]) -> bytes:
    """Return the bytes of a file with these estimators.

    Raises
    ------
    UsageError
        If one is of a type that would not be read again.
    """
    import skops.io

    try:
        written = skops.io.dumps(list(estimators))
        strange = _strange(written)
    except Exception as error:  # whatever the parts of a foreign estimator bring about
        raise UsageError(
            f"save_model: {listed([type(each).__name__ for each in estimators])} cannot be written "
            f"({error})."
        ) from None
    if strange:
        raise UsageError(
            f"save_model: {listed(strange)} is no type that a model file may hold. Use one of "
            "scikit-learn's linear or histogram-boosting regressors."
        )
    return _settled(written)


def parse_estimators(content: bytes) -> list[Any]:
    """Return the estimators of a file.

    Raises
    ------
    DataError
        If it holds a type that is not allowed, or is damaged.
    """
    import skops.io

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(each.file_size for each in parts.infolist()) > MOST_BYTES:
                raise DataError("The estimators of this model are larger than a model can be.")
        strange = _strange(content)
        if strange:
            raise DataError(f"The model holds types that are not allowed: {listed(strange)}.")
        found = skops.io.loads(content, trusted=list(ALLOWED))
    except DataError:
        raise
    except Exception as error:  # whatever a damaged archive brings about
        raise DataError(f"The estimators of this model are damaged ({error}).") from None
    if not isinstance(found, list):
        raise DataError("The estimators of this model are damaged (no list).")
    for each in found:
        _check_trees(each)
    return found


def _strange(content: bytes) -> list[str]:
    import skops.io

    found = skops.io.get_untrusted_types(data=content)
    return sorted(str(each) for each in found if str(each) not in ALLOWED)


def _check_trees(estimator: Any) -> None:
    """Refuse trees whose branches lead out of them or back: their code does not look."""
    for stage in getattr(estimator, "_predictors", ()):
        for tree in stage:
            nodes = tree.nodes
            inner = nodes["is_leaf"] == 0
            place = np.arange(len(nodes))
            ahead = [
                (nodes[side] > place) & (nodes[side] < len(nodes)) for side in ("left", "right")
            ]
            known = nodes["feature_idx"] < estimator.n_features_in_
            if nodes["is_categorical"].any() or not (ahead[0] & ahead[1] & known)[inner].all():
                raise DataError("The estimators of this model are damaged (a tree).")


def _settled(written: bytes) -> bytes:
    """Renumber objects in order and set the times, so that equal models have equal bytes."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(written)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        schema = source.read("schema.json").decode()
        numbers: dict[str, str] = {}
        for each in re.findall(r'"__id__": (\d+)', schema):
            numbers.setdefault(each, str(len(numbers) + 1))

        def renumbered(text: str) -> str:
            return re.sub(r"\d{6,}", lambda each: numbers.get(each[0], each[0]), text)

        content = {renumbered(name): source.read(name) for name in source.namelist()}
        content["schema.json"] = renumbered(schema).encode()
        for name in sorted(content):
            target.writestr(zipfile.ZipInfo(name, _EPOCH), content[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
