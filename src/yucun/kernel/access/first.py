"""The first accounts of a city: one for each post, with random passwords that are told once and kept nowhere."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yucun.base.text import Text
from yucun.kernel.access.accounts import LOCAL, Accounts, record
from yucun.kernel.access.declare import AccessRules
from yucun.kernel.access.store import keep_password, list_accounts
from yucun.kernel.books.model import digest

# Letters and digits that are not mistaken for one another when read aloud or copied from paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_FIRST = (
    ("administrator", "administrator", Text("市级账号管理员", "Administrator of the city")),
    ("clerk", "data_clerk", Text("市级数据员", "Clerk of data of the city")),
    ("analyst", "analyst", Text("市级分析员", "Analyst of the city")),
    ("chief", "chief", Text("市级负责人", "Chief of the city")),
    ("auditor", "auditor", Text("市级审计员", "Auditor of the city")),
)


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """An account with the password to hand over; the password is not printed by accident."""

    account: str
    title: Text
    password: str = field(repr=False)


def make_first_accounts(accounts: Accounts, file: Path | None = None) -> list[FirstAccount]:
    """Create one account for each post when a city has none at all; else do nothing and return nothing.

    Parameters
    ----------
    accounts : Accounts
        The city's.
    file : Path or None
        Where to write the passwords, readable by its owner alone (mode 0600), in the city's data folder and never in
        the repository. It is written before the accounts are committed: a crash leaves no account without a password.
    """
    if accounts.list_all():
        return []
    posts = [*_FIRST, *_posts_of_place(accounts)]
    made = [FirstAccount(name, title, make_password()) for name, _, title in posts]
    encoded = {one.account: accounts.passwords.hash(one.password) for one in made}
    with accounts.books.write() as tx:
        if list_accounts(tx):
            return []
        for name, role, title in posts:
            said: dict[str, Any] = {"by": "yucun", "why": "the city was set up"}
            record(
                tx,
                "access.created",
                name,
                {
                    **said,
                    "title": title.to_json(),
                    "person": "",
                    "provider": LOCAL,
                    "subject": "",
                },
            )
            record(
                tx,
                "access.granted",
                name,
                {
                    **said,
                    "role": role,
                    "regions": [accounts.root],
                    "purposes": [],
                    "tables": ["*"],
                    "until": "",
                    "provider": LOCAL,
                },
            )
            record(tx, "access.password_set", name, {**said, "password": digest(encoded[name])})
            keep_password(tx, name, encoded[name])
        if file is not None:
            _write_passwords(file, made)
    return made


def _posts_of_place(accounts: Accounts) -> list[tuple[str, str, Text]]:
    """One account for each role that the place adds to those of every city."""
    own = sorted(set(accounts.rules.roles) - set(AccessRules.of_kernel().roles))
    return [(role, role, accounts.rules.roles[role].title) for role in own]


def make_password() -> str:
    """Return five groups of five characters: about 123 bits.

    Examples
    --------
    >>> len(make_password()), make_password().count("-")
    (29, 4)
    """
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(5))


def _write_passwords(file: Path, made: Sequence[FirstAccount]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    lines = [f"{one.account}\t{one.password}\t{one.title.zh} / {one.title.en}\n" for one in made]
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.writelines(lines)
        handle.flush()
        os.fsync(handle.fileno())
