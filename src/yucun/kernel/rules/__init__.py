"""Policy as code: dated parameters, versioned formulas over columns, evaluation, trace, what-if.

Examples
--------
A rule book is variables and functions; a function's name carries the month from which it holds, and its
docstring begins with the clause.

>>> from yucun.base.period import Period
>>> from yucun.base.text import Text
>>> def gap_fen_from_2014_11(household, law):
...     '''条例第十二条 | Regulation, art. 12: what the household lacks to the standard.'''
...     return at_least_zero(law["standard_fen"] * household.count() - household.sum("income_fen"))
>>> book = RuleBook.build(
...     "demo",
...     [Role("head", "heads", Text("户主", "head"), most=1), Role("member", "members", Text("成员", "member"))],
...     [
...         Variable("income_fen", "person", "integer", "month", Text("收入", "income"), "fen"),
...         Variable("gap_fen", "household", "integer", "month", Text("补差", "gap"), "fen"),
...     ],
...     [gap_fen_from_2014_11],
... )
>>> pack = Parameters.parse('''
... [standard_fen]
... title = { zh = "标准", en = "standard" }
... unit = "fen"
... values = [{ from = 2018-11-01, value = 81000, evidence = "seen", source = "notice of 2018-11-29" }]
... ''', "demo.toml")
>>> month = Period.month(2022, 3)
>>> people = Population.of(
...     book,
...     month,
...     {"household_id": [1, 1, 1, 2], "role": ["head", "member", "member", "head"], "income_fen": [150_000, 0, 0, 90_000]},
... )
>>> plan = make_plan(book, pack, month, ["gap_fen"], people.given)
>>> evaluate(plan, people).households.to_pydict()
{'household_id': [1, 2], 'gap_fen': [93000, 0]}
"""

from yucun.kernel.rules.columns import (
    Column,
    all_of,
    any_of,
    at_least_zero,
    choose,
    divide,
    full_months,
    full_years,
    larger,
    marginal,
    rate_of,
    smaller,
)
from yucun.kernel.rules.evaluate import Evaluation, Outcome, evaluate, spark_sql
from yucun.kernel.rules.model import Formula, Role, RuleBook, Variable
from yucun.kernel.rules.order import Plan, Step, check_book, make_plan
from yucun.kernel.rules.parameters import Parameter, Parameters, ParameterValue, read_parameters
from yucun.kernel.rules.periods import first_month, last_months, month_after, months_of, quarter_of, year_of
from yucun.kernel.rules.population import Population
from yucun.kernel.rules.subject import Law, Node, Subject

__all__ = [
    "Column",
    "Evaluation",
    "Formula",
    "Law",
    "Node",
    "Outcome",
    "Parameter",
    "ParameterValue",
    "Parameters",
    "Plan",
    "Population",
    "Role",
    "RuleBook",
    "Step",
    "Subject",
    "Variable",
    "all_of",
    "any_of",
    "at_least_zero",
    "check_book",
    "choose",
    "divide",
    "evaluate",
    "first_month",
    "full_months",
    "full_years",
    "larger",
    "last_months",
    "make_plan",
    "marginal",
    "month_after",
    "months_of",
    "quarter_of",
    "rate_of",
    "read_parameters",
    "smaller",
    "spark_sql",
    "year_of",
]
