"""Real purchase logs that come with the project or with one of its dependencies."""

import importlib.util
from pathlib import Path

import pandas as pd

from forecast.errors import FileError

__all__ = ["load_cdnow", "load_sample"]

_SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "online_retail_ii.csv.gz"


def load_sample() -> pd.DataFrame:
    """Return two years of orders of a real online shop (Online Retail II).

    The file lies in ``data/sample/`` beside the package, in a source checkout and in the source
    distribution; a wheel does not carry it. ``data/sample/README.md`` describes it.

    Returns
    -------
    pandas.DataFrame
        One row an order: ``customer_id`` (str), ``date`` (datetime, to the minute), ``amount``
        (pounds; negative for refunds), ``order_id`` (str) and ``country`` (str), sorted by
        ``date`` and ``order_id``. 44,876 orders of 5,942 customers, 2009-12-01 to 2011-12-09.

    Raises
    ------
    FileError
        If the file is not there.

    Notes
    -----
    Chen, D. (2012). Online Retail II. UCI Machine Learning Repository, doi:10.24432/C5CG6D,
    licensed CC BY 4.0; lines summed to orders, lines without a customer left out.

    Examples
    --------
    >>> load_sample()[["customer_id", "amount", "country"]].head(2)
      customer_id  amount         country
    0       13085   505.3  United Kingdom
    1       13085   145.8  United Kingdom
    """
    if not _SAMPLE.is_file():
        raise FileError(
            f"The sample is not at {_SAMPLE}. It comes with the source, not with the wheel: "
            "install from a checkout with 'pip install -e .', or read a log of your own."
        )
    text = dict.fromkeys(("customer_id", "order_id", "country"), str)
    return pd.read_csv(_SAMPLE, dtype=text, parse_dates=["date"], keep_default_na=False)


def load_cdnow(sample: bool = False) -> pd.DataFrame:
    """Return the purchases of CDNOW's customers of early 1997, the field's reference log.

    Read from the data files inside the installed ``lifetimes`` package, which is not imported.

    Parameters
    ----------
    sample : bool
        True for the 1/10 sample of the literature (2,357 customers, 6,919 rows, numbered anew);
        False for everybody (23,570 customers, 69,659 rows).

    Returns
    -------
    pandas.DataFrame
        One row a purchase: ``customer_id`` (str), ``date`` (datetime, whole days from 1997-01-01
        to 1998-06-30), ``quantity`` (CDs) and ``amount`` (dollars), in the file's order, by
        customer and date. Some amounts are 0, and some customers bought twice on a day.

    Raises
    ------
    FileError
        If ``lifetimes`` or its file is missing.

    Examples
    --------
    >>> load_cdnow(sample=True).head(2)
      customer_id       date  quantity  amount
    0        0001 1997-01-01         2   29.33
    1        0001 1997-01-18         2   29.73
    """
    path = _lifetimes() / "datasets" / ("CDNOW_sample.txt" if sample else "CDNOW_master.txt")
    if not path.is_file():
        raise FileError(f"CDNOW is not at {path}. Install it anew: pip install lifetimes==0.11.3.")
    names = ["customer_id", "date", "quantity", "amount"]
    log = pd.read_csv(
        path,
        sep=r"\s+",
        header=None,
        skiprows=0 if sample else 1,  # only the full file has a line of names
        names=["master_id", *names] if sample else names,
        dtype={"master_id": str, "customer_id": str, "date": str},
    )
    log["date"] = pd.to_datetime(log["date"], format="%Y%m%d")
    return log[names]


def _lifetimes() -> Path:
    """Folder of the installed package; importing it would turn off warnings everywhere."""
    spec = importlib.util.find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        raise FileError(
            "CDNOW is read from the package 'lifetimes': pip install lifetimes==0.11.3."
        )
    return Path(next(iter(spec.submodule_search_locations)))
