"""Every role with every kind of event, and who may see a project."""

from typing import get_args

import pytest
from walk import Walk

from agent.lifecycle.events import SYSTEM, Body, SetRole
from agent.lifecycle.permissions import LEAST, may, may_see, refusal
from agent.lifecycle.project import Role

KINDS = [body.model_fields["kind"].default for body in get_args(get_args(Body)[0])]
PEOPLE = {"dee": Role.VIEWER, "cai": Role.MEMBER, "ben": Role.APPROVER, "ana": Role.OWNER}
ORDER = list(Role)
MEMBERS = {
    "set_charter", "add_document", "remove_document", "add_candidate", "choose_model", "start_job",
    "cancel_job", "resume_job", "skip", "advance", "go_back", "correct_answer", "pin_answer", "reject_correction",
}  # fmt: skip
EXPECTED = (
    dict.fromkeys(MEMBERS, Role.MEMBER)
    | dict.fromkeys(("approve", "reject"), Role.APPROVER)
    | dict.fromkeys(("waive", "set_role", "set_rules"), Role.OWNER)
)


@pytest.fixture(scope="module")
def walk() -> Walk:
    walk = Walk()
    walk.begin()
    return walk


def test_the_table_is_complete() -> None:
    assert set(KINDS) == set(LEAST) | {"create_project", "finish_job"}
    assert LEAST == EXPECTED


@pytest.mark.parametrize("kind", sorted(EXPECTED))
@pytest.mark.parametrize("person", PEOPLE)
def test_every_role_with_every_kind(walk: Walk, person: str, kind: str) -> None:
    allowed = ORDER.index(PEOPLE[person]) >= ORDER.index(EXPECTED[kind])
    assert may(walk.project, person, kind) is allowed


@pytest.mark.parametrize("kind", sorted(EXPECTED))
def test_strangers_may_nothing(walk: Walk, kind: str) -> None:
    assert not may(walk.project, "stranger", kind)
    assert not may(walk.project, SYSTEM, kind)


def test_only_the_assistant_reports_a_jobs_end(walk: Walk) -> None:
    assert may(walk.project, SYSTEM, "finish_job")
    assert not any(may(walk.project, person, "finish_job") for person in (*PEOPLE, "stranger"))


def test_everybody_may_create_a_project(walk: Walk) -> None:
    assert all(may(walk.project, person, "create_project") for person in (*PEOPLE, "stranger"))


def test_members_of_any_role_see_the_project(walk: Walk) -> None:
    assert all(may_see(walk.project, person) for person in (*PEOPLE, SYSTEM))
    assert not may_see(walk.project, "stranger")


def test_a_refusal_says_who_could(walk: Walk) -> None:
    said = refusal(walk.project, "dee", SetRole(person="dee", role=Role.OWNER))
    assert "dee is a viewer" in said
    assert "owner" in said
    assert "ana" in said


def test_the_last_owner_stays() -> None:
    walk = Walk()
    walk.begin()
    assert not walk.send(SetRole(person="ana", role=Role.MEMBER)).accepted
    assert not walk.send(SetRole(person="ana", role=None)).accepted
    walk.ok(SetRole(person="ben", role=Role.OWNER))
    walk.ok(SetRole(person="ana", role=None))
    assert walk.project.role("ana") is None


def test_nobody_takes_the_assistants_name(walk: Walk) -> None:
    assert not walk.send(SetRole(person=SYSTEM, role=Role.OWNER)).accepted


def test_who_is_no_member_cannot_be_taken_out(walk: Walk) -> None:
    assert "not a member" in walk.send(SetRole(person="zoe", role=None)).said
