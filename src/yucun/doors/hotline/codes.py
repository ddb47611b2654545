"""Codes that stand for people: a caller's code from a phone or account, and the check code of a receipt.

Both are made with a key that lies in the city's data folder alone, so that nobody can try out who a code stands for.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from yucun.city import City

_KEY_FILE = "caller.key"
_KEY_BYTES = 32
# Letters and digits that are not mistaken for one another on the phone.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def read_key(folder: Path) -> bytes:
    """Return the city's own key, making it on first use; only its owner can read the file."""
    path = folder / _KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_bytes(_KEY_BYTES)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _sign(city: City, said: str) -> bytes:
    return hmac.new(read_key(city.data), said.encode(), hashlib.sha256).digest()


def caller_of_phone(city: City, phone: str) -> str:
    """The code of whoever calls from a number; empty when there are too few digits to tell anyone apart."""
    digits = re.sub(r"\D", "", phone)
    digits = digits.removeprefix("86") if len(digits) > 11 else digits
    return f"tel-{_sign(city, 'phone ' + digits).hex()[:20]}" if len(digits) >= 7 else ""


def caller_of_account(city: City, account: str, person: object | None = None) -> str:
    """The code of whoever is signed in: the person of the registry, else a code of the account."""
    return str(person) if person else f"acc-{_sign(city, 'account ' + account).hex()[:20]}"


def check_code(city: City, case: str) -> str:
    """The eight signs that a caller is given with the number, to follow the matter without signing in."""
    signed = _sign(city, "receipt " + case)
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in signed[:8])


def fits_code(city: City, case: str, code: str) -> bool:
    """Whether a check code is the case's own, in whatever case it was typed."""
    return hmac.compare_digest(check_code(city, case).encode(), code.strip().upper().encode("utf-8"))
