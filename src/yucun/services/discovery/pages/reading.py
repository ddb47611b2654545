"""How the rules of early warning fare: visits, help, shares with their intervals, by rule and by month; from cases alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from yucun.base.text import Text
from yucun.kernel.cases import Case
from yucun.kernel.rules import Parameters
from yucun.kernel.rules.parameters import EVIDENCE_TITLES
from yucun.services.discovery.detectors import PUBLISHED, RULES
from yucun.services.discovery.models import interval
from yucun.services.discovery.planning import HELP

TOGETHER = Text("合计（一户一次）", "together (a household once)")


@dataclass(frozen=True, slots=True)
class Fared:
    """How a rule, a month or all together fared; ``low`` and ``high`` are Wilson's interval of the share, 95 %."""

    name: str
    title: Text
    offered: int
    visits: int
    helped: int
    declined: int

    @property
    def ends(self) -> tuple[float, float]:
        """The interval of the share."""
        return interval(self.helped, self.visits)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a rule rests on: its figures, where they are from, and whether they may be used on real people."""

    figures: Text
    source: str
    evidence: Text
    is_verified: bool


def count_cases(name: str, title: Text, cases: Iterable[Case]) -> Fared:
    """Count warnings: offered, visited with a finding, helped, and those who said no."""
    findings = [str(case.fields.get("finding", "")) for case in cases]
    helped = sum(one in HELP for one in findings)
    return Fared(name, title, len(findings), helped + findings.count("no_need"), helped, findings.count("declined"))


def score_rules(cases: Sequence[Case]) -> list[Fared]:
    """Each rule over all warnings that held it, then all together, where a household counts once."""
    held = [(case, frozenset(str(case.fields.get("rules", "")).split())) for case in cases]
    rows = [
        count_cases(name, rule.title, [case for case, rules in held if name in rules]) for name, rule in RULES.items()
    ]
    return [*rows, count_cases("together", TOGETHER, cases)]


def score_months(cases: Sequence[Case]) -> list[Fared]:
    """Each month, the newest first."""
    months = sorted({str(case.fields["month"]) for case in cases}, reverse=True)
    return [count_cases(m, Text.same(m), [c for c in cases if c.fields["month"] == m]) for m in months]


def tell_threshold(pack: Parameters, rule: str, day: date) -> Threshold:
    """The figures of a rule on a day, in words, with their source."""
    figures, sources, labels, sure = [], [], [], True
    for name in RULES[rule].parameters:
        value, item = pack.get(name, day), pack.items[name]
        content = value.content
        parts = content.values() if isinstance(content, Mapping) else (content,)
        said = " / ".join(_write(int(part), item.unit) for part in parts if isinstance(part, int))
        figures.append((f"{item.title.zh} {said}", f"{item.title.en} {said}"))
        sources.append(value.source)
        labels.append(EVIDENCE_TITLES[value.evidence])
        sure = sure and value.is_verified
    return Threshold(
        Text("；".join(zh for zh, _ in figures), "; ".join(en for _, en in figures)),
        "；".join(sources),
        Text("、".join(dict.fromkeys(t.zh for t in labels)), ", ".join(dict.fromkeys(t.en for t in labels))),
        sure,
    )


def _write(number: int, unit: str) -> str:
    """A figure as people read it: yuan for fen, percent for bp.

    Examples
    --------
    >>> _write(3193000, "fen"), _write(15000, "bp"), _write(24, "number")
    ('31,930', '150%', '24')
    """
    if unit == "fen":
        return f"{number // 100:,}"
    if unit == "bp":
        return f"{number // 100}%"
    return f"{number:,}"


def tell_published(pack: Parameters, day: date) -> tuple[Fared, str]:
    """What was published elsewhere, as a line beside ours; and where it stands."""
    value = pack.get("published_outcome", day)
    assert not isinstance(value.content, (int, bool, tuple)) and value.content is not None
    title = Text(f"已公布（别县）：{RULES[PUBLISHED].title.zh}", f"published elsewhere: {RULES[PUBLISHED].title.en}")
    alerts, helped = value.content["alerts"], value.content["helped"]
    return Fared("published", title, alerts, alerts, helped, 0), value.source


def show_share(one: Fared) -> str:
    """The share in percent; a dash where nobody was visited.

    Examples
    --------
    >>> show_share(Fared("x", Text.same("x"), 4881, 4881, 91, 0)), show_share(Fared("x", Text.same("x"), 3, 0, 0, 0))
    ('1.86%', '—')
    """
    return f"{100 * one.helped / one.visits:.2f}%" if one.visits else "—"


def show_ends(one: Fared) -> str:
    """The interval in percent; a dash where nobody was visited."""
    low, high = one.ends
    return f"{100 * low:.1f}%–{100 * high:.1f}%" if one.visits else "—"


def write_csv(rows: Iterable[Fared]) -> str:
    """The table as a file, shares in basis points with their ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("rule", "offered", "visits", "helped", "declined", "share_bp", "low_bp", "high_bp"))
    for one in rows:
        shares = [round(10_000 * s) for s in (one.helped / one.visits, *one.ends)] if one.visits else ["", "", ""]
        writer.writerow((one.name, one.offered, one.visits, one.helped, one.declined, *shares))
    return out.getvalue()
