"""What must stand in Slack about jobs and approvals, computed from the projects' state and nothing else.

    job:{project}:{job}                  a job's card, updated in place until it has ended
    ended:{project}:{job}:{attempt}      a short line below it, where its end has to be noticed (`endings` says where)
    curve:{project}:{job}:{attempt}      the picture of its curves, once, below it
    approval:{project}:{number}          an approval's card: waiting, stale, expired, decided

A card stands in the conversation it was asked for in, or in the channels its project is bound to, where its key ends
with `@{channel}`; where neither is in Slack it stands nowhere. The messages table knows what stands under a key, so
after a restart everything is computed again and nothing is changed.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.language.detect import Language
from agent.lifecycle.approvals import expired
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Approval, Evidence, JobPhase, Project
from agent.slack import endings
from agent.slack.blocks.approval import approval_card
from agent.slack.blocks.home import home
from agent.slack.blocks.job import ended_line, job_card
from agent.slack.blocks.spoken import spoken
from agent.slack.homes import Homes, View
from agent.slack.model import Assistant, Message, Names, Place, Rank, Rendered
from agent.slack.places import Spot, Spots, channels_by_project, number_of
from agent.slack.progress import Steps, steady
from agent.slack.store import SlackStore
from agent.status import JobView

FRESH = timedelta(hours=1)  # what ended longer ago is not told in a channel that has not heard of it
OFTEN, SELDOM = 1.0, 60.0  # seconds until the next look: while something moves, and while nothing does

Publish = Callable[[str, View], None]


@dataclass(frozen=True)
class _Copy:
    """A card in one of the places where it stands."""

    key: str
    spot: Spot


class Boards:
    """Jobs' cards, approvals' cards and App Homes. Methods may be called from any thread; one works at a time."""

    def __init__(
        self, assistant: Assistant, store: SlackStore, names: Names | None = None, *, publish: Publish | None = None
    ) -> None:
        """`publish(actor, view)` shows an App Home again that somebody has open; called from `refresh`'s thread."""
        self._assistant = assistant
        self._store = store
        self._names = names
        self._publish = publish or (lambda actor, view: None)
        self._lock = threading.Lock()
        self._spots = Spots(assistant)
        self._steps = Steps()
        self._homes = Homes()
        self._waited: dict[tuple[str, str], set[Place]] = {}
        self._marks: dict[str, object] = {}  # by project id: what was seen at the last look
        self._told: dict[str, set[str]] = {}  # by project id: what is over and needs no look any more
        self._pending: set[str] = set()  # ids of projects in which a line waits for its card to stand

    # --- for the app ---------------------------------------------------------------------------------------------

    def refresh(self) -> float:
        """Want what must stand now. Cheap where nothing has changed: call it after every applied event, in a worker
        thread, and again after the seconds it returns (1 while a job runs; an approval's expiry is no event)."""
        with self._lock:
            now = self._assistant.now()
            channels = channels_by_project(self._store.bindings())
            projects = self._assistant.all_projects()
            for project in projects:
                self._look(project, channels.get(project.id, ()), now)
            for actor, view in self._homes.due(self._home, now):
                self._publish(actor, view)
            return self._pause(projects, now)

    def home(self, actor: str) -> View:
        """The App Home of a person, who counts as looking at it for the next half hour: `publish` hears of changes."""
        with self._lock:
            view, shown = self._home(actor)
            self._homes.opened(actor, view, shown, self._assistant.now())
            return view

    def waits(self, project_id: str, job: str | None, place: Place) -> None:
        """Somebody asked here to be told when a job, or every running one, has ended (`Reply.kind == "wait"`).

        Kept in memory: after a restart failures and long jobs are still told, below their cards.
        """
        running = [view.id for view in self._assistant.jobs(project_id) if not endings.is_over(view)]
        with self._lock:
            for one in [job] if job else running:
                self._waited.setdefault((project_id, one), set()).add(place)

    # --- a look at a project -------------------------------------------------------------------------------------

    def _look(self, project: Project, channels: Sequence[Place], now: datetime) -> None:
        views = self._views(project) if project.active_jobs() else ()
        late = project.approval is not None and expired(project.approval, now)
        mark = (project.seq, late, tuple(view for view in views if view.phase == JobPhase.ACTIVE))
        if self._marks.get(project.id) == mark and project.id not in self._pending:
            return
        self._pending.discard(project.id)
        messages = [
            *self._jobs(project, views or self._views(project), channels, now),
            *self._approvals(project, channels, now),
        ]
        if messages:
            self._store.want(messages)
        self._marks[project.id] = mark
        self._homes.touched(project.id, project.members)

    def _views(self, project: Project) -> tuple[JobView, ...]:
        """The jobs as the project knows them; one that has moved on since it was read comes with the next look."""
        views = (steady(view) for view in self._assistant.jobs(project.id))
        held = project.jobs
        return tuple(
            v for v in views if v.id in held and (held[v.id].phase, held[v.id].attempt) == (v.phase, v.attempt)
        )

    def _over(self, project: Project, what: str) -> bool:
        """Whether it was told before; from now on it counts as told."""
        told = self._told.setdefault(project.id, set())
        if what in told:
            return True
        told.add(what)
        return False

    # --- jobs ----------------------------------------------------------------------------------------------------

    def _jobs(
        self, project: Project, views: Sequence[JobView], channels: Sequence[Place], now: datetime
    ) -> Iterator[Message]:
        for view in views:
            told = f"{view.id}:{view.attempt}:{view.phase}"
            if endings.is_over(view) and self._over(project, told):
                continue
            spots = self._spots.of_job(view.id, channels)
            copies = [_Copy(f"job:{project.id}:{view.id}{spot.suffix}", spot) for spot in spots]
            shown = [copy for copy in copies if self._shows(copy, project.jobs[view.id].ended_at, now)]
            yield from (self._job(copy, project, view) for copy in shown if not self._stands(copy, view))
            if endings.is_over(view):
                yield from self._endings(project, view, shown, told)

    def _job(self, copy: "_Copy", project: Project, view: JobView) -> Message:
        over = endings.is_over(view)
        steps = () if over else self._steps.before(view)
        measured = _evidence(project, view)
        body = job_card(
            view,
            project_id=project.id,
            steps=steps,
            evidence=measured,
            advice=project.jobs[view.id].advice,
            names=self._names,
        )
        body = spoken(body, self._language(view))
        return Message(key=copy.key, place=copy.spot.place, body=body, rank=endings.rank(view))

    def _language(self, view: JobView) -> Language:
        return self._spots.language(number_of(view.id), view.requested_by)

    def _line(self, project: Project, view: JobView) -> Rendered:
        advice = project.jobs[view.id].advice
        line = ended_line(view, evidence=_evidence(project, view), advice=advice, names=self._names)
        return spoken(line, self._language(view))

    def _stands(self, copy: "_Copy", view: JobView) -> bool:
        """Whether its last card was wanted before, perhaps by an earlier process that knew people's names better."""
        if endings.rank(view) != "final" or view.attempt > 1:
            return False
        row = self._store.outbox.get(copy.key)
        return row is not None and row.rank == "final"

    def _endings(self, project: Project, view: JobView, copies: Sequence["_Copy"], told: str) -> Iterator[Message]:
        """What follows the cards of a job that is over; where a card does not stand yet, at a later look."""
        waits = False
        for copy in copies:
            row = None if copy.spot.threaded else self._store.outbox.get(copy.key)
            below = copy.spot.below(row.ts if row else None)
            if below is not None:
                yield from self._new(self._ending(project, view, copy.spot, below))
            elif row is None or row.state != "failed":
                waits = True
        yield from self._new(self._awaited(project, view))
        if waits:
            self._told[project.id].discard(told)
            self._pending.add(project.id)
        else:
            self._steps.forget(view)
            self._waited.pop((project.id, view.id), None)

    def _ending(self, project: Project, view: JobView, spot: Spot, below: Place) -> Iterator[Message]:
        picture = self._assistant.curve(view.id) if endings.is_drawn(view) else None
        waited = below in self._waited.get((project.id, view.id), ())
        took = project.jobs[view.id].seconds
        if endings.needs_line(view, took, drawn=picture is not None, waited=waited):
            line = self._line(project, view)
            body = line if spot.threaded else endings.mentioning(line, view.requested_by)
            key = endings.ended_key(project.id, view) + spot.suffix
            yield Message(key=key, place=below, body=body, rank="final")
        if picture is not None:
            key = f"curve:{project.id}:{view.id}:{view.attempt}{spot.suffix}"
            yield endings.curve_message(key, below, picture)

    def _awaited(self, project: Project, view: JobView) -> Iterator[Message]:
        """A line wherever else somebody asked to be told."""
        beside = {spot.place for spot in self._spots.of_job(view.id, ()) if spot.threaded}
        elsewhere = self._waited.get((project.id, view.id), set()) - beside
        for place in sorted(elsewhere, key=lambda place: place.key):
            line = self._line(project, view)
            key = f"{endings.ended_key(project.id, view)}@{place.key}"
            yield Message(key=key, place=place, body=line, rank="final")

    def _new(self, messages: Iterator[Message]) -> Iterator[Message]:
        """Those nobody wanted before: a line is said once."""
        return (message for message in messages if self._store.outbox.get(message.key) is None)

    # --- approvals -----------------------------------------------------------------------------------------------

    def _approvals(self, project: Project, channels: Sequence[Place], now: datetime) -> Iterator[Message]:
        for approval in project.decided:
            if not self._over(project, f"{approval.number}:{approval.outcome}"):
                yield from self._approval(project, approval, channels, now)
        if project.approval is not None:
            yield from self._approval(project, project.approval, channels, now)

    def _approval(
        self, project: Project, approval: Approval, channels: Sequence[Place], now: datetime
    ) -> Iterator[Message]:
        ended = approval.decided_at or (approval.expires_at if expired(approval, now) else None)
        then = project.model_copy(update={"round": _round(project, approval.asked_at)})
        for spot in self._spots.of_approval(approval.number, channels):
            copy = _Copy(f"approval:{project.id}:{approval.number}{spot.suffix}", spot)
            row = self._store.outbox.get(copy.key) if approval.decided_at else None
            if (row is None or row.rank != "final") and self._shows(copy, ended, now):
                body = approval_card(then, approval, gate(project), now, names=self._names)
                body = spoken(body, self._spots.language(approval.number, approval.asked_by))
                rank: Rank = "final" if approval.decided_at else "card"
                yield Message(key=copy.key, place=spot.place, body=body, rank=rank)

    def _shows(self, copy: "_Copy", ended: datetime | None, now: datetime) -> bool:
        """Whether a card is shown: a channel is not told of what was over before it was bound."""
        if not copy.spot.bound or ended is None or now - ended < FRESH:
            return True
        return self._store.outbox.get(copy.key) is not None

    # --- App Homes -----------------------------------------------------------------------------------------------

    def _home(self, actor: str) -> tuple[View, Collection[str]]:
        projects = self._assistant.projects(actor)
        jobs = {project.id: self._views(project) for project in projects if project.active_jobs()}
        view = home(actor, projects, jobs, self._assistant.now(), names=self._names)
        return view, {project.id for project in projects}

    def _pause(self, projects: Sequence[Project], now: datetime) -> float:
        running = any(job.phase is JobPhase.ACTIVE for project in projects for job in project.active_jobs())
        if running or self._pending or self._homes.waiting():
            return OFTEN
        ends = [p.approval.expires_at for p in projects if p.approval and not expired(p.approval, now)]
        return max(OFTEN, min([SELDOM, *((end - now).total_seconds() for end in ends)]))


def _evidence(project: Project, view: JobView) -> Evidence | None:
    """What an ended job measured: with its last attempt, if it ended well."""
    if view.phase not in (JobPhase.SUCCEEDED, JobPhase.SERVING):
        return None
    return next((found for found in reversed(project.evidence) if found.run == view.id), None)


def _round(project: Project, at: datetime) -> int:
    """The round the project was in."""
    return max((move.round for move in project.moves if move.at <= at), default=1)
