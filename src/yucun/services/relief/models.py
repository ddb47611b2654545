"""The nouns of relief: lines of income and assets, what is known of people, what is worked out, programmes, what is due.

Each table has one thing a line, its parts between bars, so that it can be read beside the regulation.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.cases import Actor, Case
from yucun.kernel.ledger import Reserved, Transfer
from yucun.kernel.rules import Role, Variable
from yucun.kernel.rules.model import Entity

# The fourteen lines of income that count and the fourteen that do not (Zhejiang measure of 2007, and the two
# disability subsidies of 2023); the four kinds of what had to be spent; what money assets are.
COUNTED = (
    "wage", "self_employment", "contracting", "labour_fee", "farming", "interest", "rent", "asset_transfer", "support",
    "pension", "allowance", "inheritance", "windfall", "other",
)  # fmt: skip
UNCOUNTED = (
    "veteran", "award", "party_allowance", "severance", "funeral", "injury", "donation", "family_planning",
    "severe_disability", "minimum_insurance", "community_reward", "first_job", "disability_living", "disability_care",
)  # fmt: skip
RIGID = ("medical", "education", "rehabilitation", "disaster")
ASSETS = ("cash", "deposit", "security", "insurance_value", "fund", "claim")
# What is counted of money: the account that it comes from, and how much.
Said = Iterable[tuple[str, int]]
# Line of income, spending or assets | Chinese | English.
_LINES = """
wage | 工资 | wages
self_employment | 经营 | self-employment
contracting | 承包转包 | contracting and sub-letting
labour_fee | 劳务费 | labour fees
farming | 种养捕捞 | farming and fishing
interest | 利息红利 | interest and dividends
rent | 租金 | rent
asset_transfer | 财产转让 | transfer of assets
support | 赡养抚养扶养费 | support and alimony
pension | 养老金和失业金 | pensions and unemployment benefit
allowance | 定期生活补助 | fixed allowances
inheritance | 继承和赠与 | inheritance and gifts
windfall | 偶然所得 | windfalls
other | 其他计入收入 | other counted income
veteran | 优待抚恤金 | preferential treatment of veterans
award | 非工资性奖励 | awards beyond wages
party_allowance | 建国前老党员补助 | allowance of pre-1949 party members
severance | 一次性安置费 | severance
funeral | 丧葬费 | funeral and pension lump sums
injury | 工伤赔偿（生活补助除外） | injury compensation but for living
donation | 用于治病住房上学的捐赠和救助 | donations used for treatment, housing, schooling
family_planning | 计划生育奖励 | family-planning rewards
severe_disability | 重残补助 | severe-disability allowance
minimum_insurance | 最低标准社保公积金 | social insurance and housing fund at the minimum
community_reward | 社区工作奖励 | rewards for community work
first_job | 初次就业收入 | first-job income
disability_living | 困难残疾人生活补贴 | disability living subsidy
disability_care | 重度残疾人护理补贴 | disability care subsidy
medical | 医疗自负 | medical care
education | 教育 | schooling
rehabilitation | 残疾康复 | rehabilitation
disaster | 灾害事故 | disaster and accident
cash | 现金 | cash
deposit | 存款 | deposits
security | 有价证券 | securities
insurance_value | 商业保险现金价值 | cash value of insurance
fund | 基金理财 | funds
claim | 债权 | claims
"""
# Variable | whose | kind or unit | default, or the codes of which the first is the default | Chinese | English.
_GIVEN = """
work_income_month_fen | person | fen | 0 | 月就业收入 | employment income a month
works_since | person | date |  | 就业日期 | works since
birth | person | date |  | 出生日期 | date of birth
disability_kind | person | code | none visual hearing speech physical intellectual mental multiple | 残疾类别 | kind of disability
disability_grade | person | number | 0 | 残疾等级 | grade of disability
care_inability | person | code | none partial basic full | 不能自理程度 | what the person cannot do
addon_kind | person | code | none severely_disabled seriously_ill aged minor | 分类施保类别 | kind of special need
school_stage | person | code | none kindergarten primary junior senior vocational university | 就读阶段 | stage of schooling
in_institution | person | yes | false | 在机构照料 | cared for in an institution
draws_elder_care | person | yes | false | 已享养老服务补贴 | draws the elder-care subsidy
is_seriously_ill | person | yes | false | 患重病 | seriously ill
is_clergy | person | yes | false | 宗教教职人员满三年 | clergy for three years or more
can_work | person | yes | true | 有劳动能力 | able to work
has_supporter | person | yes | true | 有能供养的义务人 | has an able supporter
self_paid_in_scope_fen | person | fen | 0 | 政策范围内个人负担 | own share of the bill in scope, after insurance
medical_relief_paid_fen | person | fen | 0 | 本年已得医疗救助 | medical relief of this year so far
owns_vehicle | household | yes | false | 有机动车船 | owns a car or vessel
owns_business_space | household | yes | false | 有商铺厂房 | owns a shop, office or factory
dwellings | household | number | 1 | 住房套数 | dwellings
housing_m2 | household | m2 | 0 | 住房面积 | living area
rents | household | yes | false | 租房居住 | rents
used_kwh | household | number | 0 | 用电量（千瓦时） | electricity used, kWh
is_special_hardship | household | yes | false | 特别困难 | in special hardship
temporary_need_fen | household | fen | 0 | 临时救助所需 | what is needed at once
left_dibao_on | household | date |  | 退出低保日期 | left dibao on
last_award_fen | household | fen | 0 | 退出前月救助额 | award before leaving
"""
# The same for what formulas work out; it has no default.
_WORKED_OUT = """
counted_income_12m_fen | person | fen |  | 十二个月计入收入（不含新就业收入） | counted income of twelve months, without employment
uncounted_income_12m_fen | person | fen |  | 十二个月不计入收入 | income of twelve months that does not count
money_assets_fen | person | fen |  | 货币财产 | money assets
rigid_expense_12m_fen | person | fen |  | 十二个月刚性支出 | what had to be spent in twelve months
disregarded_income_month_fen | person | fen |  | 扣减的就业收入 | disregarded employment income
counted_work_income_month_fen | person | fen |  | 计入的就业收入 | counted employment income
own_income_12m_fen | person | fen |  | 本人十二个月收入 | own income of twelve months
income_12m_fen | household | fen |  | 家庭十二个月收入 | income of the household in twelve months
standard_12m_fen | household | fen |  | 家庭十二个月标准 | standard of the household for twelve months
dibao_assets_line_fen | household | fen |  | 低保货币财产线 | line of money assets for dibao
edge_assets_line_fen | household | fen |  | 边缘货币财产线 | line of money assets for the edge
is_within_property | household | yes |  | 车房商铺在线内 | cars, dwellings and shops within the line
is_dibao | household | yes |  | 符合低保 | meets dibao
is_within_edge_assets | household | yes |  | 财产在边缘线内 | assets within the edge line
is_edge | household | yes |  | 符合低保边缘 | meets the edge
income_after_rigid_12m_fen | household | fen |  | 扣除刚性支出后收入 | income after what had to be spent
is_expenditure | household | yes |  | 符合支出型困难 | meets the expenditure type
dibao_gap_fen | household | fen |  | 低保补差 | dibao gap
expenditure_gap_fen | household | fen |  | 支出型补差 | expenditure gap
is_single_case | person | yes |  | 符合单人保 | meets the single-person case
single_gap_each_fen | person | fen |  | 单人保补差 | single-person gap
is_tekun | person | yes |  | 符合特困 | meets tekun
tekun_living_each_fen | person | fen |  | 特困基本生活 | living of tekun
tekun_care_year_each_fen | person | fen |  | 特困照料护理（年） | care money of tekun, a year
tekun_each_fen | person | fen |  | 特困供养 | tekun support
addon_each_fen | person | fen |  | 分类施保增发 | classified add-on
disability_living_each_fen | person | fen |  | 残疾人生活补贴 | disability living subsidy
disability_care_each_fen | person | fen |  | 残疾人护理补贴 | disability care subsidy
medical_ratio_bp | person | bp |  | 医疗救助比例 | share of medical relief
medical_each_fen | person | fen |  | 医疗救助 | medical relief
education_each_fen | person | fen |  | 教育救助 | help with schooling
single_gap_fen | household | fen |  | 单人保合计 | single-person cases together
tekun_fen | household | fen |  | 特困供养合计 | tekun support together
addon_fen | household | fen |  | 分类施保合计 | add-ons together
disability_living_fen | household | fen |  | 残疾人生活补贴合计 | disability living subsidies together
disability_care_fen | household | fen |  | 残疾人护理补贴合计 | disability care subsidies together
medical_fen | household | fen |  | 医疗救助合计 | medical relief together
education_fen | household | fen |  | 教育救助合计 | help with schooling together
temporary_most_fen | household | fen |  | 临时救助上限 | ceiling of temporary relief
temporary_fen | household | fen |  | 临时救助 | temporary relief
electricity_free_kwh | household | number |  | 免费电量（千瓦时） | free electricity, kWh
electricity_fen | household | fen |  | 电费减免 | electricity reduction
electricity_billed_fen | household | fen |  | 应付电费 | electricity to be paid
water_fen | household | fen |  | 水费减免 | water reduction
gas_fen | household | fen |  | 燃气费减免 | gas reduction
television_fen | household | fen |  | 有线电视费减免 | television reduction
housing_fen | household | fen |  | 住房救助 | rent subsidy
is_price_triggered | household | yes |  | 触发价格补贴 | price subsidy is triggered
price_each_fen | household | fen |  | 每人价格补贴 | price subsidy a person
price_fen | household | fen |  | 价格补贴 | price-linked subsidy
taper_fen | household | fen |  | 渐退救助 | taper
lawful_lowest_fen | household | fen |  | 标准法定下限 | lowest lawful standard
lawful_highest_fen | household | fen |  | 标准法定上限 | highest lawful standard
"""


def _read(table: str) -> Iterator[list[str]]:
    for line in table.strip().splitlines():
        yield [part.strip() for part in line.split("|")]


def _make(name: str, entity: str, kind: str, default: str, zh: str, en: str) -> Variable:
    whose: Entity = "person" if entity == "person" else "household"
    title = Text(zh, en)
    match kind:
        case "yes":
            value = None if not default else default == "true"
            return Variable(name, whose, "boolean", "month", title, "", value)
        case "date":
            return Variable(name, whose, "date", "once", title, may_be_blank=True)
        case "code":
            codes = tuple(default.split())
            return Variable(name, whose, "code", "month", title, "", codes[0], codes)
    return Variable(name, whose, "integer", "month", title, kind, int(default) if default else None)


def _list_lines() -> Iterator[Variable]:
    titles = {name: (zh, en) for name, zh, en in _read(_LINES)}
    groups = (
        ("income_{}_12m_fen", COUNTED),
        ("uncounted_{}_12m_fen", UNCOUNTED),
        ("asset_{}_fen", ASSETS),
        ("spent_{}_12m_fen", RIGID),
    )
    for shape, names in groups:
        for name in names:
            yield _make(shape.format(name), "person", "fen", "0", *titles[name])


VARIABLES = (*_list_lines(), *(_make(*row) for table in (_GIVEN, _WORKED_OUT) for row in _read(table)))
ROLES = (
    Role("head", "heads", Text("户主", "head"), most=1),
    Role("spouse", "spouses", Text("配偶", "spouse"), most=1),
    Role("child", "children", Text("子女", "child")),
    Role("other", "others", Text("其他共同生活成员", "other")),
)


@dataclass(frozen=True, slots=True)
class Programme:
    """One kind of help.

    Parameters
    ----------
    meets : str
        Variable that says who is entitled; empty where the amount above nothing says it.
    amount : str
        Variable of the amount; empty where the programme is a status.
    paid : str
        ``monthly``, ``once`` or ``status``.
    to : str
        ``household``, or the supplier whose bill is reduced.
    needs : tuple of str
        Parameters that a county or an office sets; where one is not known, neither is the help.
    """

    name: str
    title: Text
    meets: str
    amount: str
    paid: str = "monthly"
    to: str = "household"
    needs: tuple[str, ...] = ()


# Programme | who is entitled | amount | how it is paid | to whom | local figures that it needs | Chinese | English.
_PROGRAMMES = """
dibao | is_dibao | dibao_gap_fen | monthly | household | - | 最低生活保障 | dibao
edge | is_edge | - | status | household | - | 低保边缘 | edge of dibao
expenditure | is_expenditure | expenditure_gap_fen | monthly | household | - | 支出型困难 | expenditure type
single | - | single_gap_fen | monthly | household | - | 单人保 | single-person case
tekun | - | tekun_fen | monthly | household | - | 特困供养 | tekun support
addon | - | addon_fen | monthly | household | - | 分类施保 | classified add-on
disability_living | - | disability_living_fen | monthly | household | - | 困难残疾人生活补贴 | disability living subsidy
disability_care | - | disability_care_fen | monthly | household | - | 重度残疾人护理补贴 | disability care subsidy
education | - | education_fen | monthly | household | education_month_fen | 教育救助 | help with schooling
housing | - | housing_fen | monthly | household | rent_month_fen | 住房救助 | rent subsidy
taper | - | taper_fen | monthly | household | - | 渐退 | taper
price | - | price_fen | once | household | consumer_price_rise_bp food_price_rise_bp | 价格临时补贴 | price-linked subsidy
medical | - | medical_fen | once | household | - | 医疗救助 | medical relief
temporary | - | temporary_fen | once | household | - | 临时救助 | temporary relief
electricity | - | electricity_fen | monthly | electricity | - | 电费减免 | electricity reduction
water | - | water_fen | monthly | water | water_month_fen | 水费减免 | water reduction
gas | - | gas_fen | monthly | gas | gas_month_fen | 燃气费减免 | gas reduction
television | - | television_fen | monthly | television | television_month_fen | 有线电视费减免 | television reduction
"""
PROGRAMMES = tuple(
    Programme(name, Text(zh, en), meets.strip("-"), amount.strip("-"), paid, to, tuple(needs.strip("-").split()))
    for name, meets, amount, paid, to, needs, zh, en in _read(_PROGRAMMES)
)
PROGRAMME = {one.name: one for one in PROGRAMMES}
# Help that follows from an award in force without another application.
LINKED = frozenset({"addon", "education", "housing", "electricity", "water", "gas", "television"})
MAIN = frozenset({"dibao", "tekun", "single", "expenditure"})
REASONS = "relief."
_MOST_RETURNED = 20_000


# -- money, as transfers -------------------------------------------------------------------------------------------------------


def make_due(award: str, region: str, household: str, programme: str, amount: int, month: str) -> Transfer:
    """What is due to a household for a month: held in its village's fund until it is paid."""
    to = PROGRAMME[programme].to
    target = f"relief:household:{household}" if to == "household" else f"relief:supplier:{to}"
    source = f"relief:fund:{region}"
    return Transfer(
        f"{award}:{month}", source, target, amount, "fen", REASONS + programme, period=month, action="reserve"
    )


