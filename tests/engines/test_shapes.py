"""One test for each shape of expression that numbers use: the same answer on both engines, over drawn values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.engines.both import Both
from tests.engines.made import LARGEST, REGIONS, floats, positives, records, texts
from yucun.base.period import PeriodKind
from yucun.kernel.indicators import formulas
from yucun.kernel.indicators.period_words import period_text, start_of

FEW = settings(max_examples=6)
KEY = ("region", "period")
KINDS: tuple[PeriodKind, ...] = ("day", "month", "quarter", "year")
Build = Callable[[ir.Table], ir.Table]


def _sums(t: ir.Table) -> ir.Table:
    return t.group_by(KEY).aggregate(
        counted=t.count(),
        taken=t.count(where=t.is_so),
        flags=t.is_so.sum(),
        total=t.small.sum(),
        part=t.small.sum(where=t.is_so),
        wide=formulas.narrow(formulas.wide(t.amount).sum()),
        measure=t.measure.sum(),
        mean=t.measure.mean(),
        mean_where=t.measure.mean(where=t.is_so),
        mean_whole=t.small.mean(),
        low=t.amount.min(),
        high=t.measure.max(),
        kinds=t.word.nunique(),
        kinds_where=t.amount.nunique(where=t.is_so),
        first_day=t.day.min(),
        last_at=t.at.max(),
    )


def _of_all(t: ir.Table) -> ir.Table:
    return t.aggregate(
        counted=t.count(),
        taken=t.count(where=t.is_so),
        total=t.small.sum(),
        mean=t.small.mean(),
        kinds=t.word.nunique(),
    )


def _ratios(t: ir.Table) -> ir.Table:
    found = t.group_by(KEY).aggregate(top=t.small.sum(), bottom=t.small.count(), measure=t.measure.sum())
    return found.mutate(
        share=found.top.cast("float64") / found.bottom.nullif(0).cast("float64") * 100,
        per=found.measure / found.bottom,
        kept=formulas.kept(found.measure / found.bottom.nullif(0)),
    )


def _quantiles(t: ir.Table) -> ir.Table:
    return t.group_by("region").aggregate(
        p90=t.measure.quantile(0.9), p10=t.small.quantile(0.1), middle=t.measure.median(), whole=t.small.median()
    )


def _texts(t: ir.Table) -> ir.Table:
    return t.mutate(
        length=t.word.length(),
        first=t.word.substr(0, 2),
        rest=t.word.substr(1, 5),
        padded=t.word.lpad(4, "0"),
        joined=t.region + "-" + t.word,
        low=t.word.lower(),
        has=t.word.contains("州"),
        starts=t.word.startswith("湖"),
        ends=t.word.endswith("'"),
        kind=formulas.kind_of_period(t.period),
        level=formulas.level_of_region(t.region),
        end=formulas.end_of_period(t.period),
        next_year=formulas.following(t.period, "year_before"),
        next=formulas.following(t.period, "previous"),
        **{f"begins_{kind}": start_of(t.period, kind) for kind in KINDS},
        **{f"in_{kind}": period_text(t.day.cast("string").substr(0, 10), kind) for kind in KINDS},
        is_one=t.word.isin(["湖州", "a'b", "back\\slash", "${x}", "line\nbreak"]),
    )


def _days(t: ir.Table) -> ir.Table:
    return t.select(
        "_record",
        **{f"day_{grain}": formulas.grain_of(t.day, grain) for grain in ("day", "month", "quarter", "year")},
        **{f"at_{grain}": formulas.grain_of(t.at, grain) for grain in ("day", "month", "quarter", "year")},
        hour=t.at.hour(),
        date=t.at.date(),
        **{f"first_{unit}": t.day.truncate(unit) for unit in ("D", "M", "Q", "Y")},
        said=t.day.cast("string"),
        told=t.at.cast("string"),
    )


def _cases(t: ir.Table) -> ir.Table:
    return t.select(
        "_record",
        least=ibis.least(t.small, t._record, 3),
        greatest=ibis.greatest(t.small, t._record),
        word=ibis.cases((t.small > 10, "high"), (t.small.isnull(), "none"), else_=t.word),
        blank=t.is_so.ifelse(t.amount, None).cast("int64"),
        first=ibis.coalesce(t.amount, t.small, ibis.literal(0, "int64")),
        nothing=ibis.null("string"),
        zero=t.small.nullif(0),
        is_same=t.word.identical_to(t.region),
        both=t.is_so & (t.small > 0),
        either=t.is_so | (t.small > 0),
        no=~t.is_so,
        between=t.small.between(-5, 5),
        off=t.small != 0,
        at_least=t.small >= 0,
        at_most=t.measure <= 0.5,
    )


def _casts(t: ir.Table) -> ir.Table:
    return t.select(
        "_record",
        text=t.amount.cast("string"),
        flag=t.is_so.cast("string"),
        number=t.is_so.cast("int64"),
        real=t.amount.cast("float64"),
        back=t.amount.cast("string").cast("int64"),
        wide=formulas.wide(t.amount).cast("string"),
        twice=formulas.narrow(formulas.wide(t.amount) + formulas.wide(t.amount)),
        less=formulas.narrow(formulas.wide(t.amount) - formulas.wide(t.small)),
    )


def _reckoned(t: ir.Table) -> ir.Table:
    return t.select(
        "_record",
        more=t.small + t._record * 3 - 7,
        product=t.small * t._record,
        below=-t.small,
        size=t.small.abs(),
        real=t.measure * 0.5 + t.small - 1.0,
        ratio=t.measure / t.small,
        whole=t.small / t._record,
        root=t.measure.sqrt(),
        log=t.measure.ln(),
        power=(t.measure / 1e9).exp(),
        rounded=t.measure.round(3),
    )


def _windows(t: ir.Table) -> ir.Table:
    cell = ibis.window(group_by=[t[k] for k in KEY])
    upto = ibis.cumulative_window(group_by=[t.region], order_by=[t.small, t._record])
    numbered = ibis.row_number().over(ibis.window(group_by=[t.region], order_by=[t.small.desc(), t._record]))
    return t.select(
        "_record",
        total=t.small.sum().over(cell),
        highest=t.measure.max().over(cell),
        counted=t.count().over(cell),
        upto=t.small.sum().over(upto),
        place=numbered,
    )


def _nearest_rank(t: ir.Table) -> ir.Table:
    known = t.filter(t.small.notnull())
    tally = known.group_by("region", value=known.small).aggregate(n=known.count())
    return formulas.nearest_rank(tally, ["region"], 900)


SHAPES: dict[str, Build] = {
    "sums": _sums,
    "of_all": _of_all,
    "ratios": _ratios,
    "quantiles": _quantiles,
    "texts": _texts,
    "days": _days,
    "cases": _cases,
    "casts": _casts,
    "reckoned": _reckoned,
    "windows": _windows,
    "nearest_rank": _nearest_rank,
    "filters": lambda t: t.filter(t.small > 0, t.word.notnull(), t.region.isin(list(REGIONS[:2])), ~t.is_so),
    "no_filter": lambda t: t.filter(t.region.isin([])),
    "distinct": lambda t: t.select(*KEY).distinct(),
    "dropped": lambda t: t.mutate(x=t.small + 1).drop("word", "at"),
    "union": lambda t: t.select("region", n=t.small).union(t.select("region", n=t._record)),
    "sorted": lambda t: t.order_by(t.region.desc(), t.small, t._record).limit(7, offset=3),
    "literals": lambda t: t.select(
        "_record",
        most=ibis.literal(LARGEST),
        least=ibis.literal(-LARGEST - 1),
        small=ibis.literal(5e-324),
        third=ibis.literal(1 / 3) * 3,
        text=ibis.literal("'\"\\n${x}`湖州👍\n"),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_gives_the_same_answer(both: Both, shape: str) -> None:
    @FEW
    @given(records())
    def holds(table: pa.Table) -> None:
        both.assert_same(SHAPES[shape], table, is_ordered=shape == "sorted")

    holds()


PLACES = pa.schema([(n, pa.string()) for n in ("region", "above", "valid_from", "valid_to")])


def places() -> st.SearchStrategy[pa.Table]:
    """A map through time: which region lay in which, and when."""
    row = st.fixed_dictionaries(
        {
            "region": st.sampled_from(REGIONS),
            "above": st.sampled_from(REGIONS[:2]),
            "valid_from": st.sampled_from(["1900-01-01", "2021-01-01", "2021-06-30"]),
            "valid_to": st.sampled_from(["2021-06-30", "2022-01-01", "9999-12-31"]),
        }
    )
    return st.lists(row, max_size=8, unique_by=lambda r: tuple(r.values())).map(
        lambda rows: pa.Table.from_pylist(rows, schema=PLACES)
    )


def _in_a_past_map(t: ir.Table, where: ir.Table) -> ir.Table:
    ended = t.mutate(end=formulas.end_of_period(t.period))
    pairs = ended.inner_join(where, ended.region == where.region, rname="{name}_of_place")
    pairs = pairs.filter((pairs.valid_from <= pairs.end) & (pairs.end < pairs.valid_to))
    return pairs.group_by("above", "period").aggregate(total=pairs.small.sum(), n=pairs.count())


JOINS: dict[str, Callable[[ir.Table, ir.Table], ir.Table]] = {
    "validity": _in_a_past_map,
    "inner": lambda t, w: t.inner_join(w, "region", rname="{name}_w").select("_record", "above", "valid_from"),
    "left": lambda t, w: t.left_join(w, "region", rname="{name}_w").select("_record", "above", "valid_from"),
    "itself": lambda t, _: t.inner_join(t.view(), "_record", rname="{name}_two").select("_record", "small_two"),
    "semi": lambda t, w: t.semi_join(w, "region"),
    "anti": lambda t, w: t.anti_join(w, "region"),
    "complete": lambda t, w: t.semi_join(
        w.group_by("region").aggregate(n=w.count()).filter(lambda x: x.n == 1), "region"
    ),
}


@pytest.mark.parametrize("join", JOINS)
def test_a_join_gives_the_same_answer(both: Both, join: str) -> None:
    @FEW
    @given(records(), places())
    def holds(table: pa.Table, where: pa.Table) -> None:
        both.assert_same(JOINS[join], table, where)

    holds()


def test_rows_in_memory_meet_rows_of_files(both: Both) -> None:
    keys = pa.table({"region": [REGIONS[0], REGIONS[1]], "period": ["2021", "2021"]})

    @FEW
    @given(records())
    def holds(table: pa.Table) -> None:
        both.assert_same(lambda t: t.semi_join(both.duckdb.memory(keys), list(KEY)), table)

    holds()


MEMBERS = pa.schema(
    [
        *((n, pa.string()) for n in ("region", "period", "group", "member")),
        *((n, pa.float64()) for n in ("value", "weight")),
    ]
)


@pytest.mark.parametrize("name", formulas.SPREADS)
def test_a_spread_gives_the_same_answer(both: Both, name: str) -> None:
    row = st.fixed_dictionaries(
        {
            "region": st.sampled_from(REGIONS[:2]),
            "period": st.sampled_from(["2020", "2021"]),
            "group": st.sampled_from(["a", "b"]),
            "value": st.floats(1.0, 1e6),
            "weight": st.floats(1.0, 1e3) if formulas.SPREADS[name].takes_weights else st.just(1.0),
        }
    )

    @settings(max_examples=15)
    @given(st.lists(row, min_size=1, max_size=12))
    def holds(rows: list[dict[str, Any]]) -> None:
        members = pa.Table.from_pylist([{**r, "member": f"m{n}"} for n, r in enumerate(rows)], schema=MEMBERS)
        found = both.assert_same(lambda t: _not_cancelled(formulas.SPREADS[name].formula(t)), members)
        assume(found.num_rows > 0)

    holds()


def _not_cancelled(found: ir.Table) -> ir.Table:
    """Spreads near zero are differences of nearly equal floats; one is added, as no kept cell tells them apart."""
    return found.mutate(measure=found.measure + 1)


def test_division_of_any_floats_is_the_same(both: Both) -> None:
    @settings(max_examples=25)
    @given(st.lists(st.tuples(floats, floats), min_size=1, max_size=20))
    def holds(pairs: list[tuple[float, float]]) -> None:
        table = pa.table(
            {
                "n": list(range(len(pairs))),
                "top": pa.array([a for a, _ in pairs], pa.float64()),
                "bottom": pa.array([b for _, b in pairs], pa.float64()),
            }
        )
        both.assert_same(lambda t: t.select("n", ratio=t.top / t.bottom), table)

    holds()


def test_rounding_of_any_floats_is_the_same_to_the_last_bit(both: Both) -> None:
    @settings(max_examples=25)
    @given(st.lists(st.one_of(floats, positives), min_size=1, max_size=20))
    def holds(values: list[float]) -> None:
        table = pa.table({"n": list(range(len(values))), "x": pa.array(values, pa.float64())})
        one = both.duckdb.run(expression := both.table(table).select("n", kept=lambda t: formulas.kept(t.x)))
        other = both.spark.run(expression)
        # Zero is added, for Spark gives a zero without sign.
        bits = [pc.add(c.sort_by("n")["kept"], 0.0).combine_chunks().view(pa.int64()) for c in (one, other)]
        assert bits[0].equals(bits[1]), (one, other)

    holds()


def test_any_text_as_a_literal_is_itself(both: Both) -> None:
    table = pa.table({"n": [1]})

    @settings(max_examples=25)
    @given(texts)
    def holds(text: str) -> None:
        found = both.assert_same(
            lambda t: t.mutate(said=ibis.literal(text), is_in=ibis.literal(text).isin([text])), table
        )
        assert found["said"].to_pylist() == [text]

    holds()


def test_lower_case_is_the_same_for_every_character(both: Both) -> None:
    characters = [chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000 and chr(n).lower() != chr(n)]
    both.assert_same(lambda t: t.mutate(low=t.c.lower()), pa.table({"c": characters}))
