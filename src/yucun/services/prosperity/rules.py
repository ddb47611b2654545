"""Formulas of the prosperity service over columns: each carries the date from which it holds."""

from __future__ import annotations

import ibis.expr.types as ir


def dimension_gap_from_2022_05(rows: ir.Table) -> ir.FloatingValue:
    """How many times better off the town is by one measure of a gap dimension.

    Our own reading of Huzhou's pilot, which names five dimensions and publishes no formula: town over country where more is
    better, country over town where less is; 1 is no gap. A dimension is the plain mean over its measures.
    """
    town_leads = rows.urban_value / rows.rural_value.nullif(0)
    country_leads = rows.rural_value / rows.urban_value.nullif(0)
    return rows.more_is_better.ifelse(town_leads, country_leads)
