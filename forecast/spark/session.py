"""Spark on one machine, with the settings that this package needs; clusters bring their own."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecast.errors import UnsupportedError

__all__ = ["local_session"]

_INSTALL = 'Install it with: pip install "ltv-forecast[spark]"'
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",  # a day is a day of the session's time zone
    "spark.sql.catalogImplementation": "in-memory",
    "spark.executorEnv.OMP_NUM_THREADS": "1",
    # what is tried on one machine is small: compile quickly rather than well
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}


def local_session(cores: int = 1, memory: str = "2g") -> Any:
    """Start Spark on this machine, or return the session that runs already.

    What Java writes to the console is not shown; errors are raised.

    Parameters
    ----------
    cores : int
        Tasks at a time.
    memory : str
        Of the Java process, such as ``"2g"``; workers of Python come on top.

    Returns
    -------
    pyspark.sql.SparkSession

    Raises
    ------
    UnsupportedError
        If PySpark or Java is missing, or Spark does not start.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UnsupportedError(f"PySpark is not installed. {_INSTALL}") from None
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (home and (Path(home) / "bin" / "java").exists())):
        raise UnsupportedError(
            "Spark needs Java 17 or newer, and there is neither a java command nor a JAVA_HOME. "
            "Install a Java runtime; the extra ltv-forecast[spark] brings PySpark alone."
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else whatever python3 is found
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = _SETTINGS | {
        "spark.driver.memory": memory,
        "spark.sql.shuffle.partitions": str(2 * cores),
    }
    builder = SparkSession.builder.master(f"local[{cores}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        with _quiet():
            return builder.getOrCreate()
    except Exception as error:  # PySpark has many, and none says Java
        raise UnsupportedError(
            f"Spark did not start: {str(error).splitlines()[0]} PySpark 4 needs Java 17 or newer."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Let a process that is started meanwhile write its errors to nowhere."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
