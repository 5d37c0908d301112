"""The data-quality table: what was read, dropped, merged and netted, and what to know of it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.calendar import day_number, day_of
from forecast.errors import listed
from forecast.ledger.arrivals import BLOCK, arrivals
from forecast.ledger.by_customer import distinct, size
from forecast.ledger.sources import Frame

__all__ = ["Audit", "DayFacts"]

FAR_CUTOFF_GAPS = 10
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LATE = 90
_MOST_STRANGE = 100_000


@dataclass(frozen=True)
class DayFacts:
    """Counts of purchase days that later lines of the audit use."""

    purchases: int
    first: int
    last: int
    median_gap: float | None  # in days; None where all purchases are of one day


@dataclass
class Audit:
    """The table under construction; every line has a check, a count, a severity and a sentence."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def add(self, check: str, count: int, what: str, severity: str = "info") -> None:
        """Add a line."""
        self.lines.append({"check": check, "count": count, "severity": severity, "what": what})

    def warn(self, check: str, count: int, what: str) -> None:
        """Add a line that deserves a look."""
        self.add(check, count, what, "warning")

    def say(self, message: str) -> None:
        """Keep a message that ``read_ledger`` will warn its caller with."""
        self.messages.append(message)

    def table(self) -> pd.DataFrame:
        """Return the lines as a table."""
        return pd.DataFrame(self.lines, columns=["check", "count", "severity", "what"])

    def days(
        self, merged: Frame, people: Frame, scale: int, policy: str | None, cutoff: date
    ) -> DayFacts:
        """Count purchases, merged rows, refunds and zero days; say who is new and who is old."""
        yes = nw.col("purchase").cast(nw.Int64)
        marked = merged.with_columns(
            yes=yes,
            extra=(nw.col("rows") - 1) * yes,
            zero=yes * (nw.col("ticks") == 0).cast(nw.Int64),
            below=(1 - yes) * (nw.col("ticks") < 0).cast(nw.Int64),
            lost=(1 - yes) * nw.col("ticks"),
        )
        names = ("yes", "extra", "zero", "below", "lost", "returned")
        daily = marked.group_by("day").agg(*(nw.col(name).sum().cast(nw.Int64) for name in names))
        table = daily.sort("day").collect("pyarrow").to_pandas().astype("int64")
        count = {name: int(table[name].sum()) for name in names}
        customers = size(people)
        self.add("purchases", count["yes"], "Customer-days with a purchase.")
        self.add("customers", customers, "Customers with at least one purchase.")
        self.add("merged rows", count["extra"], "Rows merged into a purchase of the same day.")
        if policy is not None:
            self.add("returns", count["returned"], f"Negative rows: {policy}.")
            if count["below"]:
                what = f"Customer-days below 0, no purchase; {count['lost'] / scale:,.2f} left out."
                self.add("days below 0", count["below"], what)
            if without := size(_without(merged, people)):
                self.add("customers without a purchase", without, "They only returned; left out.")
            if count["zero"]:
                what = "Purchases of value 0: they count, but tell nothing about spend."
                self.add("zero purchases", count["zero"], what)
        active = table.loc[table["yes"] > 0, "day"].to_numpy()
        if not len(active):
            return DayFacts(0, 0, 0, None)
        late = int(table.loc[table["day"] > active[-1] - _LATE, "yes"].sum())
        if len(active) == 1 and count["yes"] > 1:
            self._one_day(day_of(int(active[0])), count["yes"])
        self._arrivals(_newcomers(people), (int(active[-1]), day_number(cutoff)), late)
        gap = float(np.median(np.diff(active))) if len(active) > 1 else None
        return DayFacts(count["yes"], int(active[0]), int(active[-1]), gap)

    def _one_day(self, day: date, purchases: int) -> None:
        """Warn that nothing can be learned of time; of 1970-01-01, that dates were spoiled."""
        what = f"All purchases are of {day}: nothing can be learned of time."
        if day_number(day) == 0:
            what = (
                f"All purchases are of {day}, as when numbers are taken for nanoseconds since "
                "then: the dates were spoiled on the way. Give them as they were written."
            )
            self.say(what)
        self.warn("one day", purchases, what)

    def _arrivals(self, new: pd.DataFrame, ends: tuple[int, int], late: int) -> None:
        """Say how many early customers may be older than the log, and how many late are new."""
        first, (last, cutoff) = int(new["first"].iloc[0]), ends
        if last - first < 120:
            return
        came = arrivals(new["first"].to_numpy(), first, cutoff, new["new"].to_numpy())
        if came.one_cohort and came.first > 2:
            what = (
                f"Customers first seen in the first {BLOCK} days; most later months bring none: "
                "the log follows one cohort."
            )
            self.add("early customers", came.first, what)
        elif came.usual and came.first > 2 * max(came.usual, 1.0):
            what = (
                f"Customers first seen in the first {BLOCK} days, against {came.usual:,.0f} in a "
                "usual month: many were acquired before the log begins (left truncation)."
            )
            self.warn("early customers", came.first, what)
        if share := int(new.loc[new["first"] > last - _LATE, "n_purchases"].sum()):
            what = (
                "Purchases of the last 90 days by customers first seen in them, "
                f"{share / late:.0%} of {late:,}: a forecast of existing customers "
                "leaves their like out."
            )
            self.add("purchases by newcomers", share, what)

    def no_amounts(self, possible: Sequence[str]) -> None:
        """Warn that no column was taken for the amount, though some hold numbers."""
        if possible:
            what = (
                f"No amount column found; numeric columns: {listed(possible)}; say value=... "
                "Purchases are counted without money, and refunds as purchases."
            )
            self.warn("no amounts", len(possible), what)
            self.say(what)

    def keys(self, names: Sequence[str], dropped: int, unlike: int, *, money: bool) -> None:
        """Say how many rows had a key seen before, and how many of them were no copies."""
        shown = ", ".join(names)
        what = f"Rows dropped: {shown} seen before."
        if unlike <= 0:
            self.add("repeated keys", dropped, what)
            return
        remedy = (
            "If each row is a line of an order, add the line's own column to key=[...], or say "
            "key=()"
        )
        one = unlike == 1
        differ = f"{'differs' if one else 'differ'} in columns that are not read"
        self.warn("repeated keys", dropped, f"{what} {unlike:,} of them {differ}. {remedy}.")
        if money:
            self.say(
                f"{unlike:,} {'row' if one else 'rows'} with a key ({shown}) seen before {differ}: "
                f"dropped, with the amounts. {remedy}; if they are copies, all is well."
            )

    def reach(self, days: DayFacts, cutoff: date, *, given: bool) -> None:
        """Say how far the cutoff lies behind the last purchase; warn if one was given too far."""
        beyond = day_number(cutoff) - days.last
        if beyond <= 0:
            return
        what = f"Days without a purchase between {day_of(days.last)} and the cutoff {cutoff}."
        self.add("days to the cutoff", beyond, what)
        if given and days.median_gap and beyond > FAR_CUTOFF_GAPS * days.median_gap:
            self.lines[-1]["severity"] = "warning"
            self.say(
                f"The cutoff {cutoff} lies {beyond} days after the last purchase, where a usual "
                f"gap is {days.median_gap:g}. If the log simply ends there, leave the cutoff out."
            )

    def look_alikes(self, merged: Frame, people: Frame) -> None:
        """Warn about customer ids that differ only in what cannot be seen."""
        if merged.collect_schema()["id"] != nw.String:
            return  # whole numbers hide nothing
        ids = nw.concat(
            [people.select(nw.col("customer_id").alias("id")), _without(merged, people)]
        )
        odd = ids.filter(nw.col("id").str.contains(r"[^!-~]|^\d+[.]0$")).sort("id")
        strange = odd.head(_MOST_STRANGE).collect("pyarrow")["id"].to_list()
        if not strange:
            return
        hidden = [each for each in strange if _CONTROL.search(each)]
        if hidden:
            shown = listed(hidden[:3], write=ascii)
            self.warn("control characters", len(hidden), f"Ids with signs no one sees: {shown}.")
            self.say(f"{len(hidden):,} customer ids hold control characters, e.g. {shown}.")
        plain = sorted({_visible(each) for each in strange})
        twins = ids.filter(nw.col("id").is_in(plain)).collect("pyarrow")
        groups: dict[str, set[str]] = {}
        for each in {*strange, *twins["id"].to_list()}:
            groups.setdefault(_visible(each), set()).add(each)
        alike = sorted(sorted(group) for group in groups.values() if len(group) > 1)
        if alike:
            shown = listed(alike[0], write=ascii)
            what = f"Ids that look alike but differ, e.g. {shown}. Kept apart."
            self.warn("look-alike ids", sum(len(group) for group in alike), what)
            count = "1 group" if len(alike) == 1 else f"{len(alike):,} groups"
            self.say(
                f"{count} of customer ids look alike but differ, e.g. {shown}. They are kept "
                "apart; if they are one customer, mend the ids."
            )


def _without(merged: Frame, people: Frame) -> Frame:
    """Return the ids of customers who only returned."""
    returned = distinct(merged.filter(~nw.col("purchase")).select("id"))
    return returned.join(people, left_on="id", right_on="customer_id", how="anti")


def _newcomers(people: Frame) -> pd.DataFrame:
    """Count by day how many customers were first seen then, and their purchases."""
    daily = people.group_by("first").agg(nw.len().alias("new"), nw.col("n_purchases").sum())
    table: pd.DataFrame = daily.sort("first").collect("pyarrow").to_pandas()
    return table.astype("int64")


def _visible(text: str) -> str:
    """Return what a person sees of an id: composed, without blanks, invisible signs or ``.0``."""
    composed = unicodedata.normalize("NFKC", text)
    seen = "".join(sign for sign in composed if unicodedata.category(sign)[0] != "C").strip()
    return seen.removesuffix(".0") if re.fullmatch(r"\d+[.]0", seen) else seen
