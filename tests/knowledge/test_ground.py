from dataclasses import asdict

import pytest

from knowledge import calibrate_sentences
from knowledge.claims import denied_otherwise, exchanged, labels, loose_numbers, negated, numbers, opposed
from knowledge.embed import OnnxEmbedder
from knowledge.ground import check, judge
from knowledge.knowledge import Knowledge


@pytest.fixture(scope="module")
def compared(guides: Knowledge, embedder: OnnxEmbedder) -> list[calibrate_sentences.Compared]:
    return calibrate_sentences.compared(guides.retriever, embedder, calibrate_sentences.cases())


def test_supported_sentences_pass_and_others_do_not(compared: list[calibrate_sentences.Compared]) -> None:
    """Measured on the half nothing was fitted on: .88 of the supported kept, .07 of the others let through."""
    report = calibrate_sentences.figures([row for row in compared if row.case.half == "report"], judge())
    print(report)  # shown by `pytest -s`
    assert report["supported"][1] >= 0.85
    assert report["unsupported"][1] <= 0.10
    for kind in ("number", "swapped", "name", "negation"):
        assert report[kind][1] <= 0.05


def test_the_weights_that_ship_are_those_that_were_fitted(compared: list[calibrate_sentences.Compared]) -> None:
    fitted = calibrate_sentences.fit([row for row in compared if row.case.half == "calibrate"])
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


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("In distillation the large model learns.", "In distillation the small model learns."),
        ("The score rises before training.", "The score falls after training."),
    ],
)
def test_opposites_are_seen(claim: str, source: str) -> None:
    assert opposed(claim, source)
    assert not opposed(source, source)


def test_exchanged_and_moved_words_are_told_apart() -> None:
    source = "LoRA keeps the base model frozen and trains two small matrices beside each weight matrix."
    assert exchanged(source.replace("LoRA", "DPO"), source) == (True, False)
    assert exchanged(source, source) == (False, False)
    assert exchanged(
        "It took 40 seconds for 12 items on this machine.", "It took 12 seconds for 40 items on this machine."
    )[1]
    assert exchanged("Something else entirely.", source) == (False, False)


def test_a_number_counts_what_it_counts() -> None:
    source = "There are 31 seats and 17 rooms."
    assert loose_numbers("The plan has 31 seats.", source) == 0.0
    assert loose_numbers("After 31 days", source) == 1.0


@pytest.mark.parametrize(
    ("claim", "source", "differs"),
    [
        ("DPO needs a reward model.", "DPO needs no reward model.", True),
        ("DPO needs no reward model.", "DPO needs no reward model, it is stable.", False),
        ("不需要奖励模型", "需要奖励模型", True),
    ],
)
def test_a_denial_belongs_to_what_it_denies(claim: str, source: str, differs: bool) -> None:
    assert denied_otherwise(claim, source) is differs


def test_names_and_identifiers() -> None:
    assert labels("The NF4 type (Dettmers et al. 2023) and learning_rate") == {"nf4", "dettmers", "learning_rate"}


def test_without_passages_nothing_holds(embedder: OnnxEmbedder) -> None:
    assert not check("LoRA is a method.", [], embedder).supported


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


def test_negation_in_both_languages() -> None:
    assert negated("It doesn't work") and negated("不需要奖励模型") and negated("Leave it without one")
    assert not negated("It works") and not negated("another note")
