"""The record of jobs and services: what was asked for, who claimed it, how each attempt ended, what was told.

Every change is one conditional statement or one transaction that begins with it, so two supervisors or a crash
between two changes can neither lose a job nor start it twice. Nothing here is particular to SQLite.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tools.contract import Result, Spec
from tools.jobs.model import ACTIVE, RESUMABLE, Job, Outcome, OutcomeKind, Status, check_id


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time, kept and given back in UTC (SQLite forgets the zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


Filters = list[sa.ColumnElement[bool]]

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("project", sa.String(200), nullable=False, index=True),
    sa.Column("tool", sa.String(100), nullable=False),
    sa.Column("service", sa.Boolean, nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("requested_by", sa.String(200), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("status", sa.String(20), nullable=False, index=True),
    sa.Column("queued_at", Moment, nullable=False),
    sa.Column("claimed_at", Moment),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("pid", sa.Integer),
    sa.Column("cancelled_by", sa.String(200)),
)

outcomes = sa.Table(
    "job_outcomes",
    metadata,
    sa.Column("job", sa.String(100), sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.Text),
    sa.Column("error_id", sa.String(20)),
    sa.Column("seconds", sa.Float),
    sa.Column("peak_memory", sa.BigInteger),
    sa.Column("reported", sa.Boolean, nullable=False, default=False, index=True),
)


class JobLedger:
    """Reads and changes the record. `engine` is the assistant's own; its tables are `metadata`."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    # --- asking --------------------------------------------------------------------------------------------------

    def submit(self, spec: Spec, project: str, requested_by: str, *, service: bool = False) -> bool:
        """Queue a job under its spec's id. False, and nothing changed, where this attempt was queued before.

        A spec with the next attempt's number queues the job again (see `resume`).
        """
        check_id(spec.job)
        if spec.attempt > 1:
            return self._again(spec, requested_by)
        now = self._now()
        row = {
            "id": spec.job,
            "project": project,
            "tool": spec.tool,
            "service": service,
            "spec": spec.model_dump(mode="json"),
            "requested_by": requested_by,
            "created_at": now,
            "queued_at": now,
            "attempt": 1,
            "status": Status.QUEUED,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(jobs.insert().values(row))
        except IntegrityError:
            return False
        return True

    def resume(self, job: str, attempt: int, requested_by: str) -> bool:
        """Queue attempt number `attempt` of a job whose last one ended without success. False where nothing changed."""
        held = self.get(job)
        return held is not None and self._again(held.spec.model_copy(update={"attempt": attempt}), requested_by)

    def _again(self, spec: Spec, requested_by: str) -> bool:
        ended = self._where(spec.job, spec.attempt - 1, RESUMABLE)
        fresh: dict[str, Any] = dict.fromkeys(("claimed_at", "started_at", "ended_at", "pid", "cancelled_by"))
        fresh |= {"attempt": spec.attempt, "status": Status.QUEUED, "queued_at": self._now()}
        fresh |= {"spec": spec.model_dump(mode="json"), "requested_by": requested_by}
        with self._engine.begin() as connection:
            return self._changed(connection, ended, fresh)

    def request_cancel(self, job: str, by: str) -> bool:
        """Ask a job to stop; its supervisor sees to it. False where it has ended or was asked before."""
        statement = sa.and_(jobs.c.id == job, jobs.c.status.in_(ACTIVE), jobs.c.cancelled_by.is_(None))
        with self._engine.begin() as connection:
            return self._changed(connection, statement, {"cancelled_by": by})

    # --- the supervisor's changes --------------------------------------------------------------------------------

    def claim(self, job: Job) -> bool:
        """Take a queued job to start it. True for one claimant only."""
        queued = self._where(job.id, job.attempt, (Status.QUEUED,))
        with self._engine.begin() as connection:
            return self._changed(connection, queued, {"status": Status.STARTING, "claimed_at": self._now()})

    def started(self, job: Job, pid: int) -> bool:
        """Its process has begun."""
        starting = self._where(job.id, job.attempt, (Status.STARTING,))
        change = {"status": Status.RUNNING, "started_at": self._now(), "pid": pid}
        with self._engine.begin() as connection:
            return self._changed(connection, starting, change)

    def record(self, outcome: Outcome) -> bool:
        """Write an outcome and the status after it. False where the attempt has ended before."""
        serving = outcome.kind is OutcomeKind.READY
        from_status = tuple(s for s in ACTIVE if not (serving and s is Status.SERVING))
        change: dict[str, Any] = {"status": outcome.kind.status}
        if not serving:
            change["ended_at"] = outcome.at
        row = outcome.model_dump(mode="json", exclude={"at"}) | {"at": outcome.at}
        with self._engine.begin() as connection:
            if not self._changed(connection, self._where(outcome.job, outcome.attempt, from_status), change):
                return False
            connection.execute(outcomes.insert().values(row))
        return True

    def mark_reported(self, outcome: Outcome) -> None:
        same = sa.and_(
            outcomes.c.job == outcome.job, outcomes.c.attempt == outcome.attempt, outcomes.c.kind == outcome.kind
        )
        with self._engine.begin() as connection:
            connection.execute(outcomes.update().where(same).values(reported=True))

    @staticmethod
    def _where(job: str, attempt: int, statuses: Sequence[Status]) -> sa.ColumnElement[bool]:
        return sa.and_(jobs.c.id == job, jobs.c.attempt == attempt, jobs.c.status.in_(statuses))

    @staticmethod
    def _changed(connection: sa.Connection, where: sa.ColumnElement[bool], change: dict[str, Any]) -> bool:
        return connection.execute(jobs.update().where(where).values(change)).rowcount == 1

    # --- questions -----------------------------------------------------------------------------------------------

    def get(self, job: str) -> Job | None:
        found = self._select(jobs.c.id == job)
        return found[0] if found else None

    def list(self, project: str | None = None, active: bool | None = None) -> Sequence[Job]:
        """Jobs in the order they were queued; of one project, and only (in)active ones, where asked."""
        wanted: Filters = [sa.true()]
        if project is not None:
            wanted.append(jobs.c.project == project)
        if active is not None:
            wanted.append(jobs.c.status.in_(ACTIVE) if active else jobs.c.status.not_in(ACTIVE))
        return self._select(sa.and_(*wanted))

    def outcomes(self, job: str) -> Sequence[Outcome]:
        """Everything that became of a job, over all its attempts."""
        return self._outcomes(outcomes.c.job == job)

    def unreported(self) -> Sequence[Outcome]:
        """What the assistant has still to be told, oldest first."""
        return self._outcomes(outcomes.c.reported.is_(False))

    def _select(self, where: sa.ColumnElement[bool]) -> Sequence[Job]:
        statement = jobs.select().where(where).order_by(jobs.c.queued_at, jobs.c.id)
        latest = sa.select(outcomes).join(jobs, (jobs.c.id == outcomes.c.job) & (jobs.c.attempt == outcomes.c.attempt))
        with self._engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
            ended = connection.execute(latest.where(where).order_by(outcomes.c.at)).mappings().all()
        news = {row["job"]: _outcome(row) for row in ended}
        return [_job(row, news.get(row["id"])) for row in rows]

    def _outcomes(self, where: sa.ColumnElement[bool]) -> Sequence[Outcome]:
        statement = outcomes.select().where(where).order_by(outcomes.c.at, outcomes.c.job, outcomes.c.attempt)
        with self._engine.connect() as connection:
            return [_outcome(row) for row in connection.execute(statement).mappings()]


def _job(row: sa.RowMapping, outcome: Outcome | None) -> Job:
    values = {name: row[name] for name in _names(jobs.c) if name not in ("spec", "queued_at")}
    return Job(**values, spec=Spec.model_validate(row["spec"]), outcome=outcome)


def _outcome(row: sa.RowMapping) -> Outcome:
    values = {name: row[name] for name in _names(outcomes.c) if name != "result"}
    return Outcome(**values, result=None if row["result"] is None else Result.model_validate(row["result"]))


def _names(columns: Iterable[sa.Column[Any]]) -> Iterable[str]:
    return [column.name for column in columns]
