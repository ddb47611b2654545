"""Requests of GeoReport v2 over the hotline's cases: what a program may send, and what everyone may follow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yucun.base.clock import CHINA
from yucun.base.identity import RegionCode
from yucun.base.text import Language
from yucun.city import City
from yucun.doors.hotline.codes import check_code
from yucun.doors.hotline.judging import KIND, Judging
from yucun.doors.hotline.taking import Sent, take_message
from yucun.doors.open311.answers import Refused
from yucun.kernel.cases import Actor, Case, Clock
from yucun.services.hotline.pages.api_keys import find_program
from yucun.services.hotline.pages.desk import title_unit

# What cannot be sent under a subject: somebody at the desk says what it is, and only then it has a number.
OTHER = "other"
MOST, SPAN_DAYS = 1000, 90
_LONGEST = 4000
_PLACE_WORDS = ("address_string", "address_id")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to GeoReport: its parameters, and in which language names are given."""

    values: Mapping[str, str]
    language: Language

    def get(self, name: str) -> str:
        """A parameter, trimmed; empty when it was not given."""
        return self.values.get(name, "").strip()


def check_jurisdiction(city: City, asked: Asked) -> None:
    """One city is served here: its own jurisdiction may be left out, another one is not known."""
    given = asked.get("jurisdiction_id")
    if given and given not in jurisdictions(city):
        raise Refused(404, f"jurisdiction_id provided was not found: {given[:80]}")


def jurisdictions(city: City) -> tuple[str, ...]:
    """What the city is called in GeoReport."""
    return (city.place.id, city.place.region.short)


def list_services(city: City, asked: Asked) -> list[dict[str, Any]]:
    """The subjects as services, and one for whatever does not fit."""
    check_jurisdiction(city, asked)
    kind = city.work.cases.kinds[KIND]
    words = city.work.engine.services["hotline"].pack.values
    found = [
        {
            "service_code": code,
            "service_name": title.of(asked.language),
            "description": "、".join(words["words"].get(title.zh, ())[:6]),
            "metadata": True,
            "type": "realtime",
            "keywords": ", ".join(words["words"].get(title.zh, ())[:12]),
            "group": kind.title.of(asked.language),
        }
        for code, title in kind.fields["subject"].codes.items()
    ]
    name = {"zh": "说不准归哪一类", "en": "not sure which"}[asked.language]
    said = {
        "zh": "由话务台判断归类，先给查询令牌，判明后给编号",
        "en": "the desk says what it is; a token now, a number then",
    }
    found.append(
        {
            "service_code": OTHER, "service_name": name, "description": said[asked.language], "metadata": True,
            "type": "batch", "keywords": "", "group": kind.title.of(asked.language),
        }
    )  # fmt: skip
    return found


def define_service(city: City, code: str, asked: Asked) -> dict[str, Any]:
    """The attributes of a service: what is wanted, chosen from a list."""
    check_jurisdiction(city, asked)
    _check_code(city, code)
    kind = city.work.cases.kinds[KIND]
    wishes = [{"key": key, "name": title.of(asked.language)} for key, title in kind.fields["intent"].codes.items()]
    about = {"zh": "为何来件", "en": "why you write"}[asked.language]
    hint = {"zh": "可不填，由系统判断", "en": "may be left out; it is judged from the words"}[asked.language]
    return {
        "service_code": code,
        "attributes": [
            {
                "variable": True, "code": "intent", "datatype": "singlevaluelist", "required": False,
                "datatype_description": hint, "order": 1, "description": about, "values": wishes,
            }
        ],
    }  # fmt: skip


def _check_code(city: City, code: str) -> None:
    known = city.work.cases.kinds[KIND].fields["subject"].codes
    if code != OTHER and code not in known:
        raise Refused(404, f"service_code provided was not found: {code[:80]}")


