"""Results that are a mapping of names to tables, as a report takes for ``value``."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import pandas as pd

__all__ = ["Tables"]


class Tables(Mapping[str, pd.DataFrame]):
    """A mapping of names to tables, as :func:`forecast.report` takes for ``value``."""

    @property
    @abstractmethod
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name that a report prints above them."""

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)
