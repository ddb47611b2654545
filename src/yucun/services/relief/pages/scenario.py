"""What is supposed in a what-if: figures that were moved and versions that were chosen, checked; and the law that they make."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from yucun.base.errors import Finding, RuleError
from yucun.base.quantity import UNITS
from yucun.base.text import Text
from yucun.kernel.rules import Parameters, ParameterValue
from yucun.services.relief.models import refuse
from yucun.services.relief.rules import BOOK

VERSION = "version."
_FILE = Path(__file__).with_name("whatif.toml")
# The kinds of help for members in special need, in words; the codes of `addon_kind`.
_CODES = {
    "severely_disabled": Text("重度残疾", "severely disabled"),
    "seriously_ill": Text("重病", "seriously ill"),
    "aged": Text("老年人", "aged"),
    "minor": Text("未成年人", "minor"),
}


@dataclass(frozen=True, slots=True)
class Lever:
    """One figure that can be moved, in kept units.

    Parameters
    ----------
    code : str
        For a figure that is one number for each code: which of them.
    """

    parameter: str
    code: str
    low: int
    high: int
    step: int

    @property
    def name(self) -> str:
        """How it is called in an address."""
        return f"{self.parameter}.{self.code}" if self.code else self.parameter

    def title(self, pack: Parameters) -> Text:
        """What the figure is, in words."""
        title = pack.items[self.parameter].title
        code = _CODES.get(self.code)
        return Text(f"{title.zh}：{code.zh}", f"{title.en}: {code.en}") if code else title

    def find_value(self, pack: Parameters, day: date) -> ParameterValue | None:
        """The figure in force, with its source; None while no document gave it."""
        return pack.items[self.parameter].find(day)

    def find(self, pack: Parameters, day: date) -> int | None:
        """The figure in force, in kept units; yes is 1."""
        value = self.find_value(pack, day)
        if value is None:
            return None
        content = value.content
        return int(content[self.code]) if isinstance(content, Mapping) else int(content)  # type: ignore[arg-type]

    def is_yes_or_no(self, pack: Parameters, day: date) -> bool:
        """True for a figure that is set or not set."""
        value = self.find_value(pack, day)
        return value is not None and isinstance(value.content, bool)

    def per_shown(self, pack: Parameters) -> int:
        """How many kept units make one shown unit."""
        return UNITS[pack.items[self.parameter].unit].per_shown


@dataclass(frozen=True, slots=True)
class LeverGroup:
    """Levers that belong together."""

    name: str
    title: Text
    levers: tuple[Lever, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What `whatif.toml` says."""

    groups: tuple[LeverGroup, ...]
    smallest_cell: int
    bins_fen: tuple[int, ...]
    steps: int
    reach_bp: int
    most_members: int

    @property
    def levers(self) -> dict[str, Lever]:
        """All levers by name."""
        return {lever.name: lever for group in self.groups for lever in group.levers}


@cache
def read_setting() -> Setting:
    """Read the levers that ship."""
    said = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    groups = tuple(
        LeverGroup(
            group["name"],
            Text(**group["title"]),
            tuple(
                Lever(one["parameter"], one.get("code", ""), one["low"], one["high"], one["step"])
                for one in group["levers"]
            ),
        )
        for group in said["groups"]
    )
    return Setting(
        groups, said["smallest_cell"], tuple(said["bins_fen"]), said["steps"], said["reach_bp"], said["most_members"]
    )


@dataclass(frozen=True, slots=True)
class Version:
    """A named version of a formula that a place may choose; empty for the one that holds by itself."""

    name: str
    title: Text


def list_versions() -> dict[str, tuple[Version, ...]]:
    """For each variable with more than one version: all of them, by their clauses."""
    found = {}
    for variable, formulas in BOOK.versions.items():
        named = {formula.variant: formula for formula in formulas}
        if len(named) > 1:
            found[variable] = tuple(Version(variant, formula.clause) for variant, formula in sorted(named.items()))
    return found


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is supposed: figures by lever in kept units, versions by variable; only what differs from today."""

    figures: Mapping[str, int]
    versions: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """True when nothing was moved."""
        return not self.figures and not self.versions

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for the same supposition."""
        return tuple(sorted(self.figures.items())), tuple(sorted(self.versions.items()))


