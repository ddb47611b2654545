"""Formulas of social relief: who is entitled to what, exact to the fen, each under its clause.

An income is kept for twelve months and compared cross-multiplied, so that no division stands before a line. What one
person gets is called ``…_each_fen``; the household's sum of it ``…_fen``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from yucun.base.period import Period
from yucun.base.quantity import Rounding
from yucun.base.quantity import divide as divide_whole
from yucun.base.text import Text
from yucun.kernel.rules import (
    Column,
    Law,
    RuleBook,
    Subject,
    any_of,
    at_least_zero,
    choose,
    divide,
    full_years,
    larger,
    smaller,
)
from yucun.services.relief.models import ASSETS, COUNTED, RIGID, ROLES, UNCOUNTED, VARIABLES

# -- income, assets, what had to be spent ---------------------------------------------------------------------------------


def counted_income_12m_fen_from_2007_05(person: Subject) -> Column:
    """浙江省城乡居民家庭收入计入项目（十四项） | Zhejiang's fourteen lines of income that count, 2007."""
    return _total(person, [f"income_{line}_12m_fen" for line in COUNTED])


def uncounted_income_12m_fen_from_2007_05(person: Subject) -> Column:
    """浙江省城乡居民家庭收入不计入项目 | Zhejiang's lines of income that do not count, 2007, and both disability subsidies."""
    return _total(person, [f"uncounted_{line}_12m_fen" for line in UNCOUNTED])


def money_assets_fen_from_2015_02(person: Subject) -> Column:
    """浙民助〔2015〕13号 | Zhejiang civil affairs notice 2015 no. 13: what money assets are."""
    return _total(person, [f"asset_{kind}_fen" for kind in ASSETS])


def rigid_expense_12m_fen_from_2014_11(person: Subject) -> Column:
    """支出型困难家庭认定 | Expenditure-type households: own share of medical care, schooling, rehabilitation and disaster."""
    return _total(person, [f"spent_{kind}_12m_fen" for kind in RIGID])


def disregarded_income_month_fen_from_2014_11(person: Subject, law: Law) -> Column:
    """浙江省社会救助条例第五十条 | Zhejiang Social Relief Regulations, art. 50: new employment income is not counted.

    For the months that the county sets, at most three times the standard a month.
    """
    month, since = person.period.start, person["works_since"]
    months = (month.year * 12 + month.month) - (since.year() * 12 + since.month())
    is_new = ~since.isnull() & (months >= 0) & (months < law["disregard_months"])
    most_fen = divide(law["standard_fen"] * law["disregard_most_bp"], 10_000, Rounding.HALF_UP)
    return choose(is_new.fill_null(False), smaller(person["work_income_month_fen"], most_fen), 0)


def counted_work_income_month_fen_from_2014_11(person: Subject) -> Column:
    """浙江省社会救助条例第五十条 | Zhejiang Social Relief Regulations, art. 50: what is counted of employment income."""
    return person["work_income_month_fen"] - person["disregarded_income_month_fen"]


def own_income_12m_fen_from_2014_11(person: Subject) -> Column:
    """浙江省社会救助条例第九条 | Zhejiang Social Relief Regulations, art. 9: the counted income of one person in twelve months."""
    return person["counted_income_12m_fen"] + person["counted_work_income_month_fen"] * 12


def income_12m_fen_from_2014_11(household: Subject) -> Column:
    """浙江省社会救助条例第九条 | Zhejiang Social Relief Regulations, art. 9: the counted income of the household in twelve months."""
    return household.sum("counted_income_12m_fen") + household.sum("counted_work_income_month_fen") * 12


def standard_12m_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """浙江省社会救助条例第十条 | Zhejiang Social Relief Regulations, art. 10: the standard of all members in twelve months."""
    return household.count() * (law["standard_fen"] * 12)


def dibao_assets_line_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """浙民助〔2015〕13号 | Zhejiang civil affairs notice 2015 no. 13: the line of money assets for dibao."""
    return household.count() * (law["standard_fen"] * law["assets_dibao_months"])


def edge_assets_line_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """浙民助〔2015〕13号 | Zhejiang civil affairs notice 2015 no. 13: the line of money assets for the edge."""
    return household.count() * (law["standard_fen"] * law["assets_edge_months"])


