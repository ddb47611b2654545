"""The examples that are about rules and shares, each worked out from what it gives."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from datetime import date

import pytest

from tests.services.discovery.test_detectors import find
from tests.services.discovery.village import Villagers
from yucun.base.text import Text
from yucun.city import SERVICES
from yucun.kernel.examples import Example, read_examples
from yucun.services.discovery.pages.reading import Fared, show_share, tell_published
from yucun.services.discovery.planning import parameters_of

FOUND = {one.id: one for one in read_examples(SERVICES / "discovery" / "examples.toml", "discovery")[0]}


def rows(example: Example, table: str) -> Iterator[dict[str, str]]:
    (text,) = (one.rows for one in example.tables if one.table == f"discovery.{table}")
    return csv.DictReader(text.strip().splitlines())


def test_a29_as_it_stands_in_the_parameters() -> None:
    for row in rows(FOUND["A29"], "published"):
        fared = Fared("x", Text.same("x"), int(row["alerts"]), int(row["alerts"]), int(row["count"]), 0)
        assert show_share(fared) == row["share"]
    pack = parameters_of(tomllib.loads((SERVICES / "discovery" / "parameters.toml").read_text(encoding="utf-8")))
    published, source = tell_published(pack, date(2022, 5, 31))
    assert (published.visits, published.helped) == (4881, 91) and "别县" in source


@pytest.mark.parametrize(
    "name", [name for name, one in FOUND.items() if any(t.table.endswith(".warned") for t in one.tables)]
)
def test_rules(name: str) -> None:
    made, known = Villagers(), set()
    for row in rows(FOUND[name], "bill"):
        if row["home"] not in known:
            made.home(row["home"], registered=row["registered"])
            known.add(row["home"])
        made.bill(row["home"], row["month"], int(row["yuan"]))
    for row in rows(FOUND[name], "warned"):
        assert set(find(made, row["rule"])) == set(row["homes"].split())
