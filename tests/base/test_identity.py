"""Codes are checked once, where they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yucun.base.errors import NotKnown
from yucun.base.identity import LEVELS, EnterpriseId, HouseholdId, PersonId, RegionCode


def test_short_codes_become_twelve_digits() -> None:
    written = ["33", "3305", "330502", "330502100", "330502100001"]
    codes = [RegionCode.parse(word) for word in written]
    assert [code.level for code in codes] == list(LEVELS)
    assert [code.short for code in codes] == ["330000", "330500", "330502", "330502100", "330502100001"]
    assert [code.by_digits for code in codes] == [None, *codes[:-1]]
    assert RegionCode.parse(" 330500 ") == RegionCode.parse("330500000000")


@given(st.text(max_size=15))
def test_what_is_no_code_is_refused_with_the_form(word: str) -> None:
    if word.strip().isascii() and word.strip().isdigit() and len(word.strip()) in (2, 4, 6, 9, 12):
        assert len(RegionCode.parse(word)) == 12
        return
    with pytest.raises(NotKnown) as caught:
        RegionCode.parse(word)
    assert "2, 4, 6, 9 or 12 digits" in caught.value.findings[0].message.en


def test_an_enterprise_code_must_hold_its_check() -> None:
    body = "91330500MA2B0A1C2"
    good = [body + c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if _holds(body + c)]
    assert len(good) == 1
    assert EnterpriseId.parse(good[0].lower()) == good[0]
    wrong = body + ("0" if good[0][-1] != "0" else "1")
    with pytest.raises(NotKnown):
        EnterpriseId.parse(wrong)


def _holds(code: str) -> bool:
    try:
        return bool(EnterpriseId.parse(code))
    except NotKnown:
        return False


def test_a_person_is_not_a_household() -> None:
    assert PersonId.parse("P000001") == "P000001"
    with pytest.raises(NotKnown):
        HouseholdId.parse("P000001")
    with pytest.raises(NotKnown):
        PersonId.parse("330502199001011234")
