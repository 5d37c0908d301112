"""Which columns may hold amounts, where none has a usual name."""

from collections.abc import Sequence
from dataclasses import replace

import narwhals.stable.v2 as nw

from forecast.ledger.amounts import WAYS, mark_of
from forecast.ledger.columns import Columns
from forecast.ledger.sources import Source

__all__ = ["possible_amounts"]

_LOOKED_AT = 1000  # rows of text


def possible_amounts(source: Source, columns: Columns) -> list[str]:
    """Return the columns without a role that hold numbers, in the order of the source.

    Parameters
    ----------
    source : Source
        Of text, the first thousand rows are looked at.
    columns : Columns
        Which columns have a role.
    """
    schema = source.frame.collect_schema()
    free = [name for name in schema.names() if name not in columns.named]
    if source.on_spark:  # to which a point or a backtick in a name is grammar
        free = [name for name in free if not {*".`"} & {*name}]
    texts = [name for name in free if schema[name] == nw.String]
    plain = {f"text {place}": name for place, name in enumerate(texts)}
    found = [name for name in free if schema[name].is_numeric()]
    if texts:
        rows = source.frame.select(nw.col(name).alias(key) for key, name in plain.items())
        table = rows.head(_LOOKED_AT).collect("pyarrow")
        for key, name in plain.items():
            values = [text.strip() for text in table[key].to_list() if text and text.strip()]
            if _are_amounts(values):
                found.append(name)
    return [name for name in free if name in found]


def _are_amounts(texts: Sequence[str]) -> bool:
    """Return whether all texts are numbers in one of the usual ways, with a currency or not."""
    mark = mark_of(texts[0]) if texts else ""
    ways = [replace(way, mark=mark) for way in WAYS]
    return bool(texts) and any(all(way.read(each) is not None for each in texts) for way in ways)
