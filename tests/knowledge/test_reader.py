"""What the reader says of pairs it did not learn from, and how its word is weighed."""

import gzip
import json
from collections.abc import Sequence

import pytest

from knowledge import calibrate_sentences
from knowledge.calibrate_sentences import PAIRS
from knowledge.gate import Doorkeeper, gate
from knowledge.ground import judge
from knowledge.inquiry import scopes_of
from knowledge.knowledge import Knowledge
from knowledge.reader import CERTAIN, OnnxReader, Weighing, weighings, window

Row = dict[str, str | bool]
DECIDES = Weighing(bias=0.0, first=1.0, read=5.0)  # here the reader has the last word


def unseen(task: str) -> list[Row]:
    with gzip.open(PAIRS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["task"] == task and row["half"] == "report"]


def told_apart(reader: OnnxReader, task: str) -> tuple[int, float]:
    """Of pairs with one text and two passages, of which one holds: how many, and the share where that scores higher."""
    by_text: dict[str, dict[bool, str]] = {}
    for row in unseen(task):
        by_text.setdefault(str(row["text"]), {})[bool(row["holds"])] = str(row["passage"])
    twins = [(text, both) for text, both in by_text.items() if len(both) == 2][:100]
    said = getattr(reader, task)([(text, both[holds]) for text, both in twins for holds in (True, False)])
    return len(twins), sum(yes > no for yes, no in zip(said[::2], said[1::2], strict=True)) / len(twins)


@pytest.mark.parametrize(("task", "share"), [("answers", 0.8), ("supports", 0.6)])
def test_of_two_passages_it_prefers_the_one_that_holds(reader: OnnxReader, task: str, share: float) -> None:
    """The text is the same, so it has to read the passage. Measured: see the benchmark."""
    count, right = told_apart(reader, task)
    print(task, count, right)  # shown by `pytest -s`
    assert count >= 50
    assert right >= share


def test_it_reads_many_pairs_as_it_reads_each(reader: OnnxReader) -> None:
    pairs = [(str(row["text"]), str(row["passage"])) for row in unseen("answers")[:20]]
    assert reader.answers(pairs) == [reader.answers([pair])[0] for pair in pairs]


class Certain:
    """Says the same of everything, and counts how often it is asked."""

    def __init__(self, logit: float) -> None:
        self.logit = logit
        self.asked: list[tuple[str, str]] = []

    def answers(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.asked += pairs
        return [self.logit] * len(pairs)

    supports = answers


def test_an_answer_needs_both(guides: Knowledge) -> None:
    retriever = guides.retriever
    query = retriever.read("What is LoRA?")
    found = retriever.search(query, scopes_of(retriever.catalogue, None, "en"))
    by = gate(retriever.encoder)
    alone = Doorkeeper(by).confidence(query, found)
    no, yes = (Doorkeeper(by, Certain(logit), DECIDES).confidence(query, found) for logit in (-CERTAIN, CERTAIN))
    assert alone > 0.5
    assert no < 0.5 < yes


def test_the_reader_sees_what_would_be_quoted(guides: Knowledge) -> None:
    retriever = guides.retriever
    query = retriever.read("What is LoRA?")
    found = retriever.search(query, scopes_of(retriever.catalogue, None, "en"))
    reader = Certain(0)
    Doorkeeper(gate(retriever.encoder), reader, DECIDES).confidence(query, found)
    [(question, passage)] = reader.asked
    assert question == query.dense
    assert found[0].passage.sentences[found[0].best].text in passage
    assert passage.startswith(found[0].passage.stored.heading)


@pytest.mark.parametrize(("first", "asked"), [(-2.1, 0), (-1.9, 1), (1.9, 1), (2.1, 0)])
def test_it_is_not_asked_where_its_word_would_change_nothing(first: float, asked: int) -> None:
    reader = Certain(-9.0 if first > 0 else 9.0)  # as much against the first as it can be
    weighed = Weighing(bias=0.0, first=1.0, read=2.0 / CERTAIN)
    confidence = weighed.confidence(first, lambda: reader.answers([("", "")])[0])
    assert len(reader.asked) == asked
    assert (confidence > 0.5) == (first > 0 if not asked else first < 0)


def test_chinese_is_read_through_the_glossary(guides: Knowledge) -> None:
    retriever = guides.retriever
    query = retriever.read("奖励模型是怎么训练的？")
    found = retriever.search(query, scopes_of(retriever.catalogue, None, "zh"))
    assert window(found[0].passage, found[0].best, 1, 2).isascii() or "reward model" in window(
        found[0].passage, found[0].best, 1, 2
    )


def test_free_sentences_are_told_better_with_it_than_by_words_alone(guides: Knowledge, reader: OnnxReader) -> None:
    asked = [case for case in calibrate_sentences.free_cases() if case.half == "report"][::10]
    rows = calibrate_sentences.compared(guides.retriever, guides._embedder, asked, reader)

    alone = calibrate_sentences.figures(rows, judge())
    both = calibrate_sentences.figures(rows, judge(), weighings().supports)
    gain = {kind: both[kind][1] - alone[kind][1] for kind in ("supported", "unsupported")}
    assert gain["supported"] - gain["unsupported"] > 0.05
