"""The chart of accounts as data: kinds, account patterns and posting templates, read from `ledger.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from yucun.base.declaration import Declaration, raise_findings
from yucun.base.text import Text
from yucun.kernel.ledger.model import Kind

Side = Literal["assets", "liabilities", "equity", "income", "expenses"]
_VARIABLE = re.compile(r"\{(\w+)\}")
_PART = r"[\w.\-]+"
_NO_LIMIT = "none"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A shape of account names, such as ``household:{household}:relief``.

    Parameters
    ----------
    name : str
        The shape itself; variables stand in braces.
    kinds : tuple of str
        Which kinds such accounts may hold, each in an account of its own.
    side : Side
        Where reports put it.
    party : str
        The variable that says whose it is; empty for the city's own.
    lowest, highest : int or None
        Limits that an account is opened with.
    opens_on_use : bool
        True opens an account with the first transfer that names it.
    """

    name: str
    title: Text
    kinds: tuple[str, ...]
    side: Side
    party: str
    lowest: int | None
    highest: int | None
    opens_on_use: bool


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting template: a reason code, the clause that it rests on, its kind, and from where to where."""

    reason: str
    title: Text
    clause: str
    kind: str
    sources: frozenset[str]
    destinations: frozenset[str]


@dataclass(frozen=True)
class Chart:
    """Kinds, patterns and postings of one city or service."""

    kinds: Mapping[str, Kind]
    patterns: Mapping[str, Pattern]
    postings: Mapping[str, Posting]
    variables: Mapping[str, str]

    @cached_property
    def _shapes(self) -> list[tuple[re.Pattern[str], Pattern]]:
        ordered = sorted(self.patterns.values(), key=lambda p: (p.name.count("{"), p.name))
        return [(re.compile(_expression(p.name, self.variables)), p) for p in ordered]

    def find_pattern(self, name: str) -> tuple[Pattern, str] | None:
        """Return the pattern that an account name fits, the one with fewest variables first, and the party."""
        for shape, pattern in self._shapes:
            found = shape.fullmatch(name)
            if found:
                party = f"{pattern.party}:{found.group(pattern.party)}" if pattern.party else ""
                return pattern, party
        return None

    def join(self, other: Chart) -> Chart:
        """Put two charts together; what both declare must be the same."""
        for mine, theirs in (
            (self.kinds, other.kinds),
            (self.patterns, other.patterns),
            (self.postings, other.postings),
        ):
            for name in mine.keys() & theirs.keys():
                if mine[name] != theirs[name]:
                    raise ValueError(f"{name!r} is declared twice and not alike")
        return Chart(
            {**self.kinds, **other.kinds},
            {**self.patterns, **other.patterns},
            {**self.postings, **other.postings},
            {**self.variables, **other.variables},
        )


def read_chart(path: Path) -> Chart:
    """Read a `ledger.toml`; all findings are raised together, each with file, line and key."""
    return make_chart(Declaration.read(path))


def make_chart(said: Declaration) -> Chart:
    """Make a chart of a declaration.

    Raises
    ------
    DeclarationError
        With every finding of the file.
    """
    said.refuse_unknown(said.values, (), ("kind", "variable", "account", "posting"))
    kinds = {name: _kind(said, name, table) for name, table in _tables(said, "kind")}
    variables = {str(name): str(word) for name, word in said.take(said.values, (), "variable", dict, {}).items()}
    patterns = {name: _pattern(said, name, table, kinds, variables) for name, table in _tables(said, "account")}
    postings = {name: _posting(said, name, table, kinds, patterns) for name, table in _tables(said, "posting")}
    raise_findings(said.findings)
    return Chart(kinds, patterns, postings, variables)


def _tables(said: Declaration, section: str) -> list[tuple[str, Mapping[str, Any]]]:
    tables = said.take(said.values, (), section, dict)
    for name, table in tables.items():
        if not isinstance(table, dict):
            said.add("ledger.table", (section, name), table, "a table", Text(
                f"「{section}.{name}」应是表；带点或冒号的名称请加引号",
                f"'{section}.{name}' should be a table; put a name with dots or colons in quotes",
            ))  # fmt: skip
    return [(name, table) for name, table in tables.items() if isinstance(table, dict)]


def _kind(said: Declaration, name: str, table: Mapping[str, Any]) -> Kind:
    at = ("kind", name)
    said.refuse_unknown(table, at, ("title", "decimals", "symbol"))
    decimals, symbol = said.take(table, at, "decimals", int), said.take(table, at, "symbol", str)
    if not 0 <= decimals <= 9:
        said.add(
            "ledger.decimals", (*at, "decimals"), decimals, "0 to 9", Text("小数位应为 0 至 9", "decimals are 0 to 9")
        )
    if not re.fullmatch(r"[A-Z][A-Z0-9._-]{0,22}[A-Z0-9]", symbol):
        said.add("ledger.symbol", (*at, "symbol"), symbol, "2 to 24 capital letters", Text(
            "符号应为 2 至 24 个大写字母", "a symbol is 2 to 24 capital letters"))  # fmt: skip
    return Kind(name, said.take_text(table, at, "title"), decimals, symbol)


def _pattern(
    said: Declaration, name: str, table: Mapping[str, Any], kinds: Mapping[str, Kind], variables: Mapping[str, str]
) -> Pattern:
    at = ("account", name)
    said.refuse_unknown(table, at, ("title", "kinds", "side", "party", "lowest", "highest", "opens_on_use"))
    for variable in _VARIABLE.findall(name):
        if variable not in variables:
            said.add("ledger.variable", at, variable, "a key of [variable]", Text(
                f"科目中的变量「{variable}」没有在 [variable] 中说明",
                f"the variable '{variable}' is not declared in [variable]"))  # fmt: skip
    if not re.fullmatch(rf"(?:{_PART}|\{{\w+\}})(?::(?:{_PART}|\{{\w+\}}))*", name):
        said.add("ledger.account_name", at, name, "parts joined by ':'", Text(
            "科目名应由冒号连接的各段组成", "an account name is parts joined by ':'"))  # fmt: skip
    held, side = said.take(table, at, "kinds", list), said.take(table, at, "side", str)
    _refuse_names(said, (*at, "kinds"), held, kinds)
    _refuse_names(said, (*at, "side"), [side], get_args(Side))
    party = said.take(table, at, "party", str, "")
    if party:
        _refuse_names(said, (*at, "party"), [party], _VARIABLE.findall(name))
    return Pattern(
        name,
        said.take_text(table, at, "title"),
        tuple(str(kind) for kind in held),
        side if side in get_args(Side) else "assets",
        party,
        _limit(said, at, table, "lowest", 0),
        _limit(said, at, table, "highest", None),
        said.take(table, at, "opens_on_use", bool, False),
    )


def _limit(
    said: Declaration, at: tuple[str, ...], table: Mapping[str, Any], key: str, default: int | None
) -> int | None:
    value = table.get(key, default)
    if value == _NO_LIMIT or value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        said.add("ledger.limit", (*at, key), value, 'a whole number or "none"', Text(
            f'「{key}」应为整数或 "none"', f"'{key}' is a whole number or \"none\""))  # fmt: skip
        return None
    return value


def _posting(
    said: Declaration, name: str, table: Mapping[str, Any], kinds: Mapping[str, Kind], patterns: Mapping[str, Pattern]
) -> Posting:
    at = ("posting", name)
    said.refuse_unknown(table, at, ("title", "clause", "kind", "from", "to"))
    kind, clause = said.take(table, at, "kind", str), said.take(table, at, "clause", str)
    _refuse_names(said, (*at, "kind"), [kind], kinds)
    ends: dict[str, frozenset[str]] = {}
    for end in ("from", "to"):
        names = [str(one) for one in said.take(table, at, end, list)]
        _refuse_names(said, (*at, end), names, patterns)
        for one in names:
            if one in patterns and kind in kinds and kind not in patterns[one].kinds:
                said.add("ledger.kind_not_held", (*at, end), one, kind, Text(
                    f"科目「{one}」不能持有「{kind}」", f"accounts '{one}' do not hold '{kind}'"))  # fmt: skip
        ends[end] = frozenset(names)
    return Posting(name, said.take_text(table, at, "title"), clause, kind, ends["from"], ends["to"])


def _refuse_names(said: Declaration, at: tuple[str, ...], found: list[Any], known: Any) -> None:
    for name in found:
        if name not in known:
            names = ", ".join(sorted(known))
            said.add("ledger.unknown_name", at, name, names, Text(
                f"没有「{name}」；可用：{names}", f"there is no '{name}'; there are: {names}"))  # fmt: skip


def _expression(name: str, variables: Mapping[str, str]) -> str:
    parts: list[str] = []
    for part in name.split(":"):
        variable = _VARIABLE.fullmatch(part)
        parts.append(f"(?P<{variable.group(1)}>{variables[variable.group(1)]})" if variable else re.escape(part))
    return ":".join(parts)