def is_within_property_from_2015_02(household: Subject, law: Law) -> Column:
    """浙民助〔2015〕13号 | Zhejiang civil affairs notice 2015 no. 13: no car or vessel, no shop, one dwelling or two small ones."""
    small = household["housing_m2"] * 100 < household.count() * law["housing_reference_dm2"]
    is_housed = (household["dwellings"] <= 1) | ((household["dwellings"] == 2) & small)
    return ~household["owns_vehicle"] & ~household["owns_business_space"] & is_housed


# -- dibao, the edge, the expenditure type ----------------------------------------------------------------------------------


def is_dibao_from_2014_11(household: Subject) -> Column:
    """浙江省社会救助条例第九条 | Zhejiang Social Relief Regulations, art. 9: income strictly below the standard, and the assets line."""
    return (
        (household["income_12m_fen"] < household["standard_12m_fen"])
        & (household.sum("money_assets_fen") < household["dibao_assets_line_fen"])
        & household["is_within_property"]
        & ~household.any("is_tekun")
    )


def is_within_edge_assets_from_2014_11(household: Subject) -> Column:
    """浙民助〔2015〕13号 | Zhejiang civil affairs notice 2015 no. 13: money assets a person below the line of the edge."""
    return (household.sum("money_assets_fen") < household["edge_assets_line_fen"]) & household["is_within_property"]


def is_edge_from_2014_11(household: Subject, law: Law) -> Column:
    """浙江省社会救助条例第十三条 | Zhejiang Social Relief Regulations, art. 13: up to 1.5 times the standard and the minimum wage."""
    income_fen, standard_fen = household["income_12m_fen"], household["standard_12m_fen"]
    is_above = income_fen >= standard_fen
    is_below = income_fen * 10_000 <= standard_fen * law["edge_factor_bp"]
    is_within_wage = income_fen <= household.count() * (law["minimum_wage_fen"] * 12)
    return is_above & is_below & is_within_wage & household["is_within_edge_assets"]


def is_edge__strictly_below_from_2014_11(household: Subject, law: Law) -> Column:
    """杭州市低保边缘口径 | Hangzhou's edge line: strictly below the multiple of the standard, and not above the minimum wage."""
    income_fen, standard_fen = household["income_12m_fen"], household["standard_12m_fen"]
    is_above = income_fen >= standard_fen
    is_below = income_fen * 10_000 < standard_fen * law["edge_factor_bp"]
    is_within_wage = income_fen <= household.count() * (law["minimum_wage_fen"] * 12)
    return is_above & is_below & is_within_wage & household["is_within_edge_assets"]


def income_after_rigid_12m_fen_from_2014_11(household: Subject) -> Column:
    """支出型困难家庭认定 | Expenditure-type households: income less what had to be spent, not below nothing."""
    return at_least_zero(household["income_12m_fen"] - household.sum("rigid_expense_12m_fen"))


def is_expenditure_from_2014_11(household: Subject, law: Law) -> Column:
    """支出型困难家庭认定 | Expenditure-type households: poor after what had to be spent, and not above the average before.

    Only where the household is neither dibao nor edge.
    """
    is_poor_after = household["income_after_rigid_12m_fen"] < household["standard_12m_fen"]
    is_below_average = household["income_12m_fen"] < household.count() * law["income_per_head_last_year_fen"]
    is_other = household["is_dibao"] | household["is_edge"] | household.any("is_tekun")
    return is_poor_after & is_below_average & household["is_within_edge_assets"] & ~is_other


def is_expenditure__rigid_share_from_2014_11(household: Subject, law: Law) -> Column:
    """兰州市刚性支出困难家庭口径 | Lanzhou's rule: above the edge line, not above the average, and over 80 % had to be spent."""
    income_fen, people = household["income_12m_fen"], household.count()
    is_above = income_fen * 10_000 > household["standard_12m_fen"] * law["edge_factor_bp"]
    is_below_average = income_fen < people * law["income_per_head_last_year_fen"]
    is_spent = household.sum("rigid_expense_12m_fen") * 10_000 > income_fen * law["rigid_share_bp"]
    return is_above & is_below_average & is_spent & household["is_within_edge_assets"]


def dibao_gap_fen_from_2014_11(household: Subject) -> Column:
    """浙江省社会救助条例第十二条 | Zhejiang Social Relief Regulations, art. 12: the gap to the standard is made up."""
    gap_fen = divide(household["standard_12m_fen"] - household["income_12m_fen"], 12, Rounding.HALF_UP)
    return choose(household["is_dibao"], at_least_zero(gap_fen), 0)