def make_due_again(line: Reserved) -> Transfer:
    """The same amount once more, under a number of its own: nothing that was returned is lost."""
    first, _, times = line.id.partition("#")
    return Transfer(
        f"{first}#{int(times or 0) + 1}", line.source, line.destination, line.amount, "fen", line.reason, line.clause,
        line.period, "reserve",
    )  # fmt: skip


def read_returns(text: str, month: str) -> list[str]:
    """Numbers of the returned lines; each line is a number and, after a comma, the bank's reason."""
    names = [line.partition(",")[0].strip() for line in text.strip().splitlines() if line.strip()]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < _MOST_RETURNED else []
    if not names or twice:
        raise Yours(refuse("bad_returns", month, twice or "nothing", "each returned line once",
            "退回文件为空，或同一笔写了两次", "the file of returned lines is empty, or names a line twice"))  # fmt: skip
    return names


def count_months(month: str) -> int:
    """Months since the year nothing, so that two months can be subtracted."""
    return int(month[:4]) * 12 + int(month[5:7])


def made_up_in(cases: Iterable[Case]) -> frozenset[str]:
    """Villages with a made-up household among these cases: what is counted of them is no real figure."""
    return frozenset(case.region for case in cases if case.fields.get("is_made_up"))


def tally_rows(
    fact: str, measure: str, month: str, day: str, said: Said, made_up: Container[str]
) -> tuple[Mapping[str, Any], ...]:
    """Rows of the table of counts, one for each village: how much, how many lines, and whether it is made up."""
    counted: dict[str, Counted] = {}
    for source, amount in said:
        counted.setdefault(source.rpartition(":")[2], Counted()).add(amount)
    common = {"fact": fact, "day": day, "for_month": month, "measure": measure}
    return tuple(
        {
            **common,
            "region": village,
            "amount_fen": one.amount,
            "awards": one.lines,
            "evidence": "made_up" if village in made_up else "seen",
        }
        for village, one in sorted(counted.items())
    )


