"""Periods as text beside the days that they begin on, as expressions."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from yucun.base.period import PeriodKind


def period_text(start: ir.StringValue, kind: PeriodKind) -> ir.StringValue:
    """The period of a kind in which a day lies, both as text."""
    year = start.substr(0, 4)
    match kind:
        case "day":
            return start
        case "month":
            return start.substr(0, 7)
        case "quarter":
            month = start.substr(5, 2)
            return ibis.cases(
                (month <= "03", year + "Q1"),
                (month <= "06", year + "Q2"),
                (month <= "09", year + "Q3"),
                else_=year + "Q4",
            )
        case _:
            return year


def start_of(period: ir.StringValue, kind: PeriodKind) -> ir.StringValue:
    """The first day of a period, as text."""
    match kind:
        case "day":
            return period
        case "month":
            return period + "-01"
        case "quarter":
            year, quarter = period.substr(0, 4), period.substr(5, 1)
            return year + ibis.cases(
                (quarter == "1", "-01-01"), (quarter == "2", "-04-01"), (quarter == "3", "-07-01"), else_="-10-01"
            )
        case _:
            return period + "-01-01"