def expenditure_gap_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """支出型困难家庭补差 | Expenditure-type households: the gap after what had to be spent, where the county pays it."""
    if not law.is_set("pays_expenditure_gap"):
        return 0
    gap_fen = divide(household["standard_12m_fen"] - household["income_after_rigid_12m_fen"], 12, Rounding.HALF_UP)
    return choose(household["is_expenditure"], at_least_zero(gap_fen), 0)


# -- one person of a household ----------------------------------------------------------------------------------------------


def is_single_case_from_2021_06(person: Subject) -> Column:
    """民发〔2021〕57号（单人保） | Ministry notice 2021 no. 57, single-person cases: in an edge household, severely disabled or ill."""
    grade, kind = person["disability_grade"], person["disability_kind"]
    is_severe = (kind != "none") & (grade >= 1) & (grade <= 2)
    is_mental = any_of(kind == "intellectual", kind == "mental") & (grade == 3)
    is_one = any_of(is_severe, is_mental, person["is_seriously_ill"], person["is_clergy"])
    return person.household["is_edge"] & is_one


def single_gap_each_fen_from_2021_06(person: Subject, law: Law) -> Column:
    """民发〔2021〕57号（单人保） | Ministry notice 2021 no. 57: the person's own gap to the standard, not below the county's floor."""
    gap_fen = divide(law["standard_fen"] * 12 - person["own_income_12m_fen"], 12, Rounding.HALF_UP)
    floor_fen = divide(law["standard_fen"] * law["single_floor_bp"], 10_000, Rounding.HALF_UP)
    return choose(person["is_single_case"], larger(gap_fen, floor_fen), 0)


def is_tekun_from_2014_11(person: Subject, law: Law) -> Column:
    """浙江省社会救助条例第十四条 | Zhejiang Social Relief Regulations, art. 14: no ability to work, no income, no able supporter."""
    years = full_years(person["birth"], person.period.start)
    is_of_age = ((years >= law["tekun_old_age"]) | (years < law["tekun_young_age"])).fill_null(False)
    is_one = is_of_age | (person["disability_kind"] != "none")
    return ~person["can_work"] & ~person["has_supporter"] & (person["own_income_12m_fen"] <= 0) & is_one


def tekun_living_each_fen_from_2014_11(person: Subject, law: Law) -> Column:
    """浙江省社会救助条例第十六条 | Zhejiang Social Relief Regulations, art. 16: tekun living, a multiple of the standard."""
    living_fen = divide(law["standard_fen"] * law["tekun_factor_bp"], 10_000, Rounding.HALF_UP)
    return choose(person["is_tekun"], living_fen, 0)


def tekun_care_year_each_fen_from_2014_11(person: Subject, law: Law) -> Column:
    """特困人员照料护理标准 | Care money of tekun: a part of the yearly minimum wage by what the person cannot do."""
    divisor = law.by("tekun_care_divisor", person["care_inability"])
    year_fen = divide(law["minimum_wage_fen"] * 12, divisor, Rounding.HALF_UP)
    return choose(person["is_tekun"] & (person["care_inability"] != "none"), year_fen, 0)


def tekun_each_fen_from_2014_11(person: Subject) -> Column:
    """浙江省社会救助条例第十六条 | Zhejiang Social Relief Regulations, art. 16: living and care money of tekun, a month."""
    return person["tekun_living_each_fen"] + divide(person["tekun_care_year_each_fen"], 12, Rounding.HALF_UP)


def addon_each_fen_from_2014_11(person: Subject, law: Law) -> Column:
    """分类施保 | Classified add-ons: a share of the standard for members in special need of dibao households."""
    share_bp = law.by("addon_bp", person["addon_kind"])
    addon_fen = divide(share_bp * law["standard_fen"], 10_000, Rounding.HALF_UP)
    return choose(person.household["is_dibao"], addon_fen, 0)


def disability_living_each_fen_from_2016_01(person: Subject, law: Law) -> Column:
    """浙江省困难残疾人生活补贴 | Zhejiang's living subsidy for disabled people in hardship: 30 % of the standard."""
    years = full_years(person["birth"], person.period.start)
    works_age = ((years >= 16) & (years < law["tekun_old_age"])).fill_null(False)
    line_bp, home = law["disability_line_bp"], person.household
    is_poor_home = home["income_12m_fen"] * 10_000 <= home["standard_12m_fen"] * line_bp
    is_poor_self = person["own_income_12m_fen"] * 10_000 <= law["standard_fen"] * 12 * line_bp
    subsidy_fen = divide(law["standard_fen"] * law["disability_living_bp"], 10_000, Rounding.HALF_UP)
    is_met = (person["disability_kind"] != "none") & (is_poor_home | (works_age & is_poor_self))
    return choose(is_met, subsidy_fen, 0)


