"""An approval's card names exactly what is approved, and can be pressed only while that holds."""

from datetime import timedelta
from typing import Any

import pytest

from agent.lifecycle.gates import gate
from agent.lifecycle.project import Role, Rules
from agent.lifecycle.stages import Stage
from agent.slack.actions import Press
from agent.slack.blocks.approval import approval_card, deciders
from tests.agent.slack.blocks.checks import check_message, shown, values
from tests.agent.slack.blocks.states import asked, later, waiting

PROJECT = asked(Stage.DEPLOY)


def words(card: Any) -> str:
    return "\n".join(text for _, text in shown(card.blocks))


def buttons(card: Any) -> dict[str, tuple[str, Press | None]]:
    return {
        b["text"]["text"]: (b["action_id"].partition(":")[0], Press.parse(b["value"]))
        for b in values(card.blocks, "button")
    }


@pytest.mark.parametrize("stage", [Stage.SCOPE, Stage.DEPLOY, Stage.INTEGRATE])
def test_a_waiting_one_shows_the_evidence_and_two_buttons_bound_to_it(stage: Stage) -> None:
    project = asked(stage)
    approval = waiting(project)
    card = approval_card(project, approval, gate(project), later(project))
    check_message(card)
    told = words(card)
    assert approval.digest[:19] in told
    for requirement in gate(project).requirements:
        assert requirement.title in told
        assert all(evidence in told for evidence in requirement.evidence)
    assert "0 of 1" in told
    assert "ana, ben" in told
    assert f"<!date^{int(approval.expires_at.timestamp())}^" in told
    bound = {"seen": approval.digest, "project": project.id}
    assert buttons(card) == {
        "Approve": ("say", Press(say=f"approve {approval.number}", **bound)),
        "Reject": ("reason", Press(say=f"reject {approval.number}", **bound)),
    }


def test_it_names_the_model_by_digest_its_parity_and_what_was_spent() -> None:
    told = words(approval_card(PROJECT, waiting(PROJECT), gate(PROJECT), later(PROJECT)))
    assert PROJECT.model is not None
    assert f"*{PROJECT.model.name}* (int8), `{PROJECT.model.digest[:19]}`" in told
    assert "exact_match against aligned: -0.005 [-0.015, +0.005], margin 0.03" in told
    assert "*Target*\nexact_match at least 0.9" in told
    assert "on these runs" in told


def test_a_stale_one_says_what_changed_and_asks_again() -> None:
    old = waiting(PROJECT).model_copy(update={"digest": "sha256:" + "0" * 64})
    project = PROJECT.model_copy(update={"approval": old})
    card = approval_card(project, old, gate(project), later(project))
    check_message(card)
    assert "has changed since" in words(card)
    assert buttons(card) == {"Ask again": ("say", Press(say="advance", project=project.id))}


def test_an_expired_one_has_no_buttons() -> None:
    card = approval_card(PROJECT, waiting(PROJECT), gate(PROJECT), later(PROJECT, hours=73))
    check_message(card)
    assert "Expired" in words(card)
    assert not buttons(card)


@pytest.mark.parametrize("outcome", ["approved", "rejected", "expired", "withdrawn"])
def test_a_decided_one_says_by_whom_when_and_why(outcome: str) -> None:
    now = later(PROJECT)
    given = {"outcome": outcome, "decided_by": "ben", "decided_at": now, "reason": "too slow"}
    card = approval_card(PROJECT, waiting(PROJECT).model_copy(update=given), gate(PROJECT), now)
    check_message(card)
    told = words(card)
    assert outcome.capitalize() in told
    assert "too slow" in told
    assert ("ben" in told) == (outcome in ("approved", "rejected"))
    assert not buttons(card)


def test_who_may_approve_follows_roles_votes_and_rules() -> None:
    approval = waiting(PROJECT)
    assert deciders(PROJECT, approval) == ("ana", "ben")
    strict = PROJECT.model_copy(update={"rules": Rules(self_approval=False)})
    assert deciders(strict, approval) == tuple(p for p in ("ana", "ben") if p != approval.asked_by)
    nobody = PROJECT.model_copy(update={"members": {"cai": Role.MEMBER}})
    told = words(approval_card(nobody, approval, gate(nobody), later(nobody) + timedelta(minutes=1)))
    assert "nobody yet" in told
