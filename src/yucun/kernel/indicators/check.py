"""Second computations: what others print, another indicator, the rows counted again, and bounds.

A check answers ``agree``, ``differs`` or ``not_known``. A number whose check differs is withheld under the mark
*error*; a press figure is shown beside and never judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.kernel.indicators.model import Cell, Check, CheckResult, Claim, Evidence, Indicator, Outcome
from yucun.kernel.indicators.show import count_decimals, write_number

CHECK_TITLES: dict[str, Text] = {
    "published": Text("他处公布的数", "as published elsewhere"),
    "identity": Text("另一个指标", "another indicator"),
    "recount": Text("另一条路重数", "counted again another way"),
    "bounds": Text("合理范围", "within bounds"),
    "none": Text("没有第二种算法", "no second way"),
}
# How a printed unit reads in the shown unit of ours: the unit's name, and how many shown units one of them is.
PRINTED_UNITS: dict[str, tuple[str, Fraction]] = {
    "times": ("times", Fraction(1)),
    "percent": ("bp", Fraction(1)),
    "score": ("point_1e2", Fraction(1)),
    "yuan": ("fen", Fraction(1)),
    "hundred_million_yuan": ("fen", Fraction(10**8)),
    "trillion_yuan": ("fen", Fraction(10**12)),
    "person": ("person", Fraction(1)),
    "household": ("household", Fraction(1)),
}
SAMPLED = Text(
    "每次计算后抽取若干单元换一条路重数；本单元可用 yucun why 重数",
    "a sample of cells is counted again at each refresh; yucun why counts this one again",
)
# A figure from the press is never a second computation.
_MAY_JUDGE: tuple[Evidence, ...] = ("seen", "law", "computed")


def in_shown_unit(printed: str, printed_unit: str, indicator: Indicator) -> Fraction | None:
    """What a printed number is in the indicator's shown unit; None where the units do not meet."""
    name, factor = PRINTED_UNITS.get(printed_unit, ("", Fraction(1)))
    return Fraction(printed) * factor if name == indicator.unit.name and name in UNITS else None


def agrees(ours: Fraction, claim: Claim, printed_unit: str) -> bool | None:
    """Whether a number agrees with a printed one, to the digits printed; None where its wording cannot be judged."""
    factor = PRINTED_UNITS.get(printed_unit, ("", Fraction(1)))[1]
    decimals = count_decimals(claim.printed)
    match claim.bound:
        case "exactly":
            return write_number(ours / factor, decimals) == write_number(Fraction(claim.printed), decimals)
        case "over" | "above":
            return ours > Fraction(claim.printed) * factor
        case "under" | "below":
            return ours < Fraction(claim.printed) * factor
        case "at_least":
            return ours >= Fraction(claim.printed) * factor
        case "at_most":
            return ours <= Fraction(claim.printed) * factor
        case _:
            return None


def run_checks(
    indicator: Indicator,
    cell: Cell,
    ours: Fraction | None,
    claims: Sequence[tuple[Claim, str]],
    others: Mapping[str, Fraction | None],
    units: Mapping[str, int],
) -> tuple[CheckResult, ...]:
    """Make all second computations of a cell.

    Parameters
    ----------
    ours : Fraction or None
        The value in the shown unit.
    claims : sequence of (Claim, str)
        What others print for the same region and period, with the printed unit's code.
    others : mapping of str to Fraction or None
        For each identity: the other indicator's value for the same region and period.
    units : mapping of str to int
        Decimals with which each other indicator is written.
    """
    results = []
    for check in indicator.checks:
        match check.kind:
            case "published":
                results += _check_published(indicator, ours, claims)
            case "identity":
                results.append(
                    _check_identity(indicator, check, ours, others.get(check.indicator), units.get(check.indicator, 4))
                )
            case "recount" if indicator.rows_of is not None and not cell.trouble:
                results.append(_result(indicator, check, "not_known", ours, "", SAMPLED))
            case "recount":
                outcome: Outcome = (
                    "differs" if cell.trouble == "recount_differs" else "not_known" if ours is None else "agree"
                )
                results.append(_result(indicator, check, outcome, ours, "", Text("", "")))
            case "bounds":
                results.append(_check_bounds(indicator, check, ours))
            case _:
                results.append(_result(indicator, check, "not_known", ours, "", check.reason))
    return tuple(results)


def _result(
    indicator: Indicator, check: Check, outcome: Outcome, ours: Fraction | None, theirs: str, reason: Text
) -> CheckResult:
    written = "" if ours is None else write_number(ours, indicator.decimals)
    return CheckResult(check.kind, outcome, CHECK_TITLES[check.kind], written, theirs, reason, check.indicator)


def _check_published(
    indicator: Indicator, ours: Fraction | None, claims: Sequence[tuple[Claim, str]]
) -> list[CheckResult]:
    check = Check("published")
    results = []
    for claim, unit in claims:
        verdict = agrees(ours, claim, unit) if ours is not None and claim.evidence in _MAY_JUDGE else None
        outcome: Outcome = "not_known" if verdict is None else "agree" if verdict else "differs"
        printed = Text(f"{claim.bound_title.zh} {claim.printed}", f"{claim.bound_title.en} {claim.printed}")
        reason = Text(f"{claim.source}：{printed.zh}{claim.unit.zh}", f"{claim.source}: {printed.en} {claim.unit.en}")
        results.append(_result(indicator, check, outcome, ours, claim.printed, reason))
    if not results:
        reason = Text(
            "没有查到他处对这一地区这一时期的公布数", "nobody is known to print it for this region and period"
        )
        results.append(_result(indicator, check, "not_known", ours, "", reason))
    return results


def _check_identity(
    indicator: Indicator, check: Check, ours: Fraction | None, theirs: Fraction | None, decimals: int
) -> CheckResult:
    if ours is None or theirs is None:
        reason = Text(
            "另一个指标在这一地区这一时期没有数", "the other indicator has no number for this region and period"
        )
        return _result(indicator, check, "not_known", ours, "", reason)
    near = abs(ours - theirs) <= Fraction(str(check.within))
    return _result(indicator, check, "agree" if near else "differs", ours, write_number(theirs, decimals), check.reason)


def _check_bounds(indicator: Indicator, check: Check, ours: Fraction | None) -> CheckResult:
    low, high = ("" if b is None else f"{b:g}" for b in (check.low, check.high))
    if ours is None:
        return _result(indicator, check, "not_known", ours, f"{low}–{high}", check.reason)
    inside = (check.low is None or ours >= Fraction(str(check.low))) and (
        check.high is None or ours <= Fraction(str(check.high))
    )
    return _result(indicator, check, "agree" if inside else "differs", ours, f"{low}–{high}", check.reason)


def claims_at(
    claims: Sequence[tuple[Claim, str]], region: RegionCode, period: Period | None
) -> list[tuple[Claim, str]]:
    """Those about one region and, when one is named, one period."""
    return [(c, u) for c, u in claims if c.region == region and (period is None or c.period == period)]
