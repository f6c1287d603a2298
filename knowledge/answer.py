"""Passages to an answer: quoted windows, or a writer's sentences that hold against them, or "I don't know"."""

import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Protocol

from knowledge.catalogue import Indexed
from knowledge.chunk import is_item, sentences
from knowledge.errors import WriterFailed
from knowledge.facts import project_of
from knowledge.gate import THRESHOLD
from knowledge.ground import Checker
from knowledge.inquiry import Consulted
from knowledge.model import GUIDE_SCOPES, GUIDES, Answer, Citation, Hit, Language
from knowledge.query import Query
from knowledge.retrieve import Found
from knowledge.words import language_of

BEFORE, AFTER = 1, 2  # sentences quoted around the best one
QUOTES = 2  # windows at most
ASKED_FOR = 0.75  # share of the question in a section's heading that makes the section its answer
SECTION = 8  # sentences of such a section at most
STANDS_OUT = 0.7  # an item of a list does if half of the others score less than this share of its score
NEARLY_AS_GOOD = 0.9  # of the first window's score, for a second one to be quoted
WRITER_READS = 5  # passages
_ENDS = ".!?:;,。！？：；，"
_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")


class Writer(Protocol):
    """Writes an answer from passages and from nothing else. Raises `WriterFailed` when it cannot."""

    def write(self, question: str, passages: Sequence[Hit]) -> str: ...


def hit(found: Found) -> Hit:
    stored = found.passage.stored
    return Hit(
        scope=stored.scope,
        source=stored.source,
        title=stored.title,
        heading=stored.heading,
        text=stored.text,
        score=round(found.score, 4),
        start=stored.start,
        end=stored.end,
        language=stored.language,
    )


def compose(
    consulted: Consulted,
    places: tuple[str, ...],
    checker: Checker,
    writer: Writer | None = None,
) -> Answer:
    """Answer from what was found. Below the gate's threshold, abstain and say what was searched.

    `checker` decides which of a writer's sentences hold.
    """
    query, found, confidence = consulted.query, consulted.found, consulted.confidence
    citations: tuple[Citation, ...] = ()
    if abstained := not found or confidence < THRESHOLD:
        text = _abstention(query.language, found, places)
    else:
        text, citations = _written(query, found, checker, writer) if writer else ("", ())
        if not citations:
            text, citations = _quoted(query, consulted.quoted or _best(found))
    return Answer(
        answer=text + _more(query.language, consulted.hidden),
        language=query.language,
        abstained=abstained,
        citations=citations,
        searched=places,
        hidden=consulted.hidden,
        confidence=round(confidence, 4),
    )


def searched(counts: Mapping[str, tuple[int, int]], language: Language) -> tuple[str, ...]:
    """What was searched, in words: the kinds of source, how many, how many passages.

    A guide is counted in the question's language only; a project's state is no document.
    """
    said = []
    guides = GUIDE_SCOPES[language] if counts.get(GUIDE_SCOPES[language], (0, 0))[0] else GUIDES
    for scope, (count, passages) in counts.items():
        if project_of(scope) is not None or (scope in GUIDE_SCOPES.values() and scope != guides):
            continue
        if not count and any(others for others, _ in counts.values()):
            continue  # a project without documents of its own
        if language == "zh":
            kind = "篇指南" if scope == guides else "份项目文档"
            said.append(f"{count}{kind}（{passages}个段落）")
        else:
            kind = "guide" if scope == guides else "project document"
            said.append(f"{count} {kind}{'s' * (count != 1)} ({passages} passage{'s' * (passages != 1)})")
    return tuple(said)


def _more(language: Language, hidden: int) -> str:
    if not hidden:
        return ""
    if language == "zh":
        return f"\n\n另有{hidden}份文档也与此有关，但这里并非人人可以查看。"
    if hidden == 1:
        return "\n\nOne more document speaks to this, but not everybody here may see it."
    return f"\n\n{hidden} more documents speak to this, but not everybody here may see them."


def _best(found: Sequence[Found]) -> list[Found]:
    floor = NEARLY_AS_GOOD * max(found[0].sentences)
    return [f for f in found[:QUOTES] if f is found[0] or max(f.sentences) >= floor]


def _quoted(query: Query, chosen: Sequence[Found]) -> tuple[str, tuple[Citation, ...]]:
    windows = [_window(one) for one in chosen]
    text = "\n\n".join(
        f"{_read(one.passage, *window)} [{number}]"
        for number, (one, window) in enumerate(zip(chosen, windows, strict=True), 1)
    )
    if query.language == "zh" and language_of(text) == "en":
        text = f"资料是英文的，原文如下：\n\n{text}"
    return text, tuple(_citation(one.passage, one.best, *w) for one, w in zip(chosen, windows, strict=True))


