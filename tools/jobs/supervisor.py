"""Sees to it that every accepted job runs once, is watched, and that its end is told.

One thread. What it knows it reads from the ledger and from the attempts' folders, so a new supervisor goes on where
a killed one stopped: jobs keep running meanwhile, and a claimed job whose start file is missing is submitted again
(only one process can ever take that file).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tools.contract import Frozen, JobEvent, Spec, Tool
from tools.errors import UserFault
from tools.jobs.conclude import conclude, lost, never_began
from tools.jobs.engine import Engine, Phase, Urgency
from tools.jobs.folder import AttemptFolder, read_progress
from tools.jobs.ledger import JobLedger
from tools.jobs.model import Job, Outcome, OutcomeKind, Status

_log = logging.getLogger(__name__)

OnOutcome = Callable[[Job, Outcome], None]


class Timing(Frozen):
    """How patient the supervisor is; seconds."""

    look: float = 0.03  # between two looks at running jobs
    look_services: float = 0.25  # where only services run
    idle: float = 1.0  # between two looks at the ledger where nobody wakes it
    grace: float = 30.0  # from asking a job to stop until SIGTERM: time to save a checkpoint
    service_grace: float = 5.0
    kill: float = 10.0  # from SIGTERM until SIGKILL
    retry: float = 0.5  # before telling an outcome again that could not be told
    starts: int = 3  # submissions that may end before the start file until a job counts as not startable


@dataclass
class _Watched:
    """What the thread remembers of an attempt between two looks."""

    job: Job
    folder: AttemptFolder
    submits: int = 0
    reason: str = "its process ended before it began"
    offset: int = 0  # bytes of events read
    asked_at: float | None = None  # when it was asked to stop
    urgency: Urgency | None = None  # how far that has gone


class Supervisor:
    """Claims, starts, watches and ends jobs. `on_outcome` runs in its thread, at least once for each outcome, until
    it returns: make it idempotent by `Outcome.event_id`."""

    def __init__(
        self,
        ledger: JobLedger,
        engine: Engine,
        registry: Mapping[str, Tool],
        on_outcome: OnOutcome,
        *,
        timing: Timing | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger = ledger
        self._engine = engine
        self._registry = registry
        self._on_outcome = on_outcome
        self._timing = timing or Timing()
        self._now = now
        self._watched: dict[str, _Watched] = {}
        self._progress: dict[str, JobEvent] = {}
        self._news = threading.Condition()
        self._version = 0
        self._wake = threading.Event()
        self._stopping = False
        self._refresh_at = 0.0
        self._report_at = 0.0
        self._thread = threading.Thread(target=self._run, name="job-supervisor", daemon=True)

    # --- for the assistant ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Adopt what runs, claim what waits."""
        self._thread.start()

    def warm_up(self) -> None:
        """Expect jobs soon: the first one then does not wait for the imports of the warm host. Returns at once."""
        self._engine.warm_up()

    def stop(self) -> None:
        """End the thread. Jobs go on."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._engine.close()

    def submit(self, spec: Spec, project: str, requested_by: str) -> bool:
        """Queue a job under its spec's id; False where this attempt was queued before."""
        tool = self._registry.get(spec.tool)
        if tool is None:
            raise UserFault(f"There is no tool called {spec.tool}; there are {', '.join(sorted(self._registry))}.")
        accepted = self._ledger.submit(spec, project, requested_by, service=tool.service)
        self.wake()
        return accepted

    def cancel(self, job: str, by: str) -> bool:
        """Ask a job or service to stop; it saves what it has first. False where it has ended or was asked before."""
        accepted = self._ledger.request_cancel(job, by)
        self.wake()
        return accepted

    def resume(self, job: str, attempt: int, by: str) -> bool:
        """Queue attempt number `attempt` of a job that ended without success; False where that changes nothing."""
        accepted = self._ledger.resume(job, attempt, by)
        self.wake()
        return accepted

    def wake(self) -> None:
        """Look at the ledger now."""
        self._refresh_at = 0.0
        self._wake.set()

    def progress(self, job: str) -> JobEvent | None:
        """The latest progress of a job's current attempt."""
        return self._progress.get(job)

    def job(self, job: str) -> Job | None:
        """A job as it is recorded, with the latest outcome of its current attempt."""
        return self._ledger.get(job)

    def logs(self, job: str, tail: int = 16_384) -> str:
        """The last bytes of what its latest attempt printed, tracebacks included."""
        held = self._ledger.get(job)
        return "" if held is None else self._engine.logs(job, held.attempt, tail)

    def watch(self, seen: int = 0, timeout: float | None = None) -> int:
        """Wait until there is news of any job after `seen` (0 at first); returns what has been seen now."""
        with self._news:
            self._news.wait_for(lambda: self._version > seen, timeout)
            return self._version

    def wait(self, job: str, timeout: float | None = None) -> Job | None:
        """Wait until a job has ended or a service answers; returns it as it is then, or after the time-out."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self._version
            held = self._ledger.get(job)
            left = None if deadline is None else deadline - time.monotonic()
            settled = held is None or held.status is Status.SERVING or not held.status.active
            if settled or (left is not None and left <= 0):
                return held
            self.watch(seen, left)

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._tick()
                pause = self._pause()
            except Exception:  # noqa: BLE001 - a locked database or a full disk must not end the supervision of jobs
                _log.exception("The supervisor of jobs goes on after an error.")
                self._refresh_at = 0.0
                pause = self._timing.idle
            self._wake.wait(pause)
            self._wake.clear()

    def _pause(self) -> float:
        if self._refresh_at == 0.0:
            return 0.0
        if all(w.job.status is Status.SERVING and not w.job.cancelling for w in self._watched.values()):
            return self._timing.look_services if self._watched else self._timing.idle
        return self._timing.look

    def _tick(self) -> None:
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + self._timing.idle
            self._refresh()
        for watched in tuple(self._watched.values()):
            try:
                self._look(watched)
            except OSError as error:  # the trouble of one folder is not that of the other jobs
                _log.warning("%s cannot be looked at: %s", watched.job.id, error)
        if time.monotonic() >= self._report_at:
            self._report()

    def _refresh(self) -> None:
        """Take over what the ledger says: jobs to adopt, to cancel, to claim."""
        active = self._ledger.list(active=True)
        ours = {(job.id, job.attempt) for job in active}
        self._watched = {k: w for k, w in self._watched.items() if (k, w.job.attempt) in ours}
        for job in active:
            if job.id in self._watched:
                self._watched[job.id].job = job
            elif job.status is not Status.QUEUED:
                self._take(job)
        for job in active:
            if job.status is Status.QUEUED:
                self._claim(job)

    def _claim(self, job: Job) -> None:
        computing = sum(not watched.job.service for watched in self._watched.values())
        if job.cancelling:
            self._record(never_began(job, "", self._now(), self._engine.folder(job.id, job.attempt).log))
        elif (job.service or computing < self._engine.slots) and self._ledger.claim(job):
            self._take(job.model_copy(update={"status": Status.STARTING}))

    def _take(self, job: Job) -> None:
        self._progress.pop(job.id, None)
        self._watched[job.id] = _Watched(job, self._engine.folder(job.id, job.attempt))

    def _look(self, watched: _Watched) -> None:
        phase = self._engine.status(watched.job.id, watched.job.attempt)
        if phase is Phase.UNKNOWN:
            self._begin(watched)
        elif phase is Phase.STARTING and watched.job.cancelling:
            self._give_up(watched)
        elif phase in (Phase.RUNNING, Phase.ENDED):
            self._attend(watched, gone=phase is Phase.ENDED)

    # --- beginning -----------------------------------------------------------------------------------------------

    def _begin(self, watched: _Watched) -> None:
        """Submit a claimed job; also again, where nothing came of it."""
        job = watched.job
        if job.status in (Status.RUNNING, Status.SERVING):
            self._record(lost(job, self._now()))
        elif job.cancelling or watched.submits >= self._timing.starts:
            self._give_up(watched)
        else:
            watched.submits += 1
            tool = self._registry.get(job.tool)
            try:
                watched.folder.prepare(job.spec)
                shared = tool is not None and tool.shared
                self._engine.submit(job.id, job.attempt, heavy=tool is None or tool.heavy, shared=shared)
            except OSError as error:
                _log.warning("%s could not be started: %s", job.id, error)
                watched.reason = str(error)

    def _give_up(self, watched: _Watched) -> None:
        """Take the start file ourselves, so that nobody can begin the attempt any more."""
        try:
            ours = watched.folder.take_start(None)
        except OSError:  # where it cannot be written, nobody can begin
            ours = True
        if ours:
            self._record(never_began(watched.job, watched.reason, self._now(), watched.folder.log))

    # --- watching ------------------------------------------------------------------------------------------------

    def _attend(self, watched: _Watched, *, gone: bool) -> None:
        """Read what an attempt that has begun left in its folder; `gone` if its process had ended before."""
        folder = watched.folder
        started = folder.started()
        pid = None if started is None else started.pid
        if pid is not None and watched.job.status is Status.STARTING and self._ledger.started(watched.job, pid):
            change = {"status": Status.RUNNING, "started_at": self._now(), "pid": pid}
            watched.job = watched.job.model_copy(update=change)
            self._tell()
        event, watched.offset = read_progress(folder.events, watched.offset)
        if event is not None:
            self._progress[watched.job.id] = event
            self._tell()
        if watched.job.service and watched.job.status is not Status.SERVING:
            self._read_ready(watched)
        ending = folder.read_ending()
        if ending is not None:
            self._record(conclude(watched.job, ending, self._now(), folder.log))
        elif gone and pid is None:
            self._record(never_began(watched.job, watched.reason, self._now(), watched.folder.log))
        elif gone:
            self._engine.cancel(watched.job.id, watched.job.attempt, Urgency.KILL)  # what it started and left behind
            self._record(conclude(watched.job, None, self._now(), folder.log))
        elif watched.job.cancelling:
            self._press(watched)

    def _read_ready(self, watched: _Watched) -> None:
        result = watched.folder.read_ready()
        if result is None:
            return
        job = watched.job
        kind = OutcomeKind.READY
        self._record(Outcome(job=job.id, attempt=job.attempt, kind=kind, at=self._now(), result=result))
        watched.job = job.model_copy(update={"status": Status.SERVING})

    def _press(self, watched: _Watched) -> None:
        """Ask a job to stop, and be plainer about it as its grace runs out."""
        job, timing = watched.job, self._timing
        if watched.asked_at is None:
            watched.asked_at = time.monotonic()
        waited = time.monotonic() - watched.asked_at
        grace = timing.service_grace if job.service else timing.grace
        urgency = Urgency.TERMINATE if waited < grace + timing.kill else Urgency.KILL
        if waited < grace:
            urgency = Urgency.ASK
        if urgency is not watched.urgency:
            self._engine.cancel(job.id, job.attempt, urgency)
            watched.urgency = urgency

    # --- telling -------------------------------------------------------------------------------------------------

    def _record(self, outcome: Outcome) -> None:
        self._ledger.record(outcome)
        if outcome.kind is not OutcomeKind.READY:
            self._watched.pop(outcome.job, None)
        self._refresh_at = self._report_at = 0.0
        self._tell()

    def _report(self) -> None:
        """Hand every untold outcome to the assistant, those of one job in their order."""
        self._report_at = float("inf")
        failed: set[str] = set()
        for outcome in self._ledger.unreported():
            job = self._ledger.get(outcome.job)
            if job is None or outcome.job in failed:
                continue
            try:
                self._on_outcome(job, outcome)
            except Exception:  # noqa: BLE001 - the assistant's own trouble, whatever it is, only delays the news
                _log.exception("%s could not be told; it is tried again.", outcome.event_id)
                failed.add(outcome.job)
                self._report_at = time.monotonic() + self._timing.retry
            else:
                self._ledger.mark_reported(outcome)

    def _tell(self) -> None:
        with self._news:
            self._version += 1
            self._news.notify_all()
