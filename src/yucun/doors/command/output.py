"""What the command line prints: Rich tables on a terminal, tab-separated text into a pipe, JSON when it is asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Protocol

from yucun.base.clock import stopwatch
from yucun.base.errors import Finding
from yucun.base.text import Language, Text


class Exit(IntEnum):
    """What the exit code says."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    YOURS = 3
    OURS = 4


EXIT_TITLES: dict[Exit, Text] = {
    Exit.OK: Text("完成，没有问题", "done, nothing wrong"),
    Exit.PROBLEMS: Text(
        "完成，但查出问题（拒收的记录、不符的数、损坏的文件）",
        "done, and problems were found (refused records, numbers that differ, damaged files)",
    ),
    Exit.USAGE: Text("命令写错了", "the command is not written as it should be"),
    Exit.YOURS: Text(
        "给的东西有误（文件、声明、时期、地区、权限）；信息里写明怎么改",
        "something that was given is wrong (file, declaration, period, region, access); the message says how to mend it",
    ),
    Exit.OURS: Text(
        "系统自身出错；什么都没有丢，请告知维护者", "something broke on our side; nothing is lost, tell the maintainers"
    ),
}


def language_of_environment() -> Language:
    """English where LC_ALL, LC_MESSAGES or LANG says English, else Chinese."""
    said = next((os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), "")
    return "en" if said.lower().startswith("en") else "zh"


class Step(Protocol):
    """Told how far a step has come."""

    def __call__(self, done: int, total: int, name: str | None = None) -> None:
        """Say that so many of so many are done, and what is being done."""


class NamedStep(Protocol):
    """Told which step it is and how far that has come."""

    def __call__(self, name: Text, done: int, total: int, /) -> None:
        """Say that so many of so many are done."""


@dataclass(slots=True)
class Printer:
    """Where a verb says what it has to say; answers go to standard output, all else to standard error."""

    language: Language = "zh"
    is_json: bool = False

    @property
    def is_terminal(self) -> bool:
        """True when a person is looking."""
        return sys.stdout.isatty() and not self.is_json

    def of(self, text: Text) -> str:
        """The wording in the language asked for."""
        return text.of(self.language)

    def answer(self, text: Text) -> None:
        """Print a line of the answer; JSON answers have no such lines."""
        if not self.is_json:
            self._print(text.of(self.language))

    def note(self, text: Text) -> None:
        """Say something beside the answer."""
        print(text.of(self.language), file=sys.stderr)

    def json(self, value: Any) -> None:
        """Print the answer as JSON when it is asked for."""
        if self.is_json:
            print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))

    def table(
        self, title: Text, heads: Sequence[Text], rows: Sequence[Sequence[Any]], numbers: Sequence[int] = ()
    ) -> None:
        """Print a table.

        Parameters
        ----------
        rows : sequence of sequences
            Texts are worded, None is blank.
        numbers : sequence of int
            Positions of the columns that are set to the right.
        """
        if self.is_json:
            return
        words = [[self._word(cell) for cell in row] for row in rows]
        if not self.is_terminal:
            print("\t".join(h.of(self.language) for h in heads))
            for row in words:
                print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
            return
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text as Line

        drawn = Table(title=title.of(self.language), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for position, head in enumerate(heads):
            drawn.add_column(
                head.of(self.language), justify="right" if position in numbers else "left", overflow="fold"
            )
        for row in words:
            drawn.add_row(*(Line(cell) for cell in row))
        Console().print(drawn)

    def facts(self, title: Text, facts: Sequence[tuple[Text, Any]]) -> None:
        """Print pairs of a name and what it is."""
        self.table(title, (Text("项", "item"), Text("内容", "value")), facts)

    def findings(self, findings: Sequence[Finding], most: int = 200) -> None:
        """Print findings with where, the sentence, what was found and expected; JSON goes to standard output."""
        if self.is_json:
            print(json.dumps({"findings": [f.to_json() for f in findings]}, ensure_ascii=False, indent=2))
            return
        for finding in findings[:most]:
            print(f"{finding.where}: {finding.message.of(self.language)}  [{finding.kind}]", file=sys.stderr)
        if len(findings) > most:
            more = len(findings) - most
            self.note(Text(f"……另有 {more} 条", f"… and {more} more"))

    @contextmanager
    def step(self, title: Text) -> Iterator[Step]:
        """Show one step of long work: on a terminal a bar with the time left, in a pipe one line when it is done."""
        clock = stopwatch()
        if sys.stderr.isatty() and not self.is_json:
            with _bar(title.of(self.language)) as move:
                yield move
        else:
            yield _still
        if not self.is_json:
            print(f"{title.of(self.language)}  {clock():.1f} s", file=sys.stderr)

    @contextmanager
    def steps(self, title: Text) -> Iterator[NamedStep]:
        """Like `step`, for work of several steps that follow one another in one bar, each under its own name."""
        clock = stopwatch()
        if sys.stderr.isatty() and not self.is_json:
            with _bar(title.of(self.language)) as move:
                yield lambda name, done, total: move(
                    done, total, f"{title.of(self.language)}: {name.of(self.language)}"
                )
        else:
            yield lambda *_: None
        if not self.is_json:
            print(f"{title.of(self.language)}  {clock():.1f} s", file=sys.stderr)

    def _print(self, line: str) -> None:
        if self.is_terminal:
            from rich.console import Console

            Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(line)
        else:
            print(line)

    def _word(self, cell: Any) -> str:
        if cell is None:
            return ""
        if isinstance(cell, bool):
            return self.of(Text("是", "yes") if cell else Text("否", "no"))
        return cell.of(self.language) if isinstance(cell, Text) else str(cell)


def _still(done: int, total: int, name: str | None = None) -> None:
    del done, total, name


@contextmanager
def _bar(title: str) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)

        def move(done: int, total: int, name: str | None = None) -> None:
            progress.update(task, completed=done, total=total or None, description=name)

        yield move


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return value.to_json()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
