"""Reading a place's `feeds.toml`: suppliers and supplies, refused with file, line and key; all findings together."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding, Yours
from yucun.base.identity import RegionCode
from yucun.base.period import Period, WorkingCalendar
from yucun.base.text import Text
from yucun.kernel.lake.contract import Contract, Freshness
from yucun.kernel.lake.running.model import DatabaseTable, Inbox, Origin, Supplier, Supply, WebFile

FEEDS_FILE = "feeds.toml"
_EVERY = ("day", "month", "quarter", "year", "once")
_SUPPLIER_KEYS = ("office", "post", "contact")
_FEED_KEYS = (
    "title supplier table every due_working_days reason first covers given inbox database web look_every_minutes"
).split()
_ORIGINS = ("inbox", "database", "web")
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_TABLE_NAME = re.compile(r"\w{1,63}(\.\w{1,63})?")
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def read_supplies(
    path: Path, contracts: Mapping[str, Contract], calendar: WorkingCalendar
) -> tuple[dict[str, Supply], list[Finding]]:
    """Read a place's feeds; a place without the file has none.

    Parameters
    ----------
    contracts : mapping of str to Contract
        The tables that may be filled.
    calendar : WorkingCalendar
        By which due days are counted. A feed of a table whose service is not installed is passed over.

    Returns
    -------
    dict, list of Finding
        Supplies by id, and all that is wrong, each finding with file, line and key.
    """
    if not path.is_file():
        return {}, []
    declaration = Declaration.read(path)
    declaration.refuse_unknown(declaration.values, (), ("suppliers", "feeds"))
    reader = _Reader(declaration, contracts, calendar)
    suppliers = {
        name: reader.supplier(name, table)
        for name, table in declaration.take(declaration.values, (), "suppliers", dict).items()
    }
    supplies = {
        name: reader.supply(name, table, suppliers)
        for name, table in declaration.take(declaration.values, (), "feeds", dict).items()
    }
    reader.check_together([s for s in supplies.values() if s is not None])
    return {name: s for name, s in supplies.items() if s is not None}, declaration.findings


class _Reader:
    """Reads one file."""

    def __init__(self, declaration: Declaration, contracts: Mapping[str, Contract], calendar: WorkingCalendar) -> None:
        self.declaration = declaration
        self.contracts = contracts
        self.calendar = calendar

    def supplier(self, name: str, table: Any) -> Supplier:
        """One office with its post and channel."""
        path, told = ("suppliers", name), self.declaration
        table = self._table(path, table)
        told.refuse_unknown(table, path, _SUPPLIER_KEYS)
        contact = told.take(table, path, "contact", dict)
        here = (*path, "contact")
        told.refuse_unknown(contact, here, ("channel", "address", "address_from"))
        channel = told.take(contact, here, "channel", str)
        if contact and channel not in ("folder", "email"):
            self._add(
                "feeds.channel",
                (*here, "channel"),
                channel,
                "folder, email",
                "渠道应为 folder 或 email",
                "the channel is folder or email",
            )
        address, address_from = (
            told.take(contact, here, "address", str, ""),
            self._variable(contact, here, "address_from"),
        )
        if channel == "email" and bool(address) == bool(address_from):
            self._add(
                "feeds.address", here, contact, "address or address_from",
                "电子邮件要写 address，或写存放地址的环境变量名 address_from，二者取一",
                "an e-mail channel says address, or address_from (the environment variable that holds it): one of the two",
            )  # fmt: skip
        if address and not _MAIL.fullmatch(address):
            self._add(
                "feeds.address",
                (*here, "address"),
                address,
                "post@office",
                "这不是电子邮件地址",
                "this is not a mail address",
            )
        office, post = told.take_text(table, path, "office"), told.take_text(table, path, "post")
        return Supplier(name, office, post, "email" if channel == "email" else "folder", address, address_from)

    def supply(self, name: str, table: Any, suppliers: Mapping[str, Supplier]) -> Supply | None:
        """One feed; None when it cannot be made at all."""
        path, told = ("feeds", name), self.declaration
        table = self._table(path, table)
        told.refuse_unknown(table, path, _FEED_KEYS)
        if not _ID.fullmatch(name):
            self._add(
                "feeds.id",
                path,
                name,
                "a-z, 0-9, _",
                "编号用小写英文、数字和下划线",
                "an id is lower-case letters, digits and _",
            )
        wanted = told.take(table, path, "table", str)
        contract = self.contracts.get(wanted)
        if wanted and contract is None:
            if wanted.split(".")[0] not in {name.split(".")[0] for name in self.contracts}:
                return None
            names = ", ".join(sorted(self.contracts))
            self._add(
                "feeds.unknown_table", (*path, "table"), wanted, names[:120],
                f"没有这张表；可用：{names}", f"there is no such table; there are: {names}",
            )  # fmt: skip
        supplier = suppliers.get(told.take(table, path, "supplier", str))
        if supplier is None and table.get("supplier"):
            names = ", ".join(sorted(suppliers))
            self._add(
                "feeds.unknown_supplier",
                (*path, "supplier"),
                table["supplier"],
                names[:120],
                f"没有这个报送单位；已写的有：{names}",
                f"no supplier is declared under that name; there are: {names}",
            )
        freshness = self._freshness(path, table)
        origin = self._origin(name, path, table)
        given = self._given(path, table, contract)
        covers = self._covers(path, table, contract)
        minutes = told.take(table, path, "look_every_minutes", int, 60)
        if contract is None or supplier is None or origin is None:
            return None
        return Supply(
            name, told.take_text(table, path, "title", contract.title), supplier, contract.name, origin, freshness,
            given, covers, max(1, minutes) * 60, f"{told.name}:{told.line_of(*path)}",
        )  # fmt: skip

    def check_together(self, supplies: list[Supply]) -> None:
        """Two feeds of one table send for different regions and keep one rhythm; no inbox is watched twice."""
        for number, one in enumerate(supplies):
            for other in supplies[:number]:
                path = ("feeds", one.id)
                if one.table == other.table and (
                    not one.covers or not other.covers or set(one.covers) & set(other.covers)
                ):
                    self._add(
                        "feeds.table_twice", (*path, "covers"), other.id, "covers",
                        f"表 {one.table} 也由「{other.id}」报送；两者都要写 covers（各自的地区），且不得重叠",
                        f"'{other.id}' fills {one.table} too; both say covers (their own regions) and share none",
                    )  # fmt: skip
                if one.table == other.table and one.freshness != other.freshness:
                    self._add(
                        "feeds.rhythm", (*path, "every"), one.freshness.every, other.freshness.every,
                        f"与「{other.id}」报送同一张表，周期和期限要相同",
                        f"it fills the same table as '{other.id}', so its rhythm and due days are the same",
                    )  # fmt: skip
                if (
                    isinstance(one.origin, Inbox)
                    and isinstance(other.origin, Inbox)
                    and _may_share(one.origin, other.origin)
                ):
                    self._add(
                        "feeds.inbox_twice", (*path, "inbox"), one.origin.folder, "another folder or pattern",
                        f"收件夹已归「{other.id}」；请用另一个文件夹或不会重叠的文件名样式",
                        f"the inbox belongs to '{other.id}'; use another folder, or a pattern that cannot match the same file",
                    )  # fmt: skip

    # -- parts ------------------------------------------------------------------------------------------------

    def _table(self, path: tuple[str, ...], table: Any) -> dict[str, Any]:
        if isinstance(table, dict):
            return table
        self._add("declaration.type", path, table, "a table", "此处应为一张表", "a table is expected here")
        return {}

    def _freshness(self, path: tuple[str, ...], table: Mapping[str, Any]) -> Freshness:
        told = self.declaration
        every = told.take(table, path, "every", str)
        if every not in _EVERY:
            if every:
                self._add(
                    "feeds.every",
                    (*path, "every"),
                    every,
                    ", ".join(_EVERY),
                    f"周期应为 {'、'.join(_EVERY)} 之一",
                    f"every is one of {', '.join(_EVERY)}",
                )
            every = "once"
        reason = told.take_text(table, path, "reason", Text("", ""))
        if every == "once":
            if not reason.zh:
                self._add(
                    "feeds.once",
                    (*path, "reason"),
                    "nothing",
                    "reason",
                    "只来一次或无固定周期的，要写明原因（reason）",
                    "a feed without a rhythm says why (reason)",
                )
            return Freshness("once", 0, reason)
        days = told.take(table, path, "due_working_days", int)
        if days < 0:
            self._add(
                "feeds.due",
                (*path, "due_working_days"),
                days,
                "0 …",
                "工作日数不得为负",
                "working days are not negative",
            )
        return Freshness(every, max(0, days), reason, self.calendar, self._first(path, table))

    def _origin(self, name: str, path: tuple[str, ...], table: Mapping[str, Any]) -> Origin | None:
        said = [key for key in _ORIGINS if key in table]
        if len(said) != 1:
            self._add(
                "feeds.origin",
                path,
                ", ".join(said) or "nothing",
                " / ".join(_ORIGINS),
                "从哪里来只写一处：inbox、database 或 web",
                "say one origin: inbox, database or web",
            )
            return None
        here = (*path, said[0])
        value = self._table(here, table[said[0]])
        match said[0]:
            case "database":
                return self._database(here, value)
            case "web":
                return self._web(here, value)
            case _:
                return self._inbox(here, value, name)

    def _database(self, here: tuple[str, ...], value: Mapping[str, Any]) -> DatabaseTable:
        told = self.declaration
        told.refuse_unknown(value, here, ("url_from", "table"))
        url_from, of = self._variable(value, here, "url_from", required=True), told.take(value, here, "table", str)
        if of and not _TABLE_NAME.fullmatch(of):
            self._add(
                "feeds.database",
                (*here, "table"),
                of,
                "table / schema.table",
                "写表名或 模式.表名",
                "write a table, or schema.table",
            )
        return DatabaseTable(url_from, of)

    def _web(self, here: tuple[str, ...], value: Mapping[str, Any]) -> WebFile:
        told = self.declaration
        told.refuse_unknown(value, here, ("address", "address_from"))
        address = told.take(value, here, "address", str, "")
        address_from = self._variable(value, here, "address_from")
        if bool(address) == bool(address_from):
            self._add(
                "feeds.web",
                here,
                value,
                "address or address_from",
                "写 address 或 address_from，二者取一",
                "say address or address_from: one of the two",
            )
        elif address and urlsplit(address).scheme not in ("http", "https"):
            self._add(
                "feeds.web",
                (*here, "address"),
                address,
                "http://… , https://…",
                "只取 http 或 https 地址",
                "only http and https addresses are fetched",
            )
        return WebFile(address, address_from)

    def _inbox(self, here: tuple[str, ...], value: Mapping[str, Any], name: str) -> Inbox | None:
        self.declaration.refuse_unknown(value, here, ("folder", "pattern"))
        folder, pattern = self.declaration.take(value, here, "folder", str, name), value.get("pattern", ["*"])
        patterns = tuple(str(p) for p in (pattern if isinstance(pattern, list) else [pattern]))
        parts = PurePosixPath(folder).parts
        if PurePosixPath(folder).is_absolute() or ".." in parts or not parts or "\\" in folder:
            self._add(
                "feeds.inbox",
                (*here, "folder"),
                folder,
                "a folder below the inbox",
                "写收件箱之下的文件夹，不得是绝对路径或含 ..",
                "name a folder below the inbox: not absolute, without ..",
            )
            return None
        return Inbox(folder, patterns)

    def _given(self, path: tuple[str, ...], table: Mapping[str, Any], contract: Contract | None) -> dict[str, str]:
        given = self.declaration.take(table, path, "given", dict, {})
        names = [f.name for f in contract.fields] if contract else []
        for key in given:
            if contract is not None and key not in (*names, "unit"):
                self._add(
                    "feeds.given",
                    (*path, "given"),
                    key,
                    ", ".join(names)[:120],
                    f"「{key}」不是此表的字段",
                    f"'{key}' is not a field of this table",
                )
        return {str(key): str(value) for key, value in given.items()}

    def _first(self, path: tuple[str, ...], table: Mapping[str, Any]) -> Period | None:
        if "first" not in table:
            return None
        found = Period.find(str(table["first"]))
        if found is None or found.kind != table.get("every"):
            self._add(
                "feeds.first",
                (*path, "first"),
                table["first"],
                str(table.get("every", "")),
                "first 应是与 every 同类的时期，如 2022 或 2022-03",
                "first is a period of the same kind as every, such as 2022 or 2022-03",
            )
            return None
        return found

    def _covers(
        self, path: tuple[str, ...], table: Mapping[str, Any], contract: Contract | None
    ) -> tuple[RegionCode, ...]:
        codes = []
        for word in self.declaration.take(table, path, "covers", list, []):
            try:
                codes.append(RegionCode.parse(str(word)))
            except Yours:
                self._add(
                    "feeds.covers",
                    (*path, "covers"),
                    word,
                    "330502",
                    "covers 里写区划代码",
                    "covers lists region codes",
                )
        if codes and contract is not None and not contract.region_field:
            self._add(
                "feeds.covers",
                (*path, "covers"),
                contract.name,
                "a table with a region",
                "这张表没有地区字段",
                "this table has no region",
            )
        return tuple(codes)

    def _variable(self, table: Mapping[str, Any], path: tuple[str, ...], key: str, *, required: bool = False) -> str:
        word: str = (
            self.declaration.take(table, path, key, str)
            if required
            else self.declaration.take(table, path, key, str, "")
        )
        if word and not _ENVIRONMENT.fullmatch(word):
            self._add(
                "feeds.variable",
                (*path, key),
                word,
                "YUCUN_…",
                "写环境变量的名字（大写英文、数字、下划线）",
                "write the name of an environment variable (capitals, digits, _)",
            )
            return ""
        return word

    def _add(self, kind: str, path: tuple[str, ...], found: object, expected: str, zh: str, en: str) -> None:
        self.declaration.add(kind, path, found, expected, Text(zh, en))


def _may_share(one: Inbox, other: Inbox) -> bool:
    """Whether one file could be taken for both: same folder, and patterns whose fixed beginnings and ends allow it."""
    if PurePosixPath(one.folder) != PurePosixPath(other.folder):
        return False
    return any(_overlap(a, b) for a in one.patterns for b in other.patterns)


def _overlap(one: str, other: str) -> bool:
    heads = [re.split(r"[*?\[]", p)[0] for p in (one, other)]
    tails = [re.split(r"[*?\]]", p)[-1] for p in (one, other)]
    same_head = heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])
    return same_head and (tails[0].endswith(tails[1]) or tails[1].endswith(tails[0]))


def read_variable(name: str) -> str:
    """The value of an environment variable that a declaration names; raise when the machine does not set it."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise Yours(
            Finding(
                "feeds.variable_unset", name, "nothing", name,
                Text(f"环境变量 {name} 没有设置；请在本机设好后重试", f"the environment variable {name} is not set; set it here"),
                name,
            )
        )  # fmt: skip
    return value
