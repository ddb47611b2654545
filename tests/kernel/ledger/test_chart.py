"""The chart: what is wrong with a `ledger.toml` is said with file, line and key, all at once."""

from __future__ import annotations

import pytest

from tests.kernel.ledger.charts import TOML, make_test_chart
from yucun.base.declaration import Declaration
from yucun.base.errors import DeclarationError
from yucun.kernel.ledger import make_chart


def test_every_mistake_of_a_chart_is_told_with_its_line() -> None:
    wrong = TOML.replace("decimals = 2", "decimals = 12").replace('symbol = "TCO2E"', 'symbol = "t"')
    wrong = wrong.replace('side = "assets"', 'side = "left"').replace("highest = 1000000", 'highest = "much"')
    wrong = wrong.replace('to = ["pool:relief"]', 'to = ["pool:nowhere"]').replace(
        'kind = "fen"\nfrom = ["household', 'kind = "gold"\nfrom = ["household'
    )
    wrong = wrong.replace('party = "household"', 'party = "village"').replace('household = "H[0-9]+"', 'other = "x"')
    with pytest.raises(DeclarationError) as raised:
        make_chart(Declaration.parse(wrong, "ledger.toml"))
    found = {(f.kind, f.key) for f in raised.value.findings}
    assert {kind for kind, _ in found} >= {
        "ledger.decimals", "ledger.symbol", "ledger.limit", "ledger.unknown_name", "ledger.variable"
    }  # fmt: skip
    lines = wrong.splitlines()
    for finding in raised.value.findings:
        name, line = finding.where.rsplit(":", 1)
        assert name == "ledger.toml" and 1 <= int(line) <= len(lines)
    decimals = next(f for f in raised.value.findings if f.kind == "ledger.decimals")
    assert lines[int(decimals.where.rsplit(":", 1)[1]) - 1] == "decimals = 12"


def test_a_kind_that_an_account_does_not_hold_is_a_mistake() -> None:
    with pytest.raises(DeclarationError, match="do not hold"):
        issue = 'kind = "carbon_g"\nfrom = ["treasury:relief"]\nto = '
        wrong = TOML.replace(issue + '["household:{household}"]', issue + '["pool:relief"]')
        make_chart(Declaration.parse(wrong, "ledger.toml"))


def test_names_fit_patterns_and_tell_the_party() -> None:
    chart = make_test_chart()
    found = chart.find_pattern("household:H12")
    assert found is not None and (found[0].name, found[1]) == ("household:{household}", "household:H12")
    assert chart.find_pattern("household:12") is None
    assert chart.join(chart) == chart
