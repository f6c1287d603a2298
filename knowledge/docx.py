"""Word documents to Markdown: headings, paragraphs, list items, tables; with python-docx."""

import io
import re
import zipfile
from collections.abc import Iterator

from knowledge.decode import CONTROL
from knowledge.errors import Refused

MOST_UNPACKED = 200_000_000  # bytes of all parts together
MOST_TEXT_PART = 40_000_000  # bytes of one XML part: some 10,000 pages
_HEADING = re.compile(r"Heading (\d)$")
_OLD = b"\xd0\xcf\x11\xe0"  # the container of .doc, and of a .docx with a password


def text_of_docx(data: bytes, name: str) -> str:
    """Raises `Refused`: damaged, protected, or packed to fill the machine's memory."""
    if data.startswith(_OLD):
        raise Refused(f"{name} is an old Word document or has a password; save it as .docx without one.")
    _check(data, name)
    import docx
    from docx.opc.exceptions import OpcError

    try:
        document = docx.Document(io.BytesIO(data))
        return "\n\n".join(CONTROL.sub(" ", part) for part in _parts(document)) + "\n"
    except (OpcError, SyntaxError, LookupError, ValueError, AttributeError, TypeError, OSError, RecursionError):
        # lxml's faults are SyntaxErrors
        raise Refused(f"{name} is no Word document that can be read: it is damaged; save it again.") from None
    except zipfile.BadZipFile:
        raise Refused(f"{name} is damaged inside (a part does not have the size it says); save it again.") from None


def _check(data: bytes, name: str) -> None:
    """Before anything is unpacked; zipfile never unpacks more of a part than the size it declares."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise Refused(f"{name} is no Word document that can be read: it is damaged or cut short.") from None
    unpacked = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts if part.filename.endswith((".xml", ".rels"))), default=0)
    if unpacked > MOST_UNPACKED or largest > MOST_TEXT_PART:
        raise Refused(f"{name} would unpack to {unpacked / 1e6:,.0f} MB; no usual document does, so it is not read.")
    if any(part.flag_bits & 1 for part in parts):
        raise Refused(f"{name} is encrypted; save it without a password and give it again.")


def _parts(document: object) -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():  # type: ignore[attr-defined]
        text = _table(block) if isinstance(block, Table) else _paragraph(block)
        if text:
            yield text


def _paragraph(paragraph: object) -> str:
    text = " ".join(paragraph.text.split())  # type: ignore[attr-defined]
    style = str(getattr(getattr(paragraph, "style", None), "name", "") or "")
    if not text:
        return ""
    if style == "Title":
        return f"# {text}"
    if found := _HEADING.match(style):
        return f"{'#' * min(int(found[1]) + 1, 6)} {text}"
    return f"- {text}" if style.startswith("List") else text


def _table(table: object) -> str:
    rows = [[" ".join(c.text.split()).replace("|", "/") for c in row.cells] for row in table.rows]  # type: ignore[attr-defined]
    if not rows:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
