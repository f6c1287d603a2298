"""What jobs say after their first steps that they will take, beside what they took."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import registry
from tools.contract import Candidate, Dataset, Inputs, JobEvent, Result, Spec
from tools.data.support_desk import sample
from tools.jobs.environment import job_environment
from tools.jobs.folder import AttemptFolder, Ending
from tools.models import packaged_encoder

pytestmark = pytest.mark.bench
THREADS = max(1, min(2, os.cpu_count() or 1))
TIME, MEMORY, WANTED = 0.40, 0.25, 8  # largest error of time and of memory, and in how many of ten jobs


class Bench:
    """Runs jobs one after another, each in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[tuple[str, float, float]] = []

    def run(
        self, job: str, tool: str, models: dict[str, Candidate], sets: dict[str, Dataset], /, **params: object
    ) -> Result:
        folder = AttemptFolder(self.home / "jobs" / job, 1)
        spec = Spec(job=job, tool=tool, params=params, inputs=Inputs(models=models, data=sets), threads=THREADS)
        folder.prepare(spec)
        (self.home / "slots").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tools.jobs.runner", str(folder.job), "1"]
        subprocess.run(command, check=False, env=job_environment({}))
        ending = folder.read_ending()
        assert ending is not None and ending.result is not None, ending
        self._note(job, tool, spec, folder, ending)
        return ending.result

    def _note(self, job: str, tool: str, spec: Spec, folder: AttemptFolder, ending: Ending) -> None:
        declared = registry.load()[tool]
        plan = declared.plan(declared.parameters.model_validate(spec.params), spec.inputs)
        found = first_estimate(folder.events)
        if found is None:
            print(f"\n{job:16} took {ending.seconds:6.1f} s: too short for an estimate")
            return
        seconds, held = found.expected_seconds or 0, found.expected_memory or 0
        time, memory = seconds / ending.seconds, held / ending.peak_memory
        self.lines.append((job, time, memory))
        print(
            f"\n{job:16} took {ending.seconds:6.1f} s, {ending.peak_memory / 1e6:5.0f} MB;"
            f" measured at {found.done}/{found.total} of {found.step}: {time:.2f} of the time, {memory:.2f} of the"
            f" memory; planned {plan.seconds / ending.seconds:.2f} and {plan.memory_bytes / ending.peak_memory:.2f}"
        )


def first_estimate(events: Path) -> JobEvent | None:
    lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
    told = (JobEvent.model_validate_json(line) for line in lines)
    return next((event for event in told if event.expected_seconds is not None), None)


def test_estimates_of_ten_jobs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    written = sample.write(tmp_path / "sample")
    corpus = bench.run("corpus", "data", {}, {}, path=str(written.corpus), name="corpus").dataset
    tickets = bench.run("tickets", "data", {}, {}, path=str(written.tickets), name="tickets").dataset
    pairs = bench.run("pairs", "data", {}, {}, path=str(written.preferences), name="pairs").dataset
    labelled = bench.run("texts", "data", {}, {}, path=str(queues(tmp_path, tickets)), name="texts").dataset
    bench.lines.clear()

    tiny = bench.run("pretrain", "pretrain", {}, {"data": corpus}, data="corpus", steps=250).candidate
    model = {"model": tiny}
    task = {"data": tickets}
    bench.run("lora", "finetune", model, task, data="tickets", steps=150)
    tuned = bench.run("full", "finetune", model, task, data="tickets", method="full", steps=150).candidate
    bench.run("early", "finetune", model, task, data="tickets", steps=100, evaluate_every=25)
    encoder = {"model": packaged_encoder()}
    bench.run("classify", "finetune", encoder, {"data": labelled}, data="texts", method="full", steps=40)
    after = {"model": tuned}
    bench.run("evaluate", "evaluate", after, task, data="tickets", split="test", batch=1)
    both = {"model": tuned, "compare_to": tiny}
    bench.run("compared", "evaluate", both, task, data="tickets", split="test", compare_to="tiny", batch=2)
    wanted = {"preferences": pairs}
    bench.run("dpo", "rlhf", after, wanted, preferences="pairs", method="dpo", steps=80)
    bench.run("grpo", "rlhf", after, wanted, preferences="pairs", method="grpo", steps=25)
    bench.run("wide", "pretrain", {}, {"data": corpus}, data="corpus", steps=60, hidden=256, batch=4)
    good = [(abs(1 - time) <= TIME, abs(1 - memory) <= MEMORY) for _, time, memory in bench.lines]
    print(f"\ntime within {TIME:.0%}: {sum(t for t, _ in good)} of {len(good)}", end="; ")
    print(f"memory within {MEMORY:.0%}: {sum(m for _, m in good)} of {len(good)}")
    assert sum(t for t, _ in good) >= WANTED
    assert sum(m for _, m in good) >= WANTED


def queues(folder: Path, tickets: Dataset) -> Path:
    """Tickets as texts with the first field of the answer as their label."""
    path = folder / "texts.jsonl"
    rows = [json.loads(line) for line in Path(tickets.splits["train"].path).read_text().splitlines()]
    lines = [{"text": row["prompt"], "label": row["completion"].split("\n")[0].split(";")[0]} for row in rows]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
