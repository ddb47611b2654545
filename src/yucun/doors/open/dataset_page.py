"""One dataset: what it is, its files, how to cite it, its fields, some rows, its versions and who opened it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.doors.open.lists import SHOWN_FORMS, file_views, late_mark
from yucun.doors.open.moving import make_move_form
from yucun.doors.open.views import DatasetPage
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.lists import cut_page
from yucun.doors.pages.valued import field_entry, minute_of, region_name
from yucun.doors.pages.views import EMPTY, Column, Crumb, Entry, MarkView, Notice, Opening, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.kernel.indicators.opened import count_behind
from yucun.kernel.lake.catalogue import (
    PLACE,
    STATE_TITLES,
    STEPS,
    TREATMENT_TITLES,
    Described,
    Item,
    Version,
    Withheld,
    cite,
    say_codes,
    say_unit,
)
from yucun.kernel.lake.contract import Contract
from yucun.kernel.lake.model import next_due

PREVIEW, VERSIONS = 10, 12
# A region is shown by its name already.
_SAID_BY_REGION = ("region_name_zh", "region_name_en")
_SHORT = ("region", "period", "date", "instant", "code", "boolean")


def make_dataset_page(visit: Visit, item: Item, version: Version | None, base: str) -> DatasetPage:
    """A dataset in one version; without one, or where it is withheld, only what may be said of it."""
    catalogue = words()
    subject = visit.city.catalogue.subject(item.name)
    contract = subject.contract
    held = visit.city.catalogue.withheld(item, version)
    newest = next(iter(_given(visit, item)), None)
    shown = version if version is not None and held is None else None
    described = Described(item, shown, contract, "") if shown else None
    is_old = shown is not None and newest is not None and shown.seq != newest.seq
    return DatasetPage(
        name=item.name,
        opening=Opening(_kicker(item, subject.kind, version), contract.title, (Span(contract.meaning),)),
        trail=(Crumb(catalogue["open.kicker"], "/open"), Crumb(item.domain.title, f"/open?domain={item.domain.id}")),
        notices=_notices(held, is_old),
        files=file_views(visit, shown, SHOWN_FORMS) if shown else (),
        descriptions=file_views(visit, shown, ("datapackage", "csvw")) if shown else (),
        facts=_facts(visit, item, contract, shown),
        quality=_quality(visit, item, shown),
        licence=item.licence.title,
        licence_href=item.licence.uri,
        terms=contract.licence,
        cite=cite(described, f"{base}{described.address}/") if described else EMPTY,
        fields=_fields(visit, described) if described else None,
        rows=_rows(visit, described) if described else None,
        versions=_versions(visit, item, shown) if item.state == "open" else None,
        moves=_moves(item),
        ways=_ways(item, subject.kind, contract, shown),
        newest_href=f"/open/{item.name}" if is_old else "",
        mark=late_mark(visit, contract, shown) if shown and not is_old else None,
        form=make_move_form(visit, item),
    )


def _given(visit: Visit, item: Item) -> list[Version]:
    city = visit.city
    return [v for v in city.catalogue.versions(item.name) if city.catalogue.withheld(item, v) is None]


def _kicker(item: Item, kind: str, version: Version | None) -> Text:
    kind_title = words()[f"open.kind_{kind}"]
    parts = [kind_title, STATE_TITLES[item.state]]
    if version is not None:
        parts.append(words().fill("open.version", version=version.id))
    return Text(" · ".join(p.zh for p in parts), " · ".join(p.en for p in parts))


def _notices(held: Withheld | None, is_old: bool) -> tuple[Notice, ...]:
    found = []
    if held is not None:
        found.append(Notice(held.reason, tone="bad"))
    if is_old:
        found.append(Notice(words()["open.is_old"]))
    return tuple(found)


def _facts(visit: Visit, item: Item, contract: Contract, version: Version | None) -> tuple[tuple[Text, Text], ...]:
    catalogue = words()
    every = catalogue[f"lake.every_{contract.freshness.every}"]
    due = catalogue.fill("lake.due_days", every=every, days=contract.freshness.due_days)
    facts = [
        (catalogue["open.name"], Text.same(item.name)),
        (catalogue["lake.owner"], contract.owner),
        (catalogue["open.domain"], item.domain.title),
        (catalogue["lake.fresh"], contract.freshness.reason if contract.freshness.every == "once" else due),
        (catalogue["open.treatment"], TREATMENT_TITLES[item.treatment]),
    ]
    if version is None:
        return tuple(facts)
    cover = version.coverage
    facts.append((catalogue["open.day"], Text.same(version.day)))
    if cover.start:
        facts.append((catalogue["open.temporal"], catalogue.fill("open.from_to", start=cover.start, end=cover.end)))
    if cover.newest:
        newest = Period.parse(cover.newest)
        facts.append((catalogue["lake.newest"], newest.title))
        next_day = next_due(contract.freshness, newest)
        if next_day is not None:
            facts.append((catalogue["lake.due"], Text.same(next_day.isoformat())))
    if cover.region:
        name = region_name(visit.city, RegionCode(cover.region))
        facts.append((catalogue["open.spatial"], catalogue.fill("open.regions", name=name, n=cover.regions)))
    return tuple(facts)


def _quality(visit: Visit, item: Item, version: Version | None) -> tuple[tuple[Text, Text], ...]:
    """What came and what was refused of the tables behind it; for a number also which values have a mark."""
    if version is None:
        return ()
    catalogue = words()
    counts = count_behind(visit.city.numbers, item.name)
    found = [(catalogue["lake.rows_head"], Text.same(f"{version.rows:,}"))]
    found += [(catalogue[f"open.count_{key}"], Text.same(f"{number:,}")) for key, number in counts.items()]
    found += [(catalogue[f"open.mark_{kind}"], Text.same(f"{n:,}")) for kind, n in version.coverage.marks.items()]
    return tuple(found)


def _fields(visit: Visit, described: Described) -> Table:
    catalogue = words()
    example = {} if described.item.name.startswith("number.") else described.contract.example
    rows = tuple(
        Row(
            (
                Entry(field.title),
                Entry(Text.same(field.name)),
                Entry(catalogue[f"type.{field.type}"]),
                Entry(say_unit(field.unit) if field.unit else say_codes(field.codes) if field.codes else EMPTY),
                Entry(catalogue["table.yes" if field.required else "table.no"]),
                field_entry(visit.city, field, example[field.name]) if field.name in example else Entry(),
            )
        )
        for field in described.fields
    )
    columns: tuple[Column, ...] = (
        Column(catalogue["lake.field"]), Column(catalogue["lake.field_name"], is_short=True),
        Column(catalogue["lake.field_type"], is_short=True), Column(catalogue["open.unit_or_codes"], is_long=True),
        Column(catalogue["open.always"], is_short=True), Column(catalogue["lake.field_example"]),
    )  # fmt: skip
    if not example:
        columns, rows = columns[:-1], tuple(Row(row.entries[:-1]) for row in rows)
    return Table(EMPTY, columns, rows, len(rows), name="fields")


def _rows(visit: Visit, described: Described) -> Table:
    """The first rows of the version itself, read from its own file."""
    catalogue, version = words(), described.version
    found = _first_rows(visit, described)
    # A column without any value among these rows would only push the others out of sight.
    fields = [
        f
        for f in described.fields
        if f.name not in _SAID_BY_REGION and any(row.get(f.name) is not None for row in found)
    ]
    columns = tuple(Column(f.title, f.type in ("integer", "measure"), is_short=f.type in _SHORT) for f in fields)
    rows = tuple(Row(tuple(field_entry(visit.city, f, row.get(f.name)) for f in fields)) for row in found)
    caption = catalogue.fill("open.first_rows", n=len(rows), total=f"{version.rows:,}")
    return Table(caption, columns, rows, len(rows), name="preview", empty=catalogue["lake.rows_none"])


def _first_rows(visit: Visit, described: Described) -> Sequence[dict[str, Any]]:
    version, catalogue = described.version, visit.city.catalogue
    kept = version.files.get("parquet")
    if kept is None:
        example = {name: described.contract.example.get(name) for name in version.fields}
        return [example] if any(value is not None for value in example.values()) else []
    with pq.ParquetFile(catalogue.attachments.find_path(kept.sha256)) as file:
        batch = next(file.iter_batches(batch_size=PREVIEW), None)
    rows: list[dict[str, Any]] = batch.to_pylist() if batch is not None else []
    return rows


def _versions(visit: Visit, item: Item, shown: Version | None) -> Table:
    catalogue = words()
    every = visit.city.catalogue.versions(item.name)
    here, cut = cut_page(visit, every, VERSIONS, "versions")
    rows = []
    for version in here:
        held = visit.city.catalogue.withheld(item, version)
        csv = version.files.get("csv")
        rows.append(
            Row(
                (
                    Entry(Text.same(version.id), f"/open/{item.name}/{version.id}"),
                    Entry(Text.same(f"{version.rows:,}")),
                    Entry(mark=MarkView("refused", held.reason))
                    if held
                    else Entry(Text.same(csv.sha256 if csv else "")),
                ),
                is_here=shown is not None and version.seq == shown.seq,
            )
        )
    columns = (
        Column(catalogue["open.version_head"], is_short=True), Column(catalogue["lake.rows_head"], is_number=True),
        Column(catalogue["open.hash"], is_long=True),
    )  # fmt: skip
    return Table(EMPTY, columns, tuple(rows), len(every), name="versions", **cut)


def _moves(item: Item) -> Table:
    catalogue = words()
    rows = tuple(
        Row(
            (
                Entry(STEPS[move.move].title),
                Entry(catalogue["open.by_place"] if move.by == PLACE else Text.same(move.by)),
                Entry(catalogue["open.by_place"] if move.by == PLACE else Text.same(move.role)),
                Entry(Text.same(minute_of(move.at))),
                Entry(Text.same(move.why)),
            )
        )
        for move in reversed(item.moves)
    )
    columns = (
        Column(catalogue["open.move"]), Column(catalogue["open.by"], is_short=True),
        Column(catalogue["open.role"], is_short=True),
        Column(catalogue["open.at"], is_short=True), Column(catalogue["open.why"], is_long=True),
    )  # fmt: skip
    return Table(EMPTY, columns, rows, len(rows), name="moves")


def _ways(item: Item, kind: str, contract: Contract, version: Version | None) -> tuple[tuple[str, Text], ...]:
    """Where else the same data are to be had, for people and for machines."""
    catalogue = words()
    if version is None:
        return ()
    found = [(f"/open/{item.name}/dataset.jsonld", catalogue["open.dcat"])]
    if kind == "number":
        found.append((f"/number/{item.name.removeprefix('number.')}", catalogue["open.number_page"]))
    else:
        found.append((f"/lake/{contract.name}", catalogue["open.table_page"]))
        found.append((f"/api/tables/{contract.name}/rows", catalogue["open.api_rows"]))
    return tuple(found)
