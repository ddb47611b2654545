"""Filling missing figures: by a mean or median, of all or of a group, by EM over siblings, or along a unit's own years."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.model import Array, Figures, Framework, StepLog, Stepped, fail

ImputeBy = Literal["none", "mean", "median", "group_mean", "group_median", "em", "panel"]
RIDGE = 1e-6
EM_ROUNDS = 200
EM_CLOSE = 1e-8


@dataclass(frozen=True, slots=True)
class Impute:
    """How missing figures are filled.

    Parameters
    ----------
    method : str
        ``"em"`` takes the indicators of one parent as normal together; ``"panel"`` draws straight lines between a
        unit's own years and carries the nearest year beyond them. The others take the units of the same time.
    group : str
        The group's column for ``group_…``.
    """

    method: ImputeBy = "none"
    group: str = ""


def impute(figures: Figures, framework: Framework, settings: Impute = Impute()) -> Stepped:
    """Fill missing figures; the log names each, and a figure that stays missing is a finding.

    Examples
    --------
    >>> from yucun.index import Node, build
    >>> tree = Framework((Node("x", parent="top"), Node("top", level=2)))
    >>> raw = Figures(("A", "B", "C"), ("x",), np.array([[1.0], [np.nan], [5.0]]))
    >>> impute(raw, tree, Impute("mean"))[0].values.ravel().tolist()
    [1.0, 3.0, 5.0]
    """
    holes = np.isnan(figures.values)
    if settings.method == "none" or not holes.any():
        filled = figures.values.copy()
    elif settings.method == "em":
        filled = _fill_by_em(figures, framework)
    elif settings.method == "panel":
        filled = _fill_along_time(figures)
    else:
        filled = _fill_by_centre(figures, settings)
    left = np.isnan(filled)
    entries: tuple[dict[str, Any], ...] = tuple(
        {
            "indicator": code,
            "filled": {
                figures.tell_row(int(i)): float(filled[i, at]) for i in np.flatnonzero(holes[:, at] & ~left[:, at])
            },
            "left": figures.tell_rows(np.flatnonzero(left[:, at])),
        }
        for at, code in enumerate(figures.codes)
        if holes[:, at].any()
    )
    findings = tuple(_still_missing(e["indicator"], e["left"]) for e in entries if e["left"])
    return figures.with_values(filled), StepLog("impute", asdict(settings), entries, findings)


def _still_missing(code: str, units: list[str]) -> Finding:
    named = ", ".join(units[:5]) + (" …" if len(units) > 5 else "")
    return Finding(
        "index.still_missing",
        code,
        named,
        "a figure",
        Text(
            f"「{code}」仍缺 {len(units)} 个数：{named}；汇总时权重将分给其余指标",
            f"'{code}' still misses {len(units)}: {named}; their weight goes to the other indicators",
        ),
    )


def _blocks(figures: Figures, settings: Impute) -> Iterator[NDArray[np.intp]]:
    if not settings.method.startswith("group_"):
        yield from figures.rows_by_time()
        return
    if settings.group not in figures.groups:
        raise fail(
            "impute",
            settings.group or "group",
            ", ".join(figures.groups) or "no group",
            "a group's column",
            Text(
                f"没有分组列「{settings.group}」；可用：{'、'.join(figures.groups) or '无'}",
                f"there is no group '{settings.group}'; there are: {', '.join(figures.groups) or 'none'}",
            ),
        )
    groups = np.array(figures.groups[settings.group])
    for rows in figures.rows_by_time():
        for name in sorted(set(groups[rows].tolist())):
            yield rows[groups[rows] == name]


def _fill_by_centre(figures: Figures, settings: Impute) -> Array:
    filled = figures.values.copy()
    for rows in _blocks(figures, settings):
        block = figures.values[rows]
        there = ~np.isnan(block)
        some = there.any(axis=0)
        centre = np.full(block.shape[1], np.nan)
        if settings.method.endswith("mean"):
            centre[some] = np.where(there, block, 0.0).sum(axis=0)[some] / there.sum(axis=0)[some]
        else:
            centre[some] = np.nanmedian(block[:, some], axis=0)
        filled[rows] = np.where(there, block, centre)
    return filled


def _fill_along_time(figures: Figures) -> Array:
    if not figures.times:
        raise fail(
            "impute",
            "panel",
            "no times",
            "a column of times",
            Text("没有时期列，不能按年份补缺", "there are no times to fill along; give a column of times"),
        )
    order = {time: i for i, time in enumerate(sorted(set(figures.times)))}
    when = np.array([_number(time, order[time]) for time in figures.times])
    units = np.array(figures.units)
    filled = figures.values.copy()
    for at, unit in zip(*np.nonzero(_has_hole(figures, units)), strict=True):
        rows = np.flatnonzero(units == sorted(set(figures.units))[unit])
        own = figures.values[rows, at]
        there = ~np.isnan(own)
        if there.any():
            by_time = np.argsort(when[rows][there])
            filled[rows, at] = np.interp(when[rows], when[rows][there][by_time], own[there][by_time])
    return filled


def _has_hole(figures: Figures, units: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Shape (columns, units in order): whether a unit's series has a hole."""
    names, which = np.unique(units, return_inverse=True)
    holes = np.zeros((len(figures.codes), len(names)), dtype=bool)
    rows, columns = np.nonzero(np.isnan(figures.values))
    holes[columns, which[rows]] = True
    return holes


