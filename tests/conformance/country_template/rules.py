"""The fictional country's rules, written in our form from their description in words.

The country exists to compare rule engines; its description and figures are those of the OpenFisca country
template. Nothing of its program was read or copied.
"""

from __future__ import annotations

from datetime import date

from yucun.base.quantity import Rounding
from yucun.base.text import Text
from yucun.kernel.rules import (
    Column,
    Law,
    Role,
    RuleBook,
    Subject,
    Variable,
    all_of,
    any_of,
    choose,
    divide,
    first_month,
    full_years,
    larger,
    marginal,
    year_of,
)

HALF_UP = Rounding.HALF_UP


def age_from_1900_01(person: Subject) -> Column:
    """年龄：当月首日的周岁 | Age: full years on the first day of the month."""
    return full_years(person["birth"], person.period.start)


def is_adult_from_1945_01(person: Subject, law: Law) -> Column:
    """成年：达到成年年龄 | Adult: from the age of majority on."""
    return person["age"] >= law["age_of_majority"]


def pension_fen_from_1951_07(person: Subject, law: Law) -> Column:
    """养老金：达到退休年龄者一个货币单位 | Pension: one unit of currency from the age of retirement on."""
    return choose(person["age"] * 100 >= law["age_of_retirement_1e2"], 100, 0)


def basic_income_fen_from_2015_12(person: Subject, law: Law) -> Column:
    """基本收入（2015年12月起）：无工资的成年人 | Basic income from December 2015: adults without salary."""
    return choose(person["is_adult"] & (person["salary_fen"] == 0), law["basic_income_amount_fen"], 0)


def basic_income_fen_from_2016_12(person: Subject, law: Law) -> Column:
    """基本收入（2016年12月起）：所有成年人 | Basic income from December 2016: every adult."""
    return choose(person["is_adult"], law["basic_income_amount_fen"], 0)


def income_tax_fen_from_2012_01(person: Subject, law: Law) -> Column:
    """所得税：工资、资本收益与养老金之和乘税率 | Income tax: salary, capital returns and pension times the rate."""
    base_fen = person["salary_fen"] + person["capital_returns_fen"] + person["pension_fen"]
    return divide(base_fen * law["income_tax_rate_bp"], 10_000, HALF_UP)


def social_security_contribution_fen_from_2013_01(person: Subject, law: Law) -> Column:
    """社会保险缴费：工资按分档累进 | Social security contribution: a marginal scale on the salary."""
    return marginal(person["salary_fen"], law.scale("social_security_scale"), HALF_UP)


def is_under_6_from_1900_01(person: Subject) -> Column:
    """未满六岁 | Under six."""
    return person["age"] < 6


def is_under_8_from_1900_01(person: Subject) -> Column:
    """未满八岁 | Under eight."""
    return person["age"] < 8


def household_income_fen_from_1900_01(household: Subject) -> Column:
    """家庭收入：成员工资之和 | Household income: the salaries of its members."""
    return household.sum("salary_fen")


def housing_allowance_fen_from_2010_01(household: Subject, law: Law) -> Column:
    """住房补贴：租金乘比例 | Housing allowance: a part of the rent."""
    return divide(household["rent_fen"] * law["housing_allowance_rate_bp"], 10_000, HALF_UP)


def housing_allowance_fen_from_2016_12(household: Subject) -> Column:
    """住房补贴：2016年12月起废止 | Housing allowance: abolished from December 2016."""
    return 0


def parenting_allowance_fen_from_2015_12(household: Subject, law: Law) -> Column:
    """育儿补贴：低收入家庭 | Parenting allowance of households with a low salary.

    For a single adult with a child under eight, or anyone with a child under six.
    """
    is_low = household["household_income_fen"] <= law["parenting_allowance_threshold_fen"]
    is_single = all_of(household.count("adult") == 1, household.any("is_under_8", role="child"))
    has_infant = household.any("is_under_6")
    return choose(is_low & any_of(is_single, has_infant), law["parenting_allowance_amount_fen"], 0)


def housing_tax_fen_from_2010_01(household: Subject, law: Law) -> Column:
    """住房税：按一月面积，不低于最低额 | Housing tax by January's area, not below the least amount.

    Tenants and owners pay it.
    """
    january = first_month(household.period)
    status = household.at("housing_occupancy_status", january)
    tax_fen = household.at("accommodation_size_m2", january) * law["housing_tax_fen_per_m2"]
    return choose(status.isin(["tenant", "owner"]), larger(tax_fen, law["housing_tax_least_fen"]), 0)


def total_benefits_fen_from_1900_01(household: Subject) -> Column:
    """补贴合计：基本收入与住房补贴 | All benefits: basic income and housing allowance."""
    return household.sum("basic_income_fen") + household["housing_allowance_fen"]


def total_taxes_fen_from_1900_01(household: Subject) -> Column:
    """税费合计，住房税按月取十二分之一 | All taxes of a household; of the housing tax a twelfth a month."""
    housing_tax_fen = divide(household.at("housing_tax_fen", year_of(household.period)), 12, HALF_UP)
    return household.sum("income_tax_fen") + household.sum("social_security_contribution_fen") + housing_tax_fen


