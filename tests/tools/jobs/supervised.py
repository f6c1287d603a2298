"""A process with a supervisor, to be killed: `python supervised.py HOME SLOTS`.

It submits every line of HOME/jobs.jsonl twice, writes each outcome it is told to HOME/told.txt, and ends when all
jobs have ended. HOME/warm, if there, asks for the warm host.
"""

import os
import sys
from pathlib import Path

import sqlalchemy as sa

from tools import registry
from tools.contract import Spec
from tools.jobs.engine import LocalEngine
from tools.jobs.ledger import JobLedger, metadata
from tools.jobs.model import Job, Outcome
from tools.jobs.supervisor import Supervisor, Timing
from tools.jobs.warm import WarmHost

SAMPLES = "job_samples:TOOLS"


def main(home: Path, slots: int) -> None:
    environment = {"PYTHONPATH": str(Path(__file__).parent)}
    database = sa.create_engine(f"sqlite:///{home / 'odyssey.db'}", connect_args={"timeout": 30})
    metadata.create_all(database)
    ledger = JobLedger(database)
    warm = None
    if (home / "warm").exists():
        warm = WarmHost(home, preload=("job_samples",), registry_path=SAMPLES, idle_seconds=5, environment=environment)
    engine = LocalEngine(home, slots=slots, warm=warm, registry_path=SAMPLES, environment=environment)
    told = os.open(home / "told.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def tell(job: Job, outcome: Outcome) -> None:
        os.write(told, (outcome.event_id + "\n").encode())

    supervisor = Supervisor(ledger, engine, registry.load(SAMPLES), tell, timing=Timing(idle=0.2))
    supervisor.start()
    specs = [Spec.model_validate_json(line) for line in (home / "jobs.jsonl").read_text().splitlines()]
    for spec in (*specs, *reversed(specs)):
        supervisor.submit(spec, project="p", requested_by="ada")
    seen = 0
    while ledger.list(active=True) or ledger.unreported():
        seen = supervisor.watch(seen, timeout=0.1)
    supervisor.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
