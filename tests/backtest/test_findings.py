import pandas as pd

from forecast.backtest.findings import sentences

ROW = {"lo": 1.0, "hi": 1.0, "in_set": False, "verdict": "chance", "dominant_cutoff": pd.NaT,
       "dominant_share": float("nan")}  # fmt: skip


def said(rows, **settings):
    table = pd.DataFrame.from_dict(
        {"X": ROW | {"verdict": "reference", "in_set": True}}
        | {name: ROW | row for name, row in rows.items()},
        orient="index",
    ).astype({"in_set": "boolean"})
    given = {"reference": "X", "label": "RMSE", "level": 0.9, "resampled": True, "origins": 6}
    return sentences(table, **(given | settings))


def test_better_worse_and_open():
    # X's error is 1 - 1/1.042 = 4 % to 1 - 1/1.099 = 9 % below Y's
    found = said(
        {
            "Y": {"lo": 1.042, "hi": 1.099, "verdict": "worse"},
            "V": {"lo": 0.8, "hi": 0.9, "verdict": "better"},
            "Z": {"verdict": "time"},
            "U": {"verdict": "time"},
            "W": {"verdict": "chance", "in_set": True},
            "N": {"verdict": "none"},
        }
    )
    assert found == (
        "With 90 % confidence, X and W may each be the best in RMSE.",
        "X is better than Y by 4 to 9 % RMSE.",
        "V is better than X by 10 to 20 % RMSE.",
        "Too few origins to say for Z and U.",
        "No difference that chance could not make for W.",
        "Nothing to compare at a common origin for N.",
    )


def test_many_that_differ_share_a_sentence():
    worse = {"lo": 1.042, "hi": 1.099, "verdict": "worse"}
    better = {"lo": 0.8, "hi": 0.9, "verdict": "better"}
    found = said({"A": worse, "B": worse, "C": better, "D": better})
    assert found[1:] == (
        "X is better than A by 4 to 9 % and B by 4 to 9 % RMSE.",
        "C (by 10 to 20 %) and D (by 10 to 20 %) are better than X in RMSE.",
    )


def test_an_infinite_loss_is_no_lack_of_origins():
    found = said({"A": {"verdict": "infinite"}})
    assert found[-1].startswith("RMSE is infinite for A: things happened")


def test_small_differences_keep_their_digits():
    assert "by 0.1 to 0.4 % RMSE" in said({"Y": {"lo": 1.001, "hi": 1.004, "verdict": "worse"}})[1]
    assert (
        "by up to 0.40 % RMSE" in said({"Y": {"lo": 1.00001, "hi": 1.004, "verdict": "worse"}})[1]
    )
    assert "by 4.1 to 4.4 % RMSE" in said({"Y": {"lo": 1.043, "hi": 1.046, "verdict": "worse"}})[1]


def test_an_origin_that_dominates():
    row = {"lo": 1.1, "hi": 1.2, "verdict": "worse", "dominant_cutoff": pd.Timestamp("2024-02-04")}
    assert said({"Y": row | {"dominant_share": 0.71}})[2] == (
        "The origin 2024-02-04 alone makes 71 % of the difference between X and Y: read it by "
        "origin."
    )
    assert said({"Y": row | {"dominant_share": 1.4}})[2] == (
        "Without the origin 2024-02-04 the order of X and Y is reversed."
    )


def test_a_pair_may_differ_where_the_set_cannot_tell():
    found = said({"Y": {"lo": 1.05, "hi": 1.1, "verdict": "worse", "in_set": True}})
    assert found[1].endswith("RMSE as a pair, though not among all models.")


def test_few_origins():
    assert said({"Y": {}}, resampled=False, origins=1)[-1] == (
        "This holds for the time tried, 1 origin: too few that stand apart to say whether it "
        "holds at other times."
    )