def _read(passage: Indexed, first: int, last: int) -> str:
    """The quoted sentences as they read aloud: paragraphs apart, items of a list on lines of their own."""
    text = ""
    for index in range(first, last + 1):
        sentence = passage.sentences[index].text
        parted = index > first and "\n\n" in _between(passage, index - 1)
        listed = first < last and is_item(_quote(passage, index, index))
        text += "\n- " if listed else "\n\n" if parted else " "
        text += sentence + ("" if sentence[-1] in _ENDS else ".")
    return text.strip()


def _written(
    query: Query, found: Sequence[Found], checker: Checker, writer: Writer
) -> tuple[str, tuple[Citation, ...]]:
    """The writer's sentences that hold, each with its citation; the others are dropped."""
    read = [f.passage for f in found[:WRITER_READS]]
    try:
        draft = writer.write(query.text, [hit(f) for f in found[:WRITER_READS]])
    except WriterFailed:
        return "", ()
    kept: list[str] = []
    citations: list[Citation] = []
    for sentence in sentences(_MARKERS.sub("", draft)):
        verdict = checker.check(sentence.text, read)
        if verdict.supported:
            passage = read[verdict.passage]
            citation = _citation(passage, verdict.sentence, *_around(passage, verdict.sentence))
            if citation not in citations:
                citations.append(citation)
            kept.append(f"{sentence.text} [{citations.index(citation) + 1}]")
    return " ".join(kept), tuple(citations)


def _window(found: Found) -> tuple[int, int]:
    """First and last sentence to quote: some around the best; of a list the whole, or the item that stands out.

    A section whose heading says what was asked is the answer as it stands. A question for the steps of something wants
    all of them; one for a person's extension wants one row of many.
    """
    best, passage = found.best, found.passage
    if found.heading >= ASKED_FOR:
        return 0, max(best, min(len(passage.sentences), SECTION) - 1)
    first, last = _block(passage, best)
    if not any(is_item(_quote(passage, index, index)) for index in range(first, last + 1)):
        start, end = _around(passage, best)
        if is_item(_quote(passage, end, end)):  # a list was begun: to its end
            end = min(_block(passage, end)[1], start + SECTION)
        return start, end
    others = [found.sentences[index] for index in range(first, last + 1) if index != best]
    if others and median(others) < STANDS_OUT * found.sentences[best]:
        return best, best
    introduced = first > 0 and passage.sentences[first - 1].text.endswith((":", "："))
    return first - introduced, last


def _around(passage: Indexed, best: int) -> tuple[int, int]:
    return max(0, best - BEFORE), min(len(passage.sentences) - 1, best + AFTER)


def _block(passage: Indexed, best: int) -> tuple[int, int]:
    """The sentences around the best one between which there is no empty line."""
    first = last = best
    while first > 0 and "\n\n" not in _between(passage, first - 1):
        first -= 1
    while last < len(passage.sentences) - 1 and "\n\n" not in _between(passage, last):
        last += 1
    return first, last


def _between(passage: Indexed, index: int) -> str:
    """What stands between a sentence and the next."""
    begin = passage.stored.start
    return passage.stored.text[passage.sentences[index].end - begin : passage.sentences[index + 1].start - begin]


def _quote(passage: Indexed, first: int, last: int) -> str:
    begin = passage.stored.start
    return passage.stored.text[passage.sentences[first].start - begin : passage.sentences[last].end - begin]


def _citation(passage: Indexed, best: int, first: int, last: int) -> Citation:
    stored = passage.stored
    return Citation(
        scope=stored.scope,
        source=stored.source,
        title=stored.title,
        heading=stored.heading,
        quote=_quote(passage, first, last),
        start=passage.sentences[first].start,
        end=passage.sentences[last].end,
        best_start=passage.sentences[best].start,
        best_end=passage.sentences[best].end,
    )


def _abstention(language: Language, found: Sequence[Found], places: tuple[str, ...]) -> str:
    nearest = found[0].passage.stored.heading if found else ""
    where = (", ", " and ") if language == "en" else ("、", "和")
    listed = where[0].join(places[:-1]) + where[1] + places[-1] if len(places) > 1 else "".join(places)
    if language == "zh":
        return f"我不知道：在{listed}里没有找到答案。" + (f"最接近的是“{nearest}”。" if nearest else "")
    text = f"I don't know: I searched {listed} and found nothing that answers this."
    return text + (f" The nearest is “{nearest}”." if nearest else "")
