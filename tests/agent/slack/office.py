"""What boards ask of the owner, on the pure life cycle: real decisions, jobs that a test moves on by hand."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.language.detect import Language
from agent.lifecycle import permissions
from agent.lifecycle.events import SYSTEM, Body, FinishJob, ResumeJob, StartJob
from agent.lifecycle.project import Project
from agent.status import JobView
from agent.views import job_views
from tests.walk import CATALOGUE, Walk
from tools.contract import JobEvent, Metric, Result, Tool

HERE = "slack:T1:C1:1700000000.000100"  # the thread in which things are asked for
AT = datetime(2026, 3, 2, tzinfo=UTC)


class Office:
    """Implements what boards use of `Assistant`; `asks` counts what was asked of it."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.more: list[Project] = []
        self.live: dict[str, JobEvent] = {}
        self.pictures: dict[str, Path] = {}
        self.conversations: dict[int, str] = {}
        self.languages: dict[str, Language] = {}
        self.later = timedelta()
        self.asks: Counter[str] = Counter()

    # --- what boards ask -----------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Mapping[str, Tool]:
        return CATALOGUE

    def now(self) -> datetime:
        return self.walk.at + self.later

    def all_projects(self) -> tuple[Project, ...]:
        self.asks["all_projects"] += 1
        return (self.walk.project, *self.more)

    def projects(self, actor: str) -> tuple[Project, ...]:
        self.asks["projects"] += 1
        return tuple(project for project in (self.walk.project, *self.more) if permissions.may_see(project, actor))

    def jobs(self, project_id: str) -> tuple[JobView, ...]:
        self.asks["jobs"] += 1
        project = next(project for project in (self.walk.project, *self.more) if project.id == project_id)
        return job_views(project, self.live, CATALOGUE, self.now())

    def asked_in(self, seq: int) -> str | None:
        self.asks["asked_in"] += 1
        return self.conversations.get(seq)

    def spoken(self, thread: str, actor: str) -> Language:
        return self.languages.get(actor, "en")

    def curve(self, job: str) -> Path | None:
        return self.pictures.get(job)

    # --- what a test does ----------------------------------------------------------------------------------------

    def start(self, where: str | None = HERE, actor: str = "cai", tool: str = "evaluate") -> str:
        """Start a job, asked for in a conversation; its id."""
        self.ask(StartJob(tool=tool, params={"model": "tiny", "data": "tickets"}), where, actor)
        return f"j{self.walk.seq}"

    def ask(self, body: Body, where: str | None = HERE, actor: str = "ana") -> int:
        """Apply an event that was asked for in a conversation; its number."""
        self.walk.ok(body, actor=actor, after=1)
        if where is not None:
            self.conversations[self.walk.seq] = where
        return self.walk.seq

    def resume(self, job: str) -> None:
        self.walk.ok(ResumeJob(job=job), actor="cai", after=1)

    def moves(self, job: str, step: str = "evaluating", done: int = 1, total: int = 10, **metrics: float) -> None:
        self.live[job] = JobEvent(
            at=AT, attempt=1, kind="progress", step=step, done=done, total=total, metrics=metrics
        )  # fmt: skip

    def ends(self, job: str, outcome: Any = "succeeded", seconds: float = 8, attempt: int = 1, **more: Any) -> None:
        """Let a job end, or its service answer."""
        measured = Result(
            summary="tiny: exact_match 0.400 on 400 test items.",
            metrics=(Metric(name="exact_match", value=0.4, low=0.35, high=0.45, n=400, split="test"),),
            split="test",
        )
        result = measured if outcome in ("succeeded", "ready") else None
        body = FinishJob(job=job, attempt=attempt, outcome=outcome, result=result, seconds=seconds, **more)
        self.walk.ok(body, actor=SYSTEM, after=1)
