"""The nouns of the catalogue: an item and its states, domains and licences, a version and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import pyarrow as pa

from yucun.base.text import Text
from yucun.kernel.lake.contract import Contract

State = Literal["draft", "approved", "open", "withdrawn"]
MoveName = Literal["draft", "approve", "send_back", "open", "withdraw"]
# How closed fields are kept in: none are there; only open fields leave; only sums and counts leave.
Treatment = Literal["whole", "open_fields", "aggregate"]
Form = Literal["csv", "parquet", "json", "zip", "datapackage", "csvw"]
STATES: tuple[State, ...] = get_args(State)
MOVES: tuple[MoveName, ...] = get_args(MoveName)
FORMS: tuple[Form, ...] = get_args(Form)
STATE_TITLES: dict[State, Text] = {
    "draft": Text("草拟", "draft"),
    "approved": Text("已批准", "approved"),
    "open": Text("开放", "open"),
    "withdrawn": Text("已撤回", "withdrawn"),
}
TREATMENT_TITLES: dict[Treatment, Text] = {
    "whole": Text("全部字段", "all fields"),
    "open_fields": Text("只出开放字段（L1）", "open fields (L1) only"),
    "aggregate": Text("只出汇总数", "sums and counts only"),
}


@dataclass(frozen=True, slots=True)
class Domain:
    """A heading of the open data; `theme` is its code in the EU's authority table of data themes."""

    id: str
    title: Text
    theme: str


# The six domains in which Huzhou opened its data by spring 2022, in the order of the feature that names them
# (provincial press, spring 2022); and one heading for what lies in none of them.
SIX: tuple[Domain, ...] = (
    Domain("finance", Text("普惠金融", "Inclusive finance"), "ECON"),
    Domain("transport", Text("交通出行", "Transport"), "TRAN"),
    Domain("health", Text("医疗卫生", "Health"), "HEAL"),
    Domain("market", Text("市场监管", "Market supervision"), "ECON"),
    Domain("social", Text("社会保障", "Social security"), "SOCI"),
    Domain("culture", Text("文化旅游", "Culture and tourism"), "EDUC"),
)
OTHER = Domain("other", Text("六个领域之外", "Outside the six domains"), "GOVE")
DOMAINS: dict[str, Domain] = {d.id: d for d in (*SIX, OTHER)}


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what terms data leave.

    Parameters
    ----------
    id : str
        Of the Open Definition's list, as data packages name licences.
    uri : str
        Where it stands in full; empty where the publisher's own words are all there is.
    kind : str
        Its kind in the ADMS table of licence types.
    """

    id: str
    title: Text
    uri: str
    kind: str


LICENCES: dict[str, Licence] = {
    one.id: one
    for one in (
        Licence(
            "CC-BY-4.0",
            Text("知识共享 署名 4.0 国际", "Creative Commons Attribution 4.0 International"),
            "https://creativecommons.org/licenses/by/4.0/",
            "Attribution",
        ),
        Licence(
            "CC-BY-SA-4.0",
            Text("知识共享 署名-相同方式共享 4.0 国际", "Creative Commons Attribution-ShareAlike 4.0 International"),
            "https://creativecommons.org/licenses/by-sa/4.0/",
            "ViralEffect-ShareAlike",
        ),
        Licence(
            "CC0-1.0",
            Text("知识共享 CC0 1.0 公共领域", "Creative Commons CC0 1.0 Public Domain"),
            "https://creativecommons.org/publicdomain/zero/1.0/",
            "PublicDomain",
        ),
        Licence(
            "ODbL-1.0",
            Text("开放数据库许可 1.0", "Open Data Commons Open Database License 1.0"),
            "https://opendatacommons.org/licenses/odbl/1-0/",
            "ViralEffect-ShareAlike",
        ),
        Licence("other-at", Text("自拟条款：须注明来源", "own terms: cite the source"), "", "Attribution"),
        Licence("other-open", Text("自拟条款：自由使用", "own terms: free to use"), "", "PublicDomain"),
    )
}


@dataclass(frozen=True, slots=True)
class Move:
    """One move of an item, as the journal holds it: by whom, in which role, why."""

    move: MoveName
    state: State
    by: str
    role: str
    why: str
    at: str
    seq: int


@dataclass(frozen=True, slots=True)
class Item:
    """Something that may be opened, and how far it has come.

    Parameters
    ----------
    name : str
        The table's own name; ``number.`` and the id of an indicator for its values.
    fields : tuple of str
        The fields that leave; approved by name, so that a field added later does not leave by itself.
    drafted_by : str
        The account that proposed it; another one approves.
    opened_seq : int
        Journal seq of the last opening; 0 before the first.
    """

    name: str
    state: State
    domain: Domain
    licence: Licence
    treatment: Treatment
    fields: tuple[str, ...]
    drafted_by: str
    opened_seq: int
    moved_seq: int
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a version: always the same bytes."""

    form: Form
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a version is about, found in its rows.

    Parameters
    ----------
    start, end : str
        First and last day, ISO 8601; empty when the rows have no time.
    newest : str
        The period that ends last.
    region : str
        Code of the smallest region that holds all; empty for none or several provinces.
    regions : int
        How many regions are named.
    marks : mapping of str to int
        For numbers: how many values are shown and how many stand under which mark.
    """

    start: str = ""
    end: str = ""
    newest: str = ""
    region: str = ""
    regions: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps of it."""
        return {
            "start": self.start,
            "end": self.end,
            "newest": self.newest,
            "region": self.region,
            "regions": self.regions,
            "marks": dict(self.marks),
        }


@dataclass(frozen=True, slots=True)
class Version:
    """A version that may be cited: the rows of one moment, in files that never change.

    Parameters
    ----------
    seq : int
        The journal seq as of which the rows are read.
    day : str
        The city's day at that seq.
    rule : str
        Hash of what keeps values in: levels of the fields that leave, smallest cells. A version made under another
        rule is not given out any more.
    """

    item: str
    seq: int
    day: str
    rows: int
    fields: tuple[str, ...]
    rule: str
    coverage: Coverage
    files: Mapping[Form, ReleaseFile]

    @property
    def id(self) -> str:
        """What its address says: seq and day."""
        return f"{self.seq}-{self.day}"


class Subject(Protocol):
    """What an item opens: a table, or the values of a number."""

    @property
    def kind(self) -> Literal["table", "number"]:
        """Rows as they came, or values that were worked out."""

    @property
    def contract(self) -> Contract:
        """Its fields with their types, units and levels."""

    def rule(self, fields: Sequence[str]) -> str:
        """Hash of all that keeps values of these fields in."""

    def last_change(self) -> int:
        """The newest journal seq at which its rows changed; 0 for never."""

    def count(self, as_of: int) -> int:
        """How many rows there are, told without reading them where that can be."""

    def batches(self, fields: Sequence[str], as_of: int) -> Iterator[pa.RecordBatch]:
        """The rows, these fields of them, in a fixed order."""

    def cover(self, fields: Sequence[str], as_of: int) -> Coverage:
        """What the rows are about."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file to send."""

    path: Path
    form: Form
    sha256: str
    size: int
    media_type: str
    name: str
