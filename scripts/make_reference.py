"""Write docs/reference/command-line.md and api.md from the lists of verbs and operations; nothing is written by hand."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from yucun.base.text import Text
from yucun.city import City
from yucun.doors.api import list_operations
from yucun.doors.api.describing import write_markdown
from yucun.doors.command.output import EXIT_TITLES
from yucun.doors.command.services import SERVICES, list_services, load_verbs
from yucun.doors.command.verb import EVERYWHERE, Verb, Word
from yucun.doors.command.verbs import VERBS

ROOT = Path(__file__).resolve().parent.parent
SHELF = ROOT / "docs" / "reference"
_HEAD = """# The command line · 命令行

`yucun` speaks in verbs. Each answers in tables on a terminal, in tab-separated text into a pipe, and in JSON with
`--json`; what is said beside the answer goes to standard error. Chinese or English by `LANG`, or `--lang`.

`yucun` 以动词说话。在终端上画表，进管道是制表符分隔的文字，加 `--json` 是 JSON；旁白走标准错误。
"""


def write_command_line() -> str:
    """Write the page of verbs."""
    lines = [_HEAD, "## Exit codes · 退出码\n", "| code | meaning |", "|---|---|"]
    lines += [f"| {int(code)} | {_both(title)} |" for code, title in EXIT_TITLES.items()]
    lines += ["\n## With every verb · 每个动词都可带\n", "| option | meaning |", "|---|---|"]
    lines += [_word(word) for word in EVERYWHERE]
    shelf = None
    for verb in VERBS:
        if verb.shelf != shelf:
            shelf = verb.shelf
            lines.append(f"\n## {shelf.en} · {shelf.zh}")
        lines += _verb(verb)
    services = list_services()
    if services:
        lines.append("\n## Services' own verbs · 各服务自己的动词")
    for name in services:
        for verb_name, meaning in load_verbs(SERVICES / name / "commands.py").items():
            lines.append(f"\n### yucun {name} {verb_name.replace('_', '-')}\n\n{_both(meaning)}")
    return "\n".join(lines) + "\n"


def _verb(verb: Verb) -> list[str]:
    usage = " ".join(w.name.upper() if w.default is ... else f"[{w.name.upper()}]" for w in verb.words if w.is_argument)
    lines = [f"\n### yucun {verb.name} {usage}".rstrip(), f"\n{verb.meaning.en}\n\n{verb.meaning.zh}"]
    if verb.words:
        lines += ["\n| word | meaning |", "|---|---|", *(_word(word) for word in verb.words)]
    if verb.examples:
        lines += ["\n```", *(f"yucun {example}" for example in verb.examples), "```"]
    return lines


def _word(word: Word) -> str:
    name = word.name.upper() if word.is_argument else f"--{word.name.replace('_', '-')}"
    default = "" if word.default in (None, ..., False, "", ()) or word.default == 0 else f" (`{word.default}`)"
    return f"| `{name}`{default} | {_both(word.meaning)} |"


def _both(text: Text) -> str:
    return f"{text.en} · {text.zh}".replace("|", "\\|")


def write_api() -> str:
    """Write the page of the API, as Huzhou's city has it."""
    with tempfile.TemporaryDirectory() as folder:
        city = City.open(data=Path(folder))
        try:
            operations = list_operations(city)
        finally:
            city.close()
    return write_markdown(operations, "en") + "\n---\n\n" + write_markdown(operations, "zh")


def main() -> int:
    """Write both pages."""
    SHELF.mkdir(parents=True, exist_ok=True)
    (SHELF / "command-line.md").write_text(write_command_line(), encoding="utf-8")
    (SHELF / "api.md").write_text(write_api(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
