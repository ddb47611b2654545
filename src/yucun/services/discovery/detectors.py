"""From what offices hold to warnings: one expression a rule over whole tables, its date in its name; no row is looped over.

Each rule gives ``household, rule, amount, line``: what was found and the line that it is beside, whole numbers. A rule
looks at a month and at what was known by its end. Incomes are read of households alone that another fact already points to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from yucun.base.period import Period
from yucun.base.text import Text

Tables = Callable[[str], ir.Table]


@dataclass(frozen=True, slots=True)
class Law:
    """The figures in force in a month: whole numbers, and whole numbers by code."""

    numbers: Mapping[str, int]
    codes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Known:
    """What was known by the end of a month.

    Parameters
    ----------
    table : callable
        From a table's name to its rows.
    month : Period
        A month; nothing after it is looked at.
    """

    table: Tables
    month: Period
    law: Law

    @property
    def number(self) -> int:
        """The month, counted from the year 0."""
        return self.month.start.year * 12 + self.month.start.month - 1

    def word(self, back: int = 0) -> str:
        """A month before this one, as tables write it.

        Examples
        --------
        >>> Known(lambda name: None, Period.month(2022, 1), Law({}, {})).word(1)
        '2021-12'
        """
        at = self.number - back
        return f"{at // 12}-{at % 12 + 1:02d}"

    def families(self) -> ir.Table:
        """Family households: ``household, village, members, is_registered``; dormitories and homes are not looked at."""
        homes = (
            self.table("people.household")
            .filter(lambda t: t.kind == "family")
            .select("household", "village", "members")
        )
        listed = self.table("people.register").filter(lambda t: t.since <= self.word()).select("household").distinct()
        listed = listed.mutate(is_listed=ibis.literal(1, "int64")).rename(listed_home="household")
        joined = homes.left_join(listed, homes.household == listed.listed_home)
        return joined.select("household", "village", "members", is_registered=joined.is_listed.notnull())

    def members(self) -> ir.Table:
        """Who lives in which household: ``person, home``."""
        people = self.table("people.person")
        return people.select("person", home=people.household)


def _found(rows: ir.Table, rule: str, amount: ir.Value, line: ir.Value) -> ir.Table:
    """The four columns of a rule, one row a household."""
    named = rows.select("household", amount=amount.cast("int64"), line=line.cast("int64"))
    most = named.group_by("household").aggregate(
        amount=named.amount.max().cast("int64"), line=named.line.max().cast("int64")
    )
    return most.select("household", ibis.literal(rule).name("rule"), "amount", "line")


def _over_line(known: Known, rule: str, costs: ir.Table) -> ir.Table:
    """Own payments ``person, cost`` of families above the line that holds for them."""
    lines = known.law.codes[rule]
    likely = costs.filter(costs.cost > min(lines.values()))
    members = known.members()
    homes = known.families()
    placed = likely.inner_join(members, likely.person == members.person).select("cost", "home")
    joined = placed.inner_join(homes, placed.home == homes.household).select("household", "cost", "is_registered")
    lined = joined.mutate(
        line=ibis.ifelse(
            joined.is_registered, ibis.literal(lines["registered"], "int64"), ibis.literal(lines["others"], "int64")
        )
    )
    over = lined.filter(lined.cost > lined.line)
    return _found(over, rule, over.cost, over.line)


def _year_costs(known: Known) -> ir.Table:
    """Own payments of twelve months up to the month, by person."""
    bills = known.table("people.medical")
    year = bills.filter((bills.month > known.word(12)) & (bills.month <= known.word()))
    return year.group_by("person").aggregate(cost=year.own_fen.sum().cast("int64"))


def single_stay_from_2021_01(known: Known) -> ir.Table:
    """大病单次自付 | One stay in hospital whose own payment, after all insurances, is over the line of the household."""
    bills = known.table("people.medical")
    stays = bills.filter((bills.month == known.word()) & (bills.kind == "inpatient"))
    return _over_line(known, "single_stay", stays.select("person", cost=stays.own_fen))


def yearly_cost_from_2021_01(known: Known) -> ir.Table:
    """年度自付超省农村人均收入 | Own medical cost of twelve months over the province's rural income a head, or half of it."""
    return _over_line(known, "yearly_cost", _year_costs(known))


