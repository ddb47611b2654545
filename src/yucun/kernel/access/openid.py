"""OpenID Connect: signing in at the place's own provider, by authorization code with PKCE; off until configured.

Follows OpenID Connect Core 1.0 section 3.1 and RFC 7636. The provider's claims decide the roles, by the
mapping in the place's TOML::

    [identity.openid]
    title = { zh = "政务统一身份", en = "Government sign-in" }
    issuer = "https://id.example.gov.cn"
    client_id = "yucun"
    secret_file = "openid.secret"       # beside the city's data; absent for a public client
    redirect = "https://brain.example.gov.cn/sign-in/openid"
    account_claim = "preferred_username"

    [[identity.openid.grants]]
    claim = "groups"
    value = "data-clerks"
    role = "data_clerk"
    regions = ["330500"]
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from yucun.base.clock import Clock
from yucun.base.declaration import Declaration
from yucun.base.errors import AccessError, Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access import store
from yucun.kernel.access.accounts import Accounts, record
from yucun.kernel.access.identity import Answer, SignedIn, Start, local_path
from yucun.kernel.access.model import Refused
from yucun.kernel.access.sessions import milliseconds
from yucun.kernel.books import WriteTransaction
from yucun.kernel.books.model import digest

NAME = "openid"
# Signatures by which an identity token may be signed; never "none", never a shared secret.
_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
_UNDER_WAY_MS = 10 * 60_000
_LEEWAY_S = 60
_KEYS = ("title", "issuer", "client_id", "secret_file", "redirect", "scopes", "account_claim", "grants")
_REFUSED = Refused(
    "access.openid",
    Text("统一身份登录未成功；请重新登录", "signing in with the identity provider did not succeed; please try again"),
)


@dataclass(frozen=True, slots=True)
class ClaimGrant:
    """A claim with this value gives this role within these regions."""

    claim: str
    value: str
    role: str
    regions: tuple[RegionCode, ...]

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is the value, or a list that holds it."""
        found = claims.get(self.claim)
        return self.value in found if isinstance(found, list) else found == self.value


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """What a place says of its provider."""

    title: Text
    issuer: str
    client_id: str
    redirect: str
    secret_file: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    account_claim: str = "preferred_username"
    grants: tuple[ClaimGrant, ...] = ()


def read_openid(declaration: Declaration) -> OpenIdSettings | None:
    """Read ``[identity.openid]`` of a place; None when it is not there, which is the default."""
    identity = declaration.take(declaration.values, (), "identity", dict, {})
    table = declaration.take(identity, ("identity",), NAME, dict, {})
    if not table:
        return None
    path = ("identity", NAME)
    declaration.refuse_unknown(table, path, _KEYS)
    grants = []
    for entry in declaration.take(table, path, "grants", list, []):
        here, row = (*path, "grants"), entry if isinstance(entry, dict) else {}
        declaration.refuse_unknown(row, here, ("claim", "value", "role", "regions"))
        claim, value, role = (declaration.take(row, here, key, str) for key in ("claim", "value", "role"))
        grants.append(ClaimGrant(claim, value, role, _read_regions(declaration, here, row)))
    settings = OpenIdSettings(
        title=declaration.take_text(table, path, "title"),
        issuer=declaration.take(table, path, "issuer", str),
        client_id=declaration.take(table, path, "client_id", str),
        redirect=declaration.take(table, path, "redirect", str),
        secret_file=declaration.take(table, path, "secret_file", str, ""),
        scopes=tuple(declaration.take(table, path, "scopes", list, ["openid", "profile"])),
        account_claim=declaration.take(table, path, "account_claim", str, "preferred_username"),
        grants=tuple(grants),
    )
    for key, address in (("issuer", settings.issuer), ("redirect", settings.redirect)):
        if address and not _is_safe(address):
            declaration.add(
                "access.openid_address",
                (*path, key),
                address,
                "https://…",
                Text("身份系统的网址应为 https", "the identity provider is reached by https"),
            )
    return settings


def _read_regions(declaration: Declaration, path: tuple[str, ...], row: Mapping[str, Any]) -> tuple[RegionCode, ...]:
    regions = []
    for word in declaration.take(row, path, "regions", list):
        try:
            regions.append(RegionCode.parse(str(word)))
        except NotKnown as error:
            declaration.add("access.regions", (*path, "regions"), word, "a region code", error.findings[0].message)
    return tuple(regions)


