"""Taking a message in: judged before it is an event, given a number and a check code, once however often it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yucun.city import City
from yucun.doors.desk.acting import PATIENCE_S
from yucun.doors.hotline.codes import caller_of_phone, check_code
from yucun.doors.hotline.judging import Judging
from yucun.kernel.cases import Actor
from yucun.kernel.engine import Event, Taken

ARRIVED = "hotline.arrived"
# Whoever writes without an account.
ANYONE = Actor("open", frozenset({"citizen"}))


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it was sent through some channel.

    Parameters
    ----------
    token : str
        Of the form or request; sent twice it is one message.
    service : str
        A subject that the sender chose; empty lets judging say.
    caller : str
        Code of the caller when it is known otherwise than by phone.
    """

    channel: str
    text: str
    token: str
    address: str = ""
    phone: str = ""
    person: str = ""
    service: str = ""
    caller: str = ""
    by: Actor = ANYONE


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender gets: the number, the code to follow it with, and what became of the event."""

    message: str
    case: str
    code: str
    taken: Taken
    judged: Mapping[str, Any]


def take_message(judging: Judging, sent: Sent) -> Receipt:
    """Judge a message and let the engine take it."""
    city = judging.city
    message = name_message(city, sent.token)
    case = f"hotline:{message}"
    with city.books.read() as tx:
        known = city.work.cases.find(tx, case)
    judged = judging.judge(sent.text, sent.address, service=sent.service, compare=known is None)
    body = {
        **judged,
        "message": message,
        "channel": sent.channel,
        "text": sent.text,
        "address": sent.address,
        "phone": sent.phone,
        "person": sent.person,
        "caller": sent.caller or caller_of_phone(city, sent.phone),
    }
    event = Event(f"message:{message}", ARRIVED, {k: v for k, v in body.items() if v != ""}, sent.by)
    if known is not None:
        # What was judged may have been learned anew since; the message is the one that is there.
        return Receipt(message, case, check_code(city, case), Taken(event.key, "already", known.opened_seq), judged)
    return Receipt(message, case, check_code(city, case), city.submit(event).result(PATIENCE_S), judged)


def name_message(city: City, token: str) -> str:
    """The number of a message: its day, and eight signs of its token."""
    signs = hashlib.sha256(token.encode()).hexdigest()[:8].upper()
    return f"{city.clock.today():%Y%m%d}-{signs}"
