"""Who vouches for a reader: the port of identity providers, and the city's own accounts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from yucun.base.clock import Clock
from yucun.base.text import Text
from yucun.kernel.access import store
from yucun.kernel.access.accounts import LOCAL, Accounts
from yucun.kernel.access.model import Refused
from yucun.kernel.access.sessions import milliseconds
from yucun.kernel.books.model import digest


@dataclass(frozen=True, slots=True)
class Start:
    """How a sign-in begins: by a form with these fields, or by going to an address.

    ``state`` must come back with the browser that began: the door keeps it in a short-lived cookie and passes it
    to `finish` as ``expected_state``.
    """

    fields: tuple[str, ...] = ()
    address: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account that a provider vouches for, and the page that was wanted; `Sessions.begin` comes next."""

    account: str
    back_to: str = "/"


Answer: TypeAlias = SignedIn | Refused


class IdentityProvider(Protocol):
    """Whoever can say who is asking."""

    name: str
    title: Text

    def begin(self, back_to: str) -> Start:
        """Begin a sign-in that should end on the page ``back_to``."""

    def finish(self, answer: Mapping[str, str]) -> Answer:
        """Judge what the form or the redirect brought; a refusal never says which part was wrong."""


# Failed sign-ins allowed in one window: of one account from one address, from one address, of one account.
_WINDOW_MS = 15 * 60_000
_LIMITS = {"pair": 5, "source": 60, "account": 100}
_WRONG = Refused(
    "access.sign_in",
    Text(
        "账号或密码不正确，或尝试次数过多；请稍后再试",
        "account or password is wrong, or there were too many tries; try again later",
    ),
)


class LocalAccounts:
    """The city's own accounts, with passwords.

    Whether an account exists, is disabled, is held back or has another password: the answer and the work done for it
    are the same.
    """

    name = LOCAL
    title = Text("本地账号", "local account")

    def __init__(self, accounts: Accounts, machine: Clock) -> None:
        self._accounts = accounts
        self._books = accounts.books
        self._machine = machine

    def begin(self, back_to: str) -> Start:  # noqa: ARG002 - the form carries it along by itself
        """Ask for account and password."""
        return Start(fields=("account", "password"))

    def finish(self, answer: Mapping[str, str]) -> Answer:
        """Judge a form with ``account``, ``password``, ``back_to`` and ``source`` (the address it came from)."""
        account, source = answer.get("account", "").strip().lower()[:64], answer.get("source", "")
        scopes = {
            kind: digest(f"{kind}|{value}")
            for kind, value in (("pair", f"{account}|{source}"), ("source", source), ("account", account))
        }
        now = milliseconds(self._machine)
        since = now - _WINDOW_MS
        # The attempt counts before it is judged, so that a hundred at once are a hundred attempts.
        with self._books.write() as tx:
            failures = store.count_failures(tx, list(scopes.values()), since)
            is_held = any(failures.get(scopes[kind], 0) >= limit for kind, limit in _LIMITS.items())
            store.add_failures(tx, scopes.values(), now, since)
            found = store.find_account(tx, account)
            kept = store.find_password(tx, account)
        is_right = self._accounts.passwords.matches(kept, answer.get("password", "")[:1024])
        is_ours = found is not None and found.is_active and found.provider == LOCAL
        if is_held or not is_right or not is_ours:
            return _WRONG
        with self._books.write() as tx:
            store.forgive_failures(tx, scopes.values())
        return SignedIn(account, local_path(answer.get("back_to", "/")))


def local_path(address: str) -> str:
    """Return an address of our own pages; anything that could lead elsewhere becomes the front page.

    Examples
    --------
    >>> local_path("/lake?page=2"), local_path("//elsewhere.example"), local_path("/\\\\elsewhere.example")
    ('/lake?page=2', '/', '/')
    """
    is_ours = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
    return address if is_ours else "/"
