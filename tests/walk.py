"""A made-up project driven through the pure life cycle: real decisions on invented numbers, in milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.lifecycle.apply import apply, create
from agent.lifecycle.decision import Decision
from agent.lifecycle.events import (
    SYSTEM,
    AddCandidate,
    AddDocument,
    Advance,
    Approve,
    Body,
    ChooseModel,
    CreateProject,
    Event,
    FinishJob,
    SetCharter,
    SetRole,
    SkipTechnique,
    StartJob,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project, Role, TaskKind
from agent.lifecycle.stages import Stage
from tools import digest
from tools.contract import (
    Candidate,
    Comparison,
    DataKind,
    Dataset,
    Metric,
    ModelKind,
    Result,
    Split,
)
from tools.registry import TOOLS as CATALOGUE

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


# --- invented material -------------------------------------------------------------------------------------------


def dataset(name: str, kind: DataKind, rows: Mapping[str, int], labels: tuple[str, ...] = ()) -> Dataset:
    splits = {
        split: Split(path=f"/home/data/{name}/{split}.jsonl", digest=digest.of_json([name, split]), rows=count)
        for split, count in rows.items()
    }
    return Dataset(name=name, kind=kind, digest=digest.of_json([name, dict(rows)]), splits=splits, labels=labels)


def candidate(name: str, method: str, parent: Candidate | None = None, **more: Any) -> Candidate:
    values: dict[str, Any] = {
        "kind": parent.kind if parent else ModelKind.CAUSAL,
        "parameters": parent.parameters if parent else 820_000,
        "bytes": parent.bytes if parent else 3_270_000,
        "context": 256,
        "licence": "Apache-2.0",
    } | more
    return Candidate(
        name=name, path=f"/home/models/{name}", digest=digest.of_json(["model", name]), method=method,
        parent=parent.name if parent else None, parent_digest=parent.digest if parent else None, **values,
    )  # fmt: skip


def difference(
    metric: str, baseline: Candidate, value: float, low: float, n: int = 400, split: str = "test"
) -> Comparison:
    return Comparison(
        kind="difference", metric=metric, baseline=baseline.name, baseline_digest=baseline.digest, value=value,
        low=low, high=2 * value - low, n=n, split=split,
    )  # fmt: skip


def win_rate(baseline: Candidate, value: float, low: float, n: int = 120) -> Comparison:
    return Comparison(
        kind="win_rate", metric="checklist_pass", baseline=baseline.name, baseline_digest=baseline.digest, value=value,
        low=low, high=min(1.0, 2 * value - low), n=n, split="test",
    )  # fmt: skip


@dataclass(frozen=True)
class Numbers:
    """The numbers each gate decides by. The defaults pass; a test makes one of them just too small."""

    missing_charter: str = ""
    baseline: bool = True
    score_low: float = 0.94
    target: float = 0.9
    win_low: float = 0.58
    regression_low: float = -0.02
    safety_difference: float = 0.2
    safety_prompts: int = 30
    parity_low: float = -0.015
    latency_ms: float = 61.0
    memory_mb: float = 410.0
    effect_low: float = 0.55
    model_card: bool = True


@dataclass
class Walk:
    """Sends events one after another and keeps the project they make."""

    numbers: Numbers = field(default_factory=Numbers)
    project: Project = field(init=False)
    seq: int = 0
    at: datetime = START
    decisions: list[tuple[Event, Decision]] = field(default_factory=list)

    def event(self, body: Body, actor: str = "ana", after: float = 20.0) -> Event:
        self.seq += 1
        self.at += timedelta(seconds=after)
        return Event(id=f"ev-{self.seq}", seq=self.seq, project="p1", actor=actor, at=self.at, body=body)

    def send(self, body: Body, actor: str = "ana", after: float = 20.0) -> Decision:
        event = self.event(body, actor, after)
        decision = create(event) if isinstance(body, CreateProject) else apply(self.project, event, CATALOGUE)
        self.project = decision.project
        self.decisions.append((event, decision))
        return decision

    def ok(self, body: Body, actor: str = "ana", after: float = 20.0) -> Decision:
        decision = self.send(body, actor, after)
        assert decision.accepted, decision.said
        return decision

    def job(self, tool: str, result: Result, seconds: float = 12.0, outcome: Any = "succeeded", **params: Any) -> str:
        """Start a job and let it end with `result`; its id."""
        self.ok(StartJob(tool=tool, params=params), actor="cai")
        job = f"j{self.seq}"
        end = FinishJob(job=job, attempt=1, outcome=outcome, result=result, seconds=seconds)
        self.ok(end, actor=SYSTEM, after=seconds)
        return job

    def leave(self) -> None:
        """Advance, and approve where a person has to answer."""
        self.ok(Advance())
        if self.project.approval is not None:
            self.ok(Approve(number=self.project.approval.number), actor="ben")

    # --- the stages of the support desk: each does its work and does not leave -----------------------------------

    def begin(self, description: str = "answers customers' questions about orders") -> None:
        self.ok(CreateProject(name="support-desk", description=description))
        for person, role in (("ben", Role.APPROVER), ("cai", Role.MEMBER), ("dee", Role.VIEWER)):
            self.ok(SetRole(person=person, role=role))

    def register(self, *sets: Dataset) -> None:
        for one in sets:
            found = Result(summary=f"{one.name}: {one.rows} rows registered.", dataset=one)
            self.job("data", found, seconds=1.2, path=f"{one.name}.jsonl", name=one.name)

    def charter(self, task: TaskKind, metric: str, test_set: str) -> None:
        fields: dict[str, Any] = {
            "task": task, "users": "the support team", "metric": metric, "target": self.numbers.target,
            "test_set": test_set, "latency_ms": 400, "memory_mb": 1500, "cost": "nothing beyond this machine",
            "risks": "invented facts, an impolite tone",
        }  # fmt: skip
        fields.pop(self.numbers.missing_charter, None)
        self.ok(SetCharter(**fields))

    def scope(self) -> None:
        self.begin()
        self.register(TICKETS, CORPUS, PREFERENCES, HELPFUL, SAFETY, FACTS)
        self.ok(AddDocument(name="opening-hours.md", path="/home/documents/opening-hours.md", digest="sha256:d0c"))
        self.charter(TaskKind.EXTRACTION, "exact_match", "tickets")

    def measure(self, model: Candidate, data: Dataset, value: float, low: float, **more: Any) -> str:
        metric = self.project.charter.metric or "exact_match"
        n = data.splits["test"].rows
        numbers = (
            Metric(name=metric, value=value, low=low, high=min(1.0, 2 * value - low), n=n, split="test"),
            Metric(name="latency_p95", value=58.0, unit="ms"),
            Metric(name="peak_memory", value=731e6, unit="bytes"),
        )
        summary = f"{model.name}: {metric} {value:.3f} on {n} test items."
        result = Result(summary=summary, metrics=numbers, split="test", **more)
        params = {"model": model.name, "data": data.name, "split": "test"}
        return self.job("evaluate", result, seconds=8.4, **params)

    def select(self) -> None:
        pretrained = Result(summary="tiny: 0.82 M weights, perplexity 6.1.", candidate=TINY,
                            metrics=(Metric(name="perplexity", value=6.12, split="dev"),))  # fmt: skip
        self.job("pretrain", pretrained, seconds=41, data="corpus", name="tiny")
        self.ok(ChooseModel(model="tiny", reason="small enough for this machine, and trained on our own language"))
        if self.numbers.baseline:
            self.measure(TINY, TICKETS, 0.118, 0.09)

    def assess(self) -> None:
        tried = Result(
            summary="few-shot 0.14, one-shot 0.13, zero-shot 0.12 on the development split.", split="dev",
            metrics=(Metric(name="exact_match", value=0.14, low=0.11, high=0.17, n=200, split="dev"),
                     Metric(name="exact_match_0_shot", value=0.12, low=0.09, high=0.15, n=200, split="dev")),
        )  # fmt: skip
        self.job("prompt", tried, seconds=14, model="current", data="tickets")
        tuned = Result(summary="300 steps, 0.96 on dev.", candidate=TUNED, split="dev", metrics=(
            Metric(name="exact_match", value=0.96, low=0.93, high=0.98, n=200, split="dev"),))  # fmt: skip
        self.job("finetune", tuned, seconds=22, model="tiny", data="tickets", name="tuned")
        low = self.numbers.score_low
        self.measure(TUNED, TICKETS, low + 0.02, low, comparisons=(difference("exact_match", TINY, 0.84, 0.8),))

    def align(self) -> None:
        made = Result(summary="aligned: reward 0.2 to 1.3 in 30 steps.", candidate=ALIGNED, split="dev",
                      metrics=(Metric(name="reward", value=1.34), Metric(name="kl", value=0.6)))  # fmt: skip
        self.job(
            "rlhf",
            made,
            seconds=19,
            model="tuned",
            preferences="preferences",
            task="tickets",
            checks="helpful",
            method="grpo",
            name="aligned",
        )
        n = self.numbers
        no_worse = difference("exact_match", TUNED, n.regression_low + 0.015, n.regression_low)
        self.measure(ALIGNED, TICKETS, 0.955, 0.935, comparisons=(no_worse,))
        self._checklist(HELPFUL, Result(
            summary="aligned wins 68 % against tuned.", split="test", facts={"category": "helpful"},
            metrics=(Metric(name="checklist_pass", value=0.79, low=0.71, high=0.86, n=120, split="test"),),
            comparisons=(
                win_rate(TUNED, n.win_low + 0.08, n.win_low), difference("checklist_pass", TUNED, 0.1, 0.0, 120)),
        ))  # fmt: skip
        safe = 0.9
        self._checklist(SAFETY, Result(
            summary="safety: 90 % passed after, 70 % before.", split="test", facts={"category": "safety"},
            metrics=(Metric(name="checklist_pass", value=safe, low=0.79, high=0.98, n=n.safety_prompts, split="test"),),
            comparisons=(win_rate(TUNED, 0.6, 0.5, n.safety_prompts),
                         difference("checklist_pass", TUNED, n.safety_difference, n.safety_difference - 0.2,
                                    n.safety_prompts)),
        ))  # fmt: skip

    def _checklist(self, data: Dataset, result: Result) -> None:
        params = {"model": "aligned", "compare_to": "tuned", "data": data.name, "split": "test"}
        self.job("evaluate", result, seconds=9, **params)

    def deploy(
        self, parent: Candidate | None = None, small: Candidate | None = None, data: Dataset | None = None
    ) -> None:
        parent, small, data = parent or ALIGNED, small or INT8, data or TICKETS
        self.job("quantize", Result(
            summary=f"{small.name}: {parent.bytes / 1e6:.2f} MB to {small.bytes / 1e6:.2f} MB.", candidate=small,
            metrics=(Metric(name="size", value=small.bytes, unit="bytes"),),
        ), seconds=4, model=parent.name, name=small.name)  # fmt: skip
        n, metric = self.numbers, self.project.charter.metric or "exact_match"
        close = difference(metric, parent, n.parity_low + 0.01, n.parity_low, data.splits["test"].rows)
        self.measure(small, data, 0.95, 0.93, comparisons=(close,))
        self.job("serve", Result(
            summary="answers at http://127.0.0.1:8123.", endpoint="http://127.0.0.1:8123",
            metrics=(Metric(name="latency_p50", value=n.latency_ms * 0.8, unit="ms"),
                     Metric(name="latency_p95", value=n.latency_ms, unit="ms"),
                     Metric(name="peak_memory", value=n.memory_mb * 1e6, unit="bytes")),
            facts={"smoke": "3 of 3 requests answered", "samples": [
                {"prompt": "Where is order 4711?", "answer": "intent=track", "expected": "intent=track"},
            ]},
        ), seconds=6, outcome="ready", model=small.name)  # fmt: skip

    def integrate(self) -> None:
        low = self.numbers.effect_low
        self.job("augment", Result(
            summary="with passages 0.83 of the facts are right, without 0.03.", split="test",
            metrics=(Metric(name="right_facts", value=low + 0.25, low=low + 0.15, high=min(1.0, low + 0.35), n=60),
                     Metric(name="right_facts_without", value=0.03, low=0.0, high=0.08, n=60)),
            comparisons=(difference("right_facts", INT8, low + 0.22, low, 60),),
            facts={"kind": "retrieval"},
        ), seconds=16, model="current", data="facts")  # fmt: skip
        self.card()

    def card(self) -> None:
        if self.numbers.model_card:
            written = Result(summary="model card and launch report written.", facts={"model_card": "model-card.md"})
            self.job("report", written, seconds=3, model="current")

    # --- whole walks ---------------------------------------------------------------------------------------------

    def to(self, stage: Stage, work: bool = False) -> "Walk":
        """Walk until `stage` is reached; with `work`, also do its work, so that its gate is to be tried."""
        steps = {s: getattr(self, s.value) for s in Stage if s is not Stage.LAUNCHED}
        for each, do in steps.items():
            if each is stage:
                if work:
                    do()
                return self
            do()
            self.leave()
        return self

    def classify(self, stage: Stage = Stage.LAUNCHED, work: bool = False) -> "Walk":
        """The same for a classifier of customers' questions: an existing encoder, no alignment, abstention."""
        steps = (self._scope_of_classifier, self._select_of_classifier, self._assess_of_classifier,
                 self._align_of_classifier, lambda: self.deploy(CLASSIFIER, CLASSIFIER_INT8, QUESTIONS),
                 self._integrate_of_classifier)  # fmt: skip
        for each, do in zip(Stage, steps, strict=False):
            if each is stage:
                if work:
                    do()
                return self
            do()
            self.leave()
        return self

    def _scope_of_classifier(self) -> None:
        self.numbers = replace(self.numbers, target=0.8)
        self.begin("routes customers' questions to one of 77 intents")
        self.register(QUESTIONS)
        self.charter(TaskKind.CLASSIFICATION, "accuracy", "questions")

    def _select_of_classifier(self) -> None:
        self.ok(AddCandidate(candidate=MINILM))
        self.ok(ChooseModel(model="minilm", reason="22 M weights, reads English well, Apache-2.0"))
        self.measure(MINILM, QUESTIONS, 0.52, 0.489)

    def _assess_of_classifier(self) -> None:
        tuned = Result(summary="classifier: dev accuracy 0.86.", candidate=CLASSIFIER, split="dev", metrics=(
            Metric(name="accuracy", value=0.86, low=0.84, high=0.88, n=1000, split="dev"),))  # fmt: skip
        self.job("finetune", tuned, seconds=184, model="minilm", data="questions", name="classifier")
        self.measure(CLASSIFIER, QUESTIONS, 0.861, 0.839)

    def _align_of_classifier(self) -> None:
        self.ok(SkipTechnique(what="align", reason="a label has no tone: there is no behaviour to prefer"))

    def _integrate_of_classifier(self) -> None:
        self.job("augment", Result(
            summary="abstaining on 10 % lifts accuracy from 0.86 to 0.91.", split="test",
            metrics=(Metric(name="accuracy_kept", value=0.91, low=0.89, high=0.93, n=900, split="test"),
                     Metric(name="accuracy", value=0.86, n=1000, split="test"),
                     Metric(name="coverage", value=0.9, n=1000, split="test")),
            comparisons=(difference("accuracy", CLASSIFIER_INT8, 0.05, 0.04, 1000),),
            facts={"kind": "abstain", "threshold": 0.41},
        ), seconds=9, model="current", data="questions", kind="abstain")  # fmt: skip
        self.card()


