"""An approval binds one question, one set of evidence and enough different people, for a limited time."""

from datetime import timedelta

import pytest
from walk import ALIGNED, INT8, TICKETS, TINY, Walk, difference

from agent.lifecycle.approvals import CANNOT_SAY, changes
from agent.lifecycle.events import Advance, Approve, ChooseModel, GoBack, Reject, SetCharter, SetRole, SetRules
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Approval, Role
from agent.lifecycle.stages import Stage
from tools.contract import Result

HOUR = 3600.0


def asked(walk: Walk | None = None) -> Walk:
    """A walk whose approval waits before leaving `deploy`."""
    walk = walk or Walk().to(Stage.DEPLOY, work=True)
    walk.ok(Advance())
    return walk


def waiting(walk: Walk) -> Approval:
    approval = walk.project.approval
    assert approval is not None
    return approval


def test_the_number_is_that_of_the_request() -> None:
    walk = asked()
    assert waiting(walk).number == walk.seq
    assert f"approve {walk.seq}" in walk.decisions[-1][1].said


def test_approving_moves_on_and_is_kept() -> None:
    walk = asked()
    number = waiting(walk).number
    walk.ok(Approve(number=number, digest=waiting(walk).digest), actor="ben")
    kept = walk.project.decided[-1]
    assert (walk.project.stage, walk.project.approval) == (Stage.INTEGRATE, None)
    assert (kept.number, kept.outcome, kept.decided_by, [v.by for v in kept.votes]) == (
        number,
        "approved",
        "ben",
        ["ben"],
    )


def test_another_number_is_refused() -> None:
    walk = asked()
    decision = walk.send(Approve(number=3), actor="ben")
    assert not decision.accepted
    assert str(waiting(walk).number) in decision.said


def test_nothing_to_approve_is_said() -> None:
    assert "No approval is waiting" in Walk().to(Stage.DEPLOY).send(Approve(number=1), actor="ben").said


def test_new_evidence_makes_it_stale_and_the_refusal_says_what_changed() -> None:
    walk = asked()
    number = waiting(walk).number
    worse = difference("exact_match", ALIGNED, -0.1, -0.2)
    walk.measure(INT8, TICKETS, 0.9, 0.6, comparisons=(worse,))
    decision = walk.send(Approve(number=number), actor="ben")
    assert not decision.accepted
    assert "changed" in decision.said
    assert "no worse than the model it was made from" in decision.said


def test_another_model_makes_it_stale() -> None:
    walk = asked()
    number = waiting(walk).number
    walk.ok(ChooseModel(model="aligned", reason="the larger one after all"))
    decision = walk.send(Approve(number=number), actor="ben")
    assert not decision.accepted
    assert "the model is aligned now" in decision.said
    assert walk.project.stage is Stage.DEPLOY


def test_a_changed_charter_is_told_field_by_field() -> None:
    walk = asked(Walk().to(Stage.SCOPE, work=True))
    walk.ok(SetCharter(target=0.95, cost="x" * 300))
    said = walk.send(Approve(number=waiting(walk).number), actor="ben").said
    assert "the charter's target was 0.9 and is 0.95" in said
    assert "x" * 61 not in said  # a long text is not told whole
    walk.ok(Advance())
    assert changes(walk.project, gate(walk.project)) == (CANNOT_SAY,)  # it asks what holds now


def test_what_an_older_version_asked_is_stale_without_a_list() -> None:
    walk = asked()
    bare = {"charter": None, "model": None, "evidence": (), "digest": "sha256:old"}
    walk.project = walk.project.model_copy(update={"approval": waiting(walk).model_copy(update=bare)})
    assert changes(walk.project, gate(walk.project)) == (CANNOT_SAY,)


def test_a_click_on_an_older_question_is_stale_though_the_number_is_right() -> None:
    walk = asked()
    decision = walk.send(Approve(number=waiting(walk).number, digest="sha256:old"), actor="ben")
    assert not decision.accepted
    assert "changed" in decision.said


def test_side_jobs_that_no_requirement_reads_leave_it_valid() -> None:
    walk = asked()
    from tools.contract import Result

    walk.job("prompt", Result(summary="tried a prompt", split="dev"), model="current", data="tickets")
    walk.ok(Approve(number=waiting(walk).number), actor="ben")


def test_a_model_made_meanwhile_leaves_the_scope_as_it_was_approved() -> None:
    walk = asked(Walk().to(Stage.SCOPE, work=True))
    walk.job("pretrain", Result(summary="tiny", candidate=TINY), data="corpus", name="tiny")
    walk.ok(Approve(number=waiting(walk).number), actor="ben")


