"""One Spark for all tests; in CI a missing Java is a failure, elsewhere a reason to skip."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.spark import local_session


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    if not shutil.which("java"):
        if os.environ.get("CI") == "true":
            pytest.fail("The Spark tests need Java, and there is none here.")
        pytest.skip("no Java")
    pytest.importorskip("pyspark.sql")
    session = local_session(memory="1g")
    session.conf.set("spark.sql.shuffle.partitions", "1")
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def regular_log() -> pd.DataFrame:
    """Return purchases by MBG/CNBD-3 over two and a half years, to 2024-06-30.

    In text and cents, with days of value 0, refunds and a column of the customer.
    """
    rng = np.random.default_rng(5)
    rows = []
    for person in range(300):
        day, rate = float(rng.integers(0, 700)), rng.gamma(2.0, 0.04)
        leave, level = rng.beta(1.0, 4.0), rng.gamma(6.0, 4.0)
        while day < 911:
            cents = 0 if rng.random() < 0.03 else round(100 * level * rng.gamma(4.0, 0.25))
            rows.append((f"c{person:03d}", int(day), cents / 100, f"ch {person % 3}"))
            if rng.random() < 0.04:
                rows.append((f"c{person:03d}", int(day), -0.01, f"ch {person % 3}"))
            if rng.random() < leave:
                break
            day += max(1.0, rng.gamma(3.0, 1 / rate / 3))
    log = pd.DataFrame(rows, columns=["who", "day", "amount", "via"])
    days = np.datetime64("2022-01-01") + log.pop("day").to_numpy().astype("timedelta64[D]")
    return log.assign(date=np.datetime_as_string(days, unit="D"))
