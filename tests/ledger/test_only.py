"""Some of the customers: their purchases alone, in a log that still begins when it did."""

from datetime import date

import numpy as np
import pandas as pd

from forecast.ledger import Ledger, read_ledger
from forecast.ledger.storage import load_ledger, save_ledger
from forecast.views import customer_summary


def test_they_keep_all_they_bought_and_what_is_known_of_them(ledger: Ledger) -> None:
    some = ledger.only(pd.Index(["b", "c"]))
    assert some.purchases()["value"].tolist() == [2.0, 16.0, 8.0]
    people = customer_summary(some)
    pd.testing.assert_frame_equal(people, customer_summary(ledger).loc[["b", "c"]])
    assert people["channel"].tolist() == ["shop", "web"]
    assert (some.first_day, some.cutoff) == (date(2024, 1, 1), ledger.cutoff)
    assert len(ledger.purchases()) == 6


def test_it_can_be_cut_and_asked_for_actuals(ledger: Ledger) -> None:
    some = ledger.only(pd.Index(["b", "c"]))
    cut = some.cut("2024-01-11")
    assert cut.purchases()["customer_id"].tolist() == ["b"]
    assert some.actuals("2024-01-11", "9D")["purchases"].to_dict() == {"b": 1}
    pd.testing.assert_frame_equal(
        cut.purchases(), ledger.cut("2024-01-11").only(pd.Index(["b"])).purchases()
    )


def test_order_strangers_and_doubles_do_not_matter(ledger: Ledger) -> None:
    one = ledger.only(pd.Index(["c", "b"])).purchases()
    other = ledger.only(pd.Index(["b", "z", "c", "b"])).purchases()
    pd.testing.assert_frame_equal(one, other)


def test_all_of_them_are_the_ledger(ledger: Ledger) -> None:
    whole = ledger.only(pd.Index(["a", "b", "c", "d"]))
    pd.testing.assert_frame_equal(whole.purchases(), ledger.purchases())
    assert whole.summary_hash() == ledger.summary_hash()


def test_numbers_as_ids() -> None:
    log = pd.DataFrame({"c": [3, 11, 3], "d": ["2024-01-01", "2024-01-05", "2024-02-01"]})
    some = read_ledger(log, customer="c", date="d").only(pd.Index([3]))
    assert some.purchases()["customer_id"].tolist() == ["3", "3"]


def test_a_ledger_on_disk(ledger: Ledger, tmp_path: object) -> None:
    save_ledger(ledger, str(tmp_path))
    some = load_ledger(str(tmp_path)).only(pd.Index(["a"]))
    np.testing.assert_array_equal(some.purchases()["value"], [1.0, 4.0])