def disability_care_each_fen_from_2016_01(person: Subject, law: Law) -> Column:
    """浙江省重度残疾人护理补贴 | Zhejiang's care subsidy for severely disabled people: by inability, half more in institutions."""
    base_fen = law.by("disability_care_fen", person["care_inability"])
    rate_bp = choose(person["in_institution"], law["institution_factor_bp"], 10_000)
    care_fen = divide(base_fen * rate_bp, 10_000, Rounding.HALF_UP)
    return choose((person["disability_kind"] != "none") & ~person["draws_elder_care"], care_fen, 0)


def medical_ratio_bp_from_2014_11(person: Subject, law: Law) -> Column:
    """浙江省医疗救助办法（2014） | Zhejiang medical relief, 2014: the share by class of hardship."""
    home = person.household
    poorer = choose(home["is_expenditure"], law["medical_other_bp"], 0)
    edge = choose(home["is_edge"], law["medical_edge_bp"], poorer)
    dibao = choose(home["is_dibao"], law["medical_dibao_bp"], edge)
    return choose(person["is_tekun"], law["medical_tekun_bp"], dibao)


def medical_each_fen_from_2014_11(person: Subject, law: Law) -> Column:
    """浙江省医疗救助办法（2014） | Zhejiang medical relief, 2014: after insurance, the class's share, within the year's ceiling."""
    share_fen = divide(person["self_paid_in_scope_fen"] * person["medical_ratio_bp"], 10_000, Rounding.HALF_UP)
    left_fen = at_least_zero(law["medical_ceiling_fen"] - person["medical_relief_paid_fen"])
    return smaller(share_fen, left_fen)


def education_each_fen_from_2014_11(person: Subject, law: Law) -> Column:
    """浙江省社会救助条例第二十六条 | Zhejiang Social Relief Regulations, art. 26: help with schooling by stage, for dibao and tekun."""
    help_fen = law.by("education_month_fen", person["school_stage"])
    return choose(person.household["is_dibao"] | person["is_tekun"], help_fen, 0)


# -- sums over the household, and what only a household has ------------------------------------------------------------------


def single_gap_fen_from_2021_06(household: Subject) -> Column:
    """民发〔2021〕57号（单人保） | Ministry notice 2021 no. 57: single-person cases of the household together."""
    return household.sum("single_gap_each_fen")


def tekun_fen_from_2014_11(household: Subject) -> Column:
    """浙江省社会救助条例第十六条 | Zhejiang Social Relief Regulations, art. 16: tekun persons of the household together."""
    return household.sum("tekun_each_fen")


def addon_fen_from_2014_11(household: Subject) -> Column:
    """分类施保 | Classified add-ons of the household together."""
    return household.sum("addon_each_fen")


def disability_living_fen_from_2016_01(household: Subject) -> Column:
    """浙江省困难残疾人生活补贴 | Zhejiang's living subsidy for disabled people, the household together."""
    return household.sum("disability_living_each_fen")


def disability_care_fen_from_2016_01(household: Subject) -> Column:
    """浙江省重度残疾人护理补贴 | Zhejiang's care subsidy for severely disabled people, the household together."""
    return household.sum("disability_care_each_fen")


def medical_fen_from_2014_11(household: Subject) -> Column:
    """浙江省医疗救助办法（2014） | Zhejiang medical relief, 2014, the household together."""
    return household.sum("medical_each_fen")


def education_fen_from_2014_11(household: Subject) -> Column:
    """浙江省社会救助条例第二十六条 | Zhejiang Social Relief Regulations, art. 26: help with schooling, the household together."""
    return household.sum("education_each_fen")


def temporary_most_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """浙江省社会救助条例第三十九条 | Zhejiang Social Relief Regulations, art. 39: up to 6 standards a person, 12 in special hardship."""
    months = choose(household["is_special_hardship"], law["temporary_special_months"], law["temporary_months"])
    return household.count() * (months * law["standard_fen"])


