"""How well it finds, answers and abstains, on the half of the questions that nothing was fitted on."""

from dataclasses import asdict

import pytest

from knowledge import calibrate
from knowledge.gate import Doorkeeper, gate
from knowledge.knowledge import Knowledge
from knowledge.reader import OnnxReader, weighings


@pytest.fixture(scope="module")
def measured(guides: Knowledge, reader: OnnxReader) -> tuple[Doorkeeper, dict[str, calibrate.Figures]]:
    return calibrate.calibrate(guides, reader)


# measured: guides .93/1/.97, answered .93, refused .92; Chinese .88/1/.94, 1, .83; documents .95/1/.96, .88, .96;
# close .74/.89/.81, .80, .39
@pytest.mark.parametrize(
    ("kind", "hit_1", "hit_5", "reciprocal_rank", "answered", "refused"),
    [
        ("guides", 0.85, 0.95, 0.90, 0.88, 0.88),
        ("guides_zh", 0.75, 0.92, 0.85, 0.92, 0.66),
        ("documents", 0.88, 0.97, 0.92, 0.80, 0.90),
        ("close", 0.65, 0.85, 0.75, 0.72, 0.34),
    ],
)
def test_figures_on_unseen_questions(
    measured: tuple[Doorkeeper, dict[str, calibrate.Figures]],
    kind: str,
    hit_1: float,
    hit_5: float,
    reciprocal_rank: float,
    answered: float,
    refused: float,
) -> None:
    figures = measured[1][kind]
    print(kind, figures)  # shown by `pytest -s`
    assert figures.hit_1 >= hit_1
    assert figures.hit_5 >= hit_5
    assert figures.reciprocal_rank >= reciprocal_rank
    assert figures.answered >= answered
    assert figures.refused >= refused


def test_the_gate_that_ships_is_the_one_that_was_fitted(
    guides: Knowledge, measured: tuple[Doorkeeper, dict[str, calibrate.Figures]]
) -> None:
    made = measured[0]
    assert asdict(gate(guides.retriever.encoder)) == pytest.approx(asdict(made.gate), abs=0.4)
    assert asdict(weighings().answers) == pytest.approx(asdict(made.weighing), abs=0.2)


def test_the_right_page_comes_first_for_forty_facts(guides: Knowledge, measured: object) -> None:
    facts = [q for q in calibrate.questions() if q.project and q.evidence and q.style == "fact"]
    assert len(facts) == 40
    first = [guides.passages(q.question, calibrate.PROJECT, 1)[0].text for q in facts]
    found = [any(e in " ".join(text.split()) for e in q.evidence) for q, text in zip(facts, first, strict=True)]
    assert sum(found) / len(found) >= 0.95


def test_evidence_stands_in_the_sources(guides: Knowledge, measured: object) -> None:
    names = [d.name for d in guides.ensure_guides()]
    texts = [guides.text(scope, name) for scope in ("guides", "guides/zh") for name in names]
    texts += [guides.text("project/calibration", d.name) for d in guides.documents(calibrate.PROJECT)]
    joined = "\n".join(" ".join(text.split()) for text in texts)
    missing = [e for q in calibrate.questions() for e in q.evidence if e not in joined]
    assert missing == []


def test_the_set_is_large_and_varied_enough() -> None:
    asked = calibrate.questions()
    english = [q for q in asked if q.language == "en" and not q.project]
    assert sum(bool(q.evidence) for q in english) >= 40
    assert sum(not q.evidence for q in english) >= 20
    assert sum(q.language == "zh" and bool(q.evidence) for q in asked) >= 60
    assert sum(bool(q.evidence) for q in asked) >= 150
    assert sum(not q.evidence for q in asked) >= 80
    assert len({(q.question, q.project) for q in asked}) == len(asked)
