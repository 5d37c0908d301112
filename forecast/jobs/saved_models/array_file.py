"""Arrays in one Parquet file, a row an array: type, shape, bytes; numbers alone, no objects."""

from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.errors import DataError, UsageError

__all__ = ["dump_arrays", "parse_arrays"]

_DTYPES = ("<f8", "<i8", "<i4", "<i2", "|b1")


def dump_arrays(arrays: list[npt.NDArray[Any]]) -> bytes:
    """Return the bytes of a file with these arrays.

    Raises
    ------
    UsageError
        If one holds anything but numbers and truth values.

    Examples
    --------
    >>> parse_arrays(dump_arrays([np.eye(2)]))
    [array([[1., 0.],
           [0., 1.]])]
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = [np.ascontiguousarray(each, dtype=_dtype(each)) for each in arrays]
    table = pa.table({
        "dtype": [each.dtype.str for each in plain],
        "shape": pa.array([list(each.shape) for each in arrays], pa.list_(pa.int64())),
        "data": pa.array([each.tobytes() for each in plain], pa.large_binary()),
    })  # fmt: skip
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="none", use_dictionary=False)
    return bytes(out.getvalue())


def _dtype(array: npt.NDArray[Any]) -> str:
    found = array.dtype.newbyteorder("<").str
    if found not in _DTYPES:
        raise UsageError(f"save_model: arrays of {array.dtype} have no place in a model file.")
    return found


def parse_arrays(content: bytes) -> list[npt.NDArray[Any]]:
    """Return the arrays of a file.

    Raises
    ------
    DataError
        If it is damaged, or holds other types.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
        found = []
        for row in rows:
            if row["dtype"] not in _DTYPES or min(row["shape"], default=0) < 0:
                raise ValueError(f"an array of {row['dtype']}")
            flat = np.frombuffer(row["data"], dtype=row["dtype"])
            found.append(flat.reshape(row["shape"]).copy())
        return found
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise DataError(f"its arrays are damaged ({error}).") from None