def temporary_fen_from_2014_11(household: Subject) -> Column:
    """浙江省社会救助条例第三十九条 | Zhejiang Social Relief Regulations, art. 39: what is needed, within the ceiling, once."""
    return smaller(household["temporary_need_fen"], household["temporary_most_fen"])


def electricity_free_kwh_from_2012_07(household: Subject, law: Law) -> Column:
    """浙江省居民阶梯电价免费电量（2012） | Zhejiang's free electricity, 2012: what is used, up to 15 kWh; nothing is carried over."""
    free = smaller(household["used_kwh"], law["electricity_free_kwh"])
    return choose(household["is_dibao"] | household.any("is_tekun"), free, 0)


def electricity_fen_from_2012_07(household: Subject, law: Law) -> Column:
    """浙江省居民阶梯电价免费电量（2012） | Zhejiang's free electricity, 2012: what the free kilowatt-hours are worth."""
    return divide(household["electricity_free_kwh"] * law["electricity_1000_kwh_fen"], 1000, Rounding.HALF_UP)


def electricity_billed_fen_from_2012_07(household: Subject, law: Law) -> Column:
    """浙江省居民阶梯电价免费电量（2012） | Zhejiang's free electricity, 2012: what remains on the bill."""
    billed = household["used_kwh"] - household["electricity_free_kwh"]
    return divide(billed * law["electricity_1000_kwh_fen"], 1000, Rounding.HALF_UP)


def water_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """水费减免（由县规定） | Reduction of the water bill, as the county sets it."""
    return _for_dibao(household, law["water_month_fen"])


def gas_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """燃气费减免（由县规定） | Reduction of the gas bill, as the county sets it."""
    return _for_dibao(household, law["gas_month_fen"])


def television_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """有线电视费减免（由县规定） | Reduction of the cable television fee, as the county sets it."""
    return _for_dibao(household, law["television_month_fen"])


def housing_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """浙江省社会救助条例第二十九条 | Zhejiang Social Relief Regulations, art. 29: rent subsidy of dibao households that rent."""
    return choose(household["rents"], _for_dibao(household, law["rent_month_fen"]), 0)


def is_price_triggered_from_2016_01(_household: Subject, law: Law) -> Column:
    """发改价格〔2021〕1553号 | NDRC 2021 no. 1553: consumer prices or food prices rose by the threshold or more."""
    rose = law["consumer_price_rise_bp"] >= law["price_trigger_bp"]
    return rose or law["food_price_rise_bp"] >= law["food_trigger_bp"]


def price_each_fen_from_2016_01(_household: Subject, law: Law) -> Column:
    """价格临时补贴（按涨幅） | Price-linked subsidy by growth: the standard times the rise, not below the floor."""
    rise_fen = divide_whole(law["standard_fen"] * law["consumer_price_rise_bp"], 10_000, Rounding.HALF_UP)
    return max(rise_fen, law["price_floor_fen"])


def price_each_fen__banded_from_2016_01(_household: Subject, law: Law) -> Column:
    """江苏省价格临时补贴（分档） | Jiangsu's price-linked subsidy in bands: a twelfth or an eighth of the standard."""
    is_high = law["consumer_price_rise_bp"] >= law["price_band_bp"]
    divisor = law["price_high_divisor"] if is_high else law["price_low_divisor"]
    return divide_whole(law["standard_fen"], divisor, Rounding.HALF_UP)


def price_fen_from_2016_01(household: Subject, law: Law) -> Column:
    """发改价格〔2021〕1553号 | NDRC 2021 no. 1553: every member of a dibao household, of an edge one where it is widened."""
    is_met = household["is_dibao"] | household.any("is_tekun")
    if law.is_set("price_includes_edge"):
        is_met = is_met | household["is_edge"]
    return choose(is_met & household["is_price_triggered"], household.count() * household["price_each_fen"], 0)


def taper_fen_from_2014_11(household: Subject, law: Law) -> Column:
    """渐退期 | Taper: part of the last award for some months after a household has left dibao."""
    month, left = household.period.start, household["left_dibao_on"]
    months = (month.year * 12 + month.month) - (left.year() * 12 + left.month())
    is_met = (~left.isnull() & (months > 0) & (months <= law["taper_months"])).fill_null(False)
    part_fen = divide(household["last_award_fen"] * law["taper_bp"], 10_000, Rounding.HALF_UP)
    return choose(is_met & ~household["is_dibao"], part_fen, 0)


