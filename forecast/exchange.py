"""Results on their way out: tables as Arrow and Polars, a line of text, a card in a notebook."""

from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from forecast.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from forecast.display import Card

__all__ = ["Exchange"]


class Exchange:
    """An object of several pandas tables, one of which is the main one."""

    _main: ClassVar[str]

    def to_arrow(self, table: str = "") -> Any:
        """Return one of the tables as a PyArrow table.

        Parameters
        ----------
        table : str
            ``"customers"`` (of a forecast, the default) or ``"periods"``; of a backtest
            ``"frame"`` (the default), ``"runs"``, ``"periods"``, ``"totals"``, ``"cohorts"``.

        Raises
        ------
        UnsupportedError
            If there is no such table, or a forecast of totals has no customers.
        """
        import pyarrow as pa

        name = table or self._main
        frame = getattr(self, name, None)
        if not isinstance(frame, pd.DataFrame):
            raise UnsupportedError(f"{type(self).__name__} has no table {name!r} here.")
        if frame.index.name is not None:
            frame = frame.reset_index()
        found = pa.Table.from_pandas(frame, preserve_index=False)
        return found.replace_schema_metadata(None)

    def to_polars(self, table: str = "") -> Any:
        """Return one of the tables as a Polars frame, as :meth:`to_arrow` names them.

        Raises
        ------
        UsageError
            If Polars is not installed.
        """
        try:
            import polars as pl
        except ImportError:
            raise UsageError(
                "to_polars needs Polars: pip install 'ltv-forecast[polars]'."
            ) from None
        return pl.from_arrow(self.to_arrow(table))

    def _card(self) -> "Card":
        raise UnsupportedError(f"{type(self).__name__} has no card.")

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()
