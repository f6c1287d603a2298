"""Carrying out effects: what the life cycle decided is done here, once, from the outbox."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.documents import discard
from agent.ledger.ledger import Ledger, OutboxRow, dump_audit
from agent.lifecycle.decision import Effect
from agent.lifecycle.events import SYSTEM, FinishJob
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project
from agent.views import job_views
from agent.worker import Worker
from knowledge.errors import KnowledgeError, NotFound
from knowledge.knowledge import Knowledge
from knowledge.model import PROJECT_AUDIENCE
from tools import digest
from tools.contract import DataKind, Dataset, File, Need, Spec, Tool
from tools.errors import ToolError
from tools.jobs.model import Job
from tools.jobs.model import Outcome as JobOutcome
from tools.jobs.supervisor import Supervisor

log = logging.getLogger(__name__)
PASSAGES = 3  # retrieved for a question where the tool does not say
_ALL = 1_000_000
RETRY = 5.0  # seconds until an effect that failed in passing is tried again


class Reporter:
    """Turns news of jobs into events, under ids that make a second report of the same news no news."""

    def __init__(self, ledger: Ledger, wake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._wake = wake

    def outcome(self, job: Job, outcome: JobOutcome) -> None:
        body = FinishJob(
            job=job.id,
            attempt=outcome.attempt,
            outcome=outcome.kind.value,
            result=outcome.result,
            error=outcome.error,
            error_id=outcome.error_id,
            seconds=outcome.seconds,
        )
        self._accept(outcome.event_id, job.project, body)

    def failed(self, job: str, project: str, sentence: str) -> None:
        """A job that could not be made ready for its start."""
        body = FinishJob(job=job, attempt=1, outcome="failed", error=sentence)
        self._accept(f"job:{job}:1:failed", project, body)

    def _accept(self, event_id: str, project: str, body: FinishJob) -> None:
        self._ledger.accept(event_id, project, SYSTEM, datetime.now(UTC), body)
        self._wake()


class Dispatcher:
    """Drains the outbox in order. Each effect is idempotent under its key, so one done twice does nothing more."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        supervisor: Supervisor,
        knowledge: Callable[[], Knowledge],
        catalogue: Mapping[str, Tool],
        prepared: Path,
        copies: Path,
        threads: int,
        reporter: "Reporter",
    ) -> None:
        self._ledger = ledger
        self._supervisor = supervisor
        self._knowledge = knowledge
        self._catalogue = catalogue
        self._prepared = prepared
        self._copies = copies
        self._threads = threads
        self._reporter = reporter
        self._news = threading.Condition()
        self._worker = Worker("dispatcher", lambda: self.drain() > 0, RETRY)
        self.start, self.stop, self.wake = self._worker.start, self._worker.stop, self._worker.wake

    def wait_for(self, event_id: str, timeout: float) -> bool:
        """Whether every effect of an event is carried out, waiting up to `timeout` seconds for it."""
        prefix = f"{event_id}:"
        with self._news:
            self.wake()
            return self._news.wait_for(lambda: not self._waits(prefix), timeout)

    def _waits(self, prefix: str) -> bool:
        return any(row.key.startswith(prefix) for row in self._ledger.undone(_ALL))

    def drain(self) -> int:
        """Carry out everything that waits; the number of effects done."""
        count = 0
        while rows := self._ledger.undone():
            for row in rows:
                self._carry_out(row)
                self._ledger.done(row.key)
                with self._news:
                    self._news.notify_all()
                count += 1
        return count

    def _carry_out(self, row: OutboxRow) -> None:
        effect = row.effect
        match effect.kind:
            case "submit_job":
                self._submit(row.project, effect)
            case "cancel_job":
                self._supervisor.cancel(_job(effect), effect.by)
            case "resume_job":
                self._supervisor.resume(_job(effect), effect.attempt, effect.by)
            case "ingest":
                self._ingest(row.project, effect)
            case "forget":
                self._forget(row.project, effect)
            case "discard":
                self._discard(row.project, effect)

    def _submit(self, project_id: str, effect: Effect) -> None:
        assert effect.spec is not None  # noqa: S101 - the life cycle made it so
        project = self._ledger.project(project_id)
        assert project is not None  # noqa: S101 - the event was applied to it
        try:
            spec = self._prepare(project, effect.spec.model_copy(update={"threads": self._threads}))
        except (ToolError, KnowledgeError) as error:
            self._reporter.failed(effect.spec.job, project_id, str(error))
            return
        requested_by = project.jobs[spec.job].requested_by
        self._supervisor.submit(spec, project=project_id, requested_by=requested_by)

    def _ingest(self, project_id: str, effect: Effect) -> None:
        document = effect.document
        assert document is not None  # noqa: S101 - the life cycle made it so
        try:
            self._knowledge().ingest(project_id, Path(document.path), document.name, document.by, document.audience)
        except KnowledgeError:
            # It was checked before it was accepted; the person sees the document's state in `documents`.
            log.exception("Document %s of %s was not indexed", document.name, project_id)

    def _forget(self, project_id: str, effect: Effect) -> None:
        document = effect.document
        assert document is not None  # noqa: S101 - the life cycle made it so
        try:
            self._knowledge().delete(project_id, document.name)
        except NotFound:
            log.info("Document %s of %s was not indexed", document.name, project_id)
        except KnowledgeError:
            log.exception("Document %s of %s was not removed from the index", document.name, project_id)
        self._discard(project_id, effect)

    def _discard(self, project_id: str, effect: Effect) -> None:
        assert effect.document is not None  # noqa: S101 - the life cycle made it so
        discard(self._copies, self._ledger.project(project_id), effect.document)

    # --- what a job cannot fetch itself --------------------------------------------------------------------------

    def _prepare(self, project: Project, spec: Spec) -> Spec:
        """Write the files a job needs from the ledger and the knowledge store, and name them by digest."""
        needs = self._catalogue[spec.tool].needs
        files: dict[str, File] = {}
        if Need.SNAPSHOT in needs:
            files["snapshot"] = self._write(spec.job, "snapshot.json", json.dumps(self._snapshot(project)))
        data = spec.inputs.data.get("data")
        if Need.PASSAGES in needs and data is not None and data.kind is DataKind.FACTS:
            count = spec.params.get("passages")
            text = self._passages(project, data, count if isinstance(count, int) else PASSAGES)
            files["passages"] = self._write(spec.job, "passages.jsonl", text)
        return spec.model_copy(update={"inputs": spec.inputs.model_copy(update={"files": files})})

    def _snapshot(self, project: Project) -> dict[str, Any]:
        now = datetime.now(UTC)
        views = job_views(project, {}, self._catalogue, now)
        return {
            "as_of": now.isoformat(),
            "project": project.model_dump(mode="json"),
            "gates": {project.stage.value: gate(project).model_dump(mode="json")},
            "jobs": [view.model_dump(mode="json") for view in views],
            "audit": dump_audit(self._ledger.audit(project.id)),
        }

    def _passages(self, project: Project, data: Dataset, count: int) -> str:
        """For each question the passages of the team's documents that answer it best, as JSONL."""
        split = data.splits.get("test") or next(iter(data.splits.values()))
        knowledge = self._knowledge()
        lines = []
        for line in Path(split.path).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            # A job's results are the project's: what is for one channel's people stays out of them.
            hits = knowledge.passages(row["question"], project.id, k=count, audiences=(PROJECT_AUDIENCE,))
            passages = [{"source": hit.source, "text": hit.text} for hit in hits]
            lines.append(json.dumps({**row, "passages": passages}, ensure_ascii=False))
        return "\n".join(lines) + "\n"

    def _write(self, job: str, name: str, text: str) -> File:
        folder = self._prepared / job
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return File(path=str(path), digest=digest.of_file(path))


def _job(effect: Effect) -> str:
    assert effect.job is not None  # noqa: S101 - the life cycle made it so
    return effect.job
