"""What the templates of the open door are given."""

from __future__ import annotations

from dataclasses import dataclass

from yucun.base.text import Text
from yucun.doors.pages.views import Crumb, MarkView, Notice, Opening, Option, Table


@dataclass(frozen=True, slots=True)
class FileView:
    """A file to take: its form, size and hash; the hash is empty until somebody has asked for the file."""

    form: str
    said: Text
    href: str
    size: Text
    sha256: str


@dataclass(frozen=True, slots=True)
class DomainView:
    """A heading with how many datasets stand under it."""

    title: Text
    count: int
    href: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset in the list."""

    name: str
    title: Text
    meaning: Text
    href: str
    facts: tuple[Text, ...]
    files: tuple[FileView, ...]
    mark: MarkView | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """The datasets under one heading that are shown on this page of the list."""

    title: Text
    datasets: tuple[DatasetView, ...]


@dataclass(frozen=True, slots=True)
class MoveForm:
    """The moves that the reader may make with a dataset."""

    item: str
    moves: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class ProposeForm:
    """What the reader may propose to open."""

    items: tuple[Option, ...]
    domains: tuple[Option, ...]
    licences: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class OpenPage:
    """The list of everything that is open."""

    opening: Opening
    domains: tuple[DomainView, ...]
    shelves: tuple[Shelf, ...]
    query: str
    choices: tuple[Option, ...]
    kinds: tuple[Option, ...]
    total: int
    said: Text
    range: Text
    before: str
    after: str
    empty: Text
    work: Table | None
    propose: ProposeForm | None
    machines: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """One dataset in one version."""

    name: str
    opening: Opening
    trail: tuple[Crumb, ...]
    notices: tuple[Notice, ...]
    files: tuple[FileView, ...]
    descriptions: tuple[FileView, ...]
    facts: tuple[tuple[Text, Text], ...]
    quality: tuple[tuple[Text, Text], ...]
    licence: Text
    licence_href: str
    terms: Text
    cite: Text
    fields: Table | None
    rows: Table | None
    versions: Table | None
    moves: Table
    ways: tuple[tuple[str, Text], ...]
    newest_href: str = ""
    mark: MarkView | None = None
    form: MoveForm | None = None
