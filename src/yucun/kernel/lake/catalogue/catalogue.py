"""The catalogue of a city: move items towards the public and back, make versions of what is open, give out their files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from yucun.base.clock import CHINA
from yucun.base.errors import DeclarationError, Finding, NotKnown
from yucun.base.text import Text
from yucun.kernel.access.check import may_do
from yucun.kernel.access.model import Allowed, Reader, Refused, require
from yucun.kernel.books import Attachment, Attachments, Books, ReadTransaction
from yucun.kernel.lake.catalogue import moves as rules
from yucun.kernel.lake.catalogue.describing import (
    FILE_NAMES,
    MEDIA_TYPES,
    Described,
    make_csvw,
    make_package,
    make_readme,
    write_archive,
)
from yucun.kernel.lake.catalogue.model import (
    DOMAINS,
    FORMS,
    LICENCES,
    OTHER,
    Form,
    Item,
    MoveName,
    OpenFile,
    ReleaseFile,
    Subject,
    Treatment,
    Version,
)
from yucun.kernel.lake.catalogue.store import find_item, list_items, list_versions
from yucun.kernel.lake.catalogue.writing import ROW_FORMS, write_rows

# A version of so many rows is written at once when it comes to be; a larger one, form by form, when it is first asked for.
ROWS_AT_ONCE = 100_000
# JSON repeats every name in every row: beyond this, CSV and Parquet serve better.
MOST_JSON_ROWS = 2_000_000
PLACE = "place"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is proposed with a draft; what is left out is told from the table's contract.

    Parameters
    ----------
    fields : tuple of str
        The fields that are to leave; empty for all that may.
    """

    domain: str = "other"
    licence: str = ""
    treatment: Treatment | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why something that was given out is not given out any more, or not yet."""

    reason: Text


class Catalogue:
    """Items, versions and files.

    Parameters
    ----------
    books : Books
        With the organ of the catalogue among theirs.
    attachments : Attachments
        Where the files of versions are kept.
    find_subject : callable
        From the name of an item to what it opens; None when there is no such thing.
    """

    def __init__(self, books: Books, attachments: Attachments, find_subject: Callable[[str], Subject | None]) -> None:
        self.books = books
        self.attachments = attachments
        self._find_subject = find_subject
        self._making = threading.Lock()

    # -- reading ------------------------------------------------------------------------------------------------

    def list_items(self, state: str = "") -> list[Item]:
        """Return items by name, of one state or of all."""
        with self.books.read() as tx:
            return list_items(tx, state)

    def find(self, name: str) -> Item | None:
        """Return an item with its moves, or None."""
        with self.books.read() as tx:
            return find_item(tx, name)

    def get(self, name: str) -> Item:
        """Return an item with its moves, or raise `NotKnown`."""
        found = self.find(name)
        if found is None:
            raise NotKnown(_unknown(name))
        return found

    def subject(self, name: str) -> Subject:
        """Return what an item opens, or raise `NotKnown`."""
        found = self._find_subject(name)
        if found is None:
            raise NotKnown(_unknown(name))
        return found

    def versions(self, name: str = "") -> list[Version]:
        """Return the versions of one item or of all, newest first."""
        with self.books.read() as tx:
            return list_versions(tx, name)

    def latest(self) -> dict[str, Version]:
        """Return the newest version of every open item."""
        with self.books.read() as tx:
            opened = {item.name: item for item in list_items(tx, "open")}
            found: dict[str, Version] = {}
            for version in list_versions(tx):
                item = opened.get(version.item)
                if item and version.seq >= item.opened_seq:
                    found.setdefault(version.item, version)
        return found

    def find_version(self, name: str, version: str) -> Version | None:
        """Return the version of that id, ``seq-day``, or None."""
        return next((v for v in self.versions(name) if v.id == version), None)

    def withheld(self, item: Item, version: Version | None = None) -> Withheld | None:
        """Say why an item, or one version of it, is not given out; None when it is."""
        if item.state != "open":
            why = next((m.why for m in reversed(item.moves) if m.move == "withdraw"), "")
            said = f"：{why}" if why else ""
            return Withheld(Text(f"这个数据集没有开放{said}", f"this dataset is not open{said.replace('：', ': ')}"))
        subject = self._find_subject(item.name)
        if subject is None:
            return Withheld(Text("这张表已不在了", "the table is not there any more"))
        if rules.check_fields(item.name, subject, item.fields):
            return Withheld(
                Text(
                    "批准之后分级有变，已暂停开放，等待重新批准",
                    "levels have changed since it was approved; it is held back until it is approved again",
                )
            )
        if version is not None and version.seq < item.opened_seq:
            return Withheld(
                Text(
                    "此版本随数据集一同撤回过；重新开放后只提供新版本",
                    "this version was withdrawn with its dataset; since it is open again only newer ones are given out",
                )
            )
        if version is not None and version.rule != subject.rule(version.fields):
            return Withheld(
                Text(
                    "此版本按旧的分级或最小单元规则做成，已不再提供；请用最新版本",
                    "this version was made under former levels or another smallest cell and is not given out any more; take the newest",
                )
            )
        return None

    # -- moving -------------------------------------------------------------------------------------------------

    def move(self, name: str, move: MoveName, *, reader: Reader, why: str, terms: Terms | None = None) -> Item:
        """Move an item for a reader who may, and make its first version when it comes open.

        Parameters
        ----------
        terms : Terms or None
            With a draft only.

        Raises
        ------
        NotKnown
            If there is neither such a table nor such a number.
        AccessError
            If the reader's post may not.
        DeclarationError
            With every finding that stands against the move.
        """
        subject = self.subject(name)
        role = _role_for(reader, move, name.removeprefix("number."))
        self._record(name, move, subject, reader.account, role, why, terms or Terms())
        if move == "open":
            self.release([name])
        return self.get(name)

    def declare(self, name: str, terms: Terms, why: str) -> list[Finding]:
        """Take an item as far as open on the word of the place's own folder; return what stands against it.

        What was ever moved by hand stays as it was left. Only a table of open fields alone, or a number, is opened so.
        """
        if self.find(name) is not None:
            return []
        subject = self._find_subject(name)
        if subject is None:
            return [_unknown(name)]
        findings = rules.check_levels(
            name, subject, terms.treatment or rules.choose_treatment(subject), _fields(subject, terms)
        )
        findings += rules.check_terms(name, terms.domain, terms.licence or rules.find_licence(subject.contract.licence))
        if findings:
            return findings
        steps: tuple[MoveName, ...] = ("draft", "approve", "open")
        for move in steps:
            self._record(name, move, subject, PLACE, PLACE, why, terms)
        return []

    def _record(self, name: str, move: MoveName, subject: Subject, by: str, role: str, why: str, terms: Terms) -> None:
        with self.books.write() as tx:
            item = find_item(tx, name)
            findings = rules.check_state(name, item, move) + rules.check_why(name, why)
            if not findings:
                item = _propose(name, subject, by, terms) if move == "draft" else item
                assert item is not None  # every other move begins in a state
                findings += rules.check_terms(
                    name, item.domain.id if move != "draft" else terms.domain, item.licence.id
                )
                if by != PLACE:
                    findings += rules.check_two_people(item, by, move)
                if move in ("approve", "open"):
                    findings += rules.check_levels(name, subject, item.treatment, item.fields)
            if findings:
                raise DeclarationError(findings)
            assert item is not None
            known = tx.row("SELECT count(*) FROM catalogue_move WHERE item = ?", (name,))
            tx.record(
                "catalogue.moved",
                f"catalogue:{name}:{int(known[0]) + 1 if known else 1}",
                {
                    "item": name,
                    "move": move,
                    "state": rules.STEPS[move].after,
                    "domain": item.domain.id,
                    "licence": item.licence.id,
                    "treatment": item.treatment,
                    "fields": list(item.fields),
                    "drafted_by": item.drafted_by,
                    "by": by,
                    "role": role,
                    "why": why.strip(),
                },
            )

    # -- versions -----------------------------------------------------------------------------------------------

    def release(self, names: Collection[str] = ()) -> list[Version]:
        """Make a version of every open item whose rows have changed since its last one; done after every landing.

        What is withheld is left out; a small version's files are made at once.
        """
        made = []
        for item in self.list_items("open"):
            if names and item.name not in names:
                continue
            if self.withheld(item) is None:
                version = self._release(item)
                made += [version] if version else []
        return made

    def _release(self, item: Item) -> Version | None:
        subject = self.subject(item.name)
        seq = max(subject.last_change(), item.opened_seq)
        newest = next(iter(self.versions(item.name)), None)
        if newest is not None and newest.seq >= seq and newest.rule == subject.rule(item.fields):
            return None
        if newest is not None and newest.seq >= seq:
            # The rule changed and the rows did not: the new version begins where the books stand now.
            with self.books.read() as tx:
                seq = tx.last_seq()
        with self.books.read() as tx:
            at = _line_at(tx, seq)
        version = Version(
            item=item.name, seq=seq, day=_day(at), rows=subject.count(seq), fields=item.fields, rule=subject.rule(item.fields),
            coverage=subject.cover(item.fields, seq), files={},
        )  # fmt: skip
        forms: Sequence[Form] = FORMS if version.rows <= ROWS_AT_ONCE else ()
        made = self._make(Described(item, version, subject.contract, at), subject, forms) if forms else []
        if newest is not None and newest.seq >= item.opened_seq and _same_rows(newest, version, made):
            for path, _ in made:
                path.unlink()
            return None
        self._keep("catalogue.released", f"released:{item.name}:{seq}", version, made)
        return self.find_version(item.name, version.id)

    def file(self, name: str, version: str, form: Form) -> OpenFile | Withheld:
        """Return a file of a version, making it first if nobody has asked for it yet.

        Raises
        ------
        NotKnown
            If there is no such item or version, or the form is not to be had of so many rows.
        """
        item = self.get(name)
        found = self.find_version(name, version)
        if found is None:
            raise NotKnown(_no_version(name, version))
        held = self.withheld(item, found)
        if held is not None:
            return held
        if form not in found.files:
            found = self._make_later(item, found, form)
        kept = found.files[form]
        return OpenFile(
            self.attachments.find_path(kept.sha256), form, kept.sha256, kept.size, MEDIA_TYPES[form],
            f"{name}_{found.id}{FILE_NAMES[form].removeprefix('data') if form != 'datapackage' else '.datapackage.json'}",
        )  # fmt: skip

    def forms_of(self, version: Version) -> tuple[Form, ...]:
        """The forms in which a version is to be had."""
        return tuple(f for f in FORMS if f != "json" or version.rows <= MOST_JSON_ROWS)

    def _make_later(self, item: Item, version: Version, form: Form) -> Version:
        if form not in self.forms_of(version):
            raise NotKnown(_no_form(item.name, version.rows))
        subject = self.subject(item.name)
        with self._making:
            version = self.find_version(item.name, version.id) or version
            if form in version.files:
                return version
            with self.books.read() as tx:
                at = _line_at(tx, version.seq)
            wanted: tuple[Form, ...] = (form,) if form in ("parquet", "json") else ("csv", form)
            forms = [f for f in dict.fromkeys(wanted) if f not in version.files]
            made = self._make(Described(item, version, subject.contract, at), subject, forms)
            key = f"kept:{item.name}:{version.seq}:{'+'.join(forms)}"
            self._keep("catalogue.kept", key, version, made)
        return self.find_version(item.name, version.id) or version

    def _make(self, described: Described, subject: Subject, forms: Sequence[Form]) -> list[tuple[Path, ReleaseFile]]:
        """Write the wanted forms of a version beside the attachments; they count once a line names them."""
        version = described.version
        paths: dict[Form, Path] = {form: self.attachments.unfinished() for form in forms}
        rows = {form: path for form, path in paths.items() if form in ROW_FORMS}
        if rows:
            schema = pa.schema([subject.contract.schema.field(name) for name in version.fields])
            write_rows(subject.batches(version.fields, version.seq), schema, rows)
        made = {form: _measure(form, path) for form, path in rows.items()}
        csv = made.get("csv") or version.files.get("csv")
        if csv is not None and set(forms) - set(ROW_FORMS):
            described = replace(described, version=replace(version, files={**version.files, **made}))
            package, csvw = make_package(described, csv), make_csvw(described)
            if "datapackage" in paths:
                paths["datapackage"].write_bytes(package)
            if "csvw" in paths:
                paths["csvw"].write_bytes(csvw)
            if "zip" in paths:
                lying = rows["csv"] if "csv" in rows else self.attachments.find_path(csv.sha256)
                texts = {
                    "datapackage.json": package,
                    "data.csv-metadata.json": csvw,
                    "README.md": make_readme(described),
                }
                write_archive(paths["zip"], described, lying, texts)
        return [(path, made.get(form) or _measure(form, path)) for form, path in paths.items()]

    def _keep(self, kind: str, key: str, version: Version, made: Sequence[tuple[Path, ReleaseFile]]) -> None:
        with self.books.writing():
            kept: list[Attachment] = [
                self.attachments.adopt(path, file.sha256, MEDIA_TYPES[file.form], f"{version.item}_{version.id}")
                for path, file in made
            ]
            said: dict[str, Any] = {
                "item": version.item,
                "seq": version.seq,
                "files": [{"form": f.form, "sha256": f.sha256, "size": f.size} for _, f in made],
            }
            if kind == "catalogue.released":
                said |= {
                    "day": version.day,
                    "rows": version.rows,
                    "fields": list(version.fields),
                    "rule": version.rule,
                    "coverage": version.coverage.to_json(),
                }
            with self.books.write() as tx:
                tx.record(kind, key, said, attachments=kept)


def _propose(name: str, subject: Subject, by: str, terms: Terms) -> Item:
    licence = terms.licence or rules.find_licence(subject.contract.licence)
    unknown = replace(LICENCES["other-at"], id=licence)
    return Item(
        name=name,
        state="draft",
        domain=DOMAINS.get(terms.domain, OTHER),
        licence=LICENCES.get(licence, unknown),
        treatment=terms.treatment or rules.choose_treatment(subject),
        fields=_fields(subject, terms),
        drafted_by=by,
        opened_seq=0,
        moved_seq=0,
    )


def _fields(subject: Subject, terms: Terms) -> tuple[str, ...]:
    """The fields proposed, in the contract's order; an unknown one stays, so that it is refused by name."""
    if not terms.fields:
        return rules.open_fields(subject.contract)
    known = [f.name for f in subject.contract.fields if f.name in terms.fields]
    return (*known, *(name for name in terms.fields if name not in known))


