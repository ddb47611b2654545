"""The command line: `yucun` speaks in verbs; every verb answers in words, or in JSON when it is asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> None:
    """Run one verb and end the process with its exit code."""
    from yucun.doors.command.app import make_app
    from yucun.doors.command.output import Printer, language_of_environment
    from yucun.doors.command.usage import run_reported

    said = list(sys.argv[1:] if words is None else words)
    asked = _find_language(said)
    language = "en" if asked == "en" else "zh" if asked == "zh" else language_of_environment()
    app, ordered = make_app(language), _verb_first(said)
    printer = Printer(language, "--json" in said)
    sys.exit(run_reported(lambda: app(ordered, prog_name="yucun", standalone_mode=False), printer))


def _find_language(said: Sequence[str]) -> str:
    for position, word in enumerate(said):
        if word == "--lang":
            return said[position + 1] if position + 1 < len(said) else ""
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
    return ""


def _verb_first(said: list[str]) -> list[str]:
    """Let `yucun --json why …` mean `yucun why … --json`; before a mere `--help` the language is used up already."""
    from yucun.doors.command.verb import EVERYWHERE

    flags = {f"--{w.name}": w.kind is bool for w in EVERYWHERE}
    leading, rest = _take_flags(said, flags, only_leading=True)
    if rest and not rest[0].startswith("-"):
        return [*rest, *leading]
    return _take_flags(rest, flags, only_leading=False)[1]


def _take_flags(said: list[str], flags: dict[str, bool], *, only_leading: bool) -> tuple[list[str], list[str]]:
    """Part words into those of the options that every verb takes, with their values, and all others."""
    taken: list[str] = []
    others: list[str] = []
    words = iter(said)
    for word in words:
        name = word.split("=")[0]
        if name in flags and not (only_leading and others):
            taken += [word] if flags[name] or "=" in word else [word, *([value] if (value := next(words, "")) else [])]
        else:
            others.append(word)
    return taken, others
