"""What a project says of itself: the same texts for the same state, one a decision, measurement, job and approval."""

import pytest

from agent.facts import facts
from agent.lifecycle.events import Advance, GoBack, StartJob, Waive
from agent.lifecycle.stages import Stage
from tests.walk import Numbers, Walk


def test_everything_decided_measured_and_run_has_a_text() -> None:
    project = Walk().to(Stage.LAUNCHED).project
    found = facts(project)
    assert {f"evidence/{item.id}" for item in project.evidence} <= set(found)
    assert {f"job/{job}" for job in project.jobs} <= set(found)
    assert {f"approval/{item.number}" for item in project.decided} <= set(found)
    assert {"charter", "choice", "move/1", f"move/{len(project.moves)}"} <= set(found)
    for key, text in found.items():
        assert text.startswith("# "), key
        assert "None" not in text, key


@pytest.mark.parametrize("stage", [Stage.SCOPE, Stage.ASSESS, Stage.LAUNCHED])
def test_the_texts_follow_from_the_state_alone(stage: Stage) -> None:
    walk = Walk()
    walk.begin()
    walk = walk if stage is Stage.SCOPE else Walk().to(stage)
    first = facts(walk.project)
    assert first == facts(type(walk.project).model_validate_json(walk.project.model_dump_json()))
    # A refused event changes the number of the last event and nothing that is told.
    assert first == facts(walk.project.model_copy(update={"seq": walk.project.seq + 1}))


def test_an_event_changes_the_texts_it_is_about_and_no_others() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    before = facts(walk.project)
    walk.ok(StartJob(tool="prompt", params={}), actor="cai")
    after = facts(walk.project)
    assert {key for key in after if after[key] != before.get(key)} == {f"job/j{walk.seq}"}
    assert "cai asked for the job" in after[f"job/j{walk.seq}"] and "active" in after[f"job/j{walk.seq}"]


def test_who_waived_approved_and_went_back_is_told_with_the_reason() -> None:
    walk = Walk(numbers=Numbers(latency_ms=900)).to(Stage.DEPLOY, work=True)
    walk.ok(Waive(requirement="latency", reason="the old machine is slow"))
    walk.ok(Advance())
    number = walk.seq
    found = facts(walk.project)
    assert "ana waived the requirement latency" in found["waiver/1"]
    assert "the old machine is slow" in found["waiver/1"]
    assert "It is waiting." in found[f"approval/{number}"]
    walk.ok(GoBack(stage=Stage.ASSESS, reason="new products came"))
    found = facts(walk.project)
    assert "new products came" in found[f"move/{len(walk.project.moves)}"]
    assert "withdrawn" in found[f"approval/{number}"]
