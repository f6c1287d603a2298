"""Files to text: what can be taken in, what cannot and why.

Markdown and plain text as they are, CSV as one sentence a row, HTML, PDF and Word as their readable text. Anything
else is refused in a sentence. The text a document is read to is what its quotations point into; whatever it asks of a
reader, it is quoted and never obeyed.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.chunk import first_heading
from knowledge.decode import CONTROL, decode
from knowledge.docx import text_of_docx
from knowledge.errors import NotFound, Refused
from knowledge.html import text_of_html
from knowledge.model import Language
from knowledge.pdf import text_of_pdf
from knowledge.words import language_of

LARGEST = 5_000_000  # bytes of text, and characters of what is read from any document; some 2,000 pages
LARGEST_PACKED = 50_000_000  # bytes of a PDF or a Word document, most of which are pictures
LONGEST_NAME = 200
_LANGUAGE_SHOWS = 20_000  # characters by which a document's language is known
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
KINDS = {
    ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text", ".csv": "csv",
    ".html": "html", ".htm": "html", ".pdf": "pdf", ".docx": "docx",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was read: its name, its title, its text, the digest of its bytes, its language."""

    name: str
    title: str
    text: str
    digest: str
    language: Language


def read(path: Path, name: str | None = None) -> Source:
    """Read a file. Raises `NotFound` or `Refused` with what to do."""
    kind, data = _contents(path)
    return parse(data, kind, name or path.name)


def parse(data: bytes, kind: str, name: str) -> Source:
    """Read the bytes of a document of one of the `KINDS`. Raises `Refused`."""
    given = _name(name)
    text = _convert(data, kind, given)
    if not any(character.isalnum() for character in text):
        raise Refused(f"{given} has no text in it.")
    if len(text) > LARGEST:
        raise Refused(f"{given} has {len(text) / 1e6:.0f} million characters, more than the 5 allowed; split it.")
    matter = _front_matter(text)
    title = matter.get("title") or first_heading(text) or Path(given).stem
    language: Language = language_of(text[body_start(text) :][:_LANGUAGE_SHOWS])
    return Source(given, title, text, "sha256:" + hashlib.sha256(data).hexdigest(), language)


def _contents(path: Path) -> tuple[str, bytes]:
    """The kind of a file and its bytes; too large a file is not read at all."""
    if not path.exists():
        raise NotFound(f"There is no file {path}; check the path.")
    if not path.is_file():
        raise Refused(f"{path} is not a file; give one document at a time.")
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise Refused(
            f"{path.name} cannot be read: only {', '.join(sorted(KINDS))} files can; convert it to one of them first."
        )
    limit = LARGEST_PACKED if kind in {"pdf", "docx"} else LARGEST
    try:
        if (size := path.stat().st_size) > limit:
            raise Refused(f"{path.name} has {size / 1e6:.0f} MB, more than the {limit / 1e6:.0f} MB allowed; split it.")
        return kind, path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def files_at(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named and those in folders named, hidden ones left out; what is not there is yielded as it is."""
    for path in paths:
        if path.is_dir():
            inside = sorted(found for found in path.rglob("*") if found.is_file())
            yield from (f for f in inside if not any(part.startswith(".") for part in f.relative_to(path).parts))
        else:
            yield path


def body_start(text: str) -> int:
    """Where the document begins behind its front matter."""
    found = _FRONT_MATTER.match(text)
    return found.end() if found else 0


def _front_matter(text: str) -> dict[str, str]:
    found = _FRONT_MATTER.match(text)
    pairs = (line.partition(":") for line in found[1].splitlines()) if found else ()
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _name(name: str) -> str:
    cleaned = " ".join(CONTROL.sub(" ", name).split())
    if not cleaned or len(cleaned) > LONGEST_NAME:
        raise Refused(f"A document's name has 1 to {LONGEST_NAME} characters; this one has {len(cleaned)}.")
    return cleaned


def _convert(data: bytes, kind: str, name: str) -> str:
    if kind == "pdf":
        return text_of_pdf(data, name)
    if kind == "docx":
        return text_of_docx(data, name)
    text = decode(data, name)
    if kind == "html":
        return text_of_html(text)
    return _text_of_csv(text, name) if kind == "csv" else text


def _text_of_csv(text: str, name: str) -> str:
    """One list item a row, each value with the name of its column."""
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = "excel"
    try:
        rows = list(csv.reader(io.StringIO(text), dialect))
    except csv.Error as error:
        raise Refused(f"{name} is not a valid CSV file ({error}).") from error
    if len(rows) < 2:
        raise Refused(f"{name} has no rows below its header.")
    header = [" ".join(column.split()) for column in rows[0]]
    lines = []
    for row in rows[1:]:
        cells = [" ".join(cell.split()) for cell in row]
        named = [f"{column}: {cell}" if column else cell for column, cell in zip(header, cells, strict=False) if cell]
        lines += ["- " + "; ".join(named)] if named else []
    return "\n".join(lines) + "\n"
