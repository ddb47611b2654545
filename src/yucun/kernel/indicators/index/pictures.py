"""Pictures of an index as SVG: ranks with intervals, contributions, correlations, and a radar when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from yucun.base.text import Language, Text
from yucun.kernel.indicators.index.build import Index
from yucun.kernel.indicators.index.describe import contribute, correlations
from yucun.kernel.indicators.index.uncertainty import Uncertainty

# Okabe and Ito 2008: told apart by people who do not see all colours.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c00", "#666666")
INK, QUIET, LINE = "#1a1a1a", "#5c5c5c", "#d9d9d9"
ROW, LEFT, WIDE = 18, 150, 760
FONT = "font-family=\"system-ui, 'Noto Sans SC', sans-serif\""

RANKS = Text("名次与 5%–95% 区间", "Rank with its 5–95 % interval")
CONTRIBUTIONS = Text("各部分对总分的贡献", "What brings the points of the score")
CORRELATIONS = Text("指标间的相关系数", "Correlations of indicators")
RADAR = Text("各部分得分", "Scores of the parts")
NOMINAL = Text("点：选定做法的名次；竖线：中位数", "dot: rank by the chosen way; tick: median")


def draw_ranks(found: Uncertainty, language: Language = "en", most: int = 60, time: str = "") -> str:
    """Draw each unit's rank and interval, best first, as an SVG document.

    Parameters
    ----------
    most : int
        How many units are drawn, from the best.
    time : str
        In a panel, which time; by default the last.
    """
    rows = found.nominal.normalised
    chosen = time or (max(rows.times) if rows.times else "")
    at = [i for i in range(len(rows.units)) if found.nominal.rank[i] > 0 and (not chosen or rows.times[i] == chosen)]
    at = sorted(at, key=lambda i: (found.nominal.rank[i], rows.units[i]))
    last = max((found.nominal.rank[i] for i in at), default=1)
    at = at[:most]
    spans = np.stack([found.quantile(share) for share in (0.05, 0.5, 0.95)])
    step = (WIDE - LEFT - 110) / max(float(last) - 1, 1)

    def x(place: float) -> float:
        return round(LEFT + (place - 1) * step, 1)

    parts = list(_grid(x, last, len(at)))
    for line, i in enumerate(at):
        y = 64 + line * ROW
        name = _name(found.nominal, i)
        low, middle, high = (float(v) for v in spans[:, i])
        told = f"{name}: {found.nominal.rank[i]}"
        parts.append(_label(LEFT - 10, y + 4, name, "end"))
        if not math.isnan(low):
            told += f" ({low:.0f}–{high:.0f})"
            parts.append(
                f'<path d="M{x(low)} {y}H{x(high)}" stroke="{COLOURS[4]}" stroke-width="7" stroke-linecap="round"/>'
                f'<path d="M{x(middle)} {y - 6}v12" stroke="{COLOURS[0]}" stroke-width="2"/>'
            )
        parts.append(
            f'<circle cx="{x(found.nominal.rank[i])}" cy="{y}" r="3.5" fill="{INK}"><title>{escape(told)}</title></circle>'
        )
        parts.append(_label(WIDE - 8, y + 4, told.split(": ")[1], "end", QUIET))
    return _document(RANKS.of(language), NOMINAL.of(language), parts, WIDE, 80 + len(at) * ROW)


def _grid(x: object, last: int, lines: int) -> Iterable[str]:
    step = max(1, round(last / 8 / 5) * 5 or 1)
    for place in sorted({1, *range(step, last + 1, step), last}):
        if place != last and last - place < step / 2:
            continue
        at = x(float(place))  # type: ignore[operator]
        yield f'<path d="M{at} 52V{60 + lines * ROW}" stroke="{LINE}"/>' + _label(at, 48, str(place), "middle", QUIET)


def draw_contributions(index: Index, language: Language = "en", most: int = 60, time: str = "") -> str:
    """Draw what each part below the top brings to each unit's score, best first."""
    tree = index.framework
    heads = [child.code for child in tree.children(tree.top.code)]
    points = contribute(index)
    under = {code: [i for i, c in enumerate(index.normalised.codes) if code in _line(index, c)] for code in heads}
    sums = np.stack([points[:, under[code]].sum(axis=1) for code in heads], axis=1)
    at = _best(index, most, time)
    low, high = (
        min(0.0, float(np.nanmin(sums[at], initial=0.0))),
        float(np.nanmax(np.maximum(sums[at], 0).sum(axis=1), initial=1e-9)),
    )
    scale = (WIDE - LEFT - 70) / max(high - low, 1e-9)
    parts = []
    for n, code in enumerate(heads):
        title = tree.by_code[code].title or code
        x = LEFT + 150 * (n % 4)
        y = 36 + 16 * (n // 4)
        parts.append(
            f'<rect x="{x}" y="{y}" width="10" height="10" fill="{COLOURS[n % 8]}"/>'
            + _label(x + 14, y + 9, title[:22])
        )
    top = 64 + 16 * ((len(heads) - 1) // 4)
    for line, i in enumerate(at):
        y, left, right = top + line * ROW, LEFT - low * scale, LEFT - low * scale
        parts.append(_label(LEFT - 10, y + 4, _name(index, i), "end"))
        for n, code in enumerate(heads):
            width = float(sums[i, n]) * scale
            start = right if width >= 0 else left + width
            told = escape(f"{_name(index, i)}, {tree.by_code[code].title or code}: {sums[i, n]:.2f}")
            parts.append(
                f'<rect x="{start:.1f}" y="{y - 6}" width="{abs(width):.1f}" height="12" fill="{COLOURS[n % 8]}">'
                f"<title>{told}</title></rect>"
            )
            right, left = (right + width, left) if width >= 0 else (right, left + width)
        parts.append(_label(WIDE - 8, y + 4, f"{index.score[i]:.2f}", "end", QUIET))
    return _document(CONTRIBUTIONS.of(language), "", parts, WIDE, top + 16 + len(at) * ROW)


def _line(index: Index, code: str) -> list[str]:
    out = [code]
    while index.framework.by_code[out[-1]].parent:
        out.append(index.framework.by_code[out[-1]].parent)
    return out


def _best(index: Index, most: int, time: str) -> list[int]:
    rows = index.normalised
    chosen = time or (max(rows.times) if rows.times else "")
    at = [i for i in range(len(rows.units)) if index.rank[i] > 0 and (not chosen or rows.times[i] == chosen)]
    return sorted(at, key=lambda i: (index.rank[i], rows.units[i]))[:most]


def draw_correlations(index: Index, language: Language = "en", most: int = 80) -> str:
    """Draw the correlations of all normalised indicators; blue goes together, orange against each other."""
    codes = index.normalised.codes[:most]
    pairs = correlations(index.normalised.values[:, : len(codes)])
    side = max(9, min(24, 560 // max(len(codes), 1)))
    parts = []
    for i, code in enumerate(codes):
        y = 140 + i * side
        parts.append(_label(LEFT - 6, y + side - 3, code, "end", size=min(11, side)))
        x = LEFT + i * side + side - 3
        parts.append(f'<g transform="translate({x} 134) rotate(-90)">{_label(0, 0, code, size=min(11, side))}</g>')
        for j in range(i + 1):
            r = float(pairs[i, j])
            told = escape(f"{codes[j]}, {code}: " + ("–" if math.isnan(r) else f"{r:.2f}"))
            parts.append(
                f'<rect x="{LEFT + j * side}" y="{y}" width="{side - 1}" height="{side - 1}" fill="{_shade(r)}">'
                f"<title>{told}</title></rect>"
            )
    size = max(LEFT + len(codes) * side + 40, 420)
    for place, r in enumerate((-1.0, -0.5, 0.0, 0.5, 1.0)):
        x = size - 200 + 40 * place
        parts.append(f'<rect x="{x}" y="36" width="38" height="10" fill="{_shade(r)}" stroke="{LINE}"/>')
        parts.append(_label(x + 19, 58, f"{r:g}".replace("-", "\u2212"), "middle", QUIET))
    return _document(CORRELATIONS.of(language), "", parts, size, 150 + len(codes) * side)


def _shade(r: float) -> str:
    if math.isnan(r):
        return "#f2f2f2"
    far = (0, 114, 178) if r >= 0 else (213, 94, 0)
    return "#" + "".join(f"{round(255 + (c - 255) * min(abs(r), 1)):02x}" for c in far)


def draw_radar(index: Index, units: Sequence[str], language: Language = "en", time: str = "") -> str:
    """Draw the scores of the parts for a few units; only where it is asked for, as areas mislead.

    The parts are the children of the top, or where these are under three, their children.
    """
    tree = index.framework
    heads = [child.code for child in tree.children(tree.top.code)]
    if len(heads) < 3:
        heads = [below.code for code in heads for below in tree.children(code)] or heads
    columns = {code: index.normalised.column(code) for code in index.normalised.codes} | dict(index.scores)
    middle, reach = 240.0, 150.0
    high = max(float(np.nanmax(columns[code])) for code in heads) or 1.0
    angles = [2 * math.pi * n / len(heads) - math.pi / 2 for n in range(len(heads))]
    parts = [
        f'<circle cx="{middle}" cy="{middle}" r="{reach * share}" fill="none" stroke="{LINE}"/>'
        for share in (0.25, 0.5, 0.75, 1)
    ]
    for code, angle in zip(heads, angles, strict=True):
        x, y = middle + (reach + 14) * math.cos(angle), middle + (reach + 14) * math.sin(angle)
        anchor = "middle" if abs(math.cos(angle)) < 0.3 else "start" if math.cos(angle) > 0 else "end"
        parts.append(_label(round(x, 1), round(y + 4, 1), code, anchor))
    for n, unit in enumerate(units):
        at = index.place_of(unit, time)
        spots = []
        for code, angle in zip(heads, angles, strict=True):
            far = reach * max(float(np.nan_to_num(columns[code][at])), 0) / high
            spots.append(f"{middle + far * math.cos(angle):.1f},{middle + far * math.sin(angle):.1f}")
        colour = COLOURS[n % 8]
        parts.append(
            f'<polygon points="{" ".join(spots)}" fill="{colour}" fill-opacity="0.12" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(
            f'<rect x="{16 + 110 * n}" y="36" width="10" height="10" fill="{colour}"/>' + _label(30 + 110 * n, 45, unit)
        )
    return _document(RADAR.of(language), "", parts, 480, 440)


def _name(index: Index, row: int) -> str:
    rows = index.normalised
    return (rows.titles[row] if rows.titles else rows.units[row])[:20]


def _label(x: float, y: float, text: str, anchor: str = "start", fill: str = INK, size: int = 11) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}" font-size="{size}">{escape(text)}</text>'


def _document(title: str, under: str, parts: Iterable[str], width: float, height: float) -> str:
    head = f'<text x="16" y="20" font-size="14" font-weight="600" fill="{INK}">{escape(title)}</text>'
    note = _label(width - 8, 20, under, "end", QUIET) if under else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" {FONT}><rect width="100%" height="100%" fill="#fff"/>'
        f"{head}{note}{''.join(parts)}</svg>\n"
    )
