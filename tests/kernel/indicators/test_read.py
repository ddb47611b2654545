"""Reading: the six marks, series that never mix kinds, checks, claims, and figures in the map of another day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_numbers import CITY_ONE, COUNTIES, PROVINCE, MadeNumbers, definition, make_regions, money
from yucun.base.errors import NotComparable, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.access import Grant, Purpose, Reader, Role
from yucun.kernel.indicators import MARK_TITLES, Numbers
from yucun.kernel.registry import Region, Regions, Succession

INCOME = definition(
    "income", 'kind = "total"\nof = { table = "money", field = "amount_fen", where = { side = "in" } }\nadds_up = true'
)
RATIO = definition(
    "ratio",
    'kind = "ratio"\nnumerator = { table = "money", field = "amount_fen", where = { side = "in" } }\n'
    'denominator = { table = "money", field = "amount_fen", where = { side = "out" } }',
    unit="times",
)
CHANGE = definition("change", 'kind = "change"\nof = "ratio"', unit="times")
_PERSONS = (
    'check = {{ kind = "recount" }}\ndirection = "lower"\nsmallest_cell = {{ k = 5, counts = "persons" }}\n{body}'
)
ILL = definition(
    "ill",
    _PERSONS.format(body='kind = "total"\nof = { table = "person", field = "persons", where = { state = "ill" } }'),
    unit="person",
    periods='"month"',
)
ILL_SHARE = definition(
    "ill_share",
    _PERSONS.format(
        body='kind = "ratio"\nnumerator = { table = "person", field = "persons", take = "sum", where = { state = "ill" } }\n'
        'denominator = { table = "person", field = "persons", take = "sum" }'
    ),
    unit="bp",
    periods='"month"',
)


def test_a_missing_number_is_a_mark_that_says_who_would_fill_it(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME + RATIO)
    value = made.value("ratio", CITY_ONE, "2021")
    assert value.mark is not None
    assert (value.mark.kind, value.mark.feed, value.shown, value.number) == ("not_known", "made.money", "", None)
    assert "财政局" in value.mark.reason.zh
    assert "Finance bureau" in value.mark.reason.en
    assert value.period == Period.year(2021)
    assert made.value("ratio", CITY_ONE).period is None


def test_late_when_the_feed_came_before_and_the_next_is_overdue(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, RATIO)
    made.send("money", money({(CITY_ONE, "2019", "in"): 3, (CITY_ONE, "2019", "out"): 2}))
    asked = made.value("ratio", CITY_ONE, "2020")
    assert asked.mark is not None
    assert asked.mark.kind == "late"
    assert "2021-03-31" in asked.mark.reason.zh
    newest = made.value("ratio", CITY_ONE)
    assert (newest.shown, newest.mark) == ("1.50", None)
    assert newest.late is not None
    # Asked for by its own period, the figure is right and nothing is late about it.
    assert made.value("ratio", CITY_ONE, "2019").late is None
    assert made.shown("ratio", CITY_ONE, "2015") == "not_known"
    assert made.shown("ratio", PROVINCE, "2020") == "not_known", "its feed has never come"


def test_none_when_the_feed_came_and_nothing_happened(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME)
    made.send("money", money({(CITY_ONE, "2021", "in"): 0, (COUNTIES[0], "2021", "out"): 4}))
    assert made.shown("income", CITY_ONE, "2021") == "none"
    assert made.shown("income", COUNTIES[0], "2021") == "none"
    assert made.shown("income", COUNTIES[0], "2018") == "not_known"


def test_small_cells_are_hidden_with_those_that_would_tell_them(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, ILL + ILL_SHARE)
    rows = {COUNTIES[0]: (3, 97), COUNTIES[1]: (30, 70), COUNTIES[2]: (40, 60), CITY_ONE: (73, 227)}
    lines = [f"{c},2022-03,{s},{n}" for c, pair in rows.items() for s, n in zip(("ill", "well"), pair, strict=True)]
    made.send("person", "region,period,state,persons\n" + "\n".join(lines))
    shown = {c: made.shown("ill", c, "2022-03") for c in rows}
    assert shown[COUNTIES[0]] == "hidden"
    assert "hidden" in (shown[COUNTIES[1]], shown[COUNTIES[2]]), "else the city less the others would tell it"
    assert shown[CITY_ONE] == "73"
    assert made.shown("ill_share", COUNTIES[0], "2022-03") == "hidden"
    hidden = made.value("ill", COUNTIES[0], "2022-03")
    assert (hidden.number, hidden.parts, hidden.records) == (None, {}, 0)
    chain = made.numbers.why("made.ill", RegionCode.parse(COUNTIES[0]), Period.month(2022, 3))
    assert (chain.rows, chain.parts) == ((), ()), "the way to the rows would tell it too"


def test_a_share_hides_few_left_over_as_well_as_few_counted(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, ILL_SHARE)
    made.send("person", f"region,period,state,persons\n{CITY_ONE},2022-03,ill,98\n{CITY_ONE},2022-03,well,2")
    assert made.shown("ill_share", CITY_ONE, "2022-03") == "hidden"


def test_refused_without_a_purpose_that_reads_it(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, ILL.replace("smallest_cell", 'sensitivity = "L3"\nsmallest_cell'))
    made.send("person", f"region,period,state,persons\n{CITY_ONE},2022-03,ill,98")
    assert made.shown("ill", CITY_ONE, "2022-03") == "refused"
    purpose = Purpose("made.care", Text("照护", "care"), Text("条例", "rules"), ("made.ill",))
    role = Role("doctor", Text("医生", "doctor"), "L3", frozenset({"read"}))
    reader = Reader("doctor", Text("医生", "doctor"), (Grant(1, role, (RegionCode.parse(CITY_ONE),), (purpose,)),))
    code, month = RegionCode.parse(CITY_ONE), Period.month(2022, 3)
    allowed = made.numbers.value("made.ill", code, month, question=made.numbers.ask(None, reader, "made.care"))
    assert allowed.shown == "98"
    elsewhere = made.numbers.value(
        "made.ill", RegionCode.parse(PROVINCE), month, question=made.numbers.ask(None, reader, "made.care")
    )
    assert elsewhere.mark is not None
    assert elsewhere.mark.kind == "refused"


def test_a_failed_check_is_an_error_that_names_both_numbers(tmp_path: Path) -> None:
    bound = RATIO.replace(
        'check = { kind = "recount" }', 'check = [{ kind = "recount" }, { kind = "bounds", low = 0, high = 1 }]'
    )
    other = RATIO.replace("[ratio]", "[other]").replace(
        'check = { kind = "recount" }', 'check = { kind = "identity", indicator = "income", within = 0.01 }'
    )
    made = MadeNumbers.make(tmp_path, bound + other + INCOME.replace(', where = { side = "in" }', ""))
    made.send("money", money({(CITY_ONE, "2021", "in"): 300, (CITY_ONE, "2021", "out"): 200}))
    value = made.value("ratio", CITY_ONE, "2021")
    assert value.mark is not None
    assert (value.mark.kind, value.number, value.shown) == ("error", None, "")
    assert "1.50" in value.mark.reason.zh
    assert [(c.kind, c.outcome) for c in value.checks] == [("recount", "agree"), ("bounds", "differs")]
    assert made.shown("other", CITY_ONE, "2021") == "error"


def test_all_six_marks_have_a_word_in_both_languages() -> None:
    assert set(MARK_TITLES) == {"none", "not_known", "late", "hidden", "refused", "error"}
    assert all(t.zh and t.en for t in MARK_TITLES.values())


def test_series_never_mix_kinds(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, RATIO + CHANGE)
    rows = {
        (CITY_ONE, p, s): v
        for p, v in (("2019", 5), ("2020-01..09", 4), ("2021-01..09", 4), ("2021", 6))
        for s in ("in", "out")
    }
    made.send("money", money(rows))
    code = RegionCode.parse(CITY_ONE)
    groups = made.numbers.all_series("made.ratio", code)
    assert [[v.period.text for v in g if v.period] for g in groups] == [
        ["2020-01..09", "2021-01..09"],
        ["2019", "2021"],
    ]
    like = made.numbers.series("made.ratio", code, like=Period.year(2030))
    assert [v.period.text for v in like if v.period] == ["2019", "2021"]
    assert made.shown("change", CITY_ONE, "2021-01..09") == "0.00"
    change = made.value("change", CITY_ONE, "2021")
    assert change.mark is not None
    assert "累计" in change.mark.reason.zh
    assert "2020" in change.mark.reason.en
    with pytest.raises(NotComparable) as refused:
        made.numbers.trend("made.ratio", code, Period.parse("2020-01..09"), Period.year(2021))
    assert "累计" in refused.value.findings[0].message.zh
    assert "cumulative" in refused.value.findings[0].message.en


def test_comparison_takes_the_period_that_most_regions_have(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME)
    made.send("money", money({(c, "2020", "in"): 100 for c in COUNTIES} | {(COUNTIES[0], "2021", "in"): 100}))
    values = made.numbers.compare("made.income", None, "county", RegionCode.parse(CITY_ONE))
    assert [v.period for v in values] == [Period.year(2020)] * 3
    assert [v.shown for v in values] == ["1", "1", "1"]
    late = made.numbers.compare("made.income", Period.year(2021), "county", RegionCode.parse(CITY_ONE))
    assert [v.mark.kind if v.mark else v.shown for v in late] == ["1", "none", "none"]


def test_unknown_numbers_are_said_to_be_unknown(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, INCOME)
    with pytest.raises(NotKnown):
        made.numbers.value("made.nothing", RegionCode.parse(CITY_ONE))


# -- another day's map ----------------------------------------------------------------------------------------------

CHANGED = date(2021, 1, 1)
NEW = ("990104", "990105")


def _regions_with_changes(shares: list[int]) -> Regions:
    """The first two counties merge into a new one; the third splits by made-up shares."""
    first, second, third = (RegionCode.parse(c) for c in COUNTIES)
    new, part = (RegionCode.parse(c) for c in NEW)
    old = [replace(r, valid_to=CHANGED) if r.code in (first, second) else r for r in make_regions()]
    born = [
        Region(c, Text(n, n), "county", RegionCode.parse(CITY_ONE), CHANGED) for c, n in ((new, "庚县"), (part, "辛县"))
    ]
    whole = sum(shares)
    changes = [Succession(first, new, CHANGED), Succession(second, new, CHANGED)]
    changes += [
        Succession(third, third, CHANGED, shares[0], whole, "made up"), Succession(third, part, CHANGED, shares[1], whole, "made up"),
    ]  # fmt: skip
    return Regions([*old, *born], changes)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 50), min_size=2, max_size=2), st.lists(st.integers(1, 10**9), min_size=3, max_size=3))
def test_totals_agree_in_every_map(
    tmp_path_factory: pytest.TempPathFactory, shares: list[int], amounts: list[int]
) -> None:
    regions = _regions_with_changes(shares)
    made = MadeNumbers.make(tmp_path_factory.mktemp("maps"), INCOME, regions=regions)
    made.send("money", money({(c, "2020", "in"): a for c, a in zip(COUNTIES, amounts, strict=True)}))
    numbers: Numbers = made.numbers
    then = numbers.compare(
        "made.income", Period.year(2020), "county", RegionCode.parse(CITY_ONE), in_map_of=date(2020, 12, 31)
    )
    now = numbers.compare(
        "made.income", Period.year(2020), "county", RegionCode.parse(CITY_ONE), in_map_of=date(2022, 1, 1)
    )
    assert [v.parts["numerator"] for v in then] == amounts
    assert sum(int(v.parts["numerator"]) for v in now) == sum(amounts)
    merged = next(v for v in now if v.region == RegionCode.parse(NEW[0]))
    assert merged.parts["numerator"] == amounts[0] + amounts[1]
    made.books.close()


def test_a_mean_is_not_carried_into_another_map(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, RATIO, regions=_regions_with_changes([1, 1]))
    made.send("money", money({(COUNTIES[2], "2020", s): 5 for s in ("in", "out")}))
    value = made.numbers.value(
        "made.ratio", RegionCode.parse(COUNTIES[2]), Period.year(2020), in_map_of=date(2022, 1, 1)
    )
    assert value.mark is not None
    assert value.mark.kind == "not_known"