def lawful_lowest_fen_from_2014_11(_household: Subject, law: Law) -> Column:
    """浙江省社会救助条例第十条 | Zhejiang Social Relief Regulations, art. 10: the urban standard is at least 40 % of the minimum wage."""
    return divide_whole(law["minimum_wage_fen"] * law["standard_least_bp"], 10_000, Rounding.HALF_UP)


def lawful_highest_fen_from_2014_11(_household: Subject, law: Law) -> Column:
    """浙江省社会救助条例第十条 | Zhejiang Social Relief Regulations, art. 10: the urban standard is at most 50 % of the minimum wage."""
    return divide_whole(law["minimum_wage_fen"] * law["standard_most_bp"], 10_000, Rounding.HALF_UP)


def _total(subject: Subject, names: list[str]) -> Column:
    total = subject[names[0]]
    for name in names[1:]:
        total = total + subject[name]
    return total


def _for_dibao(household: Subject, amount_fen: int) -> Column:
    return choose(household["is_dibao"] | household.any("is_tekun"), amount_fen, 0)


# -- what is no column: months, shares, who belongs to a household -------------------------------------------------------------


def first_paid_month_from_2014_11(approved: date) -> Period:
    """浙江省社会救助条例第五十六条 | Zhejiang Social Relief Regulations, art. 56: paid from the month after approval.

    Examples
    --------
    >>> first_paid_month_from_2014_11(date(2022, 3, 29)).text
    '2022-04'
    """
    return Period.month(approved.year + approved.month // 12, approved.month % 12 + 1)


def share_bp_from_2014_11(part: int, whole: int) -> int:
    """比例（万分之一，四舍五入） | A share in hundredths of a per cent, halves up.

    Examples
    --------
    >>> share_bp_from_2014_11(91, 4881), share_bp_from_2014_11(810 - 738, 738)
    (186, 976)
    """
    return divide_whole(part * 10_000, whole, Rounding.HALF_UP)


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether somebody of a household register belongs to the household that is assessed, and why."""

    person: str
    is_member: bool
    reason: Text


def compose_household_from_2021_06(people: list[dict[str, Any]]) -> list[Membership]:
    """民发〔2021〕57号第七、八条 | Ministry notice 2021 no. 57, arts. 7 and 8: who lives together by duty of support.

    Parameters
    ----------
    people : list of dict
        ``person``, ``relation`` (head, spouse, child, parent, sibling, other), ``years``, ``has_support_duty``,
        ``lives_with``, ``can_live_alone``, ``studies_full_time``, ``clergy_years``, ``in_prison``.

    Returns
    -------
    list of Membership
        One for each; who is no member is split off and assessed apart, and nobody is left out.
    """
    return [_belongs(one) for one in people]


def _belongs(one: dict[str, Any]) -> Membership:
    relation, years = one["relation"], one.get("years", 99)
    name = str(one["person"])
    if one.get("clergy_years", 0) >= 3:
        return Membership(name, False, Text("在宗教场所满三年", "three years or more in a place of worship"))
    if one.get("in_prison"):
        return Membership(name, False, Text("在监狱服刑", "in prison"))
    if relation == "head":
        return Membership(name, True, Text("申请人", "who applies"))
    if relation == "spouse":
        return Membership(name, True, Text("配偶", "spouse"))
    if relation == "child" and years < 18:
        return Membership(name, True, Text("未成年子女", "child under 18"))
    if relation == "child" and (one.get("studies_full_time") or not one.get("can_live_alone", True)):
        return Membership(name, True, Text("不能独立生活的成年子女", "adult child who cannot live alone, or studies"))
    if one.get("has_support_duty") and one.get("lives_with"):
        return Membership(
            name, True, Text("有法定义务并长期共同生活", "a legal duty of support, living together for long")
        )
    return Membership(
        name, False, Text("没有法定扶养义务或不共同生活，另行核算", "no duty of support or lives apart: assessed apart")
    )


_NO_COLUMNS = ("first_paid_month_from_2014_11", "share_bp_from_2014_11", "compose_household_from_2021_06")
_FORMULAS = [
    formula
    for name, formula in list(globals().items())
    if "_from_20" in name and not name.startswith("_") and name not in _NO_COLUMNS
]
BOOK = RuleBook.build("relief", ROLES, VARIABLES, _FORMULAS)
