"""What the hotline's own pages share: the way to them, and the known answers."""

from __future__ import annotations

from yucun.base.text import Text
from yucun.city import City
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.views import Crumb
from yucun.services.hotline.pages.knowledge import Answer, read_answers

SERVICE = "hotline"
ANSWERS = "hotline.answer"


def trail_to(city: City, title: Text) -> tuple[Crumb, ...]:
    """From the desks to the hotline's desk to a page of its own."""
    desk = f"/duty/{SERVICE}"
    return (Crumb(words()["duty.title"], "/duty"), Crumb(city.services[SERVICE].title, desk), Crumb(title, ""))


def list_answers(city: City) -> list[Answer]:
    """All known answers that the offices sent, lapsed ones among them."""
    if ANSWERS not in city.contracts:
        return []
    return read_answers(city.lake.engine.run(city.lake.table(ANSWERS, city.last_seq())).to_pylist())
