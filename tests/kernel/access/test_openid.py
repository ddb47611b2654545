"""The OpenID Connect door, against a small provider on loopback that keeps to the standard, and one that does not."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from tests.kernel.access.conftest import ANJI, CITY
from yucun.base.clock import SimulatedClock
from yucun.base.declaration import Declaration
from yucun.base.errors import AccessError
from yucun.kernel.access import ORGAN, Accounts, Reader, Refused, SignedIn
from yucun.kernel.access.openid import OpenId, OpenIdSettings, read_openid
from yucun.kernel.books import Books

REDIRECT, SECRET = "https://brain.example/sign-in/openid", "a secret of the client: 100%"
RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})


@dataclass
class Provider:
    """What a provider knows, and what a test may have it say wrongly."""

    clock: SimulatedClock
    address: str = ""
    key: Any = field(default_factory=lambda: RSA)
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    is_down: bool = False
    discovered: dict[str, Any] = field(default_factory=dict)

    def authorize(self, address: str) -> dict[str, str]:
        """Play the person who goes to the address and agrees; return what the redirect brings."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["redirect_uri"] == REDIRECT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "expected_state": asked["state"]}

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """RFC 6749 section 4.1.3 with RFC 7636: the code once, with its redirect, verifier and the client's secret."""
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        expected = base64.b64encode(b"yucun:a+secret+of+the+client%3A+100%25").decode()
        if challenge != asked["code_challenge"] or authorization != f"Basic {expected}":
            return None
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.address,
            "aud": "yucun",
            "sub": "248289761001",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": "Clerk.Anji",
            "groups": ["data-clerks", "others"],
        }
        claims |= self.claims
        claims = {key: value for key, value in claims.items() if value is not None}
        token = jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.key, algorithms=[self.algorithm])
        return {"access_token": "x", "token_type": "Bearer", "id_token": token} | self.wrong


def make_handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
                found = {"issuer": provider.address, **{k: provider.address + p for k, p in paths.items()}}
                self.answer(found | provider.discovered)
            else:
                self.answer(KeySet([RSA, EC]).as_dict(private=False))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {key: values[0] for key, values in parse_qs(body).items()}
            self.answer(provider.exchange(form, self.headers.get("Authorization", "")))

        def answer(self, found: Any) -> None:
            status = 503 if provider.is_down else 400 if found is None else 200
            body = json.dumps(found or {"error": "invalid_grant"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing."""

    return Handler


@pytest.fixture
def books(request: pytest.FixtureRequest, clock: SimulatedClock) -> Iterator[Books]:
    """Books in memory, unless a test names the dialect: what is judged here is mostly the provider's answer."""
    is_server = getattr(request, "param", "sqlite") == "postgresql"
    opened = Books.open(request.getfixturevalue("postgres_database") if is_server else "sqlite://", [ORGAN], clock)
    yield opened
    opened.close()


@pytest.fixture
def provider(clock: SimulatedClock) -> Iterator[Provider]:
    made = Provider(clock)
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(made))
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(provider: Provider) -> OpenIdSettings:
    declaration = Declaration.parse(
        f"""
        [identity.openid]
        title = {{ zh = "政务统一身份", en = "Government sign-in" }}
        issuer = "{provider.address}"
        client_id = "yucun"
        secret_file = "openid.secret"
        redirect = "{REDIRECT}"
        [[identity.openid.grants]]
        claim = "groups"
        value = "data-clerks"
        role = "data_clerk"
        regions = ["330523"]
        [[identity.openid.grants]]
        claim = "post"
        value = "chief"
        role = "chief"
        regions = ["3305"]
        """,
        "place.toml",
    )
    settings = read_openid(declaration)
    assert settings is not None
    assert declaration.findings == []
    return settings


@pytest.fixture
def door(settings: OpenIdSettings, accounts: Accounts, clock: SimulatedClock, tmp_path: Path) -> Iterator[OpenId]:
    (tmp_path / "openid.secret").write_text(SECRET + "\n", "utf-8")
    with httpx.Client(trust_env=False) as client:
        yield OpenId(settings, accounts, clock, tmp_path, client)


def sign_in(door: OpenId, provider: Provider) -> str:
    answer = door.finish(provider.authorize(door.begin("/lake").address))
    assert isinstance(answer, SignedIn), answer
    assert answer.back_to == "/lake"
    return answer.account


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_a_standard_provider_signs_someone_in(
    door: OpenId, provider: Provider, accounts: Accounts, key: Any, algorithm: str
) -> None:
    provider.key, provider.algorithm = key, algorithm
    name = sign_in(door, provider)
    reader = accounts.make_reader(name)
    assert name == "id.clerk.anji"
    assert reader is not None
    assert (reader.roles, reader.regions) == ({"data_clerk"}, (ANJI,))


@pytest.mark.parametrize("books", ["sqlite", "postgresql"], indirect=True)
def test_the_same_person_keeps_the_account_and_grants_follow_the_claims(
    door: OpenId, provider: Provider, accounts: Accounts
) -> None:
    name = sign_in(door, provider)
    assert sign_in(door, provider) == name
    with accounts.books.read() as tx:
        assert [line.kind for line in tx.lines()] == ["access.created", "access.granted"], (
            "nothing new, nothing journaled"
        )
    provider.claims = {"groups": "others", "post": "chief", "preferred_username": "renamed"}
    assert sign_in(door, provider) == name
    reader = accounts.make_reader(name)
    assert reader is not None
    assert (reader.roles, reader.regions) == ({"chief"}, (CITY,))
    provider.claims = {"sub": "another", "groups": None}
    other = sign_in(door, provider)
    assert other.startswith("id.clerk.anji.")
    assert accounts.make_reader(other).grants == ()  # type: ignore[union-attr]


def test_a_disabled_account_stays_out(door: OpenId, provider: Provider, accounts: Accounts, root: Reader) -> None:
    name = sign_in(door, provider)
    accounts.create("admin", door.title, by=root, why="first")
    accounts.grant("admin", "administrator", [CITY], by=root, why="first")
    accounts.disable(name, by=root, why="left the post")
    assert isinstance(door.finish(provider.authorize(door.begin("/").address)), Refused)
    with pytest.raises(AccessError, match="signs in elsewhere"):
        accounts.set_password(name, "a long password", by=root, why="x")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://another.example"},
        {"aud": "another"},
        {"aud": ["yucun", "another"]},
        {"aud": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 4_000_000_000},
    ],
)
def test_a_wrong_claim_is_refused(door: OpenId, provider: Provider, accounts: Accounts, claims: dict[str, Any]) -> None:
    provider.claims = claims
    assert isinstance(door.finish(provider.authorize(door.begin("/").address)), Refused)
    assert accounts.list_all() == []


