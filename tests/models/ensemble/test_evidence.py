"""What is kept of past origins: shares that add up, whoever answers."""

import numpy as np
import pytest

from forecast.errors import UsageError
from forecast.models.ensemble.evidence import Evidence


def test_members_that_fall_silent_leave_their_share_to_the_others() -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    kept = Evidence("", {"purchases": shares}, {"purchases": ()}, {}, 0.0, 1.0, 1.0)
    np.testing.assert_array_equal(kept.shares(["a", "b", "c"], frozenset(), "purchases"),
                                  [0.5, 0.3, 0.2])  # fmt: skip
    np.testing.assert_allclose(kept.shares(["a", "c"], frozenset(), "purchases"), [5 / 7, 2 / 7])
    with pytest.raises(UsageError, match="add up to 1"):
        Evidence("", {"purchases": {"a": 0.5}}, {}, {}, 0.0, 1.0, 1.0)
