"""Reading what a job's own side left, made fit to be shown."""

import os

from agent.details import JobRecord
from agent.redact import last_lines, secret_values
from tools.jobs.supervisor import Supervisor

TAIL = 32_768  # bytes of the log that are looked at


def job_record(supervisor: Supervisor, job: str) -> JobRecord:
    """The record of a job; empty where it is not known or left nothing."""
    held = supervisor.job(job)
    if held is None:
        return JobRecord()
    printed = supervisor.logs(job, TAIL)
    cut = len(printed.encode()) >= TAIL
    outcome = held.outcome
    return JobRecord(
        log=last_lines(printed, cut=cut, secrets=secret_values(os.environ)),
        artefacts=outcome.result.artefacts if outcome and outcome.result else (),
        error_id=outcome.error_id if outcome else None,
        peak_memory=outcome.peak_memory if outcome else None,
    )
