"""Every way Yucun can fail, on one page.

::

    YucunError
    ├── Yours                       something that was given is wrong; the message says what to do
    │   ├── ContractError           a table's contract, or a file that cannot be read under it
    │   ├── DeclarationError        any other TOML declaration (indicator, screen, service)
    │   ├── ParameterError          a parameter is missing or has no value on that date
    │   ├── RuleError               a formula refers to what does not exist, or in a circle
    │   ├── PostingError            the books refuse a transfer
    │   ├── AccessError             not signed in, or no purpose that allows it
    │   ├── PlaceError              a place folder is incomplete
    │   ├── NotKnown                asked for a thing that no record names (region, indicator, table)
    │   └── NotComparable           two figures that must not stand in one series
    └── Ours                        an invariant is broken; stop and keep everything
        ├── JournalBroken           the chain of commits does not verify
        ├── LedgerImbalance         the sum of a kind is not zero
        ├── HistoryBroken           a case does not stand where its moves lead
        ├── HeadcountMismatch       people were lost or doubled
        └── AreaMismatch            an area was lost or doubled

A `Finding` is the unit of all messages: what was being done, where, what was found, what was expected,
what to do next, in both languages. `Yours` errors carry one or many findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yucun.base.text import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, said so that the reader can mend it.

    Parameters
    ----------
    kind : str
        Stable dotted name, e.g. ``"lake.unknown_region"``; documented in ``docs/reference/findings.md``.
    where : str
        File and line, or file, sheet and cell, or table and record; as exact as is known.
    found, expected : str
        What stands there, and what should; shortened to 120 characters by the writer.
    message : Text
        The whole sentence in both languages, ending with what to do next.
    key : str
        The declaration's key or the contract's field; empty when the whole is meant.
    record : int or None
        Record number in a landed file, counted from 1 at the first row below the head.
    """

    kind: str
    where: str
    found: str
    expected: str
    message: Text
    key: str = ""
    record: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a plain mapping for the journal and the API."""
        return {
            "kind": self.kind,
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "message": self.message.to_json(),
            "key": self.key,
            "record": self.record,
        }


class YucunError(Exception):
    """Root of the tree."""


class Yours(YucunError):  # noqa: N818 - the name of a branch, not of an error
    """Something given to Yucun is wrong; `findings` says what and how to mend it."""

    def __init__(self, findings: Sequence[Finding] | Finding) -> None:
        self.findings: tuple[Finding, ...] = (findings,) if isinstance(findings, Finding) else tuple(findings)
        super().__init__("\n".join(f"{f.where}: {f.message.en}" for f in self.findings))

    def to_text(self) -> Text:
        """Join the findings into one text, a line each."""
        return Text(
            "\n".join(f"{f.where}：{f.message.zh}" for f in self.findings),
            "\n".join(f"{f.where}: {f.message.en}" for f in self.findings),
        )


class ContractError(Yours):
    """A contract is malformed, or a whole file cannot be read under it."""


class DeclarationError(Yours):
    """An indicator, screen, service or place declaration is wrong."""


class ParameterError(Yours):
    """A parameter is missing or has no value on that date."""


class RuleError(Yours):
    """A formula refers to what does not exist, or in a circle."""


class PostingError(Yours):
    """The books refuse a transfer."""


class AccessError(Yours):
    """Not signed in, or no role and purpose that allow it."""


class PlaceError(Yours):
    """A place folder is incomplete or contradicts itself."""


class NotKnown(Yours):
    """Asked for something that no record names."""


class NotComparable(Yours):
    """Two figures that must not stand in one series, such as a cumulative and a yearly one."""


class Ours(YucunError):  # noqa: N818 - the name of a branch, not of an error
    """An invariant is broken: stop, keep everything, tell the maintainers."""


class JournalBroken(Ours):
    """The chain of commits does not verify."""


class LedgerImbalance(Ours):
    """The sum of an asset kind is not zero."""


class HistoryBroken(Ours):
    """A case does not stand where its moves lead, or a clock is lost or doubled."""


class HeadcountMismatch(Ours):
    """People were lost or doubled."""


class AreaMismatch(Ours):
    """An area was lost or doubled."""
