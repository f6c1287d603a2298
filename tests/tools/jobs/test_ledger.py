from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from tools.contract import Result, Spec
from tools.errors import UserFault
from tools.jobs.ledger import JobLedger, metadata
from tools.jobs.model import Job, Outcome, OutcomeKind, Status

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> JobLedger:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'odyssey.db'}")
    metadata.create_all(engine)
    return JobLedger(engine, now=lambda: NOON)


def spec(job: str = "j1", attempt: int = 1) -> Spec:
    return Spec(job=job, attempt=attempt, tool="add", params={"a": 1})


def get(ledger: JobLedger, job: str = "j1") -> Job:
    found = ledger.get(job)
    assert found is not None
    return found


def ended(kind: OutcomeKind, attempt: int = 1) -> Outcome:
    return Outcome(job="j1", attempt=attempt, kind=kind, at=NOON, result=Result(summary="Done."), seconds=1.5)


def test_a_job_is_queued_once(ledger: JobLedger) -> None:
    assert ledger.submit(spec(), "p", "ada")
    assert not ledger.submit(spec(), "p", "bob")
    job = get(ledger)
    assert (job.requested_by, job.status, job.attempt, job.created_at) == ("ada", Status.QUEUED, 1, NOON)
    assert job.spec == spec()


def test_only_one_claim_succeeds(ledger: JobLedger) -> None:
    ledger.submit(spec(), "p", "ada")
    job = get(ledger)
    assert [ledger.claim(job), ledger.claim(job)] == [True, False]
    assert get(ledger).status is Status.STARTING


def test_an_attempt_ends_once(ledger: JobLedger) -> None:
    ledger.submit(spec(), "p", "ada")
    assert ledger.record(ended(OutcomeKind.SUCCEEDED))
    assert not ledger.record(ended(OutcomeKind.CRASHED))
    job = get(ledger)
    assert job.status is Status.SUCCEEDED
    assert job.outcome is not None
    assert job.outcome.result == Result(summary="Done.")
    assert [o.event_id for o in ledger.unreported()] == ["job:j1:1:succeeded"]
    ledger.mark_reported(job.outcome)
    assert ledger.unreported() == []


def test_a_service_is_ready_once_and_then_ends(ledger: JobLedger) -> None:
    ledger.submit(spec(), "p", "ada", service=True)
    assert ledger.record(ended(OutcomeKind.READY))
    assert not ledger.record(ended(OutcomeKind.READY))
    assert get(ledger).status is Status.SERVING
    assert get(ledger).ended_at is None
    assert ledger.record(ended(OutcomeKind.STOPPED))
    assert [o.kind for o in ledger.outcomes("j1")] == [OutcomeKind.READY, OutcomeKind.STOPPED]
    assert get(ledger).ended_at == NOON


def test_resume_makes_exactly_the_next_attempt(ledger: JobLedger) -> None:
    ledger.submit(spec(), "p", "ada")
    assert not ledger.resume("j1", 2, "bob")  # it has not ended
    ledger.request_cancel("j1", "ada")
    ledger.record(ended(OutcomeKind.CANCELLED))
    assert not ledger.resume("j1", 3, "bob")
    assert ledger.resume("j1", 2, "bob")
    assert not ledger.resume("j1", 2, "bob")
    job = get(ledger)
    assert (job.attempt, job.spec.attempt, job.status, job.cancelled_by, job.outcome) == (2, 2, "queued", None, None)
    assert not ledger.submit(spec(attempt=2), "p", "bob")
    assert not ledger.record(ended(OutcomeKind.CRASHED, attempt=1))


def test_a_succeeded_job_is_not_resumed(ledger: JobLedger) -> None:
    ledger.submit(spec(), "p", "ada")
    ledger.record(ended(OutcomeKind.SUCCEEDED))
    assert not ledger.resume("j1", 2, "ada")
    assert not ledger.resume("j9", 2, "ada")


def test_cancelling_is_asked_once_and_only_of_active_jobs(ledger: JobLedger) -> None:
    ledger.submit(spec(), "p", "ada")
    assert ledger.request_cancel("j1", "ada")
    assert not ledger.request_cancel("j1", "bob")
    assert get(ledger).cancelled_by == "ada"
    assert not ledger.request_cancel("j2", "ada")


def test_lists_by_project_and_activity(ledger: JobLedger) -> None:
    ledger.submit(spec("j1"), "p", "ada")
    ledger.submit(spec("j2"), "q", "ada")
    ledger.record(ended(OutcomeKind.FAILED))
    assert [j.id for j in ledger.list()] == ["j1", "j2"]
    assert [j.id for j in ledger.list(project="q")] == ["j2"]
    assert [j.id for j in ledger.list(active=True)] == ["j2"]
    assert [j.id for j in ledger.list(project="p", active=False)] == ["j1"]


@pytest.mark.parametrize("job", ["", "../up", "a/b", ".hidden", "a:b", "x" * 101])
def test_an_id_that_cannot_name_a_folder_is_refused(ledger: JobLedger, job: str) -> None:
    with pytest.raises(UserFault, match="cannot name a job"):
        ledger.submit(spec(job), "p", "ada")


def test_the_tables_are_plain_sql() -> None:
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