def create_request(judging: Judging, asked: Asked, source: str) -> dict[str, Any]:
    """Take a request from a program that holds a key.

    Raises
    ------
    Refused
        403 without a valid key, 404 for an unknown service or jurisdiction, 400 for everything else that is wrong.
    """
    city = judging.city
    program = find_program(city.data, asked.get("api_key")) if asked.get("api_key") else ""
    if not program:
        raise Refused(403, "Missing or invalid API key (api_key); requests are taken from known programs only")
    check_jurisdiction(city, asked)
    if not asked.get("service_code"):
        raise Refused(400, "service_code was not provided")
    code = asked.get("service_code")
    _check_code(city, code)
    text = _read_text(city, asked)
    address = _read_place(asked)
    sent = Sent(
        "open311",
        text,
        _token_of(program, asked, source),
        address=address,
        phone=asked.get("phone")[:40],
        person=f"{asked.get('last_name')}{asked.get('first_name')}"[:60],
        service="" if code == OTHER else code,
        caller=_caller_of(program, asked),
        by=Actor(f"open311.{program}", frozenset({"citizen"})),
    )
    receipt = take_message(judging, sent)
    if not receipt.taken.is_good:
        raise Refused(400, "; ".join(f.message.en for f in receipt.taken.findings) or "the request was refused")
    notice = receipt.code if receipt.taken.status == "done" else f"{receipt.code} (already received)"
    said: dict[str, Any] = {"service_notice": notice, "account_id": None}
    if code == OTHER:
        return {"token": token_of(city, receipt.case), **said}
    return {"service_request_id": receipt.message, **said}


def _read_text(city: City, asked: Asked) -> str:
    """The words of a request; the standard lets them be left out, and then the service's name says what is asked."""
    text = asked.get("description")
    if not text and not asked.get("media_url"):
        title = city.work.cases.kinds[KIND].fields["subject"].codes.get(asked.get("service_code"))
        text = f"（来件未附说明：{title.zh if title else '未选类别'}）"
    if len(text) > _LONGEST:
        raise Refused(400, f"description is longer than {_LONGEST} characters")
    media = asked.get("media_url")
    if media and not re.fullmatch(r"https?://[^\s<>\"]{4,400}", media):
        raise Refused(400, "media_url is not an address")
    intent = asked.get("attribute[intent]")
    words = {"consult": "咨询", "help": "求助", "complaint": "投诉", "suggestion": "建议", "thanks": "表扬"}
    if intent and intent not in words:
        raise Refused(400, f"attribute intent is not one of its values: {intent[:40]}")
    return "\n".join(part for part in (f"【{words[intent]}】" if intent else "", text, media) if part)


def _read_place(asked: Asked) -> str:
    lat, long = asked.get("lat"), asked.get("long")
    if lat or long:
        try:
            north, east = float(lat), float(long)
        except ValueError:
            raise Refused(400, "lat and long are both needed, as decimal degrees (WGS84)") from None
        if not (-90 <= north <= 90 and -180 <= east <= 180):
            raise Refused(400, "lat or long lies outside the earth")
        said = asked.get("address_string")[:150]
        return f"{said} ({north:.6f}, {east:.6f})".strip()
    for name in _PLACE_WORDS:
        if asked.get(name):
            return asked.get(name)[:200]
    raise Refused(400, "a location is needed: lat and long, address_string or address_id")


def _caller_of(program: str, asked: Asked) -> str:
    """The same person or device in the same program has one code; nobody can be told from it."""
    known = asked.get("account_id") or asked.get("device_id") or asked.get("email")
    return f"o311-{hashlib.sha256(f'{program} {known}'.encode()).hexdigest()[:20]}" if known else ""


def _token_of(program: str, asked: Asked, source: str) -> str:
    """What makes two requests one: the same program, words and place from the same sender."""
    names = ("service_code", "description", "lat", "long", "address_string", "address_id", "email", "phone", "device_id",
             "account_id", "media_url", "attribute[intent]")  # fmt: skip
    sender = asked.get("device_id") or asked.get("account_id") or asked.get("email") or asked.get("phone") or source
    return "open311 " + "\n".join((program, sender, *(asked.get(name) for name in names)))


def token_of(city: City, case: str) -> str:
    """The token of a request that has no number yet."""
    return f"{case.partition(':')[2]}-{check_code(city, case)}"


def find_token(city: City, token: str, asked: Asked) -> dict[str, Any]:
    """What a token stands for: the number, once somebody said what the request is."""
    check_jurisdiction(city, asked)
    message, _, code = token.rpartition("-")
    case = _find_case(city, message)
    if case is None or code != check_code(city, case.id):
        raise Refused(404, f"token was not found: {token[:80]}")
    is_known = "subject" in case.fields and case.state not in ("arrived", "held")
    return {"service_request_id": message if is_known else None, "token": token}


def _find_case(city: City, message: str) -> Case | None:
    with city.books.read() as tx:
        return city.work.cases.find(tx, f"hotline:{message[:80]}")


