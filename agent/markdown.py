"""Small pieces of Markdown that read well in a terminal, too: tables, moments, durations, sizes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

_SHORT = 19  # "sha256:" and twelve digits tell two digests apart


def cell(text: object) -> str:
    """One table cell: no line breaks, no bar that would end it early."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table with aligned columns, or an empty string where there is no row."""
    lines = [[cell(value) for value in row] for row in rows]
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in [list(headers), *lines]) for i in range(len(headers))]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    shown = [_line(list(headers), widths), rule, *(_line(line, widths) for line in lines)]
    return "\n".join(shown)


def _line(values: list[str], widths: list[int]) -> str:
    return "| " + " | ".join(value.ljust(width) for value, width in zip(values, widths, strict=True)) + " |"


def moment(at: datetime) -> str:
    """A time in UTC; one without a zone is taken to be UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """As people say it: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Bytes on disk."""
    return f"{count / 1e6:.2f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def short(digest: str) -> str:
    return digest[:_SHORT]


def setting(value: JsonValue) -> str:
    """A parameter as a person would type it: several by commas, several sentences quoted with | between."""
    if isinstance(value, list):
        items = [str(item) for item in value]
        whole = any(not item or "," in item or " " in item for item in items)
        return f'"{"|".join(items)}"' if whole else ",".join(items)
    return f"{value:g}" if isinstance(value, float) else str(value)
