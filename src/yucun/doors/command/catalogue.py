"""Verbs of the catalogue: list, show, draft, approve, send back, open, withdraw, and take a version away."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.doors.command.opening import find_reader, opened
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

if TYPE_CHECKING:
    from yucun.kernel.lake.catalogue import Item, MoveName, Terms, Version

_SHELF = Text("开放数据", "Open data")
_ITEM = Word(
    "item",
    Text("表名，或 number. 加指标编号", "a table, or number. and the id of an indicator"),
    str,
    ...,
    is_argument=True,
)
_WHY = Word("why", Text("理由，记入日志", "the reason, kept in the journal"), str, ...)
_HEADS = (
    Text("数据集", "dataset"),
    Text("名称", "title"),
    Text("状态", "state"),
    Text("领域", "domain"),
    Text("许可", "licence"),
    Text("版本", "version"),
    Text("行数", "rows"),
)


def _move_verb(name: str, meaning: Text, runs: str, example: str) -> Verb:
    return Verb(f"catalogue {name}", meaning, f"catalogue:{runs}", _SHELF, (_ITEM, _WHY), (example,))


CATALOGUE_VERBS: tuple[Verb, ...] = (
    Verb(
        "catalogue list",
        Text("全部数据集和它们走到哪一步", "all datasets and how far each has come"),
        "catalogue:list_items",
        _SHELF,
        (Word("state", Text("只列 draft、approved、open 或 withdrawn", "only draft, approved, open or withdrawn")),),
        ("catalogue list", "catalogue list --state open"),
    ),
    Verb(
        "catalogue show",
        Text("一个数据集：字段、版本、经手人", "one dataset: fields, versions, who moved it"),
        "catalogue:show",
        _SHELF,
        (_ITEM,),
        ("catalogue show prosperity.income",),
    ),
    Verb(
        "catalogue draft",
        Text("草拟：提出开放一张表或一个指标", "draft: propose to open a table or a number"),
        "catalogue:draft",
        _SHELF,
        (
            _ITEM,
            _WHY,
            Word(
                "domain",
                Text(
                    "领域：finance、transport、health、market、social、culture、other",
                    "domain: finance, transport, health, market, social, culture, other",
                ),
                str,
                "other",
            ),
            Word(
                "licence",
                Text("许可；不写则取自表的约定", "licence; told from the table's contract when left out"),
                str,
                "",
            ),
            Word(
                "open_fields",
                Text(
                    "表里有高于一级的字段时：只开放其余字段", "where a table has fields above L1: open the others alone"
                ),
                bool,
                False,
            ),
            Word("field", Text("只开放这些字段，可多次", "only these fields; may be repeated"), list[str], ()),
        ),
        ('catalogue draft prosperity.income --domain other --why "published statistics"',),
    ),
    _move_verb(
        "approve",
        Text("批准；草拟人自己不能批准", "approve; not by whoever drafted it"),
        "approve",
        'catalogue approve prosperity.income --by chief --why "checked against the source"',
    ),
    _move_verb(
        "send-back",
        Text("退回草拟", "send back to be drafted again"),
        "send_back",
        'catalogue send-back prosperity.income --by chief --why "the licence is missing"',
    ),
    _move_verb(
        "open",
        Text("开放，并做出第一个版本", "open, and make the first version"),
        "open_item",
        'catalogue open prosperity.income --why "approved yesterday"',
    ),
    _move_verb(
        "withdraw",
        Text("撤回；全部版本停止提供", "withdraw; no version is given out any more"),
        "withdraw",
        'catalogue withdraw prosperity.income --why "one figure is wrong at its source"',
    ),
    Verb(
        "catalogue take",
        Text("取走一个版本的一个文件", "take one file of a version"),
        "catalogue:take",
        _SHELF,
        (
            _ITEM,
            Word("version", Text("版本；不写即最新", "the version; the newest when left out"), str, ""),
            Word(
                "form",
                Text("csv、parquet、json、zip、datapackage 或 csvw", "csv, parquet, json, zip, datapackage or csvw"),
                str,
                "csv",
            ),
            Word("to", Text("写到哪里；不写即当前目录", "where to write it; the current folder when left out"), Path),
        ),
        ("catalogue take prosperity.income --form parquet",),
    ),
)


def list_items(setting: Setting, state: str | None) -> Exit:
    """Print every item, of one state or of all."""
    printer = setting.printer
    with opened(setting) as city:
        latest = city.catalogue.latest()
        items = city.catalogue.list_items(state or "")
        printer.json([_say_item(item, latest.get(item.name)) for item in items])
        rows = []
        for item in items:
            version = latest.get(item.name)
            title = city.catalogue.subject(item.name).contract.title
            rows.append(
                (
                    item.name, title, _state(item), item.domain.title, item.licence.id,
                    version.id if version else "", version.rows if version else "",
                )
            )  # fmt: skip
        printer.table(Text("目录", "the catalogue"), _HEADS, rows, (6,))
    return Exit.OK


def _state(item: Item) -> Text:
    from yucun.kernel.lake.catalogue import STATE_TITLES

    return STATE_TITLES[item.state]


def _say_item(item: Item, version: Version | None) -> dict[str, Any]:
    return {
        "item": item.name,
        "state": item.state,
        "domain": item.domain.id,
        "licence": item.licence.id,
        "treatment": item.treatment,
        "fields": list(item.fields),
        "version": version.id if version else None,
        "rows": version.rows if version else None,
        "files": {f.form: {"sha256": f.sha256, "size": f.size} for f in version.files.values()} if version else {},
    }


def show(setting: Setting, item: str) -> Exit:
    """Print one item with its versions and moves."""
    printer = setting.printer
    with opened(setting) as city:
        found = city.catalogue.get(item)
        versions = city.catalogue.versions(item)
        contract = city.catalogue.subject(item).contract
        moves = [
            {"move": m.move, "state": m.state, "by": m.by, "role": m.role, "why": m.why, "at": m.at, "seq": m.seq}
            for m in found.moves
        ]
        newest = versions[0] if versions else None
        printer.json({**_say_item(found, newest), "moves": moves, "versions": [v.id for v in versions]})
        printer.facts(
            contract.title,
            [
                (Text("编号", "name"), found.name),
                (Text("状态", "state"), _state(found)),
                (Text("领域", "domain"), found.domain.title),
                (Text("许可", "licence"), found.licence.title),
                (Text("外出的字段", "fields that leave"), ", ".join(found.fields)),
            ],
        )
        printer.table(
            Text("版本", "versions"),
            (_HEADS[5], _HEADS[6], Text("CSV 的 SHA-256", "SHA-256 of the CSV")),
            [(v.id, v.rows, v.files["csv"].sha256 if "csv" in v.files else "") for v in versions],
            (1,),
        )
        printer.table(
            Text("经手", "moves"),
            (Text("哪一步", "move"), Text("账号", "by"), Text("角色", "role"), Text("时刻", "at"), Text("理由", "why")),
            [(m["move"], m["by"], m["role"], m["at"], m["why"]) for m in moves],
        )
    return Exit.OK


def draft(
    setting: Setting, item: str, why: str, domain: str, licence: str, *, open_fields: bool, field: list[str]
) -> Exit:
    """Propose an item."""
    from yucun.kernel.lake.catalogue import Terms

    terms = Terms(domain, licence, "open_fields" if open_fields else None, tuple(field))
    return _move(setting, item, "draft", why, "clerk", terms)


def approve(setting: Setting, item: str, why: str) -> Exit:
    """Approve an item."""
    return _move(setting, item, "approve", why, "chief")


def send_back(setting: Setting, item: str, why: str) -> Exit:
    """Send an item back."""
    return _move(setting, item, "send_back", why, "chief")


def open_item(setting: Setting, item: str, why: str) -> Exit:
    """Open an item."""
    return _move(setting, item, "open", why, "clerk")


def withdraw(setting: Setting, item: str, why: str) -> Exit:
    """Withdraw an item."""
    return _move(setting, item, "withdraw", why, "clerk")


def _move(setting: Setting, item: str, move: MoveName, why: str, otherwise: str, terms: Terms | None = None) -> Exit:
    printer = setting.printer
    with opened(setting) as city:
        moved = city.catalogue.move(item, move, reader=find_reader(city, setting, otherwise), why=why, terms=terms)
        version = city.catalogue.latest().get(item)
        printer.json(_say_item(moved, version))
        state = _state(moved)
        printer.answer(Text(f"{item} 现为「{state.zh}」", f"{item} is now '{state.en}'"))
        if moved.state == "open" and version is not None:
            printer.answer(
                Text(f"第一个版本：/open/{item}/{version.id}", f"its first version: /open/{item}/{version.id}")
            )
    return Exit.OK


def take(setting: Setting, item: str, version: str, form: str, to: Path | None) -> Exit:
    """Copy a file of a version; it is the same file that the open door gives out."""
    from yucun.kernel.lake.catalogue import FORMS, Withheld

    printer = setting.printer
    wanted = next((f for f in FORMS if f == form), None)
    if wanted is None:
        raise NotKnown(_no_form(form, ", ".join(FORMS)))
    with opened(setting) as city:
        newest = city.catalogue.latest().get(item)
        chosen = version or (newest.id if newest else "")
        found = city.catalogue.file(item, chosen, wanted)
        if isinstance(found, Withheld):
            raise NotKnown(Finding("command.withheld", item, chosen, "an open version", found.reason))
        target = to / found.name if to is not None and to.is_dir() else to or Path(found.name)
        shutil.copyfile(found.path, target)
        printer.json({"file": str(target), "sha256": found.sha256, "size": found.size})
        printer.answer(
            Text(f"已写到 {target}（SHA-256 {found.sha256}）", f"written to {target} (SHA-256 {found.sha256})")
        )
    return Exit.OK


def _no_form(form: str, forms: str) -> Finding:
    return Finding(
        "command.form", "--form", form[:60], forms,
        Text(f"没有「{form[:60]}」这种形式；可用：{forms}", f"there is no form '{form[:60]}'; there are: {forms}"),
    )  # fmt: skip