def get_request(city: City, number: str, asked: Asked) -> dict[str, Any]:
    """One request by its number."""
    check_jurisdiction(city, asked)
    case = _find_case(city, number)
    if case is None:
        raise Refused(404, f"service_request_id provided was not found: {number[:80]}")
    return _shape(city, case, asked)


def list_requests(city: City, asked: Asked) -> list[dict[str, Any]]:
    """Requests, newest first: by numbers, or by service, status and time; ninety days and a thousand at most."""
    check_jurisdiction(city, asked)
    if asked.get("service_request_id"):
        numbers = [n.strip() for n in asked.get("service_request_id").split(",") if n.strip()][:MOST]
        found = [case for n in numbers if (case := _find_case(city, n)) is not None]
        return [_shape(city, case, asked) for case in found]
    codes = [c.strip() for c in asked.get("service_code").split(",") if c.strip()]
    for code in codes:
        _check_code(city, code)
    wanted = {s.strip() for s in asked.get("status").split(",") if s.strip()}
    if wanted - {"open", "closed"}:
        raise Refused(400, "status is open, closed, or both with a comma between")
    start, end = _read_span(city, asked)
    is_open = None if len(wanted) != 1 else wanted == {"open"}
    with city.books.read() as tx:
        cases = city.work.cases.list_cases(tx, KIND, is_open=is_open, limit=20_000, newest_first=True)
    fitting = [
        case
        for case in cases
        if start <= case.opened_at <= end and (not codes or case.fields.get("subject", OTHER) in codes)
    ]
    return [_shape(city, case, asked) for case in fitting[:MOST]]


def _read_span(city: City, asked: Asked) -> tuple[datetime, datetime]:
    now, span = city.clock.now(), timedelta(days=SPAN_DAYS)
    start, end = (_read_instant(asked, name) for name in ("start_date", "end_date"))
    if start is None and end is None:
        # The newest counts too, though a simulated day that was begun anew stands before it.
        return now - span, now + timedelta(days=1)
    start = start or (end or now) - span
    end = end or start + span
    if start > end:
        raise Refused(400, "start_date lies after end_date")
    return max(start, end - span), end


def _read_instant(asked: Asked, name: str) -> datetime | None:
    word = asked.get(name)
    if not word:
        return None
    # In a query a plus sign that nobody encoded arrives as a space.
    word = re.sub(r" (\d\d:\d\d)$", r"+\1", word)
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or "T" not in word:
        raise Refused(400, f"{name} is a date and time with its zone, as 2022-05-31T08:00:00+08:00")
    return found


def _shape(city: City, case: Case, asked: Asked) -> dict[str, Any]:
    """What everyone may see of a request: where it stands, never what was said or by whom."""
    kind = city.work.cases.kinds[KIND]
    language = asked.language
    with city.books.read() as tx:
        clocks = city.work.cases.clocks(tx, case)
    code = str(case.fields.get("subject", OTHER))
    title = kind.fields["subject"].codes.get(code)
    pack = city.work.engine.services["hotline"].pack
    town = _find_town(city, case)
    private = {"zh": "来件内容不公开", "en": "what was said is not public"}[language]
    return {
        "service_request_id": case.id.partition(":")[2],
        "status": "closed" if kind.states[case.state].is_final else "open",
        "status_notes": kind.states[case.state].title.of(language),
        "service_name": title.of(language) if title else OTHER,
        "service_code": code,
        "description": None,
        "agency_responsible": title_unit(case.unit, pack, city.regions).of(language) if case.unit else None,
        "service_notice": private,
        "requested_datetime": _stamp(case.opened_at),
        "updated_datetime": _stamp(case.changed_at),
        "expected_datetime": _due(clocks),
        "address": city.regions.path_title(town).of(language) if town else None,
        "address_id": str(town) if town else None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": None,
    }


def _stamp(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def _due(clocks: Mapping[str, Clock]) -> str | None:
    clock = clocks.get("reply")
    return _stamp(clock.due) if clock is not None and clock.due is not None else None


def _find_town(city: City, case: Case) -> RegionCode | None:
    """Where it is for everyone to see: the town, never the village or the house."""
    if not case.region:
        return None
    code = RegionCode.parse(case.region)
    chain = [code, *(r.code for r in city.regions.ancestors(code))] if city.regions.find(code) else []
    return next((c for c in chain if c.level in ("town", "county")), None)
