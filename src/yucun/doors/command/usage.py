"""A command that is not written as it should be: what is wrong and what to write, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from typer.exceptions import TyperException

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.doors.command.output import Exit, Printer

# What the parser says in English, and the same for people; groups of the pattern fill the places.
_SAID: tuple[tuple[str, str, str], ...] = (
    (r"Missing argument '\{?([^'}]+)\}?'", "缺少「{0}」", "'{0}' is missing"),
    (r"Missing option '([^']+)'", "缺少选项 {0}", "the option {0} is missing"),
    (r"No such command '([^']+)'", "没有命令「{0}」", "there is no command '{0}'"),
    (r"No such option: '?([^\s'?]+)", "没有选项 {0}", "there is no option {0}"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.+?)\)", "多写了「{0}」", "'{0}' is more than it takes"),
    (r"Option '([^']+)' requires (?:an argument|\d+ arguments)", "选项 {0} 后面要写值", "the option {0} needs a value"),
    (r"Invalid value for '?([^:']+)'?: (.+)", "{0} 的值不对：{1}", "{0} does not fit: {1}"),
)


def run_reported(run: Callable[[], Any], printer: Printer) -> int:
    """Run the command line and return its exit code; a misspelt command is a finding with the way on.

    Parameters
    ----------
    run : callable
        The command line without its own reporting; returns an exit code or None.
    """
    try:
        return int(run() or 0)
    except TyperException as error:
        message, context = error.format_message(), getattr(error, "ctx", None)
        found = _find_message(message)
        if found is None:
            # Not about how it is written, such as help that is shown because nothing was asked.
            error.show()  # type: ignore[attr-defined]
            return error.exit_code
        _tell(printer, context, found, message)
        return int(Exit.USAGE)


def _find_message(message: str) -> tuple[Text, Sequence[str]] | None:
    for pattern, zh, en in _SAID:
        match = re.search(pattern, message)
        if match:
            return Text(zh.format(*match.groups()), en.format(*match.groups())), match.groups()
    return None


def _tell(printer: Printer, context: Any, found: tuple[Text, Sequence[str]], message: str) -> None:
    said, words = found
    path, usage = "yucun", "yucun VERB …"
    if context is not None:
        path, usage = str(context.command_path), " ".join(context.get_usage().split()).removeprefix("Usage: ")
    near = _find_near(context, message, words[0])
    zh, en = (f"；是不是 {near}", f"; did you mean {near}") if near else ("", "")
    next_zh, next_en = f"；用法：{usage}；`{path} --help` 有例子", f"; usage: {usage}; `{path} --help` has an example"
    printer.findings(
        [Finding("command.usage", path, words[0][:120], usage, Text(said.zh + zh + next_zh, said.en + en + next_en))]
    )


def _find_near(context: Any, message: str, word: str) -> str:
    if context is None:
        return ""
    if message.startswith("No such command"):
        known = list(context.command.list_commands(context))
    elif message.startswith("No such option"):
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
    else:
        return ""
    return next(iter(get_close_matches(word, known, 1, 0.5)), "")
