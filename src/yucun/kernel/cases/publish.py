"""What cases give to the lake: every move, and every clock that has ended; cut from the journal by the publisher."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from yucun.kernel.books import Line
from yucun.kernel.lake.publish import Publication

CONTRACTS = Path(__file__).with_name("contracts.toml")
_ENDED = ("met", "late", "stopped")


def _move_rows(line: Line) -> list[dict[str, Any]]:
    if line.kind == "cases.opened":
        return [
            _row(
                line,
                one,
                {"version": 0, "move": "open", "origin": "", "destination": one["state"], "opened_at": line.at},
            )
            for one in line.payload["cases"]
        ]
    return [_row(line, one, {**one, "destination": one["to"]}) for one in line.payload["moves"]]


def _row(line: Line, one: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "case": one["id"],
        "version": said["version"],
        "kind": one["kind"],
        "move": said["move"],
        "origin": said["origin"] or None,
        "destination": said["destination"],
        "day": line.at[:10],
        "at": line.at,
        "by_rule": one["by"].startswith("rule:"),
        "region": one["region"] or None,
        "unit": one["unit"] or None,
        "outcome": one.get("outcome") or None,
        "is_final": one["is_final"],
        "since_opened_s": _seconds(said["opened_at"], line.at),
    }


def _clock_rows(line: Line) -> list[dict[str, Any]]:
    return [
        {
            "case": one["id"],
            "version": one["version"],
            "clock": clock["name"],
            "kind": one["kind"],
            "state": clock["state"],
            "day": line.at[:10],
            "started": clock["started"],
            "due": clock["due"],
            "ended": line.at,
            "region": one["region"] or None,
            "unit": one["unit"] or None,
            "took_s": _seconds(clock["started"], line.at),
            "is_provisional": clock["is_provisional"],
        }
        for one in line.payload["moves"]
        for clock in one["clocks"]
        if clock["state"] in _ENDED
    ]


def _seconds(start: str, end: str) -> int:
    return int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


PUBLICATIONS = (
    Publication("cases.move", ("cases.opened", "cases.moved"), _move_rows),
    Publication("cases.clock", ("cases.moved",), _clock_rows),
)
