"""A desk in memory: the real decisions of the life cycle, no process, no database."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.details import JobRecord
from agent.errors import Mendable, NotPermitted
from agent.graph.desk import JobView, Notice, Outcome
from agent.lifecycle import permissions
from agent.lifecycle.apply import apply, create
from agent.lifecycle.decision import Decision
from agent.lifecycle.events import SYSTEM, AddDocument, Body, CreateProject, Event, FinishJob
from agent.lifecycle.project import Project
from agent.lifecycle.resolve import Resolved, resolve
from agent.price import Price
from agent.views import job_views
from knowledge.model import Answer, Citation
from tools import digest
from tools.contract import Candidate, ModelKind, Plan, Result, Tool
from tools.errors import UserFault
from tools.registry import TOOLS

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """One line of the record."""

    seq: int
    at: str
    actor: str
    kind: str
    accepted: bool
    said: str


class MemoryDesk:
    """Implements the desk on the pure `apply`; what was submitted is kept for a test to look at."""

    def __init__(self, catalogue: Mapping[str, Tool] = TOOLS) -> None:
        self.catalogue = catalogue
        self.submitted: list[tuple[str, Body]] = []
        self.decisions: list[Decision] = []
        self.held: dict[str, Project] = {}
        self.lines: dict[str, list[Line]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.told: list[Notice] = []
        self.records: dict[str, JobRecord] = {}
        self.asked: list[str] = []
        self.heard_by: list[tuple[str, ...] | None] = []
        self.broken = False
        self.price: Price | None = None
        self._seq = itertools.count(1)

    @classmethod
    def holding(cls, project: Project, catalogue: Mapping[str, Tool] = TOOLS) -> "MemoryDesk":
        desk = cls(catalogue)
        desk.held[project.id] = project
        desk._seq = itertools.count(project.seq + 1)
        return desk

    def now(self) -> datetime:
        return START + timedelta(minutes=len(self.submitted))

    def projects(self, actor: str) -> tuple[Project, ...]:
        return tuple(p for p in reversed(self.held.values()) if permissions.may_see(p, actor))

    def find_project(self, actor: str, name: str) -> Project | None:
        if self.broken:
            raise RuntimeError("the database is gone: /secret/path")
        return next((p for p in self.projects(actor) if name in (p.id, p.name)), None)

    def submit(
        self,
        actor: str,
        project_id: str | None,
        body: Body,
        event_id: str | None = None,
        *,
        thread: str | None = None,
    ) -> Outcome:
        if event_id is not None and event_id in self.outcomes:
            return self.outcomes[event_id]
        outcome = self._apply(actor, project_id, body)
        self.outcomes[event_id or f"ev-{outcome.seq}"] = outcome
        return outcome

    def _apply(self, actor: str, project_id: str | None, body: Body) -> Outcome:
        self.submitted.append((actor, body))
        seq = next(self._seq)
        target = project_id or f"p{seq}"
        event = Event(id=f"ev-{seq}", seq=seq, project=target, actor=actor, at=self.now(), body=body)
        decision = create(event) if isinstance(body, CreateProject) else apply(self.held[target], event, self.catalogue)
        self.decisions.append(decision)
        self.held[target] = decision.project
        line = Line(seq, event.at.isoformat(), actor, body.kind, decision.accepted, decision.said)
        self.lines.setdefault(target, []).append(line)
        return Outcome(seq=seq, accepted=decision.accepted, said=decision.said, project=decision.project)

    def finish(self, project_id: str, job: str, result: Result) -> None:
        """Let a job end well, as the supervisor would report it."""
        body = FinishJob(job=job, attempt=1, outcome="succeeded", result=result, seconds=12)
        outcome = self.submit(SYSTEM, project_id, body)
        self.submitted.pop()
        self.told.append(Notice(id=outcome.seq, project=project_id, at=self.now(), text=outcome.said))

    def plan(
        self, project: Project, tool: str, params: Mapping[str, Any], *, thread: str | None = None
    ) -> tuple[Resolved, Plan]:
        resolved = resolve(project, self.catalogue, tool, params)
        declared = self.catalogue[tool]
        return resolved, declared.plan(declared.parameters.model_validate(resolved.params), resolved.inputs)

    def add_documents(
        self, actor: str, project_id: str, path: Path, event_id: str | None = None, *, thread: str | None = None
    ) -> tuple[Outcome, ...]:
        if not permissions.may(self.held[project_id], actor, "add_document"):
            raise NotPermitted("This project takes documents from its members only.")
        if not path.exists():
            raise Mendable(f"There is nothing at {path}.")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple(
            self.submit(actor, project_id, AddDocument(name=f.name, path=str(f), digest=digest.of_file(f)))
            for f in files
        )

    def check_path(self, thread: str, path: str) -> None:
        if thread.startswith("slack:"):
            raise NotPermitted(f"{path} is not for people in Slack to name.")

    def known_model(self, name: str) -> Candidate:
        if name != "minilm":
            raise UserFault(f"{name} is no folder, no packaged model and no id.")
        return Candidate(
            name="minilm", kind=ModelKind.ENCODER, path="/models/minilm", digest=digest.of_json("minilm"),
            method="existing", parameters=22_700_000, bytes=90_900_000, context=256, licence="Apache-2.0",
        )  # fmt: skip

    def answer(self, question: str, project_id: str | None, audiences: tuple[str, ...] | None = None) -> Answer:
        self.asked.append(question)
        self.heard_by.append(audiences)
        if "secret" in question and audiences is not None:
            return _secret(audiences)
        if "lora" not in question.lower():
            return Answer(answer="I don't know.", language="en", abstained=True, searched=("the guides",))
        quote = "LoRA trains two small matrices."
        cited = Citation(
            scope="guides", source="lora.md", title="LoRA", heading="What it is", quote=quote,
            start=0, end=len(quote), best_start=0, best_end=len(quote),
        )  # fmt: skip
        return Answer(answer=f"{quote} [1]", language="en", abstained=False, citations=(cited,), confidence=0.9)

    def job_record(self, job: str) -> JobRecord:
        return self.records.get(job, JobRecord())

    def jobs(self, project_id: str) -> tuple[JobView, ...]:
        return job_views(self.held[project_id], {}, self.catalogue, self.now())

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]:
        return tuple(n for n in self.told if n.project == project_id and n.id > after)

    def audit(self, project_id: str) -> Sequence[Line]:
        return self.lines.get(project_id, [])


def _secret(audiences: tuple[str, ...]) -> Answer:
    """An answer from a document of the project's people and one of the channel C9."""
    sources = {"project": "plan.md", "channel:C9": "prices.md"}
    seen = [source for audience, source in sources.items() if audience in audiences]
    cited = [
        Citation(
            scope="project/p1", source=source, title=source, heading="", quote=f"Told in {source}.", start=0,
            end=len(source) + 9, best_start=0, best_end=3,
        )
        for source in seen
    ]  # fmt: skip
    hidden = len(sources) - len(seen)
    text = " ".join(one.quote for one in cited) or "I don't know."
    more = f"\n\n{hidden} more documents speak to this, but not everybody here may see them." if hidden else ""
    return Answer(answer=text + more, language="en", abstained=not cited, citations=tuple(cited), hidden=hidden)
