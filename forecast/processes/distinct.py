"""Distinct rows with their weights: a million customers are some hundred thousand histories."""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers

__all__ = ["Codes", "distinct_rows", "encode", "pairs", "triples"]

# Days and weeks put times on a grid; codes on a grid need no sort.
_GRIDS = (1.0, 7.0)
_TABLE = 8_000_000


@dataclass(frozen=True)
class Codes:
    """A column as positions in the sorted list of its distinct values."""

    values: Floats
    codes: Integers


def encode(column: Floats) -> Codes:
    """Return the distinct values of a non-negative column and each row's position among them."""
    for steps in _GRIDS:
        top = column.max(initial=0.0) * steps
        if top > _TABLE:
            continue
        whole = np.rint(column * steps).astype(np.int64)
        if np.array_equal(whole / steps, column):
            seen = np.zeros(int(top + 1.5), dtype=bool)
            seen[whole] = True
            places = np.cumsum(seen) - 1
            return Codes(np.flatnonzero(seen) / steps, places[whole])
    values, codes = np.unique(column, return_inverse=True)
    return Codes(values, codes.astype(np.int64, copy=False))


def distinct_rows(columns: list[Codes], weights: Floats | None) -> tuple[list[Integers], Floats]:
    """Return the distinct combinations of coded columns and the weight of each.

    Parameters
    ----------
    columns : list of Codes
        Columns of equal length.
    weights : array, shape (rows,), or None
        Weight of each row; one each if None.

    Returns
    -------
    codes : list of arrays, shape (distinct,)
        Position in each column's values, one array a column.
    weight : array, shape (distinct,)
        Summed weight.
    """
    key = columns[0].codes
    for column in columns[1:]:
        key = key * column.values.size + column.codes
    if weights is None:
        ordered = np.sort(key)
        weight = None
    else:
        order = np.argsort(key, kind="stable")
        ordered, weight = key[order], weights[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    if ordered.size == 0:
        first = first[:0]
    left = ordered[first]
    if weight is None:
        total = np.diff(np.append(first, ordered.size)).astype(float)
    else:
        total = np.add.reduceat(weight, first) if first.size else weight
    found: list[Integers] = []
    for column in reversed(columns[1:]):
        left, code = np.divmod(left, column.values.size)
        found.append(code)
    return [left, *reversed(found)], total


def pairs(first: Floats, second: Floats) -> tuple[Floats, Floats, Integers]:
    """Return the distinct pairs of two columns and each row's position among the pairs."""
    one, two = encode(first), encode(second)
    key = one.codes * two.values.size + two.codes
    size = one.values.size * two.values.size
    if size <= _TABLE:
        seen = np.zeros(size, dtype=bool)
        seen[key] = True
        found, place = np.flatnonzero(seen), (np.cumsum(seen) - 1)[key]
    else:
        found, place = np.unique(key, return_inverse=True)
    left, right = np.divmod(found, two.values.size)
    return one.values[left], two.values[right], place


def triples(
    first: Floats, second: Floats, third: Floats
) -> tuple[Floats, Floats, Floats, Integers]:
    """Return the distinct triples of three arrays of one shape, and each row's position there."""
    one, two, place = pairs(first.ravel(), second.ravel())
    pair, three, place = pairs(place.astype(float), third.ravel())
    rows = pair.astype(np.int64)
    return one[rows], two[rows], three, place