def _role_for(reader: Reader, move: MoveName, table: str) -> str:
    """The roles by which a reader may make a move; raise `AccessError` when there is none."""
    answers = [may_do(reader, verb, table) for verb in rules.STEPS[move].verbs]
    allowed = [
        verb for verb, answer in zip(rules.STEPS[move].verbs, answers, strict=True) if isinstance(answer, Allowed)
    ]
    if not allowed:
        require(next(a for a in answers if isinstance(a, Refused)), table)
    return ", ".join(sorted({g.role.name for g in reader.grants if g.role.verbs & set(allowed)}))


def _line_at(tx: ReadTransaction, seq: int) -> str:
    lines = tx.lines(seq - 1, seq)
    return lines[0].at


def _day(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(CHINA).date().isoformat()


def _measure(form: Form, path: Path) -> ReleaseFile:
    with path.open("rb") as file:
        return ReleaseFile(form, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _same_rows(before: Version, now: Version, made: Sequence[tuple[Path, ReleaseFile]]) -> bool:
    """Whether a new version would say the same as the last one: the same fields, the same bytes of CSV."""
    csv = next((file for _, file in made if file.form == "csv"), None)
    held = before.files.get("csv")
    same = csv is not None and held is not None and csv.sha256 == held.sha256
    return same and before.fields == now.fields and before.rule == now.rule


def _unknown(name: str) -> Finding:
    return Finding(
        "catalogue.unknown", "item", name[:120], "a table, or number. and the id of an indicator",
        Text(f"没有「{name[:120]}」这个数据集；可看 /open", f"there is no dataset '{name[:120]}'; see /open"),
    )  # fmt: skip


def _no_version(name: str, version: str) -> Finding:
    return Finding(
        "catalogue.version", name, version[:60], "a version listed on the dataset's page",
        Text(
            f"{name} 没有版本「{version[:60]}」；版本列在 /open/{name}",
            f"{name} has no version '{version[:60]}'; they are listed at /open/{name}",
        ),
    )  # fmt: skip


def _no_form(name: str, rows: int) -> Finding:
    return Finding(
        "catalogue.form", name, "json", "csv, parquet",
        Text(
            f"这个版本有 {rows:,} 行，不提供 JSON；请取 Parquet 或 CSV，或用接口逐页读取",
            f"this version has {rows:,} rows and is not given as JSON; take Parquet or CSV, or read page by page through the API",
        ),
    )  # fmt: skip
