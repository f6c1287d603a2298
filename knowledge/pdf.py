"""PDF to text, page by page, with pypdf."""

import io
import logging
import struct
import time
import zlib
from typing import TYPE_CHECKING

from knowledge.decode import CONTROL
from knowledge.errors import Refused

if TYPE_CHECKING:
    from pypdf import PdfReader

MOST_PAGES = 2_000
LONGEST_READING = 120.0  # seconds for one document; a usual page takes some hundredths
_FAULTS = (  # what a spoilt file can raise inside pypdf, which checks little beforehand
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, OSError, RecursionError,
    TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


def text_of_pdf(data: bytes, name: str) -> str:
    """The text of all pages, an empty line between them. Raises `Refused`: broken, encrypted, only pictures."""
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every oddity it can read
    try:
        reader = _open(data, name)
        count = len(reader.pages)
    except (PyPdfError, *_FAULTS):
        raise Refused(f"{name} is no PDF that can be read: it is damaged or cut short; export it again.") from None
    if count > MOST_PAGES:
        raise Refused(f"{name} has {count} pages, more than the {MOST_PAGES} allowed; split it.")
    deadline = time.monotonic() + LONGEST_READING
    pages, spoilt = [], 0
    for index in range(count):
        try:
            pages.append(CONTROL.sub(" ", reader.pages[index].extract_text()).strip())
        except (PyPdfError, *_FAULTS):
            spoilt += 1
        if time.monotonic() > deadline:
            raise Refused(f"{name} took longer than {LONGEST_READING:.0f} s to read at page {index + 1}; split it.")
    text = "\n\n".join(page for page in pages if page)
    if not text:
        why = "its pages cannot be read" if spoilt else "it has no text, only pictures"
        raise Refused(f"Nothing can be read in {name}: {why}; export it again with text, or have it recognised (OCR).")
    return text + "\n"


def _open(data: bytes, name: str) -> "PdfReader":
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        try:
            opened = bool(reader.decrypt(""))
        except (DependencyError, PyPdfError, NotImplementedError):
            opened = False
        if not opened:
            raise Refused(f"{name} is encrypted; save it without a password and give it again.")
    return reader
