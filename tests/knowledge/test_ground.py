from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from knowledge import calibrate_sentences
from knowledge.claims import coverage, exchanged, labels, numbers, written_out
from knowledge.embed import OnnxEmbedder
from knowledge.ground import Checker, judge
from knowledge.inquiry import scopes_of
from knowledge.knowledge import Knowledge
from knowledge.reader import OnnxReader, weighings
from knowledge.words import content_terms


@pytest.fixture(scope="module")
def compared(guides: Knowledge, embedder: OnnxEmbedder, reader: OnnxReader) -> list[calibrate_sentences.Compared]:
    """The reader is asked about the half that is reported alone."""
    halves: list[calibrate_sentences.Compared] = []
    for of_report, read_by in ((False, None), (True, reader)):
        asked = [case for case in calibrate_sentences.cases() if (case.half == "report") == of_report]
        halves += calibrate_sentences.compared(guides.retriever, embedder, asked, read_by)
    return halves


@pytest.fixture(params=["by words alone", "with the reader"])
def checker(request: pytest.FixtureRequest, embedder: OnnxEmbedder, reader: OnnxReader) -> Checker:
    return Checker(embedder, reader=reader if request.param == "with the reader" else None)


def test_supported_sentences_pass_and_others_do_not(compared: list[calibrate_sentences.Compared]) -> None:
    """Measured on the half nothing was fitted on: see the benchmark."""
    rows = [row for row in compared if row.case.half == "report"]
    report = calibrate_sentences.figures(rows, judge(), weighings().supports)
    print(report)  # shown by `pytest -s`
    assert report["supported"][1] >= 0.87
    assert report["unsupported"][1] <= 0.07
    for kind in ("number", "swapped", "name", "negation"):
        assert report[kind][1] <= 0.05


def test_the_weights_that_ship_are_those_that_were_fitted(compared: list[calibrate_sentences.Compared]) -> None:
    fitted = calibrate_sentences.fit([row for row in compared if row.case.half != "report"])
    assert asdict(judge()) == pytest.approx(asdict(fitted), abs=0.5)


def test_the_set_is_large_and_varied_enough() -> None:
    asked = calibrate_sentences.cases()
    assert len(asked) >= 300
    assert {case.kind for case in asked} >= {
        "paraphrase",
        "number",
        "swapped",
        "name",
        "negation",
        "neighbour",
        "invented",
    }


def test_exchanged_and_moved_words_are_told_apart() -> None:
    source = "LoRA keeps the base model frozen and trains two small matrices beside each weight matrix."
    assert exchanged(source.replace("LoRA", "DPO"), source) == (True, False)
    assert exchanged(source, source) == (False, False)
    assert exchanged(
        "It took 40 seconds for 12 items on this machine.", "It took 12 seconds for 40 items on this machine."
    )[1]
    assert exchanged("Something else entirely.", source) == (False, False)


def test_a_word_of_like_meaning_is_no_exchange() -> None:
    source = "The bootstrap draws the items again with replacement and takes the middle part as interval."
    assert exchanged(source.replace("takes", "picks"), source) == (True, False)
    assert exchanged(source.replace("draws", "samples"), source) == (False, False)


def test_coverage_knows_words_of_like_meaning_and_weighs_them_by_what_they_tell() -> None:
    source = "Small passages are found precisely."

    def covered(claim: str) -> float:
        return coverage(content_terms(claim), source)

    assert covered("Small passages") == 1.0
    assert 0.5 < covered("tiny passages") < 1.0
    assert covered("salaries of passages") < covered("example passages") < 1.0
    assert covered("") == 0.0


def test_sizes_and_precisions_are_read_in_both_forms() -> None:
    assert written_out("A 7B model in int8") == "A 7 billion model in 8 bits"
    assert written_out("16 GB and 7 billion") == "16 GB and 7 billion"


def test_names_and_identifiers() -> None:
    assert labels("The NF4 type (Dettmers et al. 2023) and learning_rate") == {"nf4", "dettmers", "learning_rate"}


def test_without_passages_nothing_holds(checker: Checker) -> None:
    assert not checker.check("LoRA is a method.", []).supported


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000 items at 0.90", {"1000", "0.9"}),
        ("seven days", {"7"}),
        ("one day", set()),
        ("2,5 Liter", {"2.5"}),
        ("", set()),
    ],
)
def test_numbers_in_one_form(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


SOURCE = """# Passages

Small passages are found precisely and lack context, large ones bring context and dilute the vector.

# Distillation

In distillation a small student learns to imitate a large teacher. With it 7 billion weights become 1 billion.
"""


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("Small passages are found precisely but lack context.", True),
        ("Small passages are found precisely and lack cables, large ones bring context and dilute the vector.", False),
        ("Small passages are not found precisely and lack context.", False),
        ("In distillation a small student learns to mimic a large teacher.", True),
        ("In distillation a large teacher learns to imitate a small student.", False),
        ("With it 7B weights become 1 billion.", True),
        ("With it 9B weights become 1 billion.", False),
        ("Distillation lists the salaries of the developers.", False),
    ],
)
def test_what_an_uploaded_page_carries(
    knowledge: Knowledge, checker: Checker, write: Callable[[str, str], Path], sentence: str, supported: bool
) -> None:
    knowledge.ingest("p", write("page.md", SOURCE))
    retriever = knowledge.retriever
    found = retriever.search(retriever.read(sentence), scopes_of(retriever.catalogue, "p", "en"))
    assert checker.check(sentence, [one.passage for one in found]).supported is supported


def test_what_was_altered_is_told(knowledge: Knowledge, checker: Checker, write: Callable[[str, str], Path]) -> None:
    knowledge.ingest("p", write("page.md", SOURCE))
    retriever = knowledge.retriever
    found = retriever.search(retriever.read("distillation"), scopes_of(retriever.catalogue, "p", "en"))
    passages = [one.passage for one in found]
    verdict = checker.check("In distillation a small student never learns to imitate a large teacher.", passages)
    assert (verdict.supported, verdict.reason) == (False, "a denial was put in or left out")
