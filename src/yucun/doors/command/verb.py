"""What a verb is: its words, its meaning in both languages, and the function that does it, imported only when called.

The list of verbs is the one source of the command line, of its help and of the reference page.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import typer

from yucun.base.errors import Ours, Yours
from yucun.base.text import Language, Text
from yucun.doors.command.output import Exit, Printer, language_of_environment

DEFAULT_PLACE = "huzhou"


@dataclass(slots=True)
class Setting:
    """What was said with the options that every verb takes."""

    place: str = DEFAULT_PLACE
    data: Path | None = None
    books: str | None = None
    is_live: bool = False
    by: str = ""
    engine: str = ""
    lake_as: str = ""
    printer: Printer = field(default_factory=lambda: Printer(language_of_environment()))

    @property
    def folder(self) -> Path:
        """Where the city lies: ``--data``, else ``YUCUN_HOME``, else ``.yucun/<place>`` below the current folder."""
        if self.data is not None:
            return self.data
        home = os.environ.get("YUCUN_HOME")
        return Path(home) if home else Path(".yucun") / self.place


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a verb: an argument by its place, or an option by its name.

    Parameters
    ----------
    kind : type
        str, int, bool, Path, or list[str] for what may stand several times.
    default : object
        ``...`` when it must be given.
    """

    name: str
    meaning: Text
    kind: Any = str
    default: Any = None
    is_argument: bool = False
    metavar: str = ""

    def make_default(self, language: Language) -> Any:
        """What Typer reads a word from."""
        said: dict[str, Any] = {
            "help": self.meaning.of(language),
            "show_default": self.default not in (None, False, "", ...),
        }
        if self.metavar:
            said["metavar"] = self.metavar
        if self.is_argument:
            return typer.Argument(self.default, **said)
        name = f"--{self.name.replace('_', '-')}"
        return typer.Option(self.default, name, **said)

    @property
    def annotation(self) -> Any:
        """The type that Typer reads it as."""
        return self.kind | None if self.default is None and self.kind is not bool else self.kind


# Taken by every verb.
EVERYWHERE: tuple[Word, ...] = (
    Word(
        "data",
        Text(
            "城市数据所在目录（默认 .yucun/<place>，或环境变量 YUCUN_HOME）",
            "folder of the city (default .yucun/<place>, or YUCUN_HOME)",
        ),
        Path,
    ),
    Word(
        "books",
        Text("账本网址：sqlite:///路径 或 postgresql://…", "URL of the books: sqlite:///PATH or postgresql://…"),
    ),
    Word("place", Text("地方", "the place"), str, DEFAULT_PLACE),
    Word(
        "engine",
        Text(
            "计算引擎：duckdb（默认）或 Spark Connect 地址 sc://主机:端口（或环境变量 YUCUN_ENGINE）",
            "what computes: duckdb (default) or a Spark Connect server sc://host:port (or YUCUN_ENGINE)",
        ),
    ),
    Word(
        "lake_as",
        Text(
            "Spark 看到的湖目录，如 s3a://桶/lake（或环境变量 YUCUN_LAKE_AS；默认相同）",
            "the lake's folder as Spark sees it, such as s3a://bucket/lake (or YUCUN_LAKE_AS; default the same)",
        ),
    ),
    Word(
        "live", Text("用真实的今天，而不是地方设定的那一天", "use the real day instead of the place's own"), bool, False
    ),
    Word("by", Text("以哪个账号的身份", "in the name of which account"), str, ""),
    Word("json", Text("以 JSON 回答", "answer in JSON"), bool, False),
    Word(
        "lang",
        Text("语言：zh 或 en（默认看环境变量 LANG，否则中文）", "language: zh or en (default by LANG, else Chinese)"),
    ),
)


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of the command line.

    Parameters
    ----------
    run : str
        ``module:function`` below `yucun.doors.command`; takes a `Setting` and the words, returns an `Exit`.
    shelf : Text
        Under which heading the help lists it.
    """

    name: str
    meaning: Text
    run: str
    shelf: Text
    words: tuple[Word, ...] = ()
    examples: tuple[str, ...] = ()

    def load(self) -> Callable[..., Exit]:
        """Import the function that does it."""
        module, _, name = self.run.partition(":")
        found: Callable[..., Exit] = getattr(importlib.import_module(f"yucun.doors.command.{module}"), name)
        return found


def choose_markup() -> Literal["rich"] | None:
    """Boxes and colours for a person, plain words for a pipe."""
    return "rich" if sys.stdout.isatty() else None


def make_call(verb: Verb, language: Language, *, is_group: bool = False) -> Callable[..., None]:
    """Make the function that Typer calls: it has the verb's words and those of every verb as its parameters.

    Parameters
    ----------
    is_group : bool
        The verb is a group's own: it does nothing when another of the group follows.
    """

    def call(**values: Any) -> None:
        context = values.pop("context", None)
        if context is not None and context.invoked_subcommand is not None:
            return
        setting = take_setting(values, language)
        with reporting(setting.printer):
            code = verb.load()(setting, **values)
            raise typer.Exit(int(code))

    words = (*verb.words, *EVERYWHERE)
    parameters = [
        inspect.Parameter(
            w.name, inspect.Parameter.KEYWORD_ONLY, default=w.make_default(language), annotation=w.annotation
        )
        for w in words
    ]
    if is_group:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.insert(0, inspect.Parameter("context", kind, annotation=typer.Context))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    examples = "".join(f"\n\n  yucun {example}" for example in verb.examples)
    call.__doc__ = verb.meaning.of(language) + examples
    return call


def take_setting(values: dict[str, Any], language: Language) -> Setting:
    """Take the options of every verb out of what was said."""
    said: Mapping[str, Any] = {w.name: values.pop(w.name) for w in EVERYWHERE}
    if said["lang"] not in (None, "zh", "en"):
        raise typer.BadParameter("zh, en", param_hint="--lang")
    printer = Printer(said["lang"] or language, said["json"])
    engine = said["engine"] or os.environ.get("YUCUN_ENGINE", "")
    lake_as = said["lake_as"] or os.environ.get("YUCUN_LAKE_AS", "")
    return Setting(said["place"], said["data"], said["books"], said["live"], said["by"], engine, lake_as, printer)


@contextmanager
def reporting(printer: Printer) -> Iterator[None]:
    """Turn errors into findings and an exit code; a traceback is shown only when ``YUCUN_TRACEBACK`` asks for it."""
    try:
        yield
    except Yours as error:
        printer.findings(error.findings)
        raise typer.Exit(Exit.YOURS) from None
    except BrokenPipeError:
        # Whoever read us has gone (`yucun … | head`); there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.OK) from None
    except KeyboardInterrupt:
        printer.note(Text("已停止", "stopped"))
        raise typer.Exit(130) from None
    except (typer.Exit, typer.BadParameter, typer.Abort):
        raise
    except Exception as error:
        if os.environ.get("YUCUN_TRACEBACK"):
            raise
        name = "" if isinstance(error, Ours) else f"{type(error).__name__}: "
        printer.note(
            Text(
                f"系统自身出错，什么都没有丢：{name}{error}\n请运行 yucun check 查明是否有文件损坏；"
                "若没有，设 YUCUN_TRACEBACK=1 再运行一次，把显示的内容交给维护者",
                f"something broke on our side; nothing is lost: {name}{error}\n"
                "`yucun check` says whether a file is damaged; if none is, run it again with YUCUN_TRACEBACK=1 and give the "
                "maintainers what it shows",
            )
        )
        raise typer.Exit(Exit.OURS) from None
