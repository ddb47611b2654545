"""Delivering notices: into the outbox folder always, and by e-mail where the supplier has an address; at least once."""

from __future__ import annotations

import hashlib
import os
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.books.files import keep_file
from yucun.kernel.lake.running.declare import read_variable
from yucun.kernel.lake.running.model import Supplier

SMTP_VARIABLE, SITE_VARIABLE = "YUCUN_SMTP", "YUCUN_SITE"
_PATIENCE_S = 20
_PORTS = {"smtp": 25, "smtps": 465}


class Carrier(Protocol):
    """A way to a supplier; carrying the same token twice must do no harm."""

    name: str

    def carry(self, token: str, supplier: Supplier | None, body: Mapping[str, Any]) -> bool:
        """Bring a notice to a supplier; False when this way does not lead there. Raises when it failed."""


@dataclass(frozen=True, slots=True)
class FolderCarrier:
    """A folder that somebody, or another program, empties; a notice is one text file named by its token."""

    folder: Path
    name: str = "folder"

    def carry(self, token: str, supplier: Supplier | None, body: Mapping[str, Any]) -> bool:
        """Write the file, whole or not at all; written again it is the same file."""
        del supplier
        path = self.folder / f"{name_file(token)}.txt"
        content = (write_letter(token, body) + "\n").encode()
        if not path.is_file() or path.read_bytes() != content:
            keep_file(path, content)
        return True


@dataclass(frozen=True, slots=True)
class MailCarrier:
    """E-mail by SMTP; the message id is made of the token, so that a second copy is the same message.

    Parameters
    ----------
    url : str
        ``smtp://user:password@host:port?from=post@office`` (STARTTLS where the server offers it) or ``smtps://…``.
    """

    url: str
    connect: Callable[..., smtplib.SMTP] | None = None
    name: str = "email"

    def carry(self, token: str, supplier: Supplier | None, body: Mapping[str, Any]) -> bool:
        """Send one message to a supplier with an e-mail address."""
        if supplier is None or supplier.channel != "email":
            return False
        said = urlsplit(self.url)
        sender = parse_qs(said.query).get("from", [""])[0]
        if said.scheme not in _PORTS or not said.hostname or not sender:
            raise Yours(_bad_setting())
        letter = EmailMessage()
        letter["From"], letter["To"] = sender, supplier.address or read_variable(supplier.address_from)
        letter["Subject"] = f"{body['subject']['zh']} / {body['subject']['en']}"
        letter["Message-ID"] = f"<{hashlib.sha256(token.encode()).hexdigest()[:40]}@{sender.rsplit('@', 1)[-1]}>"
        letter["X-Yucun-Token"] = token
        letter.set_content(write_letter(token, body))
        make = self.connect or (smtplib.SMTP_SSL if said.scheme == "smtps" else smtplib.SMTP)
        with make(said.hostname, said.port or _PORTS[said.scheme], timeout=_PATIENCE_S) as server:
            if said.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls()
            if said.username:
                server.login(unquote(said.username), unquote(said.password or ""))
            server.send_message(letter)
        return True


def make_carriers(folder: Path) -> tuple[Carrier, ...]:
    """The ways that this machine has: the folder, and e-mail when ``YUCUN_SMTP`` names a server."""
    url = os.environ.get(SMTP_VARIABLE, "").strip()
    return (FolderCarrier(folder), *((MailCarrier(url),) if url else ()))


def write_letter(token: str, body: Mapping[str, Any]) -> str:
    """A notice as text: Chinese, then English, then where to look and the token."""
    site = os.environ.get(SITE_VARIABLE, "").rstrip("/")
    subject, text = body["subject"], body["text"]
    return (
        f"{subject['zh']}\n{subject['en']}\n\n{text['zh']}\n\n{text['en']}\n\n"
        f"{site}{body['link']}\n编号 / token: {token}"
    )


def name_file(token: str) -> str:
    """A file name for a token, readable and unlike any other's."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in token)
    return f"{plain[:100]}-{hashlib.sha256(token.encode()).hexdigest()[:10]}"


def _bad_setting() -> Finding:
    expected = "smtp://user:password@host:25?from=post@office"
    return Finding(
        "feeds.smtp", SMTP_VARIABLE, "…", expected,
        Text(f"{SMTP_VARIABLE} 应写成 {expected}", f"{SMTP_VARIABLE} is written {expected}"), SMTP_VARIABLE,
    )  # fmt: skip
