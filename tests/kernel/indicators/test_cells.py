"""Cells: what each kind computes, that a refresh of a part is a refresh of the whole, and answers as they were."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_numbers import CITY_ONE, CITY_TWO, COUNTIES, OPEN, PROVINCE, WORDS, MadeNumbers, definition, money
from yucun.base.identity import RegionCode
from yucun.kernel.indicators import CELL_TABLE
from yucun.kernel.indicators.refresh import refresh

INCOME = definition("income", 'kind = "total"\nof = { table = "money", field = "amount_fen", where = { side = "in" } }')
COST = definition("cost", 'kind = "value"\nof = { table = "money", field = "amount_fen", where = { side = "out" } }')
RATIO = definition(
    "ratio",
    'kind = "ratio"\nnumerator = { table = "money", field = "amount_fen", where = { side = "in" } }\n'
    'denominator = { table = "money", field = "amount_fen", where = { side = "out" } }',
    unit="times",
)
LEFT = definition(
    "left",
    'kind = "ratio"\nnumerator = [{ table = "money", field = "amount_fen", where = { side = "in" } }, '
    '{ table = "money", field = "amount_fen", where = { side = "out" }, minus = true }]\n'
    'denominator = { table = "money", field = "amount_fen", where = { side = "in" } }',
    unit="bp",
)
CHANGE = definition("change", 'kind = "change"\nof = "income"')
GROWTH = definition("growth", 'kind = "change"\nof = "income"\nrelative = true', unit="bp")
RATIO_CHANGE = definition("ratio_change", 'kind = "change"\nof = "ratio"', unit="times")
ABOVE = definition(
    "above", 'kind = "difference"\nof = "income"\nminus = { level = "province" }', levels='"city", "county"'
)
GAIN = definition("gain", 'kind = "difference"\nof = "income"\nminus = "cost_total"')
COST_TOTAL = definition(
    "cost_total", 'kind = "total"\nof = { table = "money", field = "amount_fen", where = { side = "out" } }'
)
WHOLE = definition("whole", 'kind = "sum"\nof = "income"\nover = "county"', levels='"city", "province"')
GINI = definition(
    "gini", 'kind = "spread"\nof = "income"\nover = "county"\nmeasure = "gini"', unit="index", levels='"city"'
)
WITHIN = definition(
    "within",
    'kind = "spread"\nof = [{ indicator = "income", weight = "cost_total" }, { indicator = "cost_total", weight = "income" }]\n'
    'over = "county"\nmeasure = "theil_within"\ngroups = "region"',
    unit="index",
    levels='"city"',
)
SHARE = definition("share", 'kind = "formula"\nof = ["income", "cost_total"]\nrule = "part_from_2022_05"', unit="share")
ALL = (
    INCOME
    + COST
    + RATIO
    + LEFT
    + CHANGE
    + GROWTH
    + RATIO_CHANGE
    + ABOVE
    + GAIN
    + COST_TOTAL
    + WHOLE
    + GINI
    + WITHIN
    + SHARE
)


def part_from_2022_05(income: ir.FloatingValue, cost_total: ir.FloatingValue) -> ir.Value:
    """Income over income and cost."""
    return income / (income + cost_total)


RULES: dict[str, Any] = {"part_from_2022_05": part_from_2022_05}
FULL = {
    (code, period, side): 100 * (i + 1) * (2 if side == "in" else 1) + int(period)
    for period in ("2020", "2021")
    for i, code in enumerate((PROVINCE, CITY_ONE, *COUNTIES))
    for side in ("in", "out")
}


def test_every_kind_computes_what_it_says(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, ALL, rules=RULES)
    made.send("money", money(FULL))
    one, two, three = (FULL[c, "2021", "in"] for c in COUNTIES)
    cost = FULL[CITY_ONE, "2021", "out"]
    mine, before = FULL[CITY_ONE, "2021", "in"], FULL[CITY_ONE, "2020", "in"]
    whole = made.value("whole", CITY_ONE, "2021")
    assert whole.parts == {"numerator": one + two + three, "denominator": 1}
    assert made.value("ratio", CITY_ONE, "2021").parts == {"numerator": mine, "denominator": cost}
    assert made.value("left", CITY_ONE, "2021").number == pytest.approx((mine - cost) / mine * 100)
    assert made.value("change", CITY_ONE, "2021").parts == {"numerator": mine - before, "denominator": 1}
    assert made.value("growth", CITY_ONE, "2021").parts == {"numerator": mine - before, "denominator": before}
    assert made.value("growth", CITY_ONE, "2021").number == pytest.approx((mine - before) / before * 100)
    assert made.value("above", CITY_ONE, "2021").parts["numerator"] == mine - FULL[PROVINCE, "2021", "in"]
    assert made.value("gain", CITY_ONE, "2021").parts["numerator"] == mine - cost
    assert made.value("share", CITY_ONE, "2021").number == pytest.approx(mine / (mine + cost))
    assert made.value("cost", CITY_ONE, "2021").parts["numerator"] == cost
    assert made.value("ratio_change", CITY_ONE).number == pytest.approx(
        mine / cost - before / FULL[CITY_ONE, "2020", "out"]
    )
    # A whole amount in fen is shown in yuan, rounded half up.
    assert made.shown("income", CITY_ONE, "2021") == str((mine + 50) // 100)
    assert made.shown("within", CITY_ONE, "2021") not in ("error", "not_known")


def test_records_are_counted_once_even_where_inputs_share_them(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, ALL, rules=RULES)
    made.send("money", money(FULL))
    assert made.value("income", CITY_ONE, "2021").records == 1
    assert made.value("ratio", CITY_ONE, "2021").records == 2
    assert made.value("left", CITY_ONE, "2021").records == 2
    assert made.value("gini", CITY_ONE, "2021").records == 3
    # Both members and both weights rest on the same six rows.
    assert made.value("within", CITY_ONE, "2021").records == 6
    assert made.value("change", CITY_ONE, "2021").records == 2


def test_a_sum_that_lacks_one_region_is_not_made(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + WHOLE + GINI)
    made.send("money", money({(c, "2021", "in"): 500 for c in COUNTIES[:2]}))
    value = made.value("whole", CITY_ONE, "2021")
    assert value.mark is not None
    assert value.mark.kind == "not_known"
    assert "戊县" in value.mark.reason.zh
    assert made.shown("gini", CITY_ONE, "2021") == "not_known"
    made.send("money", money({(COUNTIES[2], "2021", "in"): 500}))
    assert made.value("whole", CITY_ONE, "2021").parts["numerator"] == 1500
    assert made.value("gini", CITY_ONE, "2021").number == 0


def test_troubles_are_errors_and_never_numbers(tmp_path: Path) -> None:
    both = definition("both", 'kind = "value"\nof = { table = "money", field = "amount_fen" }')
    made = MadeNumbers.make(tmp_path, INCOME + COST + RATIO + GINI + WHOLE + both)
    rows = {(c, "2021", "in"): 0 for c in COUNTIES} | {(COUNTIES[0], "2021", "out"): 0, (COUNTIES[1], "2021", "out"): 5}
    made.send("money", money(rows))
    assert "没有发生" in made.value("income", COUNTIES[0], "2021").mark.reason.zh  # type: ignore[union-attr]
    assert made.shown("ratio", COUNTIES[0], "2021") == "error"
    assert made.shown("gini", CITY_ONE, "2021") == "error"
    assert made.shown("both", COUNTIES[0], "2021") == "error"
    assert made.shown("ratio", COUNTIES[1], "2021") == "0.00"


def test_a_number_too_large_is_an_error_for_its_cell_alone(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + WHOLE)
    big = 9_000_000_000_000_000_000
    made.send("money", money({(c, "2021", "in"): big for c in COUNTIES} | {(c, "2020", "in"): 1 for c in COUNTIES}))
    assert made.shown("whole", CITY_ONE, "2021") == "error"
    assert made.value("whole", CITY_ONE, "2020").parts["numerator"] == 3
    assert made.value("income", COUNTIES[0], "2021").parts["numerator"] == big


def test_dates_are_counted_at_the_grain_asked_for(tmp_path: Path) -> None:
    calls = definition("calls", 'kind = "count"\nof = { table = "call" }', unit="record", periods='"month"')
    wait = definition(
        "wait", 'kind = "mean"\nof = { table = "call", field = "wait_s" }', unit="second", periods='"month"'
    )
    mood = definition("mood", 'kind = "mean"\nof = { table = "call", field = "mood" }', unit="index", periods='"month"')
    made = MadeNumbers.make(tmp_path, calls + wait + mood)
    made.send(
        "call",
        "number,region,day,wait_s,mood\na,990101,2022-03-01,10,0.5\nb,990101,2022-03-31,21,0.25\nc,990101,2022-04-01,7,\n",
    )
    assert [made.shown("calls", COUNTIES[0], p) for p in ("2022-03", "2022-04")] == ["2", "1"]
    assert made.value("wait", COUNTIES[0], "2022-03").parts == {"numerator": 31, "denominator": 2}
    assert made.shown("mood", COUNTIES[0], "2022-03") == "0.3750"
    assert made.shown("mood", COUNTIES[0], "2022-04") == "not_known"
    # The feed came in April and held nothing for the other county: that is none, not unknown.
    assert made.shown("calls", COUNTIES[1], "2022-04") == "none"
    assert made.shown("calls", COUNTIES[1], "2022-02") == "not_known"


def test_a_stock_at_the_years_end_joins_the_years_flow(tmp_path: Path) -> None:
    per_head = definition(
        "per_head",
        'kind = "ratio"\nnumerator = { table = "money", field = "amount_fen", where = { side = "in" } }\n'
        'denominator = { table = "money", field = "amount_fen", where = { side = "out" }, at = "year_end" }',
        periods='"year"',
    )
    made = MadeNumbers.make(tmp_path, per_head)
    made.send(
        "money",
        money({(CITY_ONE, "2021", "in"): 1000, (CITY_ONE, "2021-12-31", "out"): 4, (CITY_ONE, "2021-06-30", "out"): 9}),
    )
    assert made.value("per_head", CITY_ONE, "2021").parts == {"numerator": 1000, "denominator": 4}


def test_evidence_is_that_of_the_weakest_row(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + WHOLE)
    made.send("money", money({(c, "2021", "in"): 5 for c in COUNTIES[:2]}))
    made.send("money", money({(COUNTIES[2], "2021", "in"): 5}, evidence="press"))
    assert made.value("income", COUNTIES[0], "2021").evidence == "seen"
    assert made.value("income", COUNTIES[2], "2021").evidence == "press"
    assert made.value("whole", CITY_ONE, "2021").evidence == "press"


def test_each_answer_is_as_it_was_then(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + WHOLE)
    made.send("money", money({(c, "2021", "in"): 100 for c in COUNTIES[:2]}))
    first = made.numbers.refresh().line
    early = made.lake.last_change(CELL_TABLE)
    made.send("money", money({(COUNTIES[2], "2021", "in"): 100}))
    complete = made.lake.last_change(CELL_TABLE)
    made.send("money", money({(COUNTIES[0], "2021", "in"): 700}), is_correction=True)
    corrected = made.lake.last_change(CELL_TABLE)
    assert first is None, "nothing had changed since the landing's own refresh"
    assert [made.shown("whole", CITY_ONE, "2021", seq) for seq in (early, complete, corrected)] == [
        "not_known",
        "3",
        "9",
    ]
    assert [
        made.value("income", COUNTIES[0], "2021", seq).parts.get("numerator") for seq in (early, complete, None)
    ] == [100, 100, 700]
    assert made.value("income", COUNTIES[0], "2021", 1).mark is not None
    assert made.value("whole", CITY_ONE, "2021").as_of == corrected


def test_a_changed_definition_is_computed_again(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME)
    made.send("money", money(FULL))
    made.books.close()
    other = MadeNumbers.make(tmp_path, INCOME.replace('side = "in"', 'side = "out"'))
    assert other.numbers.refresh().written == ("made.income",)
    assert other.value("income", CITY_ONE, "2021").parts["numerator"] == FULL[CITY_ONE, "2021", "out"]
    other.books.close()
    gone = MadeNumbers.make(tmp_path, COST)
    gone.numbers.refresh()
    assert [f.part for f in gone.lake.files(CELL_TABLE)] == ["made.cost"]


regions = st.sampled_from([PROVINCE, CITY_ONE, CITY_TWO, *COUNTIES])
keys = st.tuples(regions, st.sampled_from(["2020", "2021", "2020-01..09"]), st.sampled_from(["in", "out"]))
files = st.dictionaries(keys, st.integers(0, 10_000), min_size=1, max_size=12)
steps = st.lists(st.tuples(files, st.booleans()), min_size=1, max_size=3)


@pytest.fixture
def _always_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are computed whole; here even few are computed in part."""
    monkeypatch.setattr(import_module("yucun.kernel.indicators.refresh"), "FEW_ROWS", 0)


