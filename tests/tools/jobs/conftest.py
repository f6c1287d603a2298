"""A home with a ledger, real processes, and a supervisor that can be stopped and begun again."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from tools import registry
from tools.contract import Spec
from tools.jobs.engine import LocalEngine
from tools.jobs.ledger import JobLedger, metadata
from tools.jobs.model import Job, Outcome
from tools.jobs.supervisor import Supervisor, Timing
from tools.jobs.warm import WarmHost

HERE = Path(__file__).parent
SAMPLES = "job_samples:TOOLS"
ENVIRONMENT = {"PYTHONPATH": str(HERE)}
QUICK = Timing(look=0.01, look_services=0.02, idle=0.2, grace=0.3, service_grace=0.3, kill=0.3, retry=0.05)


def open_ledger(home: Path) -> JobLedger:
    engine = sa.create_engine(f"sqlite:///{home / 'odyssey.db'}")
    metadata.create_all(engine)
    return JobLedger(engine)


@pytest.fixture(scope="session", autouse=True)
def samples() -> Iterator[None]:
    sys.path.insert(0, str(HERE))
    yield
    sys.path.remove(str(HERE))


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], WarmHost]]:
    """Warm hosts with nothing heavy in them; all are stopped at the end."""
    hosts: list[WarmHost] = []

    def make(home: Path) -> WarmHost:
        host = WarmHost(home, preload=("job_samples",), registry_path=SAMPLES, idle_seconds=20, environment=ENVIRONMENT)
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.stop()


@dataclass
class Workshop:
    """Everything jobs need, in one home."""

    home: Path
    ledger: JobLedger
    engine: LocalEngine
    supervisor: Supervisor
    told: list[Outcome] = field(default_factory=list)

    def run(self, tool: str, job: str = "j1", **params: object) -> Job:
        """Submit a job and wait for its end, or until it answers."""
        self.submit(tool, job, **params)
        return self.wait(job)

    def submit(self, tool: str, job: str = "j1", **params: object) -> bool:
        spec = Spec.model_validate({"job": job, "tool": tool, "params": params})
        return self.supervisor.submit(spec, project="p", requested_by="ada")

    def wait(self, job: str = "j1") -> Job:
        found = self.supervisor.wait(job, timeout=30)
        assert found is not None
        return found

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for news until something holds."""
        seen = 0
        for _ in range(3000):
            if condition():
                return
            seen = self.supervisor.watch(seen, timeout=0.01)
        raise AssertionError("It never came to pass.")


@pytest.fixture
def workshop(tmp_path: Path, samples: None) -> Iterator[Callable[..., Workshop]]:
    """Makes workshops in one home; a second one is the assistant begun again."""
    made: list[Workshop] = []

    def make(
        *, slots: int = 2, warm: WarmHost | None = None, on_outcome: Callable[..., None] | None = None
    ) -> Workshop:
        ledger = open_ledger(tmp_path)
        engine = LocalEngine(tmp_path, slots=slots, warm=warm, registry_path=SAMPLES, environment=ENVIRONMENT)
        told: list[Outcome] = []

        def tell(job: Job, outcome: Outcome) -> None:
            if on_outcome is not None:
                on_outcome(job, outcome)
            told.append(outcome)

        supervisor = Supervisor(ledger, engine, registry.load(SAMPLES), tell, timing=QUICK)
        shop = Workshop(tmp_path, ledger, engine, supervisor, told)
        made.append(shop)
        supervisor.start()
        return shop

    yield make
    for shop in made:
        for job in shop.ledger.list(active=True):
            shop.supervisor.cancel(job.id, "test")
    if made:
        last = made[-1]
        last.until(lambda: not last.ledger.list(active=True))
    for shop in made:
        shop.supervisor.stop()