def test_it_expires_and_can_be_asked_again() -> None:
    walk = asked()
    number = waiting(walk).number
    before = walk.project
    decision = walk.send(Approve(number=number), actor="ben", after=72 * HOUR)
    assert not decision.accepted
    assert "expired" in decision.said
    assert walk.project == before.model_copy(update={"seq": walk.seq})
    walk.ok(Advance())
    assert walk.project.decided[-1].outcome == "expired"
    walk.ok(Approve(number=waiting(walk).number), actor="ben")


def test_one_second_before_it_expires_it_can_be_given() -> None:
    walk = asked()
    left = waiting(walk).expires_at - walk.at - timedelta(seconds=1)
    walk.ok(Approve(number=waiting(walk).number), actor="ben", after=left.total_seconds())


def test_the_hours_are_a_rule_of_the_project() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(SetRules(hours=1))
    asked(walk)
    assert waiting(walk).expires_at - waiting(walk).asked_at == timedelta(hours=1)


def test_a_quorum_needs_different_people() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(SetRules(approvers=2))
    asked(walk)
    number = waiting(walk).number
    assert "1 more needed" in walk.ok(Approve(number=number), actor="ben").said
    again = walk.send(Approve(number=number), actor="ben")
    assert not again.accepted
    assert "already" in again.said
    assert walk.project.stage is Stage.DEPLOY
    walk.ok(Approve(number=number), actor="ana")
    assert walk.project.stage is Stage.INTEGRATE
    assert [v.by for v in walk.project.decided[-1].votes] == ["ben", "ana"]


def test_asking_again_does_not_throw_votes_away() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(SetRules(approvers=2))
    asked(walk)
    walk.ok(Approve(number=waiting(walk).number), actor="ben")
    decision = walk.send(Advance())
    assert not decision.accepted
    assert "asks exactly this already" in decision.said
    assert len(waiting(walk).votes) == 1


def test_a_lowered_quorum_does_not_lock_the_project() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(SetRules(approvers=2))
    asked(walk)
    walk.ok(Approve(number=waiting(walk).number), actor="ben")
    walk.ok(SetRules(approvers=1))
    walk.ok(Advance())
    assert walk.project.decided[-1].outcome == "withdrawn"
    walk.ok(Approve(number=waiting(walk).number), actor="ben")
    assert walk.project.stage is Stage.INTEGRATE


def test_who_asked_may_not_approve_alone_where_the_project_says_so() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(SetRules(self_approval=False))
    asked(walk)
    decision = walk.send(Approve(number=waiting(walk).number), actor="ana")
    assert not decision.accepted
    assert "may not approve alone" in decision.said
    walk.ok(Approve(number=waiting(walk).number), actor="ben")


def test_who_asked_may_be_one_of_two() -> None:
    walk = Walk().to(Stage.DEPLOY, work=True)
    walk.ok(SetRules(self_approval=False, approvers=2))
    asked(walk)
    walk.ok(Approve(number=waiting(walk).number), actor="ana")
    walk.ok(Approve(number=waiting(walk).number), actor="ben")
    assert walk.project.stage is Stage.INTEGRATE


@pytest.mark.parametrize("actor", ["cai", "dee", "stranger"])
def test_who_has_not_the_role_does_not_approve(actor: str) -> None:
    walk = asked()
    assert not walk.send(Approve(number=waiting(walk).number), actor=actor).accepted
    assert waiting(walk).votes == ()


def test_an_approver_who_lost_the_role_does_not_approve() -> None:
    walk = asked()
    walk.ok(SetRole(person="ben", role=Role.MEMBER))
    assert not walk.send(Approve(number=waiting(walk).number), actor="ben").accepted


def test_rejecting_stays_and_keeps_the_reason() -> None:
    walk = asked()
    walk.ok(Reject(number=waiting(walk).number, reason="measure it on our own machine first"), actor="ben")
    kept = walk.project.decided[-1]
    assert (kept.outcome, kept.reason, walk.project.stage) == (
        "rejected",
        "measure it on our own machine first",
        Stage.DEPLOY,
    )


def test_going_back_withdraws_it() -> None:
    walk = asked()
    number = waiting(walk).number
    walk.ok(GoBack(stage=Stage.ALIGN, reason="the tone is wrong"))
    assert walk.project.decided[-1].outcome == "withdrawn"
    assert not walk.send(Approve(number=number), actor="ben").accepted
