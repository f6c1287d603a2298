"""Fine-tuning beside what people would otherwise use: the `trl sft` command, and a plain script."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tools import registry
from tools.contract import Candidate, DataKind, Dataset, Inputs, Result, Spec
from tools.data.support_desk import sample
from tools.jobs.engine import LocalEngine
from tools.jobs.environment import job_environment
from tools.jobs.ledger import JobLedger, metadata
from tools.jobs.model import Status
from tools.jobs.supervisor import Supervisor
from tools.jobs.warm import WarmHost, preload_list
from tools.pretrain.plan import inner_width
from tools.pretrain.spec import PretrainParameters
from tools.training.history import read_series

pytestmark = pytest.mark.bench
HERE = Path(__file__).parent
THREADS = max(1, min(2, os.cpu_count() or 1))
STEPS, TUNING = 120, 300
SFT = f"""--max_steps {STEPS} --use_peft --lora_r 16 --lora_alpha 32 --lora_target_modules all-linear --lora_dropout 0
    --per_device_train_batch_size 16 --learning_rate 3e-3 --lr_scheduler_type cosine --warmup_steps 10 --logging_steps 1
    --seed 7 --bf16 false --use_cpu true --report_to none --save_strategy no --completion_only_loss true
    --eos_token <|end|> --gradient_checkpointing false --dataloader_pin_memory false""".split()
LIMIT = 0.60  # of the command's wall time
SCRIPT = 1.2  # times the plain script's wall time

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
    engine = LocalEngine(home, slots=1, warm=warm)
    supervisor = Supervisor(JobLedger(database), engine, registry.load(), lambda job, outcome: None)
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
def data(run: Run, home: Path) -> dict[str, Dataset]:
    written = sample.write(home / "sample")
    found = {}
    for name in ("tickets", "corpus"):
        path = next(Path(written.folder).glob(f"{name}*.jsonl"))
        found[name] = run(name, "data", {}, {}, path=str(path), name=name)[0].dataset
    assert found["tickets"].kind is DataKind.TASK and found["corpus"].kind is DataKind.CORPUS
    return found


def script(*arguments: str, log: Path) -> float:
    began = time.perf_counter()
    environment = job_environment({"OMP_NUM_THREADS": str(THREADS), "CUDA_VISIBLE_DEVICES": ""})
    with log.open("wb") as out:
        subprocess.run(arguments, check=True, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent)
    return time.perf_counter() - began


def test_beside_the_trl_command(run: Run, data: dict[str, Dataset], home: Path) -> None:
    tickets = data["tickets"]
    tiny = run("small", "pretrain", {}, {"data": data["corpus"]}, data="corpus", steps=100)[0].candidate
    rows = [json.loads(line) for line in Path(tickets.splits["train"].path).read_text().splitlines()]
    folder = home / "command"
    (folder / "data").mkdir(parents=True)
    with (folder / "data" / "train.jsonl").open("w") as file:
        for row in rows:
            asked = [{"role": "user", "content": row["prompt"]}]
            wanted = [{"role": "assistant", "content": row["completion"]}]
            file.write(json.dumps({"prompt": asked, "completion": wanted}) + "\n")
    paths = f"--model_name_or_path {tiny.path} --dataset_name {folder / 'data'} --output_dir {folder / 'out'}"
    command = script(str(Path(sys.executable).with_name("trl")), "sft", *paths.split(), *SFT, log=folder / "log.txt")
    _, job = run(
        "tune", "finetune", {"model": tiny}, {"data": tickets}, data="tickets", steps=STEPS, lr=3e-3, name="tuned"
    )
    told = re.findall(r"'loss': '?([\d.e-]+)", (folder / "log.txt").read_text())
    theirs = [float(value) for value in told]
    ours = [value for one in read_series(home / "jobs" / "tune") if one.metric == "loss" for _, value in one.points]
    print(f"\n{STEPS} steps: trl sft {command:.1f} s, job {job:.1f} s: {job / command:.2f} (goal {LIMIT})")
    print(f"last losses: trl {theirs[-1]:.4f}, job {ours[-1]:.4f}; {len(theirs)} and {len(ours)} logged")
    assert theirs[-1] == pytest.approx(ours[-1], rel=0.05)


def test_beside_a_plain_script(run: Run, data: dict[str, Dataset], home: Path) -> None:
    tickets, corpus = data["tickets"], data["corpus"]
    defaults = PretrainParameters(data="corpus")
    made, first = run("tiny", "pretrain", {}, {"data": corpus}, data="corpus")
    before, _ = run("before", "evaluate", {"model": made.candidate}, {"data": tickets}, data="tickets", split="dev")
    tuned, second = run(
        "tuned", "finetune", {"model": made.candidate}, {"data": tickets}, data="tickets", steps=TUNING, name="tuned"
    )
    after, _ = run("after", "evaluate", {"model": tuned.candidate}, {"data": tickets}, data="tickets", split="test")
    folder = home / "plain"
    (folder / "tokenizer").mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (folder / "tokenizer" / name).write_bytes((Path(made.candidate.path) / name).read_bytes())
    for name, source in (("corpus", corpus), ("tickets", tickets)):
        (folder / f"{name}.jsonl").write_bytes(Path(source.splits["train"].path).read_bytes())
    sizes = {
        "hidden_size": defaults.hidden,
        "intermediate_size": inner_width(defaults.hidden),
        "num_hidden_layers": defaults.layers,
        "num_attention_heads": defaults.heads,
        "num_key_value_heads": defaults.kv_heads,
        "initializer_range": 0.08,
        "max_position_embeddings": defaults.context,
    }
    settings = {"sizes": sizes, "context": defaults.context, "batch": defaults.batch, "steps": defaults.steps}
    (folder / "settings.json").write_text(json.dumps({**settings, "tuning_steps": TUNING, "threads": THREADS}))
    plain = script(sys.executable, str(HERE / "plain_training.py"), str(folder), log=folder / "log.txt")
    ours = first + second
    match = [result.metric("exact_match").value for result in (before, after)]
    print(
        f"\npre-training {first:.0f} s, LoRA {second:.0f} s; script {plain:.0f} s: {ours / plain:.2f} (goal {SCRIPT})"
    )
    print(f"exact match {match[0]:.3f} before (dev), {match[1]:.3f} after (test); goal .15 to .95")
