"""Landings over HTTP: what was sent, what became of it, what was refused and why, and sending a file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from yucun.base.text import Text
from yucun.doors.api import parameters as ask
from yucun.doors.api.asking import FORMS, Asked, Done, Operation, Sheet, Upload
from yucun.doors.api.flat import flatten_shapes
from yucun.doors.api.lake_shapes import LandingShape, LandingsShape, QuarantineShape, RefusedShape, shape_landing
from yucun.doors.api.numbers import about
from yucun.doors.api.paging import address_of_next, make_cursor, offset_of
from yucun.doors.api.problems import FindingShape

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.lake.contract import Contract

SHELF = "tables"
# A file holds this many landings or refused records at most; the header Link leads on.
_MOST = 10_000
_PAGE = 1000


def list_operations(city: City) -> list[Operation]:
    """All operations about what was sent."""
    key = ask.choose_key(
        "landing", Text("落地编号", "key of the landing"), r"^[A-Za-z0-9_.:\-]{1,200}$", "landed:prosperity.income:0"
    )
    page = (ask.choose_limit(), ask.choose_cursor(), ask.choose_form())
    return [
        Operation(
            "listLandings",
            "GET",
            "/api/landings",
            SHELF,
            Text("送来的文件，新的在前", "Files that were sent, newest first"),
            list_landings,
            LandingsShape,
            parameters=(ask.choose_table(city), *page),
            forms=FORMS,
            problems=(404,),
        ),
        Operation(
            "getLanding",
            "GET",
            "/api/landings/{landing}",
            SHELF,
            Text("一个文件的下落", "What became of one file"),
            get_landing,
            LandingShape,
            parameters=(key,),
        ),
        Operation(
            "listRefused",
            "GET",
            "/api/landings/{landing}/refused",
            SHELF,
            Text("被拒收的记录与原因", "Refused records, each with its reasons"),
            list_refused,
            QuarantineShape,
            Text("无权看全部字段的读者看不到原文。", "The record as sent is null for whoever may not see all fields."),
            (key, *page),
            FORMS,
        ),
        *(
            _sending(contract)
            for _, contract in sorted(city.contracts.items())
            if contract.name.split(".")[0] in city.services
        ),
    ]


def _sending(contract: Contract) -> Operation:
    title = Text(f"报送：{contract.title.zh}", f"Send a file: {contract.title.en}")
    return Operation(
        f"send_{contract.name.replace('.', '_')}",
        "POST",
        f"/api/tables/{contract.name}/landings",
        "sending",
        title,
        partial(send_file, contract.name),
        LandingShape,
        Text(
            "同一文件再次报送，答复第一次的结果（200）。坏行不影响好行。",
            "The same file sent again is answered with the first landing (200). Bad rows do not keep good ones out.",
        ),
        statuses=(201, 200),
        body="file",
        body_fields=tuple(f.name for f in contract.fields if f.name not in ("file", "correct")),
        security="signed",
    )


def list_landings(asked: Asked) -> Sheet:
    """Landings, newest first; the cursor is the journal seq before which the next page lies."""
    limit = asked.get("limit") or (100 if asked.form == "json" else _MOST)
    before = offset_of(asked) or None
    found = asked.city.landings(asked.get("table") or "", limit + 1, before)
    shapes = [shape_landing(landing) for landing in found[:limit]]
    cursor = make_cursor(asked, found[limit - 1].seq) if len(found) > limit else None
    return Sheet(
        "landings",
        lambda: flatten_shapes(shapes, LandingShape),
        lambda: LandingsShape(shapes, cursor),
        about(asked),
        next_page=address_of_next(asked, cursor),
    )


def get_landing(asked: Asked) -> Done:
    """What became of one file."""
    return Done(shape_landing(asked.city.landing(asked.get("landing"))))


def list_refused(asked: Asked) -> Sheet:
    """Refused records in the order of the file."""
    landing = asked.city.landing(asked.get("landing"))
    limit = asked.get("limit") or (100 if asked.form == "json" else _MOST)
    start = offset_of(asked)
    shapes: list[RefusedShape] = []
    while len(shapes) <= limit:
        table = asked.city.quarantine(landing.key, reader=asked.reader, start=start + len(shapes), limit=_PAGE)
        shapes += [
            RefusedShape(
                row["_record"],
                row["_where"],
                row["raw"] or None,
                msgspec.json.decode(row["findings"], type=list[FindingShape]),
            )
            for row in table.to_pylist()
        ]
        if table.num_rows < _PAGE:
            break
    cursor = make_cursor(asked, start + limit) if len(shapes) > limit else None
    shown = shapes[:limit]
    return Sheet(
        "refused",
        lambda: flatten_shapes([_flat(r, asked) for r in shown], FlatRefused),
        lambda: QuarantineShape(landing.key, shown, landing.refused, cursor),
        about(asked),
        next_page=address_of_next(asked, cursor),
    )


class FlatRefused(msgspec.Struct):
    """A refused record as a row of a file."""

    record: int
    where: str
    reasons: str
    raw: str | None


def _flat(refused: RefusedShape, asked: Asked) -> FlatRefused:
    reasons = "\n".join(f.message[asked.language] for f in refused.findings)
    return FlatRefused(refused.record, refused.where, reasons, refused.raw)


def send_file(table: str, asked: Asked) -> Done:
    """Land a file for whoever may."""
    upload: Upload = asked.body
    landing = asked.city.load(
        upload.content,
        upload.name,
        table,
        reader=asked.reader,
        given=upload.given,
        correct=upload.is_correction,
    )
    shape = shape_landing(landing)
    return Done(shape, 200 if landing.is_repeat else 201, {"Location": shape.href})