def _number(time: str, place: int) -> float:
    try:
        return float(time)
    except ValueError:
        return float(place)


def _fill_by_em(figures: Figures, framework: Framework) -> Array:
    filled = figures.values.copy()
    parents = {code: framework.by_code[code].parent for code in figures.codes if code in framework.by_code}
    for parent in sorted(set(parents.values())):
        columns = [i for i, code in enumerate(figures.codes) if parents.get(code) == parent]
        for rows in figures.rows_by_time():
            block = np.ix_(rows, np.array(columns))
            filled[block] = fill_by_em(figures.values[block])
    return filled


def fill_by_em(values: Array) -> Array:
    """Fill a table by the EM algorithm for a multivariate normal, with a ridge of one millionth of the variance.

    Parameters
    ----------
    values : array, shape (rows, columns)
        NaN is missing. A row without any figure, and a column without any, stay missing.

    Returns
    -------
    array
        Missing figures replaced by their expectation given the row's other figures.

    Notes
    -----
    Dempster, Laird and Rubin 1977. Rows are solved together by how many figures they miss, through the
    precision matrix: the expectation of the missing part M is mu - K_MM^-1 K_MO (x_O - mu_O).

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, np.nan]])
    >>> round(float(fill_by_em(x)[3, 1]), 3)
    8.0
    """
    usable = ~np.isnan(values).all(axis=0)
    table = values[:, usable]
    rows = ~np.isnan(table).all(axis=1)
    if not np.isnan(table[rows]).any() or table.shape[1] == 0:
        return values.copy()
    centre, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (table[rows] - centre) / spread
    solved = _expect(z) * spread + centre
    out = values.copy()
    kept = out[:, usable]
    kept[rows] = np.where(np.isnan(table[rows]), solved, table[rows])
    out[:, usable] = kept
    return out


def _expect(z: Array) -> Array:
    holes = np.isnan(z)
    filled = np.where(holes, 0.0, z)
    n, k = z.shape
    mean, cover = filled.mean(axis=0), np.cov(filled, rowvar=False, bias=True).reshape(k, k)
    counts = holes.sum(axis=1)
    kinds = [(np.flatnonzero(counts == m), m) for m in sorted(set(counts.tolist())) if m]
    where = {m: np.argsort(~holes[rows], axis=1, kind="stable")[:, :m] for rows, m in kinds}
    for _ in range(EM_ROUNDS):
        precision = np.linalg.inv(cover + RIDGE * np.eye(k))
        before, extra = filled.copy(), np.zeros((k, k))
        for rows, m in kinds:
            at = where[m]
            off = np.where(holes[rows], 0.0, z[rows] - mean)
            inner = precision[at[:, :, None], at[:, None, :]]
            pull = np.take_along_axis(off @ precision, at, axis=1)[:, :, None]
            np.put_along_axis(filled_rows := filled[rows], at, mean[at] - np.linalg.solve(inner, pull)[:, :, 0], axis=1)
            filled[rows] = filled_rows
            np.add.at(extra, (at[:, :, None], at[:, None, :]), np.linalg.inv(inner))
        mean = filled.mean(axis=0)
        cover = (filled - mean).T @ (filled - mean) / n + extra / n
        if np.abs(filled - before).max() < EM_CLOSE:
            break
    return filled