@dataclass(slots=True)
class Counted:
    """An amount and how many lines it is of."""

    amount: int = 0
    lines: int = 0

    def add(self, amount: int) -> None:
        """Count one line."""
        self.amount += amount
        self.lines += 1


def refuse(kind: str, where: str, found: object, expected: str, zh: str, en: str) -> Finding:
    """One finding of relief."""
    return Finding(f"relief.{kind}", where[:120], str(found)[:120], expected[:400], Text(zh, en))


def decision_row(
    award: str,
    version: int,
    kind: str,
    about: Case,
    programme: str,
    before: int,
    after: int,
    by: Actor,
    reason: str,
    day: date,
    clause: str = "",
) -> dict[str, Any]:
    """One row of the table of decisions; what is blank is left out."""
    row = {
        "award": award, "version": version, "kind": kind, "household": about.subject, "region": about.region,
        "programme": programme, "before_fen": before, "after_fen": after, "by": by.account, "reason": reason,
        "clause": clause or about.fields.get("clause", ""), "day": day.isoformat(),
        "is_made_up": bool(about.fields.get("is_made_up")) or "",
        "evidence": "made_up" if about.fields.get("is_made_up") else "seen",
    }  # fmt: skip
    return {name: value for name, value in row.items() if value != ""}


def want_check(case: Case, facts: str, today: date) -> dict[str, Any]:
    """A row that asks for a means check of what an application states."""
    row = {
        "check": f"{case.id}:{case.version + 1}", "application": case.id, "household": case.subject, "region": case.region,
        "facts": facts, "authorisation": case.fields.get("authorisation"), "wanted_on": today.isoformat(),
        "is_made_up": case.fields.get("is_made_up"),
    }  # fmt: skip
    return {key: value for key, value in row.items() if value}
