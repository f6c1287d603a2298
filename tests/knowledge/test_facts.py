"""What a project's state says is found, replaced at once, and never cited when it no longer holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.embed import OnnxEmbedder
from knowledge.knowledge import Knowledge

QUESTION = "What is the best score of the candidate?"


class State:
    """What projects say of themselves now."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], str] = {}

    def current(self, project: str, key: str) -> str | None:
        return self.said.get((project, key))


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def told(embedder: OnnxEmbedder, state: State, tmp_path: Path) -> Iterator[Knowledge]:
    opened = Knowledge(tmp_path / "k", embedder, guides=tmp_path / "none", current=state.current)
    yield opened
    opened.close()


def say(told: Knowledge, state: State, score: str, project: str = "p1") -> None:
    text = f"# Best score\n\nThe best score of the candidate is {score}, measured by run r{score[-1]}.\n"
    state.said[project, "score"] = text
    told.put_facts(project, {"score": text})


def test_a_fact_is_cited_while_it_holds(told: Knowledge, state: State) -> None:
    say(told, state, "0.71")
    answer = told.answer(QUESTION, "p1")
    assert "0.71" in answer.answer
    assert answer.citations[0].scope == "state/p1"
    say(told, state, "0.84")
    answer = told.answer(QUESTION, "p1")
    assert "0.84" in answer.answer
    assert "0.71" not in answer.answer
    assert len(told.facts("p1")) == 1


def test_a_fact_that_the_state_has_left_behind_is_not_cited(told: Knowledge, state: State) -> None:
    say(told, state, "0.71")
    state.said["p1", "score"] = "The best score of the candidate is 0.84."  # not yet brought to the index
    assert told.answer(QUESTION, "p1").abstained
    assert told.search(QUESTION, "p1") == []
    assert len(told.audit().stale) == 1
    del state.said["p1", "score"]
    assert told.answer(QUESTION, "p1").abstained
    assert len(told.audit().orphan) == 1


def test_without_a_state_to_ask_no_fact_is_cited(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    alone = Knowledge(tmp_path / "k", embedder, guides=tmp_path / "none")
    alone.put_facts("p1", {"score": "The best score of the candidate is 0.71."})
    assert alone.search(QUESTION, "p1") == []
    alone.close()


def test_facts_are_removed_and_stay_with_their_project(told: Knowledge, state: State) -> None:
    say(told, state, "0.71")
    assert told.search(QUESTION, "p2") == []
    assert told.documents("p1") == []
    assert told.passages(QUESTION, "p1") == []
    told.put_facts("p1", {"score": None, "never": None})
    assert told.facts("p1") == {}
    assert told.audit().sound


def test_facts_are_for_the_project_only(told: Knowledge, state: State) -> None:
    say(told, state, "0.71")
    answer = told.answer(QUESTION, "p1", audiences=["channel:C9"])
    assert answer.abstained
    assert "0.71" not in answer.answer
    assert "0.71" in told.answer(QUESTION, "p1", audiences=["project"]).answer