def disposable_income_fen_from_1900_01(household: Subject) -> Column:
    """可支配收入 | Disposable income: what is earned and granted, less taxes."""
    earned_fen = household.sum("salary_fen") + household.sum("capital_returns_fen") + household.sum("pension_fen")
    granted_fen = household["total_benefits_fen"] + household["parenting_allowance_fen"]
    return earned_fen + granted_fen - household["total_taxes_fen"]


def new_tax_fen_from_2010_01(person: Subject, law: Law) -> Column:
    """新税（改革）：有车者按所得税另加 | New tax (a reform): those who have a car pay the income tax's amount and a bit."""
    return choose(person["has_car"], person["income_tax_fen"] + law["new_tax_extra_fen"], 0)


VARIABLES = (
    Variable("birth", "person", "date", "once", Text("出生日期", "date of birth"), default=date(1970, 1, 1)),
    Variable("age", "person", "integer", "month", Text("年龄", "age"), "number", default=0, on_months="same"),
    Variable("is_adult", "person", "boolean", "month", Text("成年", "is adult"), default=False),
    Variable("is_under_6", "person", "boolean", "month", Text("未满六岁", "is under 6"), default=False),
    Variable("is_under_8", "person", "boolean", "month", Text("未满八岁", "is under 8"), default=False),
    Variable("salary_fen", "person", "integer", "month", Text("工资", "salary"), "fen", 0, on_months="shared"),
    Variable(
        "capital_returns_fen",
        "person",
        "integer",
        "month",
        Text("资本收益", "capital returns"),
        "fen",
        0,
        on_months="shared",
    ),
    Variable("pension_fen", "person", "integer", "month", Text("养老金", "pension"), "fen", 0),
    Variable("basic_income_fen", "person", "integer", "month", Text("基本收入", "basic income"), "fen", 0),
    Variable("income_tax_fen", "person", "integer", "month", Text("所得税", "income tax"), "fen", 0),
    Variable(
        "social_security_contribution_fen",
        "person",
        "integer",
        "month",
        Text("社会保险缴费", "social security contribution"),
        "fen",
        0,
    ),
    Variable("rent_fen", "household", "integer", "month", Text("租金", "rent"), "fen", 0, on_months="same"),
    Variable(
        "accommodation_size_m2",
        "household",
        "integer",
        "month",
        Text("住房面积", "size of the dwelling"),
        "m2",
        0,
        on_months="same",
    ),
    Variable(
        "housing_occupancy_status",
        "household",
        "code",
        "month",
        Text("居住方式", "housing occupancy status"),
        default="tenant",
        codes=("owner", "tenant", "free_lodger", "homeless"),
        on_months="same",
    ),
    Variable("household_income_fen", "household", "integer", "month", Text("家庭收入", "household income"), "fen", 0),
    Variable("housing_allowance_fen", "household", "integer", "month", Text("住房补贴", "housing allowance"), "fen", 0),
    Variable(
        "parenting_allowance_fen", "household", "integer", "month", Text("育儿补贴", "parenting allowance"), "fen", 0
    ),
    Variable("housing_tax_fen", "household", "integer", "year", Text("住房税", "housing tax"), "fen", 0),
    Variable("total_benefits_fen", "household", "integer", "month", Text("补贴合计", "total benefits"), "fen", 0),
    Variable("total_taxes_fen", "household", "integer", "month", Text("税费合计", "total taxes"), "fen", 0),
    Variable(
        "disposable_income_fen", "household", "integer", "month", Text("可支配收入", "disposable income"), "fen", 0
    ),
)

BOOK = RuleBook.build(
    "country_template",
    (Role("adult", "adults", Text("成年人", "adult")), Role("child", "children", Text("未成年人", "child"))),
    VARIABLES,
    (
        age_from_1900_01,
        is_adult_from_1945_01,
        is_under_6_from_1900_01,
        is_under_8_from_1900_01,
        pension_fen_from_1951_07,
        basic_income_fen_from_2015_12,
        basic_income_fen_from_2016_12,
        income_tax_fen_from_2012_01,
        social_security_contribution_fen_from_2013_01,
        household_income_fen_from_1900_01,
        housing_allowance_fen_from_2010_01,
        housing_allowance_fen_from_2016_12,
        parenting_allowance_fen_from_2015_12,
        housing_tax_fen_from_2010_01,
        total_benefits_fen_from_1900_01,
        total_taxes_fen_from_1900_01,
        disposable_income_fen_from_1900_01,
    ),
)

REFORMS = {
    "add_dynamic_variable": BOOK.amend(
        [Variable("goes_to_school", "person", "boolean", "month", Text("上学", "goes to school"), default=True)]
    ),
    "add_new_tax": BOOK.amend(
        [
            Variable("has_car", "person", "boolean", "month", Text("有车", "has a car"), default=False),
            Variable("new_tax_fen", "person", "integer", "month", Text("新税", "new tax"), "fen", 0),
        ],
        [new_tax_fen_from_2010_01],
    ),
}
