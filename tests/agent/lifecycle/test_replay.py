"""Whatever is sent in whatever order: nothing is raised, a refusal changes nothing, a replay gives the same state."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from walk import ALIGNED, CATALOGUE, FACTS, INT8, MINILM, START, TICKETS, TINY, TUNED, Walk

from agent.lifecycle.apply import apply, create
from agent.lifecycle.approvals import subject
from agent.lifecycle.events import (
    SYSTEM,
    AddCandidate,
    AddDocument,
    Advance,
    Approve,
    Body,
    CancelJob,
    ChooseModel,
    CreateProject,
    Event,
    FinishJob,
    GoBack,
    Reject,
    ResumeJob,
    SetCharter,
    SetRole,
    SetRules,
    SkipTechnique,
    StartJob,
    Waive,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project, Role, TaskKind
from agent.lifecycle.stages import Stage
from tools.contract import Metric, Result

NUMBERS = st.integers(min_value=1, max_value=70)
JOBS = NUMBERS.map(lambda n: f"j{n}")
NAMES = st.sampled_from(["current", "parent", "tiny", "tuned", "aligned", "tickets", "facts", "corpus", "x", ""])
REASONS = st.sampled_from(["because it is so", "   a reason", "为了测试"])
CANDIDATES = st.sampled_from([TINY, TUNED, ALIGNED, INT8, MINILM])
PEOPLE = st.sampled_from(["ana", "ben", "cai", "dee", "stranger", SYSTEM])
PARAMS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["model", "data", "name", "steps", "split", "preferences", "compare_to", "path", "nonsense"]),
    st.one_of(NAMES, st.integers(-3, 99), st.none(), st.booleans(), st.lists(NAMES, max_size=2)),
    max_size=4,
)
RESULTS = st.builds(
    Result,
    summary=st.just("measured"),
    candidate=st.one_of(st.none(), CANDIDATES),
    dataset=st.one_of(st.none(), st.sampled_from([TICKETS, FACTS])),
    metrics=st.lists(st.builds(Metric, name=st.just("exact_match"), value=st.floats(0, 1)), max_size=2).map(tuple),
    split=st.sampled_from(["", "dev", "test"]),
)
BODIES: st.SearchStrategy[Body] = st.one_of(
    st.just(Advance()),
    st.builds(CreateProject, name=st.just("again")),
    st.builds(Approve, number=NUMBERS, digest=st.one_of(st.none(), st.just("sha256:x"))),
    st.builds(Reject, number=NUMBERS, reason=REASONS),
    st.builds(GoBack, stage=st.sampled_from(list(Stage)), reason=REASONS),
    st.builds(Waive, requirement=st.sampled_from(["target", "charter", "win_rate", "parity", "x"]), reason=REASONS),
    st.builds(SkipTechnique, what=st.sampled_from(["align", "quantize", "prompting", "scope"]), reason=REASONS),
    st.builds(ChooseModel, model=NAMES, reason=REASONS),
    st.builds(AddCandidate, candidate=CANDIDATES),
    st.builds(AddDocument, name=NAMES, path=st.just("/home/a.md"), digest=st.just("sha256:d")),
    st.builds(StartJob, tool=st.sampled_from([*CATALOGUE, "nothing"]), params=PARAMS),
    st.builds(
        FinishJob, job=JOBS, attempt=st.integers(1, 2), result=st.one_of(st.none(), RESULTS), seconds=st.floats(0, 99),
        outcome=st.sampled_from(["succeeded", "failed", "cancelled", "crashed", "lost", "ready", "stopped"]),
    ),
    st.builds(CancelJob, job=JOBS),
    st.builds(ResumeJob, job=JOBS),
    st.builds(SetRole, person=st.sampled_from(["ana", "ben", "zoe"]), role=st.one_of(st.none(), st.sampled_from(Role))),
    st.builds(SetRules, approvers=st.one_of(st.none(), st.integers(1, 5)),
              hours=st.one_of(st.none(), st.floats(0.01, 8760)), self_approval=st.one_of(st.none(), st.booleans())),
    st.builds(SetCharter, target=st.one_of(st.none(), st.floats(0.01, 1)), test_set=st.one_of(st.none(), NAMES),
              task=st.one_of(st.none(), st.sampled_from(TaskKind)), latency_ms=st.one_of(st.none(), st.floats(1, 1e6))),
)  # fmt: skip
SENT = st.lists(st.tuples(PEOPLE, BODIES, st.sampled_from([1.0, 3600.0, 4e5])), max_size=25)
STARTS = {stage: Walk().to(stage, work=True) for stage in Stage}


def sent(walk: Walk, requests: list[tuple[str, Body, float]]) -> list[Event]:
    events, at = [], walk.at
    for number, (actor, body, after) in enumerate(requests, start=walk.seq + 1):
        at += timedelta(seconds=after)
        events.append(Event(id=f"ev-{number}", seq=number, project="p1", actor=actor, at=at, body=body))
    return events


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(Stage)), SENT)
def test_any_sequence_of_events(stage: Stage, requests: list[tuple[str, Body, float]]) -> None:
    walk = STARTS[stage]
    project = walk.project
    for event in sent(walk, requests):
        decision = apply(project, event, CATALOGUE)
        assert decision.said
        assert decision.project.seq == event.seq
        if not decision.accepted:
            assert decision.project == project.model_copy(update={"seq": event.seq})
            assert decision.effects == ()
        project = decision.project
        assert subject(project, gate(project))["stage"] == project.stage.value
    assert Project.model_validate_json(project.model_dump_json()) == project


def test_replaying_the_events_from_json_gives_the_same_state() -> None:
    for walk in (Walk().to(Stage.LAUNCHED), Walk().classify()):
        events = [Event.model_validate_json(event.model_dump_json()) for event, _ in walk.decisions]
        project = create(events[0]).project
        for event, (_, decision) in zip(events[1:], walk.decisions[1:], strict=True):
            again = apply(project, event, CATALOGUE)
            assert again == decision
            project = Project.model_validate_json(again.project.model_dump_json())
        assert project == walk.project


def test_a_project_begins_at_its_creation() -> None:
    event = Event(id="a", seq=4, project="p1", actor="ana", at=START, body=CreateProject(name="desk"))
    project = create(event).project
    assert (project.seq, project.stage, project.members) == (4, Stage.SCOPE, {"ana": Role.OWNER})
