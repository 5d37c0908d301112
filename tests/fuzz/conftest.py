"""How long the fuzzers run: ``make fuzz MINUTES=10``, or half a minute each by ``make slow``."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

BRIEF = settings(
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def for_a_while() -> Callable[..., int]:
    """Return a function that runs a property again and again, each time from another seed.

    A failure ends it with the smallest example and the seed that leads there.
    """
    minutes = float(os.environ.get("LTV_FUZZ_MINUTES", "0.4"))
    first = int(os.environ.get("LTV_FUZZ_SEED", "0"))

    def run(ask: Callable[..., None], *strategies: Any) -> int:
        until, rounds = time.monotonic() + 60 * minutes, 0
        while rounds == 0 or time.monotonic() < until:
            print(f"LTV_FUZZ_SEED={first + rounds}")  # shown by pytest if it fails
            seed(first + rounds)(BRIEF(given(*strategies)(ask)))()
            rounds += 1
        return rounds

    return run
