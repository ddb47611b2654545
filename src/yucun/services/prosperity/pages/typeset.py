"""The yearly report as an A4 PDF: the report as data for the Typst template beside this file, set without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Language, Text
from yucun.kernel.indicators.model import EVIDENCE_TITLES, MARK_TITLES, Evidence
from yucun.kernel.registry.place import Source
from yucun.services.prosperity.pages.layout import Bar, Cell, Chart, Figure, Grid, Report, Section
from yucun.services.prosperity.pages.sentences import Sentence, Slot, wordings

TEMPLATE = Path(__file__).with_name("report.typ")
# Any of these will do; the template names them in the same order.
FONTS = (
    ("Noto Serif CJK SC", "Source Han Serif SC", "Songti SC"),
    ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC"),
)
SIGNS: dict[Evidence, str] = {"press": "❝", "unverified": "?"}
_MARKS: dict[str, Text] = {
    "none": Text("确实没有：数过了，是零", "there is none: it was counted, and it is zero"),
    "not_known": Text(
        "没有来源，或缺一部分；表里写着能填上它的表",
        "no source, or a part is missing; the table that would fill it is named",
    ),
    "late": Text("到期没有报送", "due and not reported"),
    "hidden": Text("人数太少，不予显示", "too few people to be shown"),
    "refused": Text("读者无权看", "not this reader's to see"),
    "error": Text("两种算法不一致，或没能算出", "two ways of computing differ, or it could not be computed"),
}
_EVIDENCE: dict[Evidence, Text] = {
    "seen": Text("见于公布来源", "seen in a published source"),
    "computed": Text("由公布数推算", "worked out from published figures"),
    "unverified": Text("未与原文核实", "not verified against the original"),
    "press": Text("报刊数字，不是本系统的结果", "a press figure, not a result of this system"),
}
_WORDS = {
    "contents": Text("目录", "Contents"),
    "sources": Text("来源", "Sources"),
    "marks": Text("记号", "Marks"),
    "numbers": Text("每个数从哪里来", "Where each number comes from"),
    "numbers-said": Text(
        "数右上角的号码指向这张表；照指标、地区、时期运行 yucun why，即见它的全部来历。",
        "The small figure beside a number points here; `yucun why` with indicator, region and period tells all of it.",
    ),
}
_HEADS = (
    Text("号", "No."),
    Text("数", "Number"),
    Text("指标", "Indicator"),
    Text("地区", "Region"),
    Text("时期", "Period"),
)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as a report lists it."""

    id: str
    title: Text
    publisher: Text
    said: Text
    address: str


_SEEN = {
    "original": Text("见于公布者自己的页面", "seen on the publisher's own page"),
    "copy": Text("见于转载，未与原文核对", "seen in a copy that was not compared with the original"),
    "feature": Text("报刊专版，只供对照", "a newspaper feature, for comparison only"),
    "not_kept": Text("没有留下网址", "no address was kept"),
}


def tell_source(source: str, known: Mapping[str, Source]) -> SourceLine:
    """A source as a report lists it; one that the place does not describe stands by its name."""
    found = known.get(source)
    if found is None:
        return SourceLine(source, Text.same(source), Text("", ""), Text("", ""), "")
    when = found.published.isoformat() if found.published else ""
    seen = _SEEN[found.seen_as]
    said = Text(f"{seen.zh}。{found.note.zh}".rstrip("。"), f"{seen.en}. {found.note.en}".rstrip(". "))
    publisher = Text(f"{found.publisher.zh} {when}".strip(), f"{found.publisher.en} {when}".strip())
    return SourceLine(source, found.title, publisher, said, found.address)


