"""The services' own verbs: what a service's ``commands.py`` names in ``VERBS`` becomes ``yucun <service> <verb>``.

A verb is a plain function with annotated parameters; ``VERBS`` maps its name to what it means. A parameter called
``city`` is given the open city; without one the verb needs no city at all. What it returns is printed: an Arrow
table, a mapping, a `Text`, or nothing. ``WORDS``, where a service has it, says in words what an option or a column is:
options in the help, columns on a terminal; a pipe and ``--json`` keep names and every digit.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

import yucun
from yucun.base.text import Language, Text
from yucun.doors.command.opening import opened
from yucun.doors.command.output import Exit, Printer
from yucun.doors.command.verb import EVERYWHERE, Setting, choose_markup, reporting, take_setting

if TYPE_CHECKING:
    from types import ModuleType

SERVICES = Path(yucun.__file__).parent / "services"
_KINDS = (str, int, float, bool, Path)


def list_services(folder: Path = SERVICES) -> list[str]:
    """Services that have verbs of their own."""
    return sorted(path.parent.name for path in folder.glob("*/commands.py"))


def make_group(name: str, language: Language, shelf: str, folder: Path = SERVICES) -> Any:
    """Make a service's group of verbs; None for a service that has none. Its module is imported when a verb is asked."""
    path = folder / name / "commands.py"
    if not name.isidentifier() or not path.is_file():
        return None

    class ServiceVerbs(TyperGroup):
        """The verbs of one service."""

        def list_commands(self, ctx: Any) -> list[str]:
            del ctx
            return [verb.replace("_", "-") for verb in load_verbs(path)]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            del ctx
            return _make_command(path, cmd_name, language)

    group = typer.Typer(
        cls=ServiceVerbs,
        no_args_is_help=True,
        add_completion=False,
        help=_title(path.parent, language),
        rich_markup_mode=choose_markup(),
    )
    group.callback()(_nothing)
    made = typer.main.get_command(group)
    made.name = name
    made.rich_help_panel = shelf  # type: ignore[attr-defined]
    return made


def _make_command(path: Path, word: str, language: Language) -> Any:
    module = _load(path)
    verbs: Mapping[str, Text] = module.VERBS
    verb = word.replace("-", "_")
    if verb not in verbs:
        return None
    alone = typer.Typer(add_completion=False, rich_markup_mode=choose_markup())
    examples: Mapping[str, tuple[str, ...]] = getattr(module, "EXAMPLES", {})
    told = verbs[verb].of(language) + "".join(f"\n\n  yucun {example}" for example in examples.get(verb, ()))
    alone.command(word, help=told)(_make_call(getattr(module, verb), language))
    return typer.main.get_command(alone)


def load_verbs(path: Path) -> Mapping[str, Text]:
    """What a service's ``commands.py`` says of its verbs."""
    verbs: Mapping[str, Text] = _load(path).VERBS
    return verbs


def _nothing() -> None:
    """What a group does by itself."""


def _title(folder: Path, language: Language) -> str:
    said = tomllib.loads((folder / "service.toml").read_text(encoding="utf-8"))
    return Text.from_json(said["title"]).of(language)


@cache
def _load(path: Path) -> ModuleType:
    name = f"yucun_commands_{path.parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _make_call(run: Callable[..., Any], language: Language) -> Callable[..., None]:
    signature = inspect.signature(run, eval_str=True)
    wants_city, may_open = "city" in signature.parameters, "open_city" in signature.parameters
    own = [p for p in signature.parameters.values() if p.name not in ("city", "open_city")]
    said: Mapping[str, Text] = getattr(sys.modules[run.__module__], "WORDS", {})

    def call(**values: Any) -> None:
        setting = take_setting(values, language)
        with reporting(setting.printer):
            if wants_city:
                with opened(setting) as city:
                    _print(setting, run(city=city, **values), said)
            elif may_open:
                # A verb that asks for a city only with some of its words opens one when it must.
                _print(setting, run(open_city=partial(opened, setting), **values), said)
            else:
                _print(setting, run(**values), said)
            raise typer.Exit(int(Exit.OK))

    parameters = [_parameter(p, said.get(p.name), language) for p in own]
    parameters += [
        inspect.Parameter(
            w.name, inspect.Parameter.KEYWORD_ONLY, default=w.make_default(language), annotation=w.annotation
        )
        for w in EVERYWHERE
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _parameter(given: inspect.Parameter, meaning: Text | None, language: Language) -> inspect.Parameter:
    """A parameter without a default is an argument, or an option that must be given where it goes by its name alone."""
    option = "--" + given.name.rstrip("_").replace("_", "-")
    shown = meaning.of(language) if meaning else None
    default: Any
    if given.default is not given.empty:
        is_told = given.default not in ("", 0, False, Path())
        default = typer.Option(given.default, option, help=shown, show_default=is_told)
    elif given.kind is given.KEYWORD_ONLY:
        default = typer.Option(..., option, help=shown)
    else:
        default = typer.Argument(..., help=shown)
    annotation = given.annotation if given.annotation in _KINDS else str
    return inspect.Parameter(given.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _print(setting: Setting, answer: Any, said: Mapping[str, Text]) -> None:
    printer: Printer = setting.printer
    if isinstance(answer, Text):
        printer.json(answer.to_json())
        printer.answer(answer)
    elif isinstance(answer, Mapping):
        printer.json(dict(answer))
        facts = [(_head(printer, str(name), said), _cell(printer, value)) for name, value in answer.items()]
        printer.facts(Text("", ""), facts)
    elif answer is not None:
        rows = answer.to_pylist()
        printer.json(rows)
        names = _shown_columns(printer, list(answer.column_names))
        numbers = [n for n, name in enumerate(names) if any(type(row[name]) in (int, float) for row in rows)]
        shown = [[_cell(printer, row[name]) for name in names] for row in rows]
        printer.table(Text("", ""), [_head(printer, name, said) for name in names], shown, numbers)


def _shown_columns(printer: Printer, names: list[str]) -> list[str]:
    """On a terminal a column in two languages stands once, in the reader's."""
    other = "_en" if printer.language == "zh" else "_zh"
    twice = {n for n in names if n.endswith(other) and n.removesuffix(other) + f"_{printer.language}" in names}
    return [n for n in names if n not in twice] if printer.is_terminal else names


def _head(printer: Printer, name: str, said: Mapping[str, Text]) -> Text:
    plain = name.removesuffix("_zh").removesuffix("_en")
    return said.get(name, said.get(plain, Text.same(name))) if printer.is_terminal else Text.same(name)


def _cell(printer: Printer, value: Any) -> Any:
    """A person reads six digits of a number; a program gets them all."""
    return f"{Decimal(f'{value:.6g}'):f}" if isinstance(value, float) and printer.is_terminal else value
