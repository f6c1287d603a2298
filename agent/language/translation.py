"""What Odyssey says, in another language: a memory of its sentences with their places for names and numbers.

Odyssey's own words are made in English, once, where they are decided; the record keeps them so. A reply is put into
the person's language at the edge, sentence by sentence, from `zh.json`: each English sentence with `{places}` and the
Chinese one with the same places. What is quoted, named, measured or written by people and models passes unchanged.
A sentence that the memory does not know stays English; a test keeps those rare.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_PLACE = re.compile(r"\{(\w+)\}")
_MARGIN = re.compile(r"(\s*(?:(?:[-*•>⚠]|#+|\d+\.)\s+)*)(.*?)(\s*)", re.DOTALL)
_WRAPPED = re.compile(r"(\*\*|_|\*)(?=\S)(.+)(?<=\S)\1", re.DOTALL)
_BREAK = re.compile(r"(?<=[.!?;:])\s+|(?<=[.!?;:]\*\*)\s+|(?<=[.!?]_)\s+")
_CELLS = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[\s|:-]+")
_HEADED = re.compile(r"\*\*([^*:]+)\*\*: (.+)", re.DOTALL)
_COLON = re.compile(r": ")
_LISTED = re.compile(r"(?<=\)); ")
_WORDS = re.compile(  # places of one word: names, numbers, ids
    "actor|all|attempt|batch|confirmed|count|dataset|evidence|field|file|id|left|limit|margin|metric|model|name|number"
    "|other|person|phase|project|rank|reference|requirement|role|round|rows|run|seq|split|steps|target|tokens|tool"
    "|type|url"
)
_JOB = "job_id"
_FIGURE = re.compile(r"figure\w*")  # a number, with its interval if it has one
_PHRASE = re.compile(r"phrase\w*")  # words without a stop
_DEEPEST = 4  # a sentence in a place of a sentence …
_MOST_SENTENCES = 12  # joined when looking for one that spans several


@dataclass(frozen=True)
class _Sentence:
    pattern: re.Pattern[str]
    fragment: str  # its longest literal part: looked for before the pattern is tried
    translated: str


class Translation:
    """Translates replies. Pure and thread-safe."""

    def __init__(self, memory: Mapping[str, str]) -> None:
        """`memory`: English sentences to translated ones, both with the same `{places}`."""
        self.memory = dict(memory)
        self._exact = {english: other for english, other in memory.items() if not _PLACE.search(english)}
        made = [_sentence(english, other) for english, other in memory.items() if _PLACE.search(english)]
        self._sentences = sorted(made, key=lambda sentence: -len(sentence.pattern.pattern))

    def reply(self, markdown: str) -> str:
        """A whole reply; fenced code passes unchanged."""
        lines, fenced = [], False
        for line in markdown.split("\n"):
            fence = line.lstrip().startswith("```")
            lines.append(line if fence or fenced else self._line(line))
            fenced ^= fence
        return "\n".join(lines)

    def _line(self, line: str) -> str:
        if line.lstrip().startswith("|"):
            return "|".join(self._cell(cell) for cell in _CELLS.split(line))
        margin = _MARGIN.fullmatch(line)
        assert margin is not None  # noqa: S101 - every part of it can be empty
        return margin[1] + self._phrase(margin[2], 0) + margin[3]

    def _cell(self, cell: str) -> str:
        inner = cell.strip()
        return cell if not inner or _RULE.fullmatch(inner) else f" {self._phrase(inner, 0)} "

    def _phrase(self, phrase: str, depth: int) -> str:
        """One or more sentences; those that are not known stay as they are."""
        if not phrase or depth > _DEEPEST:
            return phrase
        if (exact := self._exact.get(phrase)) is not None:
            return exact
        if depth and len(parts := _LISTED.split(phrase)) > 1:
            return "；".join(self._phrase(part, depth) for part in parts)
        if depth and len(parts := phrase.split("; ")) > 1 and all(self._headed(part, depth) for part in parts):
            return "；".join(self._headed(part, depth) or part for part in parts)
        if (known := self._known(phrase, depth)) is not None:
            return known
        if (headed := self._headed(phrase, depth)) is not None:
            return headed
        if wrapped := _WRAPPED.fullmatch(phrase):
            return wrapped[1] + self._phrase(wrapped[2], depth) + wrapped[1]
        return self._sentences_of(phrase, depth)

    def _headed(self, phrase: str, depth: int) -> str | None:
        """A known title, a colon, and what is said under it."""
        headed = _HEADED.fullmatch(phrase)
        if headed is not None:
            title = self._known(headed[1], depth)
            return None if title is None else f"**{title}**：{self._phrase(headed[2], depth)}"
        for cut in _COLON.finditer(phrase):  # a title may have a colon itself
            if (title := self._exact.get(phrase[: cut.start()])) is not None:
                return f"{title}：{self._phrase(phrase[cut.end() :], depth)}"
        return None

    def _sentences_of(self, phrase: str, depth: int) -> str:
        ends = [match.span() for match in _BREAK.finditer(phrase)]
        cuts = [0, *(end for _, end in ends), len(phrase)]
        if len(cuts) == 2:
            return phrase
        said, at = [], 0
        while at < len(cuts) - 1:
            for to in range(min(len(cuts) - 1, at + _MOST_SENTENCES), at, -1):
                part = phrase[cuts[at] : cuts[to]]
                if (at, to) != (0, len(cuts) - 1) and (known := self._one(part.strip(), depth)) is not None:
                    said.append(known)
                    break
            else:
                to = at + 1
                part = phrase[cuts[at] : cuts[to]]
                inner = _WRAPPED.fullmatch(part.strip())
                said.append(self._phrase(part.strip(), depth + 1) if inner else part)
            at = to
        return "".join(said)

    def _one(self, part: str, depth: int) -> str | None:
        """A known sentence, or one that ends at a semicolon because another follows."""
        if (known := self._known(part, depth)) is not None or not part.endswith(";"):
            return known
        known = self._known(f"{part[:-1]}.", depth) or self._known(part[:-1], depth)
        return None if known is None else f"{known.removesuffix('。')}；"

    def _known(self, phrase: str, depth: int) -> str | None:
        if (exact := self._exact.get(phrase)) is not None:
            return exact
        for sentence in self._sentences:
            if sentence.fragment in phrase and (match := sentence.pattern.fullmatch(phrase)):
                return _filled(
                    sentence.translated,
                    {name: self._value(value, depth + 1) for name, value in match.groupdict().items()},
                )
        return None

    def _value(self, value: str, depth: int) -> str:
        """What stands in a place: a known phrase, a list of them, or something that is left alone."""
        if "`" in value and value.count("`") == 2 and value[0] == value[-1] == "`":
            return value
        translated = self._phrase(value, depth)
        if translated != value or ", " not in value:
            return translated
        parts = [self._known(part, depth) or part for part in value.split(", ")]
        return "、".join(parts) if parts != value.split(", ") else value


def _filled(sentence: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], sentence)


def _sentence(english: str, other: str) -> _Sentence:
    literal = _PLACE.split(english)[::2]
    seen: set[str] = set()

    def place(match: re.Match[str]) -> str:
        if match[1] in seen:
            return f"(?P={match[1]})"
        seen.add(match[1])
        return rf"(?P<{match[1]}>{_shape(match[1])})"

    parts, at = [], 0
    for match in _PLACE.finditer(english):
        parts += [re.escape(english[at : match.start()]), place(match)]
        at = match.end()
    parts.append(re.escape(english[at:]))
    return _Sentence(re.compile("".join(parts), re.DOTALL), max(literal, key=len), other)


def _shape(place: str) -> str:
    if place == _JOB:
        return r"j\d+"
    if _FIGURE.fullmatch(place):
        return r"[-+]?\d+(?:[.,]\d+)*%?(?: \[[^\]]+\])?"
    if _PHRASE.fullmatch(place):
        return r"(?:[^.;:]|\.(?=\d))+?"
    return "[^ ;]+?" if _WORDS.fullmatch(place) else ".+?"


@cache
def chinese() -> Translation:
    """The memory of Chinese that comes with Odyssey."""
    text = resources.files("agent.language").joinpath("zh.json").read_text(encoding="utf-8")
    return Translation(json.loads(text))
