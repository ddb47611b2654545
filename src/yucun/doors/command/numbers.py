"""Verbs about numbers: value, series, why (also at random, as a proof), list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import LEVEL_TITLES
from yucun.base.text import Text
from yucun.doors.command.opening import find_indicator, find_reader, find_region, opened, read_moment, read_period
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.indicators import Chain, Mark, PartShown, Value

_MOST_ROWS = 40
_MOST_DIFFERENCES = 20
_HEADS = {
    "indicator": Text("指标", "indicator"),
    "region": Text("地区", "region"),
    "period": Text("时期", "period"),
    "value": Text("数", "value"),
    "unit": Text("单位", "unit"),
    "evidence": Text("依据", "evidence"),
    "records": Text("记录", "records"),
    "as_of": Text("日志序号", "journal seq"),
}
_PART_HEADS = (Text("部分", "part"), Text("名称", "title"), _HEADS["value"], _HEADS["unit"], Text("来自", "from"))
_ROW_HEADS = (
    Text("表", "table"),
    Text("文件", "file"),
    Text("记录号", "record"),
    Text("内容", "fields"),
    Text("来源", "source"),
)
_LANDING_HEADS = (
    Text("文件", "file"),
    Text("名称", "name"),
    Text("时刻", "at"),
    Text("账号", "by"),
    Text("日志序号", "journal seq"),
)
_CHECK_HEADS = (
    Text("办法", "way"),
    Text("结果", "outcome"),
    Text("我们", "ours"),
    Text("对方", "theirs"),
    Text("说明", "reason"),
)


def value(setting: Setting, indicator: str, region: str, period: str | None, as_of: str | None) -> Exit:
    """Print one number or its mark."""
    with opened(setting) as city:
        found = city.value(
            find_indicator(city, indicator),
            find_region(city, region),
            read_period(period),
            as_of=read_moment(city, as_of),
            reader=find_reader(city, setting),
        )
        _print_values(setting, city, [found])
    return Exit.OK


def series(setting: Setting, indicator: str, region: str, as_of: str | None) -> Exit:
    """Print a number through time."""
    with opened(setting) as city:
        name = find_indicator(city, indicator)
        found = city.series(
            name, find_region(city, region), as_of=read_moment(city, as_of), reader=find_reader(city, setting)
        )
        _print_values(setting, city, found)
    return Exit.OK


def _print_values(setting: Setting, city: City, values: list[Value]) -> None:
    from yucun.doors.api.flat import flatten_values

    setting.printer.json({"values": flatten_values(city, values).to_pylist()} if setting.printer.is_json else None)
    rows = [_row(city, one) for one in values]
    title = city.indicators[values[0].indicator].title if values else Text("没有数", "no numbers")
    setting.printer.table(title, list(_HEADS.values()), rows, (3, 6, 7))


def _row(city: City, one: Value) -> tuple[Any, ...]:
    from yucun.kernel.indicators import EVIDENCE_TITLES

    region = city.regions.find(one.region)
    return (
        one.indicator,
        region.name if region else one.region.short,
        one.period.text if one.period else "",
        say_mark(one.mark) if one.mark else one.shown,
        one.unit.title,
        "" if one.mark else EVIDENCE_TITLES[one.evidence],
        one.records,
        one.as_of or "",
    )


def say_mark(mark: Mark) -> Text:
    """A mark with its reason, and the table that would fill it."""
    feed = f" [{mark.feed}]" if mark.feed else ""
    return Text(f"〔{mark.title.zh}〕{mark.reason.zh}{feed}", f"[{mark.title.en}] {mark.reason.en}{feed}")


def why(
    setting: Setting,
    indicator: str | None,
    region: str | None,
    period: str | None,
    as_of: str | None,
    random: int,
    seed: int,
) -> Exit:
    """Print the chain behind a number; with ``--random``, prove many."""
    with opened(setting) as city:
        if random:
            return _prove(setting, city, random, seed)
        if not indicator:
            raise NotKnown(
                Finding(
                    "command.why",
                    "why",
                    region or "",
                    "INDICATOR [REGION] [PERIOD], --random N",
                    Text("请写明指标，或用 --random N", "say an indicator, or use --random N"),
                )
            )
        chain = city.why(
            find_indicator(city, indicator),
            find_region(city, region) if region else city.place.region,
            read_period(period),
            as_of=read_moment(city, as_of),
            reader=find_reader(city, setting),
        )
        _print_chain(setting, city, chain)
    return Exit.OK


def _print_chain(setting: Setting, city: City, chain: Chain) -> None:
    from yucun.doors.api.numbers import landings_of

    printer = setting.printer
    landings = landings_of(city, chain)
    if printer.is_json:
        import msgspec

        from yucun.doors.api.shapes import shape_chain

        printer.json(msgspec.to_builtins(shape_chain(chain, landings)))
        return
    _print_head(setting, city, chain)
    printer.table(Text("组成", "parts"), _PART_HEADS, [_part(part) for part in chain.parts], (2,))
    printer.table(
        Text(f"记录（共 {chain.records} 条）", f"records ({chain.records} in all)"),
        _ROW_HEADS,
        [(r.table, r.file[:12], r.record, say_fields(r.fields), r.source) for r in chain.rows[:_MOST_ROWS]],
        (2,),
    )
    printer.table(
        Text("落地", "landings"),
        _LANDING_HEADS,
        [(one.file[:12], one.name, one.at, one.by, one.seq) for one in landings],
    )
    printer.table(
        Text("核对", "checks"),
        _CHECK_HEADS,
        [(c.title, c.outcome, c.ours, c.theirs, c.reason) for c in chain.value.checks],
    )
    printer.table(
        Text(f"它又影响 {len(chain.moves)} 个数", f"it moves {len(chain.moves)} other numbers"),
        (_HEADS["indicator"], _HEADS["region"], _HEADS["period"]),
        [(m.indicator, m.region.short, m.period.text) for m in chain.moves[:_MOST_ROWS]],
    )


def _part(part: PartShown) -> tuple[Any, ...]:
    shown = say_mark(part.mark) if part.mark else part.shown
    return (part.name, part.title, shown, part.unit.title, part.indicator or f"{part.table} {part.where}".strip())


def say_fields(fields: Mapping[str, Any]) -> str:
    """The fields of a row on one line; blanks are left out."""
    return " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)


def _print_head(setting: Setting, city: City, chain: Chain) -> None:
    one, definition = chain.value, chain.indicator
    place = (
        city.regions.path_title(one.region, one.period.end if one.period else None)
        if one.region in city.regions
        else Text.same(one.region)
    )
    shown = (
        say_mark(one.mark) if one.mark else Text(f"{one.shown} {one.unit.title.zh}", f"{one.shown} {one.unit.title.en}")
    )
    setting.printer.facts(
        definition.title,
        [
            (_HEADS["value"], shown),
            (_HEADS["region"], Text(f"{place.zh}（{one.region.short}）", f"{place.en} ({one.region.short})")),
            (_HEADS["period"], one.period.title if one.period else ""),
            (Text("含义", "meaning"), definition.meaning),
            (Text("定义在", "declared at"), definition.declared_at),
            (Text("定义哈希", "hash of the definition"), definition.hash[:12]),
            (_HEADS["as_of"], f"{one.as_of}  {one.known_at:%Y-%m-%d %H:%M}" if one.known_at else ""),
            *(
                (
                    Text("别处所印", "printed elsewhere"),
                    f"{c.printed} {c.unit.of(setting.printer.language)} — {c.source} ({c.evidence})",
                )
                for c in one.beside
            ),
        ],
    )


def _prove(setting: Setting, city: City, count: int, seed: int) -> Exit:
    from yucun.doors.command.proof import prove

    printer = setting.printer
    keys = city.numbers.pick(count, seed)
    with printer.step(
        Text(
            f"由记录重算 {len(keys)} 个数，并双向核对",
            f"work {len(keys)} numbers out again and follow their records both ways",
        )
    ) as move:
        outcome = prove(city, keys, move)
    facts = [
        (Text("随机种子", "seed"), seed),
        (Text("问了几个数", "numbers asked"), outcome.asked),
        (Text("其中不同的", "of them different ones"), outcome.distinct),
        (Text("由所点名的记录重算相符", "equal when worked out from the records they name"), outcome.equal),
        (Text("其中用服务自己的公式重算", "of these by the service's own rule"), outcome.by_rule),
        (Text("显示与保存逐位相符", "shown as kept, to the printed digit"), outcome.shown),
        (Text("背后的记录", "records behind them"), outcome.records),
        (Text("双向核对的（记录，数）对", "pairs of record and number followed both ways"), outcome.ways),
        (Text("不符", "differences"), len(outcome.differing)),
    ]
    printer.json({title.en: told for title, told in facts} | {"differing": [t.to_json() for t in outcome.differing]})
    printer.facts(Text("来处的证明", "proof of why"), facts)
    for text in outcome.differing[:_MOST_DIFFERENCES]:
        printer.note(text)
    return Exit.PROBLEMS if outcome.differing or not keys else Exit.OK


def list_all(setting: Setting, what: str, find: str | None) -> Exit:
    """List indicators, tables, regions or services."""
    if what not in LISTS:
        names = ", ".join(LISTS)
        raise NotKnown(
            Finding(
                "command.list", "list", what[:120], names, Text(f"只能列出：{names}", f"these can be listed: {names}")
            )
        )
    with opened(setting) as city:
        title, heads, rows = LISTS[what](city)
        words = (find or "").casefold().split()
        said = [row for row in rows if all(word in _all_words(row) for word in words)]
        setting.printer.json({what: [dict(zip((h.en for h in heads), row, strict=True)) for row in said]})
        setting.printer.table(title, heads, said)
    return Exit.OK


_Listed = tuple[Text, tuple[Text, ...], list[tuple[Any, ...]]]


def _all_words(row: tuple[Any, ...]) -> str:
    return " ".join(f"{c.zh} {c.en}" if isinstance(c, Text) else str(c) for c in row).casefold()


def _indicators(city: City) -> _Listed:
    heads = (Text("编号", "id"), Text("名称", "title"), _HEADS["unit"], Text("层级", "levels"))
    rows = [(i.id, i.title, i.unit.title, " ".join(i.levels)) for _, i in sorted(city.indicators.items())]
    return Text("指标", "indicators"), heads, rows


def _tables(city: City) -> _Listed:
    heads = (
        Text("表", "table"),
        Text("名称", "title"),
        Text("行", "rows"),
        Text("最近", "newest"),
        Text("迟到", "late"),
        Text("分级", "level"),
    )
    rows = [
        (
            f.table,
            city.contracts[f.table].title,
            f.rows,
            f.newest.text if f.newest else "",
            f.is_late,
            city.contracts[f.table].level,
        )
        for f in city.feeds()
    ]
    return Text("表", "tables"), heads, rows


def _regions(city: City) -> _Listed:
    heads = (Text("代码", "code"), Text("名称", "name"), Text("层级", "level"), Text("上级", "parent"))
    today = city.clock.today()
    rows = [
        (r.code.short, r.name, LEVEL_TITLES[r.level], r.parent.short if r.parent else "")
        for r in city.regions
        if r.is_valid(today)
    ]
    return Text("地区", "regions"), heads, rows


def _services(city: City) -> _Listed:
    heads = (Text("编号", "id"), Text("名称", "title"), Text("含义", "meaning"))
    return Text("服务", "services"), heads, [(s.id, s.title, s.meaning) for _, s in sorted(city.services.items())]


LISTS: dict[str, Callable[[City], _Listed]] = {
    "indicators": _indicators,
    "tables": _tables,
    "regions": _regions,
    "services": _services,
}