def record(walk: Walk) -> dict[str, Any]:
    """The record of a walk, as the owner writes it for the report."""
    project = walk.project
    audit = [
        {"seq": e.seq, "at": e.at.isoformat(), "actor": e.actor, "kind": e.body.kind, "said": d.said}
        | {"accepted": d.accepted}
        for e, d in walk.decisions
    ]
    return {
        "as_of": walk.at.isoformat(),
        "project": project.model_dump(mode="json"),
        "gates": {project.stage.value: gate(project).model_dump(mode="json")},
        "jobs": [],
        "audit": audit,
    }


TICKETS = dataset("tickets", DataKind.TASK, {"train": 1600, "dev": 200, "test": 400})
CORPUS = dataset("corpus", DataKind.CORPUS, {"train": 9000, "dev": 400})
PREFERENCES = dataset("preferences", DataKind.PREFERENCE, {"train": 400, "dev": 80})
HELPFUL = dataset("helpful", DataKind.CHECKLIST, {"test": 120})
SAFETY = dataset("safety", DataKind.CHECKLIST, {"test": 30})
FACTS = dataset("facts", DataKind.FACTS, {"test": 60})
TINY = candidate("tiny", "pretrain")
TUNED = candidate("tuned", "lora", TINY)
ALIGNED = candidate("aligned", "grpo", TUNED)
INT8 = candidate("aligned-int8", "int8", ALIGNED, bytes=1_250_000)

QUESTIONS = dataset("questions", DataKind.LABELLED, {"train": 8003, "dev": 1000, "test": 1000},
                    tuple(f"intent_{i}" for i in range(77)))  # fmt: skip
MINILM = candidate("minilm", "existing", kind=ModelKind.ENCODER, parameters=22_700_000, bytes=90_900_000)
CLASSIFIER = candidate("classifier", "lora", MINILM, kind=ModelKind.CLASSIFIER)
CLASSIFIER_INT8 = candidate("classifier-int8", "int8", CLASSIFIER, bytes=23_100_000)
