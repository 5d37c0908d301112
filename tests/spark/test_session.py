"""Without PySpark or Java the error says what to install."""

import shutil
import sys

import pytest

from forecast.errors import UnsupportedError
from forecast.spark import local_session


def test_no_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(UnsupportedError, match=r'pip install "ltv-forecast\[spark\]"'):
        local_session()


def test_no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(UnsupportedError, match=r"needs Java 17.*ltv-forecast\[spark\]"):
        local_session()