class _Notes:
    """Numbers of the sentences, each numbered where it is first met."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []

    def of(self, slot: Slot) -> int:
        if slot not in self.slots:
            self.slots.append(slot)
        return self.slots.index(slot) + 1


def typeset(
    report: Report, sources: Mapping[str, Source], language: Language, seq: int, *, is_simulated: bool = False
) -> bytes:
    """Set a report in one language.

    Parameters
    ----------
    sources : mapping of str to Source
        What the place knows of its sources.
    seq : int
        The journal seq that the report is of; it stands at the foot of every page.

    Returns
    -------
    bytes
        A PDF with its fonts inside.

    Raises
    ------
    PlaceError
        When the typesetter or a font for Chinese is not installed; it says what to install.
    """
    try:
        import typst  # noqa: PLC0415 - its library is only loaded where a PDF is asked for
    except ImportError:
        raise PlaceError(_not_there("typst", "pip install typst")) from None
    _check_fonts(typst.Fonts())
    lines = [tell_source(source, sources) for source in report.sources]
    told = json.dumps(tell(report, lines, language, seq, is_simulated=is_simulated), ensure_ascii=False)
    return bytes(typst.compile(TEMPLATE, sys_inputs={"data": told}))


def _check_fonts(fonts: Any) -> None:
    families = set(fonts.families())
    missing = [names[0] for names in FONTS if not families.intersection(names)]
    if missing:
        raise PlaceError(_not_there(", ".join(missing), "apt install fonts-noto-cjk"))


def _not_there(name: str, how: str) -> Finding:
    return Finding(
        "prosperity.report_pdf",
        "report",
        f"no {name}",
        how,
        Text(
            f"做 PDF 需要 {name}，这台机器上没有；请运行：{how}",
            f"a PDF needs {name}, which is not on this machine; run: {how}",
        ),
    )


def tell(
    report: Report, sources: Sequence[SourceLine], language: Language, seq: int, *, is_simulated: bool
) -> dict[str, Any]:
    """The report as what the template reads: words in one language, numbers already printed."""
    notes = _Notes()
    sections = [_section(section, language, notes) for section in report.sections]
    opening = next((s for s in report.sentences if s.name == "ratio"), report.sentences[0])
    day = Text(
        f"{report.today}{'（模拟日）' if is_simulated else ''}",
        f"{report.today}{' (simulated day)' if is_simulated else ''}",
    )
    return {
        "lang": language,
        "region": "CN" if language == "zh" else "GB",
        "title": report.title.of(language),
        "year": str(report.year),
        "year-title": Text(f"{report.year} 年", str(report.year)).of(language),
        "author": "Yucun",
        "kicker": Text("余村 · 共同富裕监测", "Yucun · Shared prosperity").of(language),
        "opening": opening.of(language),
        "lead": Text(
            f"共 {len(report.sentences)} 句，每句由数字写成；写于 {day.zh}，账序 {seq}。",
            f"{len(report.sentences)} sentences, each made from numbers; written on {day.en}, journal seq {seq}.",
        ).of(language),
        "foot": Text(f"截至 {day.zh}，账序 {seq}", f"as of {day.en}, journal seq {seq}").of(language),
        "words": {
            **{key: text.of(language) for key, text in _WORDS.items()},
            "number-heads": [head.of(language) for head in _HEADS],
        },
        "tiles": [_tile(figure, language) for figure in report.figures],
        "sections": sections,
        "sources": [
            {
                "title": s.title.of(language),
                "publisher": s.publisher.of(language),
                "said": s.said.of(language),
                # An address is a link; what is written beside a paper in one language stays out of the other.
                "address": s.address if s.address.isascii() else "",
            }
            for s in sources
        ],
        "marks": [{"word": MARK_TITLES[k].of(language), "said": said.of(language)} for k, said in _MARKS.items()],  # type: ignore[index]
        "evidence": [
            {"sign": SIGNS.get(kind, "●"), "word": EVIDENCE_TITLES[kind].of(language), "said": said.of(language)}
            for kind, said in _EVIDENCE.items()
        ],
        "numbers": [_number(n, slot, language, report.titles) for n, slot in enumerate(notes.slots, start=1)],
    }


def _section(section: Section, language: Language, notes: _Notes) -> dict[str, Any]:
    return {
        "title": section.title.of(language),
        "sentences": [_pieces(s, language, notes) for s in section.sentences],
        "charts": [_chart(c, language) for c in section.charts],
        "grids": [_grid(g, language) for g in section.grids],
    }


def _pieces(sentence: Sentence, language: Language, notes: _Notes) -> list[dict[str, Any]]:
    out = []
    for piece in sentence.pieces(language):
        if isinstance(piece, str):
            out.append({"number": False, "text": piece, "note": 0, "sign": ""})
        else:
            note = notes.of(piece) if piece.is_number else 0
            sign = SIGNS.get(piece.evidence, "") if piece.is_number else ""
            out.append({"number": piece.is_number, "text": piece.shown.of(language), "note": note, "sign": sign})
    return out


def _chart(chart: Chart, language: Language) -> dict[str, Any]:
    longest = max((bar.number for bar in chart.bars), default=0.0) or 1.0
    return {
        "places": chart.are_places,
        "title": chart.title.of(language),
        "said": chart.said.of(language),
        "unit": Text(f"单位：{chart.unit.zh}", f"Unit: {chart.unit.en}").of(language) if chart.unit.zh else "",
        "last": int(max((bar.high or bar.number for bar in chart.bars), default=1)),
        "bars": [
            {
                "label": bar.label.of(language),
                "shown": _interval(bar) or bar.slot.shown.of(language),
                "share": max(bar.number, 0.0) / longest,
                "rank": bar.number,
                "low": bar.number if bar.low is None else bar.low,
                "high": bar.number if bar.high is None else bar.high,
                "here": bar.is_here,
            }
            for bar in chart.bars
        ],
    }


def _interval(bar: Bar) -> str:
    if bar.low is None or bar.high is None:
        return ""
    return f"{bar.low:g}–{bar.high:g}" if bar.low != bar.high else f"{bar.low:g}"


def _tile(figure: Figure, language: Language) -> dict[str, str]:
    return {
        "title": figure.title.of(language),
        "shown": figure.slot.shown.of(language),
        "sign": SIGNS.get(figure.slot.evidence, ""),
        "unit": figure.unit.of(language),
        "said": figure.said.of(language),
    }


def _grid(grid: Grid, language: Language) -> dict[str, Any]:
    """Columns of words share the width by what stands in them; columns of numbers take what they need."""
    # A column of numbers has room for the mark's word; why stands in the section on what is not known.
    texts = [[_cell(c, language, is_bare=n in grid.numeric) for n, c in enumerate(row)] for row in grid.rows]
    longest = [
        max((len(row[n]["text"]) + len(row[n]["mark"]) for row in texts), default=1) for n in range(len(grid.columns))
    ]
    narrow = 10 if language == "zh" else 22
    widths = [0 if n in grid.numeric or longest[n] <= narrow else min(longest[n], 60) for n in range(len(grid.columns))]
    if not any(widths):
        widths[0] = 1
    return {
        "title": grid.title.of(language),
        "columns": [c.of(language) for c in grid.columns],
        "rows": texts,
        "numeric": list(grid.numeric),
        "widths": widths,
        "here": grid.here,
    }


def _cell(cell: Cell, language: Language, *, is_bare: bool = False) -> dict[str, str]:
    if cell.mark is not None:
        return {
            "text": "" if is_bare else cell.mark.reason.of(language),
            "mark": cell.mark.title.of(language),
            "sign": "",
        }
    if cell.slot is not None:
        return {"text": cell.slot.shown.of(language), "mark": "", "sign": SIGNS.get(cell.slot.evidence, "")}
    return {"text": cell.text.of(language), "mark": "", "sign": ""}


def _number(note: int, slot: Slot, language: Language, titles: Mapping[str, Text]) -> dict[str, Any]:
    """A line of the list of numbers: its title, its id, where and when."""
    if slot.kind == "worked_out":
        words = wordings()
        whole = next(k for k in (slot.what, ".".join(slot.what.split(".")[:2])) if f"what.{k}" in words)
        title = words[f"what.{whole}"].of(language)
        code = slot.what.removeprefix(whole).lstrip(".")
        said = f"{title}: {titles[f'prosperity.{code}'].of(language)}" if code else title
    else:
        # What only others count has no title among our own numbers.
        named = titles.get(slot.indicator, wordings().get(f"what.printed.{slot.indicator.rpartition('.')[2]}"))
        said = named.of(language) if named else slot.indicator
    if slot.kind == "claim":
        said += Text("（他方印出的数）", " (as others print it)").of(language)
    return {
        "note": note,
        "sign": SIGNS.get(slot.evidence, ""),
        "shown": slot.shown.of(language),
        "name": said,
        "id": slot.indicator if slot.kind != "worked_out" else "",
        "region": slot.region.short if slot.region else "",
        "period": slot.period.text if slot.period else "",
    }