NOTHING = Scenario({}, {})


def read_scenario(asked: Iterable[tuple[str, str]], pack: Parameters, day: date) -> Scenario:
    """Understand what an address or form supposes.

    Parameters
    ----------
    asked : iterable of (name, text)
        ``standard_fen=900`` in shown units (yuan, per cent), ``version.is_edge=strictly_below``. What stands where the
        figure stands supposes nothing; a blank neither.

    Raises
    ------
    RuleError
        ``relief.whatif_unknown``, ``relief.whatif_number``, ``relief.whatif_range``, ``relief.whatif_version``, all
        together.
    """
    levers, versions = read_setting().levers, list_versions()
    findings: list[Finding] = []
    figures: dict[str, int] = {}
    chosen: dict[str, str] = {}
    for name, text in asked:
        if name.startswith(VERSION):
            variable = name.removeprefix(VERSION)
            known = {one.name for one in versions.get(variable, ())}
            if text not in known:
                findings.append(_no_version(name, text, known))
            elif text != pack.choices.get(variable, ""):
                chosen[variable] = text
            continue
        lever = levers.get(name)
        if lever is None:
            findings.append(_no_lever(name))
            continue
        if not text.strip():
            continue
        value = _read_value(lever, text, pack)
        if isinstance(value, Finding):
            findings.append(value)
        elif value != lever.find(pack, day):
            figures[name] = value
    if findings:
        raise RuleError(findings)
    return Scenario(figures, chosen)


def _read_value(lever: Lever, text: str, pack: Parameters) -> int | Finding:
    title, per = lever.title(pack), lever.per_shown(pack)
    low, high = show_amount(lever.low, per), show_amount(lever.high, per)
    try:
        kept = Decimal(text.strip().replace(",", "").replace("，", "")) * per
        is_whole = kept == kept.to_integral_value()
    except InvalidOperation:
        is_whole = False
    if not is_whole:
        return refuse(
            "whatif_number",
            lever.name,
            text,
            f"{low} … {high}",
            f"「{title.zh}」应为数字（{low} 到 {high}），不能是「{text[:20]}」",
            f"'{title.en}' is a number ({low} to {high}), not '{text[:20]}'",
        )
    if not lever.low <= kept <= lever.high:
        return refuse(
            "whatif_range",
            lever.name,
            text,
            f"{low} … {high}",
            f"「{title.zh}」只能在 {low} 与 {high} 之间试算，不能是 {text[:20]}",
            f"'{title.en}' can be tried between {low} and {high}, not at {text[:20]}",
        )
    return int(kept)


def _no_lever(name: str) -> Finding:
    return refuse(
        "whatif_unknown",
        name,
        name,
        ", ".join(read_setting().levers),
        f"没有「{name[:40]}」这个可试算的标准；请从页面上的列表中选",
        f"there is no figure '{name[:40]}' to move; choose from the page's list",
    )


def _no_version(name: str, text: str, known: Iterable[str]) -> Finding:
    said = ", ".join(sorted(known)) or "—"
    return refuse(
        "whatif_version",
        name,
        text,
        said,
        f"「{name[:40]}」没有「{text[:40]}」这个公式版本；有：{said}",
        f"'{name[:40]}' has no version '{text[:40]}' of its formula; there are: {said}",
    )


def show_amount(kept: int, per_shown: int) -> str:
    """A kept figure in its shown unit, without zeros that say nothing.

    Examples
    --------
    >>> show_amount(81_000, 100), show_amount(12_350, 100), show_amount(36, 1), show_amount(5, 100)
    ('810', '123.5', '36', '0.05')
    """
    return f"{(Decimal(kept) / per_shown).normalize():f}"


def make_law(pack: Parameters, scenario: Scenario, day: date) -> Parameters:
    """The law in which the scenario holds on every day; what was moved is marked made up."""
    law = pack
    for name, kept in scenario.figures.items():
        lever = read_setting().levers[name]
        value = lever.find_value(law, day)
        content: Any = kept
        if lever.code and value is not None and isinstance(value.content, Mapping):
            content = {**value.content, lever.code: kept}
        elif value is not None and isinstance(value.content, bool):
            content = bool(kept)
        law = law.set(lever.parameter, content)
    return Parameters(law.name, law.items, {**law.choices, **scenario.versions})
