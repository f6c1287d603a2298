"""Evaluation by task files beside lm-eval's command, and beside lm-eval in a process of its own: the same scores."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tools import registry
from tools.contract import Candidate, Dataset, Inputs, Result, Spec
from tools.data.support_desk import sample
from tools.jobs.engine import LocalEngine
from tools.jobs.environment import job_environment
from tools.jobs.ledger import JobLedger, metadata
from tools.jobs.model import Status
from tools.jobs.supervisor import Supervisor
from tools.jobs.warm import WarmHost, preload_list

pytestmark = pytest.mark.bench
THREADS = max(1, min(2, os.cpu_count() or 1))
CHOICES, ANSWERS = 300, 200
COMMAND, PROCESS = 0.10, 0.25  # of the wall time of lm-eval's command, and of lm-eval in one process
IN_PROCESS = """
import json, sys
import lm_eval
from lm_eval.tasks import TaskManager
found = lm_eval.simple_evaluate(
    model="hf", model_args={"pretrained": sys.argv[1]}, tasks=sys.argv[2].split(","), batch_size=64, device="cpu",
    task_manager=TaskManager(include_defaults=False),
)
json.dump(found["results"], open(sys.argv[3], "w"), default=float)
"""
CHOICE = """
task: desk_queue
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/queue.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "<|user|>{{question}}<|end|><|assistant|>queue="
doc_to_choice: options
doc_to_target: gold
target_delimiter: ""
metric_list:
- {metric: acc, aggregation: mean, higher_is_better: true}
- {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""
ANSWER = """
task: desk_answer
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/answer.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "<|user|>{{question}}<|end|><|assistant|>"
doc_to_target: answer
generation_kwargs: {until: ["\\n"], max_gen_toks: 32, do_sample: false}
metric_list:
- {metric: exact_match, aggregation: mean, higher_is_better: true}
- {metric: chrf, aggregation: chrf, higher_is_better: true}
"""

Run = Callable[..., tuple[Result, float]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home: Path) -> Iterator[Run]:
    """Runs a job through the supervisor and the warm host, as a confirmed proposal does: its result and its seconds."""
    database = sa.create_engine(f"sqlite:///{home / 'odyssey.db'}")
    metadata.create_all(database)
    warm = WarmHost(home, preload=preload_list(registry.DEFAULT), idle_seconds=600)
    supervisor = Supervisor(
        JobLedger(database), LocalEngine(home, slots=1, warm=warm), registry.load(), lambda job, outcome: None
    )
    supervisor.start()
    supervisor.warm_up()
    while not warm.ready:
        time.sleep(0.1)

    def one(job: str, tool: str, models: dict[str, Candidate], sets: dict[str, Dataset], **params: object):
        began = time.perf_counter()
        inputs = Inputs(models=models, data=sets)
        supervisor.submit(Spec(job=job, tool=tool, params=params, inputs=inputs, threads=THREADS), "p", "ada")
        done = supervisor.wait(job, timeout=900)
        assert done is not None and done.status is Status.SUCCEEDED, done and done.outcome
        return done.outcome.result, time.perf_counter() - began

    yield one
    supervisor.stop()
    warm.stop()


@pytest.fixture(scope="module")
def model(run: Run, home: Path) -> Candidate:
    """The tiny model after a short training on tickets: some answers right, most not."""
    written = sample.write(home / "sample")
    sets = {
        name: run(name, "data", {}, {}, path=str(path), name=name)[0].dataset
        for name, path in (("corpus", written.corpus), ("tickets", written.tickets))
    }
    tiny = run("tiny", "pretrain", {}, {"data": sets["corpus"]}, data="corpus", steps=250)[0].candidate
    tickets = {"data": sets["tickets"]}
    return run("tuned", "finetune", {"model": tiny}, tickets, data="tickets", steps=150, name="tuned")[0].candidate


@pytest.fixture(scope="module")
def tasks(model: Candidate, home: Path) -> list[Path]:
    """A task of four options and a task of written answers, from the sample's tickets."""
    folder = home / "tasks"
    folder.mkdir()
    rows = [json.loads(line) for line in (home / "sample" / "tickets.jsonl").read_text().splitlines()]
    draw = random.Random(7)
    queues = sorted({_queue(row) for row in rows})
    choices = []
    for row in rows[:CHOICES]:
        options = [_queue(row), *draw.sample([queue for queue in queues if queue != _queue(row)], 3)]
        draw.shuffle(options)
        choices.append({"question": row["prompt"], "options": options, "gold": options.index(_queue(row))})
    answers = [{"question": r["prompt"], "answer": r["completion"]} for r in rows[CHOICES : CHOICES + ANSWERS]]
    for name, held, task in (("queue", choices, CHOICE), ("answer", answers, ANSWER)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
        (folder / f"{name}.yaml").write_text(task.replace("FOLDER", str(folder)))
    return [folder / "queue.yaml", folder / "answer.yaml"]


def _queue(row: dict[str, str]) -> str:
    return row["completion"].split()[0].removeprefix("queue=")


def script(*arguments: str, log: Path) -> float:
    began = time.perf_counter()
    environment = job_environment({"OMP_NUM_THREADS": str(THREADS), "CUDA_VISIBLE_DEVICES": ""})
    with log.open("wb") as out:
        subprocess.run(arguments, check=True, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent)
    return time.perf_counter() - began


def test_beside_lm_eval(run: Run, model: Candidate, tasks: list[Path], home: Path) -> None:
    pytest.importorskip("lm_eval", reason="needs the extra `benchmarks`")
    names = ",".join(map(str, tasks))
    command = [str(Path(sys.executable).with_name("lm_eval")), "run", "--model", "hf", "--device", "cpu"]
    command += ["--model_args", f"pretrained={model.path}", "--tasks", names]
    alone = script(*command, log=home / "command.txt")
    batched = script(*command, "--batch_size", "64", log=home / "batched.txt")
    found = home / "found.json"
    process = script(sys.executable, "-c", IN_PROCESS, model.path, names, str(found), log=home / "process.txt")
    result, job = run("measured", "evaluate", {"model": model}, {}, tasks=names, data="")
    print(
        f"\n{CHOICES} questions of 4 options, {ANSWERS} answers: lm-eval's command {alone:.1f} s, {batched:.1f} s with"
        f" --batch_size 64; in one process {process:.1f} s; job {job:.1f} s: {job / alone:.2f} and"
        f" {job / batched:.2f} of the command (goal {COMMAND}), {job / process:.2f} of the process (goal {PROCESS})"
    )
    theirs = {
        f"{task}/{name.removesuffix(',none')}": value
        for task, values in json.loads(found.read_text()).items()
        for name, value in values.items()
        if name.endswith(",none") and "_stderr" not in name
    }
    ours = {metric.name: metric.value for metric in result.metrics}
    print({name: round(value, 4) for name, value in ours.items()})
    assert ours == theirs
