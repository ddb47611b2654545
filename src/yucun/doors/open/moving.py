"""Drafting, approving, opening and withdrawing in the page: the forms for who may, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from litestar import Response

from yucun.base.errors import DeclarationError, Finding
from yucun.base.text import Text
from yucun.doors.open.views import MoveForm, ProposeForm
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.views import Option
from yucun.doors.pages.visit import Visit
from yucun.kernel.access.model import Refused
from yucun.kernel.indicators.opened import NUMBER
from yucun.kernel.lake.catalogue import LICENCES, MOVES, OTHER, SIX, STEPS, Item, MoveName, Terms, holds_persons


def may_move(visit: Visit, move: MoveName, table: str = "") -> bool:
    """Whether the reader's post makes this move."""
    verbs = STEPS[move].verbs
    return any(not isinstance(visit.city.may_do(visit.reader, verb, table), Refused) for verb in verbs)


def make_move_form(visit: Visit, item: Item) -> MoveForm | None:
    """The moves that an item can make and the reader may; None for none."""
    table = item.name.removeprefix(NUMBER)
    moves = [m for m in MOVES if m != "draft" and item.state in STEPS[m].before and may_move(visit, m, table)]
    options = tuple(Option(move, STEPS[move].title) for move in moves)
    return MoveForm(item.name, options) if options else None


def make_propose_form(visit: Visit) -> ProposeForm | None:
    """What may be drafted: tables that do not hold people, and numbers, as far as the reader's post goes."""
    city = visit.city
    if not may_move(visit, "draft"):
        return None
    begun = {item.name for item in city.catalogue.list_items() if item.state not in STEPS["draft"].before}
    tables = [
        Option(name, contract.title)
        for name, contract in sorted(city.contracts.items())
        if name not in begun and may_move(visit, "draft", name) and not holds_persons(contract)
    ]
    kind = words()["open.kind_number"]
    numbers = [
        Option(NUMBER + name, Text(f"{kind.zh}：{one.title.zh}", f"{kind.en}: {one.title.en}"))
        for name, one in sorted(city.indicators.items())
        if NUMBER + name not in begun and may_move(visit, "draft", name)
    ]
    told = Option("", words()["open.licence_told"], is_chosen=True)
    return ProposeForm(
        items=(*tables, *numbers),
        domains=tuple(Option(d.id, d.title, d is OTHER) for d in (*SIX, OTHER)),
        licences=(told, *(Option(one.id, one.title) for one in LICENCES.values())),
    )


def do_move(visit: Visit, said: Mapping[str, str]) -> Response[str]:
    """Make the move that a form asks for, and lead to the dataset.

    Raises
    ------
    DeclarationError, AccessError, NotKnown
        As `Catalogue.move` does; nothing is changed then.
    """
    name = said.get("item", "")
    move = next((m for m in get_args(MoveName) if m == said.get("move")), None)
    if move is None:
        raise DeclarationError(_no_move(said.get("move", "")))
    terms = None
    if move == "draft":
        treatment = "open_fields" if said.get("open_fields") == "yes" else None
        terms = Terms(said.get("domain", "other"), said.get("licence", ""), treatment)  # type: ignore[arg-type]
    visit.city.catalogue.move(name, move, reader=visit.reader, why=said.get("why", ""), terms=terms)
    return Response("", status_code=303, headers={"Location": f"/open/{name}", "Cache-Control": "no-store"})


def _no_move(move: str) -> Finding:
    return Finding(
        "open.move", "/open", move[:60], ", ".join(MOVES),
        Text(f"没有「{move[:60]}」这一步；请在数据集的页面上选", f"there is no move '{move[:60]}'; choose one on the dataset's page"),
        "move",
    )  # fmt: skip
