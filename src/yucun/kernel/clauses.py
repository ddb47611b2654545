"""Coverage by clause: every clause that a service cites, what implements it, which examples show it, and what none shows.

A clause is cited by a formula's first docstring line, a posting template, a figure's source, a case, or a purpose; found by
reading the folder, never typed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yucun.base.text import Text
from yucun.kernel.examples import Example, read_examples

# An article of a law or regulation, and the number of an official paper; as Chinese documents write both.
_ARTICLE = re.compile(
    r"《?([一-鿿（）()A-Z]{3,24}?(?:法|条例|办法|规定|细则))》?(?:（[^）]*）)?(第[一二三四五六七八九十百零、]+条)"
)
_PAPER = re.compile(r"[一-鿿]{2,8}〔\d{4}〕\d+号")


@dataclass(slots=True)
class CitedClause:
    """One clause and everything of a service that rests on it, by name.

    Parameters
    ----------
    formulas, postings, figures, cases, examples : list of str
        Names of versions of formulas, of posting templates, of parameters, of kinds of case or purposes, of examples.
    """

    title: Text
    formulas: list[str] = field(default_factory=list)
    postings: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def needs_example(self) -> bool:
        """Whether it decides on something: a formula or a posting rests on it."""
        return bool(self.formulas or self.postings)

    @property
    def is_shown(self) -> bool:
        """Whether an example cites it."""
        return bool(self.examples)


@dataclass(frozen=True, slots=True)
class ClauseCoverage:
    """The clauses of one service, and the numbers that its examples ask and those that none asks.

    Parameters
    ----------
    asked, not_asked : tuple of str
        Indicators, for a service whose examples ask numbers.
    """

    clauses: tuple[CitedClause, ...]
    asked: tuple[str, ...]
    not_asked: tuple[str, ...]

    @property
    def needing(self) -> tuple[CitedClause, ...]:
        """Clauses that must have an example."""
        return tuple(one for one in self.clauses if one.needs_example)

    @property
    def without(self) -> tuple[CitedClause, ...]:
        """Those of them that no example shows."""
        return tuple(one for one in self.needing if not one.is_shown)


def read_coverage(
    folder: Path, rules: Mapping[str, Callable[..., Any]], indicators: Iterable[str], service: str
) -> ClauseCoverage:
    """Read what a service cites.

    Parameters
    ----------
    folder : Path
        A service's folder; files that are not there cite nothing.
    rules : mapping of str to callable
        The functions of its ``rules.py``.
    indicators : iterable of str
        Its numbers, by full name.
    """
    found: dict[str, CitedClause] = {}

    def cite(title: Text) -> CitedClause:
        return found.setdefault(_plain(title.zh), CitedClause(title))

    for name, rule in rules.items():
        first = (rule.__doc__ or "").strip().split("\n")[0]
        zh, parted, en = (part.strip() for part in first.partition("|"))
        if parted:
            cite(Text(zh, en)).formulas.append(name)
    for name, table in _read(folder / "ledger.toml").get("posting", {}).items():
        cite(Text.same(str(table["clause"]))).postings.append(name)
    examples: list[Example] = []
    if (folder / "examples.toml").is_file():
        examples, _ = read_examples(folder / "examples.toml", service)
    for example in examples:
        cite(example.clause).examples.append(example.id)
    for name, table in _read(folder / "parameters.toml").items():
        for words in sorted({clause for text in _texts(table) for clause in list_citations(text)}):
            cite(Text.same(words)).figures.append(name)
    for file, key in (("cases.toml", "cases"), ("service.toml", "cases")):
        for name, table in _read(folder / file).items():
            for words in sorted({clause for text in _texts(table) for clause in list_citations(text)}):
                getattr(cite(Text.same(words)), key).append(name)
    asked = {ask.number for example in examples for ask in example.asks}
    named = list(indicators)
    return ClauseCoverage(
        tuple(found[key] for key in sorted(found)),
        tuple(name for name in named if name in asked),
        tuple(name for name in named if name not in asked) if asked else (),
    )


def list_citations(text: str) -> list[str]:
    """The articles and papers that a text cites, each as its clause is called.

    Examples
    --------
    >>> list_citations("《浙江省社会救助条例》第十一条；发改价格〔2021〕1553号")
    ['浙江省社会救助条例第十一条', '发改价格〔2021〕1553号']
    >>> list_citations("浙江省社会救助条例第五十条，六至十二个月，取下限")
    ['浙江省社会救助条例第五十条']
    """
    articles = [f"{law}{article}" for law, article in _ARTICLE.findall(text)]
    return articles + _PAPER.findall(text)


def _plain(zh: str) -> str:
    """A clause's key: an article or paper by its own name, whatever stands around it; other words as they are."""
    cited = list_citations(zh)
    return cited[0] if len(cited) == 1 and len(zh) <= len(cited[0]) + 2 else zh


def _read(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _texts(value: Any) -> Iterator[str]:
    """All texts of a declaration, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
