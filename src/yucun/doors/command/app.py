"""The command line as Typer shows it: verbs, and the services' own verbs, which are imported only when called."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from yucun.base.text import Language, Text
from yucun.doors.command.verb import Verb, choose_markup, make_call
from yucun.doors.command.verbs import VERBS

_TITLE = Text(
    "余村：县域共同富裕的开放城市大脑。每个数都能追问来处。",
    "Yucun, an open city brain: every number can be asked where it comes from.",
)
_NEXT = Text(
    "先试：yucun up；再试：yucun why prosperity.urban_rural_ratio 湖州。每个动词加 --help 有例子，加 --json 得 JSON；"
    "退出码见 docs/reference/command-line.md。",
    "Try first: yucun up; then: yucun why prosperity.urban_rural_ratio Huzhou. Every verb has an example under --help and "
    "answers in JSON with --json; exit codes: docs/reference/command-line.md.",
)
_SERVICES = Text("各服务自己的动词", "Services' own verbs")


def make_app(language: Language) -> typer.Typer:
    """Make the command line in one language."""

    class Verbs(TyperGroup):
        """Verbs of the city first, then one group for each service that has verbs of its own."""

        def list_commands(self, ctx: Any) -> list[str]:
            from yucun.doors.command.services import list_services

            return [*super().list_commands(ctx), *list_services()]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            from yucun.doors.command.services import make_group

            return super().get_command(ctx, cmd_name) or make_group(cmd_name, language, _SERVICES.of(language))

    app = typer.Typer(
        cls=Verbs,
        help=f"{_TITLE.of(language)}\n\n{_NEXT.of(language)}",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=choose_markup(),
    )
    groups: dict[str, typer.Typer] = {}
    alone = {verb.name: verb for verb in VERBS if any(v.name.startswith(f"{verb.name} ") for v in VERBS)}
    for verb in VERBS:
        if verb.name in alone:
            continue
        group, _, name = verb.name.rpartition(" ")
        home = app
        if group:
            if group not in groups:
                groups[group] = _make_group(verb, alone.get(group), language)
                app.add_typer(groups[group], name=group, rich_help_panel=verb.shelf.of(language))
            home = groups[group]
        _add(home, name, verb, language)
    return app


def _make_group(first: Verb, alone: Verb | None, language: Language) -> typer.Typer:
    """A group of verbs; where its name is a verb too, it does that when nothing follows."""
    if alone is None:
        return typer.Typer(no_args_is_help=True, help=first.meaning.of(language), rich_markup_mode=choose_markup())
    call = make_call(alone, language, is_group=True)
    group = typer.Typer(invoke_without_command=True, help=call.__doc__, rich_markup_mode=choose_markup())
    group.callback(invoke_without_command=True, help=call.__doc__)(call)
    return group


def _add(home: typer.Typer, name: str, verb: Verb, language: Language) -> None:
    call = make_call(verb, language)
    home.command(name, help=call.__doc__, rich_help_panel=verb.shelf.of(language))(call)
