"""Every question has an answer in every state, and every number in it names its evidence and run."""

import json
import re
from datetime import UTC, datetime

import pytest
from walk import TICKETS, TUNED, Numbers, Walk

from agent.lifecycle.events import Advance, GoBack, SetRules, StartJob, Waive
from agent.lifecycle.stages import Stage
from agent.markdown import duration, table
from agent.price import Price
from agent.status import JobView, StatusQuery, answer_status, as_json
from tools.contract import Frozen

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


class Line(Frozen):
    seq: int = 3
    at: str = "2026-03-02T09:00:00+00:00"
    actor: str = "dee"
    kind: str = "approve"
    accepted: bool = False
    said: str = "dee is a viewer | and may\nnot"


def ask(walk: Walk, query: StatusQuery, jobs: tuple[JobView, ...] = (), audit: tuple[Line, ...] = ()) -> str:
    return answer_status(query, walk.project, jobs, audit, NOW)


@pytest.mark.parametrize("query", StatusQuery)
@pytest.mark.parametrize("stage", [Stage.SCOPE, Stage.ASSESS, Stage.LAUNCHED])
def test_every_question_has_an_answer_as_of_a_time(query: StatusQuery, stage: Stage) -> None:
    walk = Walk()
    walk.begin()
    walk = walk if stage is Stage.SCOPE else Walk().to(stage)
    text = ask(walk, query)
    assert f"as of 2026-03-02 12:30 UTC, event {walk.seq}" in text
    assert "None" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", _header(text, line)))


def _header(text: str, line: str) -> str:
    """The header of the table a line stands in."""
    block = next(b for b in text.split("\n\n") if line in b.splitlines())
    return next(one for one in block.splitlines() if one.startswith("|"))


def test_where_names_stage_number_run_and_what_is_missing() -> None:
    walk = Walk(numbers=Numbers(score_low=0.8)).to(Stage.ASSESS, work=True)
    text = ask(walk, StatusQuery.WHERE)
    assert "3 Assess and train" in text
    assert "tuned (lora, made from tiny): exact_match 0.820 [0.800, 0.840] on 400 test items (e32, run j31)" in text
    assert "lower end of the interval at least 0.9" in text


def test_where_shows_running_jobs_with_live_progress_and_waiting_approvals() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(Advance())
    walk.ok(StartJob(tool="prompt", params={}), actor="cai")
    view = JobView(
        id=f"j{walk.seq}", tool="prompt", title="Try prompts", project="p1", phase="active", attempt=1,
        requested_by="cai", step="one-shot", done=40, total=100, seconds=75,
    )  # fmt: skip
    text = ask(walk, StatusQuery.WHERE, (view,))
    assert f"Running: j{walk.seq} Try prompts (asked by cai): one-shot 40/100, 1 min 15 s" in text
    approval = walk.project.approval
    assert approval is not None
    assert f"`approve {approval.number}`" in text
    assert f"`approve {approval.number}`" in ask(walk, StatusQuery.APPROVALS)


def test_the_gate_card_shows_met_missing_and_waived() -> None:
    walk = Walk(numbers=Numbers(latency_ms=900, memory_mb=9000)).to(Stage.DEPLOY, work=True)
    walk.ok(Waive(requirement="memory", reason="the server is larger"))
    card = ask(walk, StatusQuery.GATE)
    marks = {
        line.split("`")[1]: line.split("|")[1].strip()
        for line in card.splitlines()
        if line.startswith("| ") and "`" in line
    }
    assert marks == {
        "optimised": "✓ met", "parity": "✓ met", "endpoint": "✓ met", "latency": "✗ missing",
        "memory": "~ waived", "lineage": "✓ met",
    }  # fmt: skip
    assert "the server is larger" in card
    assert "closed" in card


def test_best_says_who_where_and_whether_the_target_is_cleared() -> None:
    text = ask(Walk().to(Stage.LAUNCHED), StatusQuery.BEST)
    assert "**0.960 [0.940, 0.980]** by tuned (lora; e32, run j31)" in text
    assert "is cleared" in text
    assert "not cleared" in ask(Walk().to(Stage.ASSESS), StatusQuery.BEST)


def test_approvals_tell_who_approved_what_and_when() -> None:
    text = ask(Walk().to(Stage.LAUNCHED), StatusQuery.APPROVALS)
    assert "No approval is waiting" in text
    assert len([line for line in text.splitlines() if "approved" in line and "ben" in line]) == 3


def test_compare_ranks_candidates_and_shows_rounds() -> None:
    walk = Walk().to(Stage.LAUNCHED)
    walk.ok(GoBack(stage=Stage.ASSESS, reason="new products came"))
    walk.measure(TUNED, TICKETS, 0.91, 0.88)
    text = ask(walk, StatusQuery.COMPARE)
    candidates = [line.split("|")[1].strip() for line in text.split("\n\n")[1].splitlines()[2:]]
    assert candidates == ["aligned", "aligned-int8", "tuned", "tiny"]
    assert "back to 3 Assess and train: new products came" in text


def test_decisions_tell_who_chose_approved_and_waived_what_and_why() -> None:
    walk = Walk(numbers=Numbers(score_low=0.8)).to(Stage.ASSESS, work=True)
    walk.ok(Waive(requirement="target", reason="measured elsewhere"))
    text = ask(walk, StatusQuery.DECISIONS)
    assert "chooses" in text
    assert "measured elsewhere" in text
    assert re.search(r"approval \d+: approved", text)


def test_spent_adds_up_stages_and_jobs_beside_what_the_charter_allows() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    text = ask(walk, StatusQuery.SPENT)
    ended = [job for job in walk.project.jobs.values() if job.seconds is not None]
    took = duration(sum(round(job.seconds or 0) for job in ended))
    assert re.search(rf"\| in all +\| {len(walk.project.jobs)} +\| {took} +\|", text)
    assert "1 Define the scope" in text
    assert f"The charter allows: {walk.project.charter.cost}." in text


def test_spent_names_costs_where_a_price_is_set() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    text = answer_status(StatusQuery.SPENT, walk.project, price=Price(an_hour=3600, currency="EUR"))
    took = sum(round(job.seconds or 0) for job in walk.project.jobs.values())
    assert re.search(rf"\| in all .*\| {took}\.00 EUR +\|", text)


def test_history_with_the_record_shows_refusals_and_breaks_no_table() -> None:
    text = ask(Walk().to(Stage.LAUNCHED), StatusQuery.HISTORY, audit=(Line(),))
    assert "refused" in text
    assert "dee is a viewer \\| and may not" in text


def test_members_are_told_by_role_with_what_an_approval_takes() -> None:
    walk = Walk()
    walk.begin()
    walk.ok(SetRules(approvers=2, self_approval=False))
    text = ask(walk, StatusQuery.MEMBERS)
    assert re.search(r"\| owner +\| ana", text) and re.search(r"\| approver +\| ben", text)
    assert "An approval takes 2 of the approvers and owners; who asked may not approve alone." in text


def test_json_says_the_same_and_is_json() -> None:
    walk = Walk().to(Stage.ASSESS, work=True)
    data = json.loads(json.dumps(as_json(walk.project, (), NOW)))
    assert (data["stage"], data["gate"]["open"], data["model"]) == ("assess", True, "tuned")
    assert (data["score"]["value"], data["score"]["evidence"], data["score"]["run"]) == (0.96, "e32", "j31")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(3.21, "3.2 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_read_as_people_say_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_an_empty_table_is_no_table() -> None:
    assert table(("A",), []) == ""