def test_an_audience_of_several_needs_us_as_authorized_party(door: OpenId, provider: Provider) -> None:
    provider.claims = {"aud": ["yucun", "another"], "azp": "yucun"}
    assert sign_in(door, provider)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (OctKey.import_key(SECRET, {"kid": "first"}), "HS256"),
        (RSAKey.generate_key(2048, {"kid": "first"}), "RS256"),
        (RSAKey.generate_key(2048, {"kid": "stranger"}), "RS256"),
    ],
)
def test_a_wrong_signature_is_refused(door: OpenId, provider: Provider, key: Any, algorithm: str) -> None:
    provider.key, provider.algorithm = key, algorithm
    assert isinstance(door.finish(provider.authorize(door.begin("/").address)), Refused)


def test_an_unsigned_token_is_refused(door: OpenId, provider: Provider) -> None:
    for token in ("", "a.b.c", base64.urlsafe_b64encode(b'{"alg":"none"}').decode() + ".e30.", None):
        provider.wrong = {"id_token": token}
        assert isinstance(door.finish(provider.authorize(door.begin("/").address)), Refused)


def test_an_answer_counts_once_from_the_browser_that_began_and_in_time(
    door: OpenId, provider: Provider, clock: SimulatedClock
) -> None:
    brought = provider.authorize(door.begin("/").address)
    assert isinstance(door.finish({**brought, "expected_state": "of another browser"}), Refused)
    assert isinstance(door.finish({"code": brought["code"], "state": "", "expected_state": ""}), Refused)
    assert isinstance(door.finish({**brought, "state": "made up", "expected_state": "made up"}), Refused)
    assert isinstance(door.finish(brought), SignedIn)
    assert isinstance(door.finish(brought), Refused)
    late = provider.authorize(door.begin("/").address)
    clock.advance(timedelta(minutes=10))
    assert isinstance(door.finish(late), Refused)
    denied = provider.authorize(door.begin("/").address)
    denied.pop("code")
    assert isinstance(door.finish({**denied, "error": "access_denied"}), Refused)


def test_the_way_back_stays_with_us(door: OpenId, provider: Provider) -> None:
    answer = door.finish(provider.authorize(door.begin("https://elsewhere.example/").address))
    assert isinstance(answer, SignedIn)
    assert answer.back_to == "/"


@pytest.mark.parametrize(
    "discovered",
    [{"issuer": "https://another.example"}, {"token_endpoint": "http://another.example/token"}, {"jwks_uri": None}],
)
def test_a_provider_that_is_not_who_it_should_be(door: OpenId, provider: Provider, discovered: dict[str, Any]) -> None:
    provider.discovered = discovered
    with pytest.raises(AccessError, match="identity provider"):
        door.begin("/")


def test_a_provider_that_is_down(door: OpenId, provider: Provider) -> None:
    brought = provider.authorize(door.begin("/").address)
    provider.is_down = True
    assert door.finish(brought).rule == "access.openid_unreachable"  # type: ignore[union-attr]
    with pytest.raises(AccessError, match="does not answer"):
        door.begin("/")


def test_it_is_off_until_configured() -> None:
    assert read_openid(Declaration.parse("", "place.toml")) is None


def test_findings_name_the_key() -> None:
    declaration = Declaration.parse(
        """
        [identity.openid]
        title = { zh = "统一身份", en = "sign-in" }
        issuer = "http://id.example"
        client_id = "yucun"
        redirect = "https://brain.example/back"
        grants = [{ claim = "groups", value = "x", role = "chief", regions = ["33x"], more = 1 }]
        """,
        "place.toml",
    )
    read_openid(declaration)
    assert {f.kind for f in declaration.findings} == {
        "access.openid_address",
        "access.regions",
        "declaration.unknown_key",
    }
