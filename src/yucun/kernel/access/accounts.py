"""Accounts: create, grant, revoke, set a password, disable; each journaled with who did it and why."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from yucun.base.clock import Clock
from yucun.base.errors import AccessError, Finding, NotKnown
from yucun.base.identity import PersonId, RegionCode
from yucun.base.text import Text
from yucun.kernel.access import store
from yucun.kernel.access.check import at, may_do
from yucun.kernel.access.declare import AccessRules
from yucun.kernel.access.model import Account, Reader, Within, require
from yucun.kernel.access.request_store import list_grants_of_requests
from yucun.kernel.books import Books, ReadTransaction, WriteTransaction
from yucun.kernel.books.model import digest

LOCAL = "local"
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,63}")
_LONGEST_WHY = 200


class Passwords:
    """Hashing with argon2id; at most two at a time, since each takes 64 MiB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(2)
        self._nobody = self.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return the encoded hash with its salt and costs."""
        with self._turns:
            return self._hasher.hash(_normal(password))

    def matches(self, encoded: str | None, password: str) -> bool:
        """Say whether a password fits; without a hash it takes just as long and does not."""
        with self._turns:
            try:
                self._hasher.verify(encoded or self._nobody, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return encoded is not None


class Accounts:
    """The accounts of a city's books.

    Parameters
    ----------
    books : Books
        With the organ of access among theirs.
    rules : AccessRules
        All roles and purposes of the city.
    root : RegionCode
        The city.
    within : callable
        Whether a region lies in one of others.
    clock : Clock
        The city's; grants end by its day.
    """

    def __init__(
        self,
        books: Books,
        rules: AccessRules,
        root: RegionCode,
        within: Within,
        clock: Clock,
        passwords: Passwords | None = None,
    ) -> None:
        self.books = books
        self.rules = rules
        self.root = root
        self.clock = clock
        self._within = within
        self.passwords = passwords or Passwords()

    def get(self, account: str) -> Account:
        """Return an account; raise `NotKnown` if there is none of that name."""
        with self.books.read() as tx:
            return _get(tx, account)

    def find(self, account: str) -> Account | None:
        """Return an account, or None."""
        with self.books.read() as tx:
            return store.find_account(tx, account)

    def list_all(self) -> list[Account]:
        """Return all accounts by name."""
        with self.books.read() as tx:
            return store.list_accounts(tx)

    def make_reader(self, account: str) -> Reader | None:
        """Return the reader that an active account is today, with the grants in force; else None."""
        with self.books.read() as tx:
            found = store.find_account(tx, account)
            kept = store.list_grants(tx, account)
            asked = list_grants_of_requests(tx, account, self.clock.today())
        if found is None or not found.is_active:
            return None
        today = self.clock.today()
        grants = [*(k.resolve(self.rules) for k in kept if k.until is None or today <= k.until), *asked]
        return Reader(found.name, found.title, tuple(g for g in grants if g is not None), found.person)

    def create(
        self,
        account: str,
        title: Text,
        *,
        by: Reader,
        why: str,
        person: PersonId | None = None,
        provider: str = LOCAL,
        subject: str = "",
    ) -> Account:
        """Create an account without password or grants.

        Parameters
        ----------
        account : str
            Lower-case letters, digits, dot, dash; what is typed to sign in.
        title : Text
            The post, not a person's name.
        person : PersonId or None
            Who it is in the registry.
        provider, subject : str
            For accounts that sign in elsewhere: who vouches for them, and under which subject.
        """
        with self._write(by, why) as (tx, said):
            if not _NAME.fullmatch(account):
                raise _refused(
                    "access.name",
                    account,
                    "a-z, 0-9, '.', '_', '-'; 2 to 64 characters",
                    Text(
                        "账号应为 2 至 64 位小写字母、数字、点或短横线，以字母开头",
                        "an account name has 2 to 64 small letters, digits, dots or dashes and starts with a letter",
                    ),
                )
            if store.find_account(tx, account) is not None:
                raise _refused(
                    "access.taken",
                    account,
                    "a name not yet used",
                    Text(f"账号「{account}」已存在", f"the account '{account}' exists already"),
                )
            if provider != LOCAL and store.find_subject(tx, provider, subject) is not None:
                raise _refused(
                    "access.taken",
                    provider,
                    "a subject not yet used",
                    Text("该外部身份已有账号", "this outside identity has an account already"),
                )
            record(
                tx,
                "access.created",
                account,
                {
                    **said,
                    "title": title.to_json(),
                    "person": str(person or ""),
                    "provider": provider,
                    "subject": subject,
                },
            )
            return _get(tx, account)

    def set_password(self, account: str, password: str, *, by: Reader, why: str, old: str = "") -> None:
        """Set a password and sign the account out everywhere; one's own needs the old one.

        The journal holds the event and a hash of the hash; the hash itself lies in a table of its own.
        """
        _check_password(account, password)
        if by.account == account:
            with self.books.read() as tx:
                kept = store.find_password(tx, account)
            if not self.passwords.matches(kept, old):
                raise _refused(
                    "access.old_password",
                    account,
                    "the password in use",
                    Text("原密码不正确", "the old password is not right"),
                )
        encoded = self.passwords.hash(password)
        with self._write(by, why, over=account, is_own_business=True) as (tx, said):
            if _get(tx, account).provider != LOCAL:
                raise _refused(
                    "access.provider",
                    account,
                    "a local account",
                    Text(
                        "该账号由外部身份系统登录，不在此设密码",
                        "this account signs in elsewhere and has no password here",
                    ),
                )
            record(tx, "access.password_set", account, {**said, "password": digest(encoded)})
            store.keep_password(tx, account, encoded)
            store.end_sessions(tx, account)

    def disable(self, account: str, *, by: Reader, why: str) -> None:
        """Let an account in no more and sign it out everywhere; what it did stays."""
        with self._write(by, why, over=account) as (tx, said):
            if _get(tx, account).is_active:
                self._keep_an_administrator(tx, account)
                record(tx, "access.disabled", account, said)
            store.end_sessions(tx, account)

    def enable(self, account: str, *, by: Reader, why: str) -> None:
        """Let a disabled account in again."""
        with self._write(by, why, over=account) as (tx, said):
            if not _get(tx, account).is_active:
                record(tx, "access.enabled", account, said)

    def grant(
        self,
        account: str,
        role: str,
        regions: Sequence[RegionCode],
        *,
        by: Reader,
        why: str,
        purposes: Sequence[str] = (),
        tables: Sequence[str] = ("*",),
        until: date | None = None,
        provider: str = LOCAL,
    ) -> int:
        """Give an account a role within regions; nobody gives one to themselves.

        Parameters
        ----------
        purposes : sequence of str
            Purposes held beyond those of the role.
        tables : sequence of str
            ``service.table``, ``service.*`` or ``*``.
        until : date or None
            The last day on which the grant is in force.

        Returns
        -------
        int
            The grant's number, with which it is revoked.
        """
        with self._write(by, why, over=account, regions=regions) as (tx, said):
            self._check_grant(tx, account, role, regions, purposes, by)
            return record(
                tx,
                "access.granted",
                account,
                {
                    **said,
                    "role": role,
                    "regions": sorted(regions),
                    "purposes": sorted(purposes),
                    "tables": sorted(tables),
                    "until": until.isoformat() if until else "",
                    "provider": provider,
                },
            )

    def revoke(self, account: str, number: int, *, by: Reader, why: str) -> None:
        """Take a grant back."""
        with self._write(by, why, over=account) as (tx, said):
            held = {g.number: g for g in store.list_grants(tx, account)}
            if number not in held:
                raise NotKnown(
                    Finding(
                        "access.grant",
                        account,
                        str(number),
                        ", ".join(map(str, held)),
                        Text(
                            f"账号「{account}」没有第 {number} 号授权",
                            f"the account '{account}' holds no grant {number}",
                        ),
                    )
                )
            if "administer" in self._verbs(held[number].role):
                self._keep_an_administrator(tx, account, but=number)
            record(tx, "access.revoked", account, {**said, "number": number})

    @contextmanager
    def _write(
        self, by: Reader, why: str, over: str = "", regions: Sequence[RegionCode] = (), is_own_business: bool = False
    ) -> Iterator[tuple[WriteTransaction, dict[str, Any]]]:
        """Open a transaction for someone who administers all that is touched."""
        if not why.strip() or len(why) > _LONGEST_WHY:
            raise _refused(
                "access.why",
                why,
                f"1 to {_LONGEST_WHY} characters",
                Text("请写明原因（200 字以内）", "say why, in at most 200 characters"),
            )
        with self.books.write() as tx:
            if not (is_own_business and by.is_signed_in and by.account == over):
                allowed = may_do(by, "administer")
                require(allowed, over or "accounts")
                touched = {*regions, *(r for g in store.list_grants(tx, over) for r in g.regions)} if over else set()
                for region in sorted(touched):
                    require(at(allowed, region, self._within), over)
            yield tx, {"by": by.account, "why": why.strip()}

    def _check_grant(
        self,
        tx: ReadTransaction,
        account: str,
        role: str,
        regions: Sequence[RegionCode],
        purposes: Sequence[str],
        by: Reader,
    ) -> None:
        _get(tx, account)
        if by.account == account:
            raise _refused(
                "access.own_grant",
                account,
                "another administrator",
                Text("不能给自己授权；请由另一位管理员办理", "nobody grants to themselves; ask another administrator"),
            )
        if role not in self.rules.roles:
            raise _refused(
                "access.role",
                role,
                ", ".join(sorted(self.rules.roles)),
                Text(f"没有「{role}」这个角色", f"there is no role '{role}'"),
            )
        if not regions or not all(self._within(r, (self.root,)) for r in regions):
            raise _refused(
                "access.regions",
                ", ".join(regions),
                f"regions within {self.root.short}",
                Text("授权须写明本市范围内的区域", "a grant names regions within the city"),
            )
        unknown = sorted(set(purposes) - set(self.rules.purposes))
        if unknown:
            raise _refused(
                "access.purpose_unknown",
                ", ".join(unknown),
                ", ".join(sorted(self.rules.purposes)),
                Text(
                    f"没有申明过目的「{'、'.join(unknown)}」", f"no service declares the purpose {', '.join(unknown)}"
                ),
            )

    def _keep_an_administrator(self, tx: ReadTransaction, account: str, but: int | None = None) -> None:
        """Refuse to shut out the last administrator of the whole city."""
        for other in store.list_accounts(tx):
            for grant in store.list_grants(tx, other.name):
                lost = grant.number == but if but is not None else other.name == account
                rules = other.is_active and "administer" in self._verbs(grant.role) and grant.until is None
                if rules and not lost and self._within(self.root, grant.regions):
                    return
        raise _refused(
            "access.last_administrator",
            account,
            "another administrator of the city",
            Text("这是最后一位市级账号管理员，不能停用", "this is the city's last administrator and stays"),
        )

    def _verbs(self, role: str) -> frozenset[str]:
        found = self.rules.roles.get(role)
        return frozenset(found.verbs) if found else frozenset()


def record(tx: WriteTransaction, kind: str, account: str, said: Mapping[str, Any]) -> int:
    """Journal what happened to an account; return the line's seq."""
    line, _ = tx.record(kind, f"access/{account}/{tx.last_seq() + 1}", {"account": account, **said})
    return line.seq


def _get(tx: ReadTransaction, account: str) -> Account:
    found = store.find_account(tx, account)
    if found is None:
        raise NotKnown(
            Finding(
                "access.account",
                "accounts",
                account[:120],
                "an account",
                Text(f"没有账号「{account[:120]}」", f"there is no account '{account[:120]}'"),
            )
        )
    return found


def _check_password(account: str, password: str) -> None:
    length = len(_normal(password))
    if not SHORTEST_PASSWORD <= length <= LONGEST_PASSWORD or _normal(password).lower() == account:
        raise _refused(
            "access.password",
            f"{length} characters",
            f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            Text(
                f"密码应为 {SHORTEST_PASSWORD} 至 {LONGEST_PASSWORD} 位，且不同于账号",
                f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters and is not the account",
            ),
        )


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _refused(kind: str, found: str, expected: str, message: Text) -> AccessError:
    return AccessError(Finding(kind, "accounts", found[:120], expected, message))
