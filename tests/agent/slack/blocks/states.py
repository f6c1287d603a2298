"""Projects, jobs and answers to render, with anybody's text in every place that takes text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.graph.replies import Choice, Reply
from agent.lifecycle import approvals
from agent.lifecycle.events import Advance
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Advice, Approval, Project, Role, Vote
from agent.lifecycle.stages import Stage
from agent.slack.actions import Origin, Passage, Press
from agent.slack.blocks.answer import messages
from agent.slack.blocks.approval import approval_card
from agent.slack.blocks.home import home
from agent.slack.blocks.job import ended_line, job_card
from agent.slack.blocks.modals import form_modal, job_modal, new_project_modal, passage_modal, reason_modal
from agent.slack.model import Delivery, Place, Rendered, Way
from agent.status import JobView
from knowledge.model import Citation
from tests.walk import Walk
from tools.registry import TOOLS

PLACE = Place(team="T1", channel="C1", thread_ts="1700000000.000100")
PHASES = ("active", "serving", "succeeded", "failed", "cancelled", "crashed", "lost", "stopped")


def delivery(way: Way = "mention", actor: str = "ana", id: str = "Ev1") -> Delivery:  # noqa: A002
    return Delivery(
        id=id, thread=PLACE.key, place=PLACE, actor=actor, at=datetime(2026, 3, 2, 9, tzinfo=UTC), way=way, text="x"
    )


def job(phase: str = "active", **more: Any) -> JobView:
    given: dict[str, Any] = {
        "id": "j17", "tool": "finetune", "title": "Fine-tune the model", "project": "support-desk", "phase": phase,
        "attempt": 1, "requested_by": "cai",
    }  # fmt: skip
    return JobView(**{**given, **more})


def cited(text: str = "LoRA adds no latency.", **more: str) -> Citation:
    given = {"scope": "guides", "source": "lora.md", "title": "LoRA", "heading": "LoRA › Merging", **more}
    return Citation(**given, quote=text, start=0, end=len(text), best_start=0, best_end=len(text))


def asked(stage: Stage = Stage.DEPLOY) -> Project:
    """A project whose approval for leaving `stage` waits."""
    walk = Walk().to(stage, work=True)
    walk.ok(Advance())
    return walk.project


def later(project: Project, hours: float = 1) -> datetime:
    assert project.approval is not None
    return project.approval.asked_at + timedelta(hours=hours)


def waiting(project: Project) -> Approval:
    assert project.approval is not None
    return project.approval


def renewed(project: Project) -> Project:
    """The same project with its approval asked for exactly what it is now."""
    digest = approvals.digest(project, gate(project))
    return project.model_copy(update={"approval": waiting(project).model_copy(update={"digest": digest})})


def poisoned(project: Project, text: str) -> Project:
    """The project with `text` wherever a person, a document or a model can put text into it."""
    charter = dict.fromkeys(("description", "users", "cost", "risks"), text)
    evidence = tuple(e.model_copy(update={"summary": text, "model": text, "data": text}) for e in project.evidence)
    jobs = {key: each.model_copy(update={"error": text, "requested_by": text}) for key, each in project.jobs.items()}
    model = project.model
    candidates = dict(project.candidates)
    if model is not None:
        candidates[model.name] = model.model_copy(update={"name": text, "method": text, "licence": text})
    return renewed(
        project.model_copy(
            update={
                "name": text,
                "members": {**project.members, text: Role.APPROVER},
                "charter": project.charter.model_copy(update=charter),
                "evidence": evidence,
                "jobs": jobs,
                "candidates": candidates,
                "approval": waiting(project).model_copy(
                    update={"asked_by": text, "votes": (Vote(by=text, at=later(project)),)}
                ),
            }
        )
    )


def everything(text: str, project: Project, numbers: Mapping[str, float] | None = None) -> Sequence[Rendered | Any]:
    """What every builder makes of `text` in every place."""
    now, bad = later(project), poisoned(project, text)
    return [
        *answers(text),
        *jobs(text, project, numbers or {text: 1.5}),
        *cards(text, bad, now),
        *homes(text, bad, now, numbers or {text: 0.5}),
        *modals(text, numbers or {text: 2.0}),
    ]


def answers(text: str) -> list[Rendered]:
    passages = tuple(cited(text, title=text, heading=text, source=text) for _ in range(3))
    choices = tuple(Choice(number=number, label=text or "x") for number in range(1, 4))
    replies = [
        Reply(text=text, citations=passages, choices=choices, proposal=3, place=text),
        Reply(text=f"# {text}\n\n| a |\n|---|\n| {text} |\n\n```\n{text}\n```", kind="done", place=text),
    ]
    names = {"ana": text}
    return [
        message.body
        for reply in replies
        for way in ("mention", "command")
        for message in messages(delivery(way), reply, lambda said: names.get(said, said))  # type: ignore[arg-type]
    ]


def jobs(text: str, project: Project, numbers: Mapping[str, float]) -> list[Rendered]:
    told = project.evidence[-1].model_copy(update={"summary": text, "id": text})
    advice = Advice(title=text, reason=text, command=text)
    made = []
    for phase in PHASES:
        view = job(
            phase, title=text, tool=text, project=text, requested_by=text, step=text, done=4, total=9, seconds=3.0,
            metrics=dict(numbers), error=text if phase in ("failed", "crashed") else None,
        )  # fmt: skip
        made += [
            job_card(view, project_id="p-1", steps=[text, "b", "a"], evidence=told, advice=advice),
            ended_line(view, evidence=told, advice=advice),
        ]
    return made


def cards(text: str, bad: Project, now: datetime) -> list[Rendered]:
    """An approval in each of its states."""
    mine = waiting(bad)
    old = mine.model_copy(update={"digest": "sha256:old"})
    decided = [
        mine.model_copy(update={"outcome": outcome, "reason": text, "decided_by": text, "decided_at": now})
        for outcome in ("approved", "rejected", "expired", "withdrawn")
    ]
    found = gate(bad)
    worse = found.model_copy(
        update={
            "requirements": tuple(
                r.model_copy(update={"found": text, "wanted": text, "title": text, "met": False, "waived": text})
                for r in found.requirements
            )
        }
    )
    shown = [approval_card(bad, each, found, now, names=lambda said: said) for each in [mine, *decided]]
    stale = bad.model_copy(update={"approval": old})
    far = now + timedelta(days=30)
    return [*shown, approval_card(stale, old, worse, now), approval_card(bad, mine, found, far)]


def homes(text: str, bad: Project, now: datetime, numbers: Mapping[str, float]) -> list[Any]:
    views = [
        job(phase, id=f"j{n}", title=text, step=text, requested_by=text, metrics=dict(numbers))
        for n, phase in enumerate(PHASES)
    ]
    return [
        home(actor, [bad], {bad.id: views}, at, names=lambda said: said)
        for actor in ("ben", text, "nobody")
        for at in (now, now + timedelta(days=30))
    ]


def modals(text: str, numbers: Mapping[str, float]) -> list[Any]:
    origin = Origin(press=Press(say="reject 31", seen="sha256:1", project="p-1"), place=PLACE, thread=PLACE.key)
    view = job("failed", title=text, step=text, error=text, project=text, requested_by=text, metrics=dict(numbers))
    passage = Passage.of(cited(text, title=text, heading=text, source=text), 1)
    forms = [form_modal(origin, tool, dict.fromkeys(tool.parameters.model_fields, text)) for tool in TOOLS.values()]
    return [reason_modal(origin), passage_modal(passage), new_project_modal(origin), job_modal(view), *forms]
