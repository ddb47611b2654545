"""What all pages of relief are put together from: an amount in yuan, a table, the way there, the note of a simulation."""

from __future__ import annotations

from yucun.base.text import Text
from yucun.city import City
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.views import EMPTY, Column, Crumb, Row, Table
from yucun.services.relief.pages.reading import SIMULATION
from yucun.services.relief.planning import parameters_of

SERVICE = "relief"


def amount_of(fen: int) -> Text:
    """An amount in yuan with its fen.

    Examples
    --------
    >>> amount_of(-123_456).zh, amount_of(5).zh
    ('-1,234.56', '0.05')
    """
    return Text.same(f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}")


def trail_of(city: City, title: Text) -> tuple[Crumb, ...]:
    """The way to a page beside the desk's queue."""
    desk = f"/duty/{SERVICE}"
    return (Crumb(words()["duty.title"], "/duty"), Crumb(city.services[SERVICE].title, desk), Crumb(title, ""))


def table_of(name: str, heads: tuple[Text, ...], rows: list[Row], empty: Text, numbers: tuple[int, ...] = ()) -> Table:
    """A table whose heads stand at ``numbers`` above numbers."""
    columns = tuple(Column(head, is_number=place in numbers) for place, head in enumerate(heads))
    return Table(EMPTY, columns, tuple(rows), len(rows), name=name, empty=empty)


def note_of(city: City) -> Text | None:
    """What is said while a figure is not verified."""
    pack = city.work.engine.services[SERVICE].pack
    return SIMULATION if pack.derive(parameters_of).is_simulation_only else None
