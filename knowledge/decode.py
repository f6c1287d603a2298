"""Bytes to text: the encodings people's files really have, and what is no text at all."""

import codecs
import re

from knowledge.errors import Refused

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_DECLARED = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_HEAD = 4096  # bytes in which a page declares its encoding, and that are looked at for zeros
_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")  # two bytes of GB 2312, the common part of GB 18030
_FROM_BOM = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SIGNATURES = {
    b"%PDF": "a PDF", b"PK\x03\x04": "a ZIP archive or an Office document", b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"\x7fELF": "a program", b"MZ\x90": "a program",
    b"\x1f\x8b": "a compressed file", b"\xd0\xcf\x11\xe0": "an old or protected Office document",
    b"SQLite format 3": "a database",
}  # fmt: skip


def decode(data: bytes, name: str) -> str:
    """The text of a file: by its mark, as UTF-8, or as what its bytes look like. Raises `Refused`."""
    for signature, what in _SIGNATURES.items():
        if data.startswith(signature):
            raise Refused(f"{name} is not text: it is {what}; give it its true ending, or save it as text.")
    text = _decoded(data, name)
    if found := CONTROL.search(text.replace("\x0c", "\n")):
        raise Refused(f"{name} is not text: there is a control character at position {found.start()}.")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")


def _decoded(data: bytes, name: str) -> str:
    for mark, marked in _FROM_BOM:
        if data.startswith(mark):
            return _strictly(data, marked, name)
    try:
        return _wide(data) or data.decode("utf-8")
    except UnicodeDecodeError as error:
        encoding = _declared(data) or _likely(data)
        if encoding is None:
            raise Refused(
                f"{name} is in no encoding I know (byte {error.start} is not UTF-8); save it as UTF-8."
            ) from None
        return _strictly(data, encoding, name)


def _strictly(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(f"{name} says it is {encoding} but is not (byte {error.start}); save it as UTF-8.") from None


def _wide(data: bytes) -> str | None:
    """UTF-16 that does not say so: every other byte of a Latin text is zero."""
    head = data[:_HEAD]
    if len(data) % 2 or b"\0" not in head:
        return None
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if zeros.count(0) > 0.3 * len(zeros):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    return None


def _declared(data: bytes) -> str | None:
    """What an HTML page says of itself, if that is an encoding."""
    found = _DECLARED.search(data[:_HEAD])
    try:
        return codecs.lookup(found[1].decode("ascii")).name if found else None
    except LookupError:
        return None


def _likely(data: bytes) -> str | None:
    """What the bytes look like. Chinese comes in pairs of high bytes, which Western text hardly has."""
    high = sum(byte >= 0x80 for byte in data)
    if sum(len(pair) for pair in _PAIR.findall(data)) >= 0.9 * high:
        return "gb18030"
    if high <= 0.1 * len(data):  # a few accents: too little for statistics
        return "cp1252" if _decodes(data, "cp1252") else "latin-1"
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return best.encoding if best is not None else None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
