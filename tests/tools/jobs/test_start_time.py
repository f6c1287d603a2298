"""How long from the submission of a job until its tool is entered, and from its end until that is told."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.jobs.warm import LIBRARIES, WarmHost

Make = Callable[..., object]
HERE = Path(__file__).parent


@pytest.mark.bench
def test_start_times(workshop: Make, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(HERE)}
    host = WarmHost(tmp_path, preload=LIBRARIES, registry_path="job_samples:TOOLS", environment=environment)
    cold = workshop()
    lines = [_measure(cold, "cold", 3)]
    cold.supervisor.stop()
    began = time.perf_counter()
    host.start()
    while not host.ready:
        time.sleep(0.01)
    lines.append(f"warm host ready after {time.perf_counter() - began:.1f} s")
    warm = workshop(warm=host)
    lines.append(_measure(warm, "warm", 10))
    host.stop()
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


def _measure(shop: object, name: str, count: int) -> str:
    entered, told = [], []
    for number in range(count):
        began = time.time()
        job = shop.run("process", job=f"{name}{number}")
        at = job.outcome.result.facts["entered"]
        entered.append(at - began)
        told.append(time.time() - at)
    return (
        f"{name}: entered after {statistics.median(entered) * 1e3:.0f} ms (first {entered[0] * 1e3:.0f}),"
        f" its end known {statistics.median(told) * 1e3:.0f} ms later"
    )