@pytest.mark.usefixtures("_always_partial")
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_a_partial_refresh_equals_a_whole_one(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[dict[tuple[str, str, str], int], bool]]
) -> None:
    folder = tmp_path_factory.mktemp("partial")
    made = MadeNumbers.make(folder, INCOME + COST_TOTAL + RATIO + CHANGE + WHOLE + WITHIN)
    held: dict[tuple[str, str, str], int] = {}
    for rows, as_correction in found:
        new = rows if as_correction else {k: v for k, v in rows.items() if k not in held}
        if new:
            made.send("money", money(new), is_correction=as_correction)
            held |= new
    partial = {key: made.numbers.find_cell(key, made.numbers.ask()) for key in made.numbers.all_cells()}
    again = refresh(made.lake, made.numbers.indicators, made.numbers.rules, made.regions)
    assert again.written == (), "a second refresh finds nothing to do"
    kept = {key: made.numbers.find_cell(key, made.numbers.ask()) for key in made.numbers.all_cells()}
    for (region, period, side), fen in held.items():
        name = "income" if side == "in" else "cost_total"
        key = next(
            k
            for k in kept
            if (k.indicator, str(k.region), k.period.text) == (f"made.{name}", str(RegionCode.parse(region)), period)
        )
        cell = kept[key]
        assert cell is not None
        assert cell.numerator == fen
    assert not made.numbers.prove(list(kept)).differing
    made.books.close()
    # Computed whole, in a lake of its own, from what the table holds in the end.
    fresh = MadeNumbers.make(tmp_path_factory.mktemp("whole"), INCOME + COST_TOTAL + RATIO + CHANGE + WHOLE + WITHIN)
    fresh.send("money", money(held))
    assert partial == {key: fresh.numbers.find_cell(key, fresh.numbers.ask()) for key in fresh.numbers.all_cells()}
    fresh.books.close()


def test_the_recount_finds_a_cell_that_was_tampered_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + WHOLE)
    real = made.lake.contracts["made.money"]
    assert real.get_field("amount_fen").unit == "fen"
    module = import_module("yucun.kernel.indicators.refresh")  # its name is also that of its verb
    monkeypatch.setattr(module, "recount_leaf", lambda *_: {(str(RegionCode.parse(CITY_ONE)), "2021"): Fraction(1)})
    made.send("money", money({(CITY_ONE, "2021", "in"): 900}))
    value = made.value("income", CITY_ONE, "2021")
    assert value.mark is not None
    assert value.mark.kind == "error"
    assert [c.outcome for c in value.checks] == ["differs"]


def test_words_of_a_definition_may_change_without_a_new_number(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME)
    made.send("money", money(FULL))
    made.books.close()
    other = MadeNumbers.make(tmp_path, INCOME.replace("试验用", "另一句话"))
    assert other.numbers.refresh().line is None
    assert WORDS in INCOME
    assert OPEN in INCOME