def yearly_cost_fixed_from_2021_01(known: Known) -> ir.Table:
    """年度自付定额 | Own medical cost of twelve months over a fixed line."""
    return _over_line(known, "yearly_cost_fixed", _year_costs(known))


def _month_of(day: ir.Value) -> ir.Value:
    return day.year().cast("int64") * 12 + day.month().cast("int64") - 1


def _incomes(known: Known, homes: ir.Table) -> ir.Table:
    """What offices know of some households' incomes: ``household, month_fen, year_fen``; a household without a record is absent."""
    members, income = known.members(), known.table("people.income")
    asked = homes.select(asked="household")
    chosen = members.inner_join(asked, members.home == asked.asked).select("person", "home")
    last = known.number
    begun = income.filter(_month_of(income.since) <= last)
    rows = begun.inner_join(chosen, begun.person == chosen.person).select("home", "month_fen", "since", "until")
    begin = ibis.greatest(_month_of(rows.since), ibis.literal(last - 11, "int64"))
    end = ibis.ifelse(rows.until.isnull(), last, ibis.least(_month_of(rows.until), ibis.literal(last, "int64")))
    counted = rows.mutate(
        months=ibis.greatest(end - begin + 1, ibis.literal(0, "int64")).cast("int64"),
        is_now=rows.until.isnull() | (_month_of(rows.until) >= last),
    )
    summed = counted.group_by("home").aggregate(
        month_fen=ibis.ifelse(counted.is_now, counted.month_fen, 0).sum().cast("int64"),
        year_fen=(counted.month_fen * counted.months).sum().cast("int64"),
    )
    return summed.select("month_fen", "year_fen", household=summed.home)


def _with_incomes(known: Known, rows: ir.Table) -> ir.Table:
    """Rows that hold ``household``, with what is known of its income beside; nothing known counts as nothing."""
    found = _incomes(known, rows.select("household").distinct()).rename(of="household")
    joined = rows.left_join(found, rows.household == found.of)
    names = [joined[name] for name in rows.columns]
    return joined.select(
        *names,
        month_fen=joined.month_fen.fill_null(0),
        year_fen=joined.year_fen.fill_null(0),
        has_record=joined.of.notnull(),
    )


def expenditure_from_2021_01(known: Known) -> ir.Table:
    """支出型困难 | Income of the year, less own medical cost, below the dibao standard; income itself below the province's mean."""
    costs, members, homes = _year_costs(known), known.members(), known.families()
    placed = costs.inner_join(members, costs.person == members.person).select("home", "cost")
    spent = placed.group_by("home").aggregate(cost=placed.cost.sum().cast("int64"))
    large = spent.filter(spent.cost >= known.law.numbers["expenditure_least_fen"])
    rows = large.inner_join(homes, large.home == homes.household).select("household", "members", "cost")
    rows = _with_incomes(known, rows)
    floor = rows.members * (12 * known.law.numbers["standard_fen"])
    most = rows.members * known.law.numbers["income_pc_prev_year_fen"]
    poor = rows.filter((rows.year_fen - rows.cost < floor) & (rows.year_fen < most))
    left = poor.year_fen - poor.members * (12 * known.law.numbers["standard_fen"])
    return _found(poor, "expenditure", poor.cost, ibis.greatest(left, ibis.literal(0, "int64")))


