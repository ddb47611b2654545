"""May I? Nothing is allowed that no single grant allows, and each refusal says what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.access.conftest import (
    ANJI,
    CITY,
    DEQING,
    RULES,
    VISIT,
    Cell,
    Household,
    make_grant,
    make_reader,
    within,
)
from yucun.base.declaration import Declaration
from yucun.base.errors import AccessError
from yucun.base.text import Text
from yucun.kernel.access import (
    OPEN_READER,
    VERBS,
    AccessRules,
    Allowed,
    Grant,
    Purpose,
    Reader,
    Refused,
    at,
    may_do,
    may_read,
    read_purposes,
    require,
)

TABLE = Household()
FIELDS = {f.name: f for f in TABLE.fields}


def rule_for(reader: Reader, field: str, purpose: str = "relief.visit") -> str:
    return may_read(reader, TABLE, FIELDS[field], purpose).rule


def test_open_fields_are_for_everyone_and_nothing_else_is() -> None:
    assert may_read(OPEN_READER, TABLE, FIELDS["region"]) == Allowed("access.open", None)
    for field in TABLE.fields[1:]:
        assert may_read(OPEN_READER, TABLE, field, "relief.visit").rule == "access.signed_out"
    assert all(may_do(OPEN_READER, verb).rule == "access.signed_out" for verb in VERBS)


@pytest.mark.parametrize(
    ("grant", "purpose", "rule"),
    [
        (make_grant(), "relief.visit", "access.grant"),
        (make_grant(), "", "access.purpose_missing"),
        (make_grant(), "relief.other", "access.purpose_not_held"),
        (make_grant(purposes=()), "relief.visit", "access.purpose_not_held"),
        (make_grant(level="L2"), "relief.visit", "access.level"),
        (make_grant(tables=("school.*",)), "relief.visit", "access.level"),
        (
            make_grant(purposes=(Purpose("relief.visit", Text("", ""), Text("", ""), ("relief.household.members",)),)),
            "relief.visit",
            "access.purpose_reads",
        ),
    ],
)
def test_each_condition_is_needed(grant: Grant, purpose: str, rule: str) -> None:
    assert rule_for(make_reader(grant), "income_fen", purpose) == rule


def test_a_field_that_the_table_does_not_declare_is_refused() -> None:
    assert may_read(make_reader(make_grant()), TABLE, Cell("secret", "L1")).rule == "access.field"


def test_grants_do_not_lend_to_each_other() -> None:
    """A high level in one county and the purpose in another give nothing together."""
    reader = make_reader(
        make_grant("L4", (ANJI,), purposes=(RULES.purposes["kernel.audit"],)), make_grant("L2", (DEQING,))
    )
    assert rule_for(reader, "income_fen") == "access.level"
    assert may_read(reader, TABLE, FIELDS["members"], "relief.visit") == Allowed("access.grant", (DEQING,))


def test_region_narrows() -> None:
    decision = may_read(make_reader(make_grant(regions=(ANJI,))), TABLE, FIELDS["members"], "relief.visit")
    assert at(decision, ANJI, within).is_allowed
    assert at(decision, CITY, within).rule == "access.region"
    assert at(may_read(OPEN_READER, TABLE, FIELDS["region"]), CITY, within).is_allowed


@given(st.sampled_from(sorted(RULES.roles)), st.sampled_from(TABLE.fields), st.sampled_from(["", *RULES.purposes]))
def test_no_role_of_the_kernel_reads_above_its_level(role: str, field: Cell, purpose: str) -> None:
    held = RULES.roles[role]
    reader = make_reader(Grant(1, held, (CITY,), RULES.hold(held.purposes)))
    decision = may_read(reader, TABLE, field, purpose)
    allowed = field.level == "L1" or (purpose in held.purposes and field.level <= held.level)
    assert decision.is_allowed == allowed
    if isinstance(decision, Refused):
        assert decision.reason.zh
        assert decision.reason.en


def test_verbs_by_table() -> None:
    clerk = make_reader(Grant(1, RULES.roles["data_clerk"], (ANJI,), tables=("prosperity.*",)))
    assert may_do(clerk, "load", "prosperity.income") == Allowed("access.grant", (ANJI,))
    assert may_do(clerk, "load", "relief.household").rule == "access.verb"
    assert may_do(clerk, "administer").rule == "access.verb"


def test_a_refusal_is_raised_with_its_reason() -> None:
    with pytest.raises(AccessError, match="sign in"):
        require(may_do(OPEN_READER, "load"), "relief.household")


def test_purposes_of_a_service() -> None:
    text = """
    [purposes.visit]
    title = { zh = "入户核查", en = "home visit" }
    basis = { zh = "《社会救助暂行办法》", en = "Interim Measures" }
    reads = ["relief.household"]
    [purposes.empty]
    title = { zh = "空", en = "empty" }
    basis = { zh = "空", en = "empty" }
    reads = []
    because = "no"
    """
    declaration = Declaration.parse(text, "relief/service.toml")
    purposes = read_purposes(declaration, declaration.values, "relief")
    assert purposes["relief.visit"].covers("relief.household", "phone")
    assert not purposes["relief.visit"].covers("relief.person", "phone")
    assert [f.kind for f in declaration.findings] == ["declaration.unknown_key", "access.purpose_reads"]


def test_a_purpose_that_no_service_declares_any_more_gives_nothing() -> None:
    rules = AccessRules(RULES.roles, {})
    assert rules.hold(["relief.visit"]) == ()
    assert VISIT.name in RULES.purposes
