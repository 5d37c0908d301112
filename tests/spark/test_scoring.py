"""Scores of a Spark table are those of the same customers in memory, whatever its partitions."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast import spark as on_spark
from forecast.errors import BadRowsError, ColumnError, NotFittedError, UsageError
from forecast.processes import GammaGamma
from forecast.spark.scorer import _buckets
from forecast.views import customer_summary

quiet = [
    pytest.mark.spark,
    # PySpark 4.3 says of every pandas 3 that it is not fully supported; Arrow is what is used
    pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
HOSTILE = {"who": " ", "date": "select * from", "amount": "größe, 'value'", "via": "first\n--"}
OPTIONS = {
    "customer": HOSTILE["who"],
    "date": HOSTILE["date"],
    "value": HOSTILE["amount"],
    "customer_columns": [HOSTILE["via"]],
    "cutoff": "2024-06-30",
    "key": (),
}


def table(spark: Any, rows: pd.DataFrame) -> Any:
    return spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False))


def collected(scores: Any) -> pd.DataFrame:
    found: pd.DataFrame = scores.toArrow().to_pandas()
    return found.set_index("customer_id").sort_index()


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    columns = list(ours.columns)
    pd.testing.assert_frame_equal(ours, theirs[columns], rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def log(regular_log: pd.DataFrame) -> pd.DataFrame:
    return regular_log.rename(columns=HOSTILE)


@pytest.fixture(scope="module")
def local(log: pd.DataFrame) -> fc.Ledger:
    return fc.read_ledger(log, **OPTIONS)


@pytest.fixture(scope="module")
def remote(spark: Any, log: pd.DataFrame) -> fc.Ledger:
    return fc.read_ledger(table(spark, log), **OPTIONS)


class TestOnSpark:
    pytestmark = quiet

    def test_the_summary(self, local: fc.Ledger, remote: fc.Ledger) -> None:
        theirs = customer_summary(local)
        ours = collected(on_spark.summary(remote))
        assert list(ours.columns) == list(theirs.columns)
        for day in ("first_purchase", "last_purchase"):
            ours[day] = pd.to_datetime(ours[day])
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-12)

    @pytest.mark.parametrize(
        "settings",
        [
            {"purchases": "bgnbd"},
            {"purchases": "mbgnbd", "spend": "gamma_gamma_all", "season": 1},
            {"purchases": "bgcnbd", "burn_in": 100},
            {"purchases": "mbgcnbd", "spend": "gamma_gamma_all"},
            {"purchases": "pareto_nbd", "spend": "gamma_gamma_all"},
            {"purchases": "nbd"},
        ],
        ids=lambda each: str(each["purchases"]),
    )
    def test_every_process(
        self, local: fc.Ledger, remote: fc.Ledger, settings: dict[str, Any]
    ) -> None:
        theirs = fc.BTYD(**settings).fit(local)
        ours = on_spark.fit(fc.BTYD(**settings), remote)
        assert ours.parameters_ == pytest.approx(theirs.parameters_, rel=1e-9)
        assert ours.learned_on_ == theirs.learned_on_
        same(
            collected(on_spark.score(ours, remote, "26W")),
            theirs.forecast("26W", draws=0).customers,
        )

    def test_a_model_fitted_here_scores_a_later_or_earlier_night_there(
        self, local: fc.Ledger, remote: fc.Ledger
    ) -> None:
        model = fc.BTYD("mbgnbd", season=1).fit(local)
        past = "2024-03-31"
        scores = collected(on_spark.score(model, remote.cut(past), "3M"))
        same(scores, model.update(local.cut(past)).forecast("3M", draws=0).customers)
        there = on_spark.fit(fc.BTYD("mbgnbd"), remote.cut(past))
        with pytest.raises(NotFittedError):
            there.forecast("3M")
        scores = collected(on_spark.score(there, remote, "3M"))
        same(scores, there.update(local).forecast("3M", draws=0).customers)

    def test_a_share_of_the_customers(self, local: fc.Ledger, remote: fc.Ledger) -> None:
        ours = on_spark.fit(fc.BTYD("mbgcnbd", season=1), remote, share=0.5)
        some = collected(
            on_spark.summary(remote).where("pmod(xxhash64(customer_id), 1000000) < 500000")
        )
        assert 100 < len(some) < 200
        theirs = fc.BTYD("mbgcnbd", season=1).fit(local.only(some.index))
        assert ours.parameters_ == pytest.approx(theirs.parameters_, rel=1e-9)
        assert len(collected(on_spark.score(ours, remote, "4W"))) == 300

    def test_bounds(
        self, spark: Any, log: pd.DataFrame, local: fc.Ledger, remote: fc.Ledger
    ) -> None:
        model = fc.BTYD("mbgnbd", season=1).fit(local)
        ours = collected(on_spark.score(model, remote, "26W", draws=60, seed=3))
        theirs = model.forecast("26W", draws=60, seed=3).customers
        assert (ours.index == theirs.index).all()
        columns = [name for name in ours if not name.endswith("_90")]
        same(ours[columns], theirs)
        bounds = [name for name in ours if name.endswith("_90")]
        assert not ours[bounds].isna().any(axis=None)
        away = ours[bounds] - theirs[bounds]
        error = away.std() / np.sqrt(len(away))
        assert (away.mean().abs() < 4 * error + 1e-12).all()  # the same distribution ...
        assert (away.abs().max() > 0).any()  # ... and other draws
        mixed = log.sample(frac=1.0, random_state=1)
        again = fc.read_ledger(table(spark, mixed).repartition(5), **OPTIONS)
        pd.testing.assert_frame_equal(
            ours, collected(on_spark.score(model, again, "26W", draws=60, seed=3, partitions=3))
        )
        other = collected(on_spark.score(model, again, "26W", draws=60, seed=4))
        assert not other["value_hi_90"].equals(ours["value_hi_90"])

    def test_an_infinite_mean_is_null(self, local: fc.Ledger, remote: fc.Ledger) -> None:
        model = fc.BTYD("mbgnbd").fit(local)
        assert model.fitted_ is not None
        wide = replace(model.fitted_.spend_fit, process=GammaGamma(p=2.0, q=0.5, v=3.0))
        model.fitted_ = replace(
            model.fitted_, spend_fit=wide, spend=replace(model.fitted_.spend, fit=wide)
        )
        ours = collected(on_spark.score(model, remote, "4W"))
        theirs = model.update(local).forecast("4W", draws=0).customers
        assert theirs["expected_order_value"].isna().any()
        same(ours, theirs)
        assert ours["expected_value"].isna().all()

    def test_without_amounts(self, spark: Any, log: pd.DataFrame) -> None:
        names = {name: OPTIONS[name] for name in ("customer", "date", "cutoff", "key")}
        days = log[[OPTIONS["customer"], OPTIONS["date"]]]
        remote = fc.read_ledger(table(spark, days), **names)
        model = on_spark.fit(fc.BTYD(), remote)
        scores = collected(on_spark.score(model, remote, "4W", draws=10))
        theirs = fc.BTYD().fit(fc.read_ledger(days, **names)).forecast("4W", draws=0).customers
        same(scores[["p_alive", "p_active", "expected_purchases"]], theirs)
        money = ["expected_order_value", "expected_value", "value_lo_90", "value_hi_90"]
        assert scores[money].isna().all(axis=None)
        known = fc.BTYD().fit(fc.read_ledger(log, **OPTIONS))
        with pytest.raises(UsageError, match="amounts"):
            on_spark.score(known, remote, "4W")

    @pytest.mark.parametrize("kind", ["bigint", "decimal(12,0)"])
    def test_ids_of_any_kind_and_empty_partitions(
        self, spark: Any, local: fc.Ledger, kind: str
    ) -> None:
        rows = [(number % 3, f"2024-01-{1 + number:02d}", 5.0) for number in range(4)]
        given = spark.createDataFrame(rows, "customer_id bigint, date string, amount double")
        given = given.selectExpr(f"cast(customer_id as {kind}) customer_id", "date", "amount")
        remote = fc.read_ledger(given.repartition(6), key=())  # some of the 6 are empty
        scores = collected(on_spark.score(fc.BTYD().fit(local), remote, "4W", draws=10))
        assert scores.index.tolist() == [str(each) for each in range(3)]
        assert scores["purchases_hi_90"].notna().all()

    @pytest.mark.parametrize("name", ["order.date", "`date`"])
    def test_names_that_are_grammar(self, spark: Any, name: str) -> None:
        given = spark.createDataFrame([("a", "2024-01-05")], ["customer_id", name])
        with pytest.raises(ColumnError, match=rf"column '{name}'.*toDF"):
            fc.read_ledger(given, date=name, key=())

    @pytest.mark.parametrize("column", ["customer_id", "date", "amount"])
    def test_nulls(self, spark: Any, column: str) -> None:
        rows = [{"customer_id": "a", "date": "2024-01-05", "amount": "1"} for _ in range(3)]
        rows[1] |= {column: None}
        given = spark.createDataFrame(rows, "customer_id string, date string, amount string")
        with pytest.raises(BadRowsError, match=f"Column '{column}' of the Spark table: missing"):
            fc.read_ledger(given, key=())


@given(st.lists(st.integers(0, 4), max_size=30), st.lists(st.integers(0, 6), max_size=12))
def test_buckets_come_whole_out_of_any_batches(numbers: list[int], sizes: list[int]) -> None:
    bucket = np.sort(np.array(numbers, dtype=np.int32))
    rows = pa.RecordBatch.from_arrays(
        [pa.array(bucket), pa.array(np.arange(bucket.size))], ["bucket", "row"]
    )
    edges = [0, *np.minimum(np.cumsum(sizes, dtype=int), bucket.size), bucket.size]
    batches = [rows.slice(a, b - a) for a, b in pairwise(edges)]
    found = list(_buckets(pa, iter(batches)))
    assert [number for number, _ in found] == sorted(set(numbers))
    for number, whole in found:
        assert set(whole.column("bucket").to_pylist()) == {number}
    together = [row for _, whole in found for row in whole.column("row").to_pylist()]
    assert together == list(range(bucket.size))