def lost_income_from_2021_01(known: Known) -> ir.Table:
    """失去工资 | A wage ended and none was found again, and what is recorded of the household is below the edge line."""
    wages, members, homes = known.table("people.income"), known.members(), known.families()
    wages = wages.filter(wages.line == "wage")
    last, back = known.number, known.law.numbers["lost_income_months"]
    over = wages.filter(wages.until.notnull())
    ended = over.filter((_month_of(over.until) < last) & (_month_of(over.until) >= last - back)).select("person")
    begun = wages.filter(_month_of(wages.since) <= last)
    going = begun.filter(begun.until.isnull() | (_month_of(begun.until) >= last)).select(who="person").distinct()
    ended = ended.distinct()
    apart = ended.left_join(going, ended.person == going.who)
    lost = apart.filter(apart.who.isnull()).select("person")
    placed = lost.inner_join(members, lost.person == members.person).select("home").distinct()
    rows = placed.inner_join(homes, placed.home == homes.household).select("household", "members")
    rows = _with_incomes(known, rows)
    # Multiplied out, so that nothing is rounded.
    edge = rows.members * (known.law.numbers["standard_fen"] * known.law.numbers["edge_factor_bp"])
    poor = rows.filter(rows.month_fen * 10_000 < edge)
    line = poor.members * (known.law.numbers["standard_fen"] * known.law.numbers["edge_factor_bp"] // 10_000)
    return _found(poor, "lost_income", poor.month_fen, line)


def new_disability_from_2021_01(known: Known) -> ir.Table:
    """新发残疾人证 | A certificate of disability issued within the last months."""
    held, members = known.table("people.disability"), known.members()
    recent = held.filter(
        (_month_of(held.issued) <= known.number)
        & (_month_of(held.issued) > known.number - known.law.numbers["new_disability_months"])
    )
    placed = (
        recent.inner_join(members, recent.person == members.person).select("grade", "home").rename(household="home")
    )
    return _among_families(known, placed, "new_disability", "grade", 4)


def power_drop_from_2021_01(known: Known) -> ir.Table:
    """用电骤降 | In two months running a household used less than a share of what it used in the same months a year before."""
    figures, power = known.law.codes["power_drop"], known.table("people.electricity")
    now, before = (known.word(0), known.word(1)), (known.word(12), known.word(13))
    rows = power.filter(power.month.isin((*now, *before)))
    each = rows.group_by("household").aggregate(
        **{
            name: ibis.ifelse(rows.month == month, rows.kwh, 0).sum().cast("int64")
            for name, month in zip(("now_0", "now_1", "then_0", "then_1"), (*now, *before), strict=True)
        },
        months=rows.count(),
    )
    share, least = figures["share_bp"], figures["least_kwh"]
    fell = each.filter(
        (each.months == 4)
        & (each.then_0 >= least)
        & (each.then_1 >= least)
        & (each.now_0 * 10_000 < each.then_0 * share)
        & (each.now_1 * 10_000 < each.then_1 * share)
    )
    fell = fell.select("household", used=fell.now_0 + fell.now_1, before=fell.then_0 + fell.then_1)
    homes = known.families().select(family="household")
    kept = fell.inner_join(homes, fell.household == homes.family)
    return _found(kept, "power_drop", kept.used, kept.before)


def death_from_2021_01(known: Known) -> ir.Table:
    """家中有人去世 | Somebody of the household died within the last months."""
    events = known.table("people.event")
    died = _recent(known, events.filter(events.kind == "death"), known.law.numbers["death_months"])
    return _among_families(known, died.select("household", one=ibis.literal(1)), "death", "one", 1)


def dropout_from_2021_01(known: Known) -> ir.Table:
    """应在学而不在学 | A child of an age at which school is a duty studies nowhere, as the school register has it."""
    people, band = known.table("people.person"), f"{known.law.numbers['dropout_band']:02d}"
    out = people.filter((people.band == band) & (people.studies == "none"))
    return _among_families(known, out.select("household", one=ibis.literal(1)), "dropout", "one", 1)


def hint_hotline_from_2021_01(known: Known) -> ir.Table:
    """热线线索 | Somebody of the household told the hotline of hardship or of medical bills."""
    return _hinted(known, "hint_hotline", ("hotline_hardship", "hotline_medical"))


def hint_grid_from_2021_01(known: Known) -> ir.Table:
    """网格员线索 | A grid worker reported the household."""
    return _hinted(known, "hint_grid", ("grid_report",))


def hint_bracelet_from_2021_01(known: Known) -> ir.Table:
    """手环线索 | A bracelet called for help."""
    return _hinted(known, "hint_bracelet", ("bracelet_sos",))


def _hinted(known: Known, rule: str, kinds: tuple[str, ...]) -> ir.Table:
    hints = known.table("people.hint")
    recent = _recent(known, hints.filter(hints.kind.isin(kinds)), known.law.numbers["hint_months"])
    counted = recent.group_by("household").aggregate(times=recent.count().cast("int64"))
    return _among_families(known, counted, rule, "times", 1)


def _recent(known: Known, rows: ir.Table, months: int) -> ir.Table:
    return rows.filter((_month_of(rows.day) <= known.number) & (_month_of(rows.day) > known.number - months))


def _among_families(known: Known, rows: ir.Table, rule: str, amount: str, line: int) -> ir.Table:
    homes = known.families().select(family="household")
    joined = rows.inner_join(homes, rows.household == homes.family)
    return _found(joined, rule, joined[amount], ibis.literal(line, "int64"))


@dataclass(frozen=True, slots=True)
class RuleOf:
    """One rule: its expression, the parameters that it rests on, what it is called, and what it found in words."""

    find: Callable[[Known], ir.Table]
    parameters: tuple[str, ...]
    title: Text
    said: Text


_COST = Text("自付 {yuan} 元，预警线 {line_yuan} 元", "own payment {yuan} yuan, line {line_yuan} yuan")
RULES: Mapping[str, RuleOf] = {
    "single_stay": RuleOf(single_stay_from_2021_01, ("single_stay",), Text("单次住院自付大额", "large bill of one stay"), _COST),
    "yearly_cost": RuleOf(
        yearly_cost_from_2021_01, ("yearly_cost",), Text("全年医疗自付超线", "yearly medical cost over the line"), _COST
    ),
    "yearly_cost_fixed": RuleOf(
        yearly_cost_fixed_from_2021_01, ("yearly_cost_fixed",), Text("全年医疗自付超定额", "yearly medical cost over a fixed line"), _COST
    ),
    "expenditure": RuleOf(
        expenditure_from_2021_01,
        ("expenditure_least_fen", "standard_fen", "income_pc_prev_year_fen"),
        Text("医疗支出后低于低保标准", "below the standard after medical cost"),
        Text("全年自付 {yuan} 元，已知收入扣除后低于标准", "{yuan} yuan paid in a year; known income less that is below the standard"),
    ),
    "lost_income": RuleOf(
        lost_income_from_2021_01,
        ("lost_income_months", "standard_fen", "edge_factor_bp"),
        Text("失去工资收入", "a wage was lost"),
        Text("工资中断未续，已知家庭月收入 {yuan} 元", "a wage ended and none followed; known monthly income {yuan} yuan"),
    ),
    "new_disability": RuleOf(
        new_disability_from_2021_01, ("new_disability_months",), Text("新发残疾人证", "new disability certificate"),
        Text("近期新发残疾人证，{amount} 级", "a certificate was issued lately, grade {amount}"),
    ),
    "power_drop": RuleOf(
        power_drop_from_2021_01, ("power_drop",), Text("用电骤降", "drop in electricity"),
        Text("两个月用电 {amount} 千瓦时，上年同期 {line}", "{amount} kWh in two months, {line} a year before"),
    ),
    "death": RuleOf(
        death_from_2021_01, ("death_months",), Text("家中有人去世", "a death in the household"),
        Text("家中近期有人去世", "somebody of the household died lately"),
    ),
    "dropout": RuleOf(
        dropout_from_2021_01, ("dropout_band",), Text("适龄儿童不在学", "a child of school age is not at school"),
        Text("学籍中查不到适龄儿童", "no school has a child of school age"),
    ),
    "hint_hotline": RuleOf(
        hint_hotline_from_2021_01, ("hint_months",), Text("热线线索", "hint of the hotline"),
        Text("热线反映 {amount} 次", "told to the hotline, {amount} time(s)"),
    ),
    "hint_grid": RuleOf(
        hint_grid_from_2021_01, ("hint_months",), Text("网格员线索", "hint of a grid worker"),
        Text("网格员报告 {amount} 次", "reported by a grid worker, {amount} time(s)"),
    ),
    "hint_bracelet": RuleOf(
        hint_bracelet_from_2021_01, ("hint_months",), Text("手环线索", "hint of a bracelet"),
        Text("手环求助 {amount} 次", "a bracelet called, {amount} time(s)"),
    ),
}  # fmt: skip
# The rule whose outcome was published elsewhere.
PUBLISHED = "yearly_cost"
INCOMES = ("unknown", "below_standard", "below_edge", "above")


def find_rule(table: Tables, month: Period, law: Law, rule: str) -> ir.Table:
    """What one rule finds in a month: ``household, rule, amount, line``, a row a household."""
    return RULES[rule].find(Known(table, month, law))


def find_context(table: Tables, month: Period, law: Law, homes: pa.Table) -> ir.Table:
    """What the order of an offer may rest on, for households that some rule warns of and for no others.

    Parameters
    ----------
    table : callable
        From a table's name to its rows.
    homes : pyarrow.Table
        ``household``, each once.

    Returns
    -------
    Table
        ``household, village, members, is_registered, month_fen, has_record, is_old_alone, has_severe_disability``.
    """
    known = Known(table, month, law)
    asked = ibis.memtable(homes.select(["household"]).rename_columns(["asked"]))
    families = known.families()
    joined = families.inner_join(asked, families.household == asked.asked)
    rows = joined.select("household", "village", "members", "is_registered")
    return _with_marks(known, _with_incomes(known, rows).drop("year_fen"))


def find_published(table: Tables, month: Period, law: Law) -> ir.Table:
    """Households over the published line in a month and not in the month before: its new warnings."""
    now = yearly_cost_from_2021_01(Known(table, month, law))
    before = yearly_cost_from_2021_01(Known(table, month.previous(), law)).select(earlier="household")
    joined = now.left_join(before, now.household == before.earlier)
    return joined.filter(joined.earlier.isnull()).select("household")


def find_standing_published(table: Tables, month: Period, law: Law) -> ir.Table:
    """Households over the published line in a month, whenever they came over it."""
    return yearly_cost_from_2021_01(Known(table, month, law)).select("household")


def _with_marks(known: Known, rows: ir.Table) -> ir.Table:
    """Whether an old person lives there alone, and whether somebody holds a certificate of grade 1 or 2."""
    people, held = known.table("people.person"), known.table("people.disability")
    old = people.filter(people.band >= "60").select(old_home="household").distinct()
    severe = held.filter((held.grade <= 2) & (_month_of(held.issued) <= known.number)).select("person").distinct()
    members = known.members()
    placed = severe.inner_join(members, severe.person == members.person).select(severe_home="home").distinct()
    joined = rows.left_join(old, rows.household == old.old_home)
    joined = joined.select(
        *[joined[n] for n in rows.columns], is_old_alone=joined.old_home.notnull() & (joined.members == 1)
    )
    last = joined.left_join(placed, joined.household == placed.severe_home)
    return last.select(*[last[n] for n in joined.columns], has_severe_disability=last.severe_home.notnull())
