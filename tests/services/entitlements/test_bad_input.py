"""Bad input of entitlements: files and events that are refused with a finding, and nothing of them kept."""

from __future__ import annotations

import pytest

from tests.services.entitlements.office import HEADER, RESIDENT, VILLAGE, WINDOW, Office
from yucun.base.errors import RuleError
from yucun.services.entitlements.planning import read_people

GOOD = "P1,H1,child,2022-03-01,child,none,none,0,none,,"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("", "file"),
        ("person_id,birth\n", "0 rows"),
        ("person_id\nP1\n", "birth"),
        ("person_id,birth,shoe\nP1,2000-01-01,42\n", "shoe"),
        ("person_id,birth,birth\nP1,2000-01-01,2000-01-01\n", "birth"),
        ("person_id,birth\nP1,yesterday\n", "yesterday"),
        ("person_id,birth\nP1,2000-01-01\nP1,2000-01-01\n", "person_id"),
        ("person_id,birth,work\nP1,2000-01-01,sleeps\n", "sleeps"),
        ("person_id,birth,insured_months\nP1,2000-01-01,-1\n", "insured_months"),
        ("person_id,birth,insured_months\nP1,2000-01-01,99999\n", "insured_months"),
        ("person_id,birth,class\nP1,2000-01-01,rich\n", "rich"),
    ],
)
def test_a_bad_file_is_refused(data: str, found: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_people(data.encode(), "p.csv")
    said = refused.value.findings
    assert all(one.kind == "entitlements.people" and one.message.zh and one.message.en for one in said)
    assert any(found in one.found or found in one.message.en for one in said), [one.found for one in said]


def good() -> dict[str, object]:
    return {"event": "E1", "kind": "birth", "day": "2022-03-01", "person": "P1", "household": "H1", "region": VILLAGE,
            "facts": f"{HEADER}\n{GOOD}\n", "is_made_up": True}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"person": "P7"}, "entitlements.other_person"),
        ({"facts": "person_id,birth\nP1,never\n"}, "entitlements.people"),
        ({"kind": "wedding"}, "lake."),
        ({"region": "330500000000"}, "lake."),
        ({"day": "2031-01-01"}, "lake."),
        ({"facts": ""}, "lake.required"),
        ({"colour": "red"}, "record.unknown_field"),
    ],
)
def test_a_bad_event_is_refused_and_opens_nothing(change: dict[str, object], kind: str) -> None:
    office = Office()
    taken = office.take("happened", {**good(), **change}, WINDOW)
    assert taken.status == "refused"
    assert any(one.kind.startswith(kind) for one in taken.findings), [one.kind for one in taken.findings]
    assert not office.claims()
    assert office.measures() == {}


@pytest.mark.parametrize(
    ("move", "more"),
    [
        ("rate", {"stars": 5}),
        ("deliver", {"proof": "x"}),
        ("confirm", {"seen": 0}),
        ("fly", {}),
        ("prefill", {}),
        ("grant", {}),
        ("tell", {"told": "x"}),
    ],
)
def test_a_step_that_is_not_open_to_a_resident_changes_nothing(move: str, more: dict[str, object]) -> None:
    office = Office()
    office.do("happened", good(), WINDOW)
    claim = office.claims()["vaccines"]
    taken = office.move(claim.id, move, RESIDENT, **more)
    assert taken.status == "refused"
    assert all(one.message.zh and one.message.en for one in taken.findings)
    assert (office.case(claim.id).state, office.case(claim.id).version) == (claim.state, claim.version)


def test_six_stars_are_refused() -> None:
    office = Office()
    office.do("happened", good(), WINDOW)
    claim = office.claims()["vaccines"].id
    office.move(claim, "confirm", RESIDENT)
    office.move(claim, "deliver", WINDOW, proof="x")
    assert office.move(claim, "rate", RESIDENT, stars=6).status == "refused"
    assert office.move(claim, "rate", RESIDENT).status == "refused"
    assert not office.recorded("rating")
