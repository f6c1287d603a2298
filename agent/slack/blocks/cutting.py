"""Long Markdown cut into pieces: at a paragraph, a line, a space; in a word only where there is nothing else."""

import re
from collections.abc import Iterator

from agent.slack.sanitize import begin, units, whole_names

_OPENING = re.compile(r"[ \t]*(?P<marks>`{3,}|~{3,})[^`]*")
_LONGEST_INFO = 80  # characters of an opening line that are repeated: "```python title=…"


class Fence:
    """Whether the lines taken so far leave a block of code open."""

    def __init__(self) -> None:
        self.opening = ""
        self._marks = ""

    @property
    def open(self) -> bool:
        return bool(self._marks)

    @property
    def closing(self) -> str:
        return self._marks

    def take(self, line: str) -> None:
        stripped = line.strip()
        if self._marks:
            if stripped and set(stripped) == {self._marks[0]} and len(stripped) >= len(self._marks):
                self.opening = self._marks = ""
        elif match := _OPENING.fullmatch(line):
            self._marks = match["marks"][:_LONGEST_INFO]
            self.opening = line.strip() if len(line) <= _LONGEST_INFO else self._marks


def chunks(text: str, first: int, room: int) -> Iterator[str]:
    """Pieces of at most `first`, then `room` units; a block of code is closed and opened again where it is cut."""
    left, held, size, fence = first, list[str](), 0, Fence()
    for line in _lines(text, min(first, room)):
        needed = units(line) + 1
        if held and size + needed + len(fence.closing) + 1 > left:
            kept, carried = _at_paragraph(held, fence)
            if any(each.strip() for each in kept):
                yield "\n".join([*kept, *([fence.closing] if fence.open else [])])
            held = [fence.opening, *carried] if fence.open else carried
            size, left = sum(units(each) + 1 for each in held), room
        fence.take(line)
        held.append(line)
        size += needed
    if any(line.strip() for line in held):
        yield "\n".join(held)


def _at_paragraph(lines: list[str], fence: Fence) -> tuple[list[str], list[str]]:
    """The lines before and after the last empty one, if it lies in the last third and in no code."""
    if fence.open:
        return lines, []
    for back in range(1, len(lines) // 3):
        if lines[-back].strip().startswith(("```", "~~~")):
            break
        if not lines[-back].strip():
            return lines[:-back], lines[len(lines) - back + 1 :]
    return lines, []


def _lines(text: str, room: int) -> Iterator[str]:
    """The lines, the longest ones cut: room stays for what closes and opens a block of code around them."""
    most = max(1, room - 2 * _LONGEST_INFO - 4)
    for line in text.split("\n"):
        while units(line) > most:
            cut = _cut(line, most)
            yield line[:cut]
            line = line[cut:]
        yield line


def _cut(line: str, most: int) -> int:
    """Where to cut: behind the last space in reach, if it is in the second half of it."""
    reach = len(begin(line, most))
    space = max(line.rfind(mark, reach // 2, reach) for mark in (" ", "\t", "\u3000"))
    return space + 1 if space > 0 else len(whole_names(line[:reach])) or reach