class OpenId:
    """The place's provider, as an `IdentityProvider`.

    Parameters
    ----------
    settings : OpenIdSettings
        What the place says.
    accounts : Accounts
        Where those who sign in get an account of their own, without a password, and grants by their claims.
    machine : Clock
        The machine's own clock: tokens expire in real time.
    folder : Path
        Where ``secret_file`` lies.
    """

    name = NAME

    def __init__(
        self,
        settings: OpenIdSettings,
        accounts: Accounts,
        machine: Clock,
        folder: Path,
        client: httpx.Client | None = None,
    ) -> None:
        self.title = settings.title
        self._settings = settings
        self._accounts = accounts
        self._books = accounts.books
        self._machine = machine
        self._client = client or httpx.Client(timeout=10, follow_redirects=False)
        self._secret = (folder / settings.secret_file).read_text("utf-8").strip() if settings.secret_file else ""

    def begin(self, back_to: str) -> Start:
        """Return the address to go to, and the state that this browser must bring back.

        Raises
        ------
        AccessError
            If the provider does not answer, or is not who it should be.
        """
        endpoint = self._discover()["authorization_endpoint"]
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        now = milliseconds(self._machine)
        with self._books.write() as tx:
            tx.execute("DELETE FROM access_sign_in WHERE ends_ms <= ?", (now,))
            tx.execute(
                "INSERT INTO access_sign_in (state, provider, nonce, verifier, back_to, ends_ms) VALUES (?, ?, ?, ?, ?, ?)",
                (digest(state), NAME, nonce, verifier, local_path(back_to), now + _UNDER_WAY_MS),
            )
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return Start(address=f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}", state=state)

    def finish(self, answer: Mapping[str, str]) -> Answer:
        """Judge the redirect's ``code`` and ``state`` against ``expected_state`` from the browser's cookie."""
        state, expected = answer.get("state", ""), answer.get("expected_state", "")
        if not state or not secrets.compare_digest(state.encode(), expected.encode()):
            return _REFUSED
        kept = digest(state)
        with self._books.write() as tx:
            # Taken out before it is used, so that an answer counts once.
            row = tx.row("SELECT nonce, verifier, back_to, ends_ms FROM access_sign_in WHERE state = ?", (kept,))
            tx.execute("DELETE FROM access_sign_in WHERE state = ?", (kept,))
        if row is None or int(row[3]) <= milliseconds(self._machine) or not answer.get("code"):
            return _REFUSED
        try:
            claims = self._exchange(answer["code"], str(row[1]), str(row[0]))
        except AccessError as error:
            return Refused("access.openid_unreachable", error.findings[0].message)
        account = self._admit(claims) if claims is not None else None
        return _REFUSED if account is None else SignedIn(account, str(row[2]))

    def _discover(self) -> dict[str, Any]:
        issuer = self._settings.issuer.rstrip("/")
        found = self._ask("GET", f"{issuer}/.well-known/openid-configuration")
        endpoints = [found.get(key) for key in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if found.get("issuer") != self._settings.issuer or not all(
            isinstance(e, str) and _is_safe(e) for e in endpoints
        ):
            raise _unreachable("another issuer, or endpoints without https")
        return found

    def _exchange(self, code: str, verifier: str, nonce: str) -> dict[str, Any] | None:
        """Trade the code for an identity token; return its claims once all of them are as they must be."""
        found = self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        auth = httpx.BasicAuth(_quote(self._settings.client_id), _quote(self._secret)) if self._secret else None
        tokens = self._ask("POST", found["token_endpoint"], form, auth)
        published = self._ask("GET", found["jwks_uri"])
        try:
            keys = KeySet.import_key_set(published)  # type: ignore[arg-type] # judged inside
            claims = jwt.decode(str(tokens.get("id_token", "")), keys, algorithms=_ALGORITHMS).claims
            now = milliseconds(self._machine) // 1000
            jwt.JWTClaimsRegistry(
                now=now,
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError):
            return None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._settings.client_id:
            return None
        return dict(claims)

    def _admit(self, claims: Mapping[str, Any]) -> str | None:
        """Find or create the account, and bring its grants to what the claims say; None for a disabled one."""
        subject = digest(f"{self._settings.issuer}|{claims['sub']}")
        wanted = [g for g in self._settings.grants if g.fits(claims) and g.role in self._accounts.rules.roles]
        with self._books.write() as tx:
            account = store.find_subject(tx, NAME, subject)
            if account is not None and not account.is_active:
                return None
            name = account.name if account is not None else self._create(tx, claims, subject)
            self._bring_grants(tx, name, wanted)
        return name

    def _create(self, tx: WriteTransaction, claims: Mapping[str, Any], subject: str) -> str:
        word = re.sub(r"[^a-z0-9._-]", "", str(claims.get(self._settings.account_claim, "")).lower())[:40]
        name = f"id.{word or subject[:12]}"
        if store.find_account(tx, name) is not None:
            name = f"{name}.{subject[:12]}"
        record(
            tx,
            "access.created",
            name,
            {
                "by": NAME,
                "why": "first sign-in",
                "title": self.title.to_json(),
                "person": "",
                "provider": NAME,
                "subject": subject,
            },
        )
        return name

    def _bring_grants(self, tx: WriteTransaction, account: str, wanted: Sequence[ClaimGrant]) -> None:
        """Grants of the provider follow the claims; those that an administrator gave stay."""
        wished = {(g.role, tuple(sorted(g.regions))) for g in wanted}
        held = {(g.role, g.regions): g.number for g in store.list_grants(tx, account) if g.provider == NAME}
        said = {"by": NAME, "why": "claims at sign-in"}
        for key in sorted(held.keys() - wished):
            record(tx, "access.revoked", account, {**said, "number": held[key]})
        for role, regions in sorted(wished - held.keys()):
            record(
                tx,
                "access.granted",
                account,
                {
                    **said,
                    "role": role,
                    "regions": list(regions),
                    "purposes": [],
                    "tables": ["*"],
                    "until": "",
                    "provider": NAME,
                },
            )

    def _ask(
        self, verb: str, address: str, form: Mapping[str, str] | None = None, auth: httpx.Auth | None = None
    ) -> dict[str, Any]:
        try:
            response = self._client.request(verb, address, data=form, auth=auth, headers={"Accept": "application/json"})
            response.raise_for_status()
            found = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unreachable(type(error).__name__) from error
        if not isinstance(found, dict):
            raise _unreachable("no JSON object")
        return found


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _quote(word: str) -> str:
    """RFC 6749 section 2.3.1: id and secret are form-encoded before they go into the header."""
    return urlencode({"": word})[1:]


def _unreachable(found: str) -> AccessError:
    return AccessError(
        Finding(
            "access.openid_unreachable",
            "identity provider",
            found,
            "OpenID Connect discovery of the issuer",
            Text(
                "统一身份系统没有正常应答；请稍后再试，或用本地账号登录",
                "the identity provider does not answer as it should; try again later, or use a local account",
            ),
        )
    )
