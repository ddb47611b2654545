"""Dividing an indicator by a size: trade by income, doctors by people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Figures, Framework, StepLog, Stepped


def denominate(figures: Figures, framework: Framework, by: Mapping[str, str] | None = None) -> Stepped:
    """Divide each indicator that has a denominator by it.

    Parameters
    ----------
    by : mapping of str to str, optional
        Indicator to size; by default what the framework says.

    Returns
    -------
    Figures, StepLog
        A missing or zero size makes the cell missing; the log names each.

    Raises
    ------
    ContractError
        When a size is named that the figures do not have.

    Examples
    --------
    >>> from yucun.index import Node, build
    >>> tree = Framework((Node("trade", parent="top", denominator="gdp"), Node("top", level=2)))
    >>> raw = Figures(("A", "B"), ("trade",), np.array([[6.0], [8.0]]), sizes={"gdp": np.array([2.0, np.nan])})
    >>> denominate(raw, tree)[0].values.ravel().tolist()
    [3.0, nan]
    """
    chosen = dict(by) if by is not None else {n.code: n.denominator for n in framework.indicators if n.denominator}
    missing = sorted(set(chosen.values()) - set(figures.sizes))
    if missing:
        raise ContractError([_no_size(name) for name in missing])
    values, entries = figures.values.copy(), []
    for code, name in chosen.items():
        at = figures.codes.index(code)
        size = np.where(figures.sizes[name] == 0, np.nan, figures.sizes[name])
        lost = np.flatnonzero(np.isnan(size) & ~np.isnan(values[:, at]))
        values[:, at] = values[:, at] / size
        entries.append({"indicator": code, "by": name, "made_missing": figures.tell_rows(lost)})
    return figures.with_values(values), StepLog("denominate", {"by": chosen}, tuple(entries))


def _no_size(name: str) -> Finding:
    return Finding(
        "index.column",
        name,
        "nothing",
        f"a column {name}",
        Text(f"数值表缺少作分母的列「{name}」；请补上该列", f"the values have no column '{name}' to divide by; add it"),
        name,
    )
