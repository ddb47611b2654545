"""Telling how a text file is encoded, and turning it into text without losing the lines that are broken."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from yucun.base.errors import ContractError
from yucun.kernel.lake.findings import make_finding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOST = range(0xDC80, 0xDD00)  # where ``surrogateescape`` puts bytes that are not of the encoding


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text file's content.

    Parameters
    ----------
    text : str
        All of it; bytes that are not of the encoding stand as lone surrogates.
    encoding : str
        ``utf-8``, ``gb18030``, ``utf-16`` or ``utf-32``.
    is_clean : bool
        True when there is no broken byte and no NUL.
    """

    text: str
    encoding: str
    is_clean: bool


def decode(content: bytes, name: str) -> Decoded:
    """Decode a text file: a byte order mark rules, then UTF-8, then GB18030 (which holds GBK and GB2312).

    Raises
    ------
    ContractError
        If it is empty, is not text, or is in no encoding that offices here use.
    """
    if not content.strip():
        raise ContractError(make_finding("lake.empty_file", name, f"{len(content)} B"))
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strictly(content, encoding, name)
    if content.count(0) > len(content) // 5:
        return _decode_wide(content, name)
    try:
        text = content.decode("utf-8")
        return Decoded(text, "utf-8", "\0" not in text)
    except UnicodeDecodeError:
        pass
    return _decode_broken(content, name)


def _strictly(content: bytes, encoding: str, name: str) -> Decoded:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise ContractError(make_finding("lake.encoding", name, str(error)[:80])) from None
        text = content[3:].decode("utf-8", "surrogateescape")
        return Decoded(text, "utf-8", False)
    return Decoded(text, encoding.removesuffix("-sig"), "\0" not in text)


def _decode_wide(content: bytes, name: str) -> Decoded:
    """Many NULs: UTF-16 without its mark when they all stand on one side, else no text at all."""
    even, odd = content[0::2].count(0), content[1::2].count(0)
    encoding = "utf-16-le" if odd > 20 * even else "utf-16-be" if even > 20 * odd else ""
    try:
        text = content.decode(encoding) if encoding else ""
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        raise ContractError(make_finding("lake.not_a_table", name, _first_bytes(content)))
    return Decoded(text, "utf-16", True)


def _decode_broken(content: bytes, name: str) -> Decoded:
    """Not clean UTF-8: GB18030, or one of the two with a few broken bytes that cost their line only."""
    utf8 = content.decode("utf-8", "surrogateescape")
    lost = sum(map(utf8.count, map(chr, _LOST)))
    wide = sum(1 for c in utf8 if ord(c) > 127) - lost
    if wide > 5 * lost:
        return Decoded(utf8, "utf-8", False)
    text = content.decode("gb18030", "surrogateescape")
    lost = sum(1 for c in text if 0xDC80 <= ord(c) < 0xDD00)
    strange = sum(1 for c in text if _is_strange(ord(c)))
    wide = sum(1 for c in text if 0x4E00 <= ord(c) < 0xA000)
    if lost + strange > max(3, wide // 10) or strange > len(text) // 20:
        kind = "lake.encoding" if strange < len(text) // 20 else "lake.not_a_table"
        raise ContractError(make_finding(kind, name, _first_bytes(content)))
    return Decoded(text, "gb18030", not lost and "\0" not in text)


def _is_strange(code: int) -> bool:
    return (code < 32 and code not in (9, 10, 13, 0)) or 0xE000 <= code < 0xF900 or code == 0xFFFD


def _first_bytes(content: bytes) -> str:
    return " ".join(f"{byte:02x}" for byte in content[:12])
