"""What every tool is: its parameters, its plan, its work, and what the work leaves behind.

A tool's declaration is light (no torch); its work is named by an import path and loaded in the job's own
process. The assistant resolves names ("current", "tickets") to models and data by digest before the job starts,
so a `Spec` says all a job needs and a `Result` says all it found.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from tools import digest
from tools.errors import Cancelled, Followed


class Frozen(BaseModel):
    """An immutable value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_NAME = re.compile(r"\w[\w .+-]*")


class Parameters(Frozen):
    """Base of a tool's parameters: sane defaults, bounds on every number, a description on every field."""

    model_config = ConfigDict(allow_inf_nan=False)

    @field_validator("name", check_fields=False)
    @classmethod
    def _nameable(cls, name: str) -> str:
        """Names are typed again, and stand in paths of what is exported."""
        if name and not _NAME.fullmatch(name):
            raise ValueError("a name has letters, digits, spaces, dots, dashes and underscores, and no dot in front")
        return name


# --- what jobs work on -------------------------------------------------------------------------------------------


class ModelKind(StrEnum):
    CAUSAL = "causal"  # generates text from a prompt
    ENCODER = "encoder"  # turns a text into a vector, no task yet
    CLASSIFIER = "classifier"  # an encoder with a label head
    TAGGER = "tagger"  # an encoder with a head that gives every word a tag
    REWARD = "reward"  # scores an answer

    @property
    def encodes(self) -> bool:
        """Whether it is an encoder, with a head or without."""
        return self in (ModelKind.ENCODER, ModelKind.CLASSIFIER, ModelKind.TAGGER)


class Candidate(Frozen):
    """A model with its lineage. `path` is a folder of safetensors; `digest` covers every file in it."""

    name: str
    kind: ModelKind
    path: str
    digest: str
    method: str  # how it was made: "existing", "pretrain", "lora", "grpo", "dpo", "int8", …
    parent: str | None = None  # name of the candidate it was made from
    parent_digest: str | None = None
    job: str | None = None  # the job that made it
    parameters: int = 0  # number of weights
    bytes: int = 0  # size on disk
    context: int = 0  # tokens it can read
    licence: str = "unknown"
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class DataKind(StrEnum):
    TASK = "task"  # {"prompt", "completion"}: what the model must answer
    LABELLED = "labelled"  # {"text", "label"}: classification
    CORPUS = "corpus"  # {"text"}: raw text to pre-train on
    CONVERSATION = "conversation"  # {"messages": [{"role", "content"}]}: whole dialogues, the last turn the assistant's
    TAGGED = "tagged"  # {"tokens": [...], "tags": [...]}: a label for every word, in the BIO scheme
    THUMBS = "thumbs"  # {"prompt", "completion", "label"}: an answer people liked (true) or not (false)
    PREFERENCE = "preference"  # {"prompt", "chosen", "rejected"}: which answer people prefer
    CHECKLIST = "checklist"  # {"prompt", "must", "must_not"}: lists of phrases an answer has to have or to avoid
    FACTS = "facts"  # {"question", "answer"}: facts that stand in the team's documents only


class Split(Frozen):
    """One part of a data set: a JSONL file."""

    path: str
    digest: str
    rows: int


class Dataset(Frozen):
    """Registered data: checked, split and hashed. `digest` covers all splits."""

    name: str
    kind: DataKind
    digest: str
    splits: dict[str, Split]  # "train", "dev", "test"; a set that is not split has one of them
    labels: tuple[str, ...] = ()
    source: str = ""  # the path or id the person gave
    facts: dict[str, JsonValue] = Field(default_factory=dict)  # what the checks found: lengths, duplicates, balance

    @property
    def rows(self) -> int:
        return sum(split.rows for split in self.splits.values())


class File(Frozen):
    """A file the owner prepared for the job (retrieved passages, a snapshot of the project)."""

    path: str
    digest: str


class Inputs(Frozen):
    """Everything a job reads, resolved; keys are the parameter names that asked for it."""

    models: dict[str, Candidate] = Field(default_factory=dict)
    data: dict[str, Dataset] = Field(default_factory=dict)
    files: dict[str, File] = Field(default_factory=dict)
    endpoint: str | None = None  # base URL of the project's running service, e.g. http://127.0.0.1:8123


class Spec(Frozen):
    """One execution of a tool, complete: written to `spec.json` before the job starts."""

    job: str
    attempt: int = 1
    tool: str
    params: dict[str, JsonValue]
    inputs: Inputs = Inputs()
    seed: int = 7
    threads: int = 1


# --- what jobs leave behind --------------------------------------------------------------------------------------


class Metric(Frozen):
    """A measured number. `low` and `high` bound its 95 % interval."""

    name: str  # "exact_match", "accuracy", "token_f1", "perplexity", "latency_p95", "peak_memory", …
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None  # items it was measured on
    unit: str = ""  # "", "ms", "bytes", "tokens/s", "s", "rows"
    split: str = ""  # "test", "dev", "" where it does not apply


ComparisonKind = Literal["difference", "win_rate"]


class Comparison(Frozen):
    """Two models measured on the same items.

    `difference` is the mean of candidate minus baseline; for a win rate, the share of items the candidate won
    with ties counted half. `low` and `high` bound the paired bootstrap's 95 % interval.
    """

    kind: ComparisonKind
    metric: str
    baseline: str
    baseline_digest: str
    value: float
    low: float
    high: float
    n: int
    split: str = ""


class Artefact(Frozen):
    """A file or folder a job made. `path` is relative to the job's folder."""

    name: str
    kind: Literal["model", "adapter", "tokenizer", "dataset", "plot", "table", "report", "predictions", "prompt"]
    path: str
    digest: str
    bytes: int


class Result(Frozen):
    """What a job found. `summary` is one sentence with its main number."""

    summary: str
    metrics: tuple[Metric, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    candidate: Candidate | None = None  # a model it made
    dataset: Dataset | None = None  # data it registered
    endpoint: str | None = None  # base URL of a service that answers now
    split: str = ""  # the split of the data that was measured on
    facts: dict[str, JsonValue] = Field(default_factory=dict)

    def metric(self, name: str) -> Metric | None:
        return next((m for m in self.metrics if m.name == name), None)


class Part(Frozen):
    """A part of the work, under the name by which the job reports its progress."""

    step: str
    seconds: float


class Plan(Frozen):
    """What a job will do and need, computed from parameters and inputs alone, shown before it starts."""

    steps: tuple[str, ...]  # sentences, in order
    seconds: float  # expected wall time on this machine
    memory_bytes: int  # expected peak of the job's process
    warnings: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()  # the long ones in their order, where there is more than one


# --- running -----------------------------------------------------------------------------------------------------


class JobEvent(Frozen):
    """One line of a job's `events.jsonl`."""

    at: datetime
    attempt: int
    kind: Literal["progress", "log"]
    step: str = ""  # what is being done now, in a few words: "training", "evaluating on test"
    done: int = 0
    total: int = 0
    metrics: dict[str, float] = Field(default_factory=dict)
    text: str = ""
    expected_seconds: float | None = None  # of the whole attempt, as its first steps show
    expected_memory: int | None = None  # bytes at most, as they show


class JobContext:
    """A running job's hands: where to write, how to report, whether to stop.

    `folder` is the job's own; checkpoints and artefacts in it survive into the next attempt.
    """

    def __init__(
        self,
        spec: Spec,
        folder: Path,
        emit: Callable[[JobEvent], None],
        cancelled: Callable[[], bool],
        now: Callable[[], datetime],
        ready: Callable[[Result], None] | None = None,
        checkpoints: Path | None = None,
        follows: bool = False,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self._checkpoints = checkpoints or folder / "checkpoints"
        self._follows = follows
        self._emit = emit
        self._cancelled = cancelled
        self._now = now
        self._ready = ready

    @property
    def checkpoints(self) -> Path:
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        return self._checkpoints

    @property
    def inputs(self) -> Inputs:
        return self.spec.inputs

    def progress(self, step: str, done: int, total: int, **metrics: float) -> None:
        self._emit(
            JobEvent(
                at=self._now(),
                attempt=self.spec.attempt,
                kind="progress",
                step=step,
                done=done,
                total=total,
                metrics=metrics,
            )
        )

    def log(self, text: str) -> None:
        self._emit(JobEvent(at=self._now(), attempt=self.spec.attempt, kind="log", text=text))

    @property
    def cancelled(self) -> bool:
        return self._cancelled()

    def stop_if_cancelled(self) -> None:
        """Raise `Cancelled` if somebody asked the job to stop. Call it where stopping loses nothing."""
        if self._cancelled():
            raise Cancelled(f"Job {self.spec.job} was cancelled.")

    def shared_work_done(self) -> None:
        """Call it after the training that several processes may share: all but the first leave here."""
        if self._follows:
            raise Followed("The first process goes on alone.")

    def ready(self, result: Result) -> None:
        """A service answers now; it goes on running until it is cancelled."""
        if self._ready is not None:
            self._ready(result)

    def artefact(self, name: str, kind: Any, path: Path) -> Artefact:
        """Describe a file or folder below the job's folder, with its digest."""
        return Artefact(
            name=name,
            kind=kind,
            path=path.relative_to(self.folder).as_posix(),
            digest=digest.of_path(path),
            bytes=digest.size_of(path),
        )


class Need(StrEnum):
    """What the owner prepares before a job starts, because a job opens neither Chroma nor the ledger."""

    PASSAGES = "passages"  # inputs.files["passages"]: JSONL of {"question", "answer", "passages": [{"source", "text"}]}
    SNAPSHOT = "snapshot"  # inputs.files["snapshot"]: JSON of the project, its evidence, approvals and jobs


@dataclass(frozen=True)
class Tool:
    """One capability. `run` is an import path `module:function` with the signature (params, context) -> Result."""

    name: str
    title: str  # English name shown to people
    title_zh: str
    stage: str  # the stage it serves
    parameters: type[Parameters]
    plan: Callable[[Any, Inputs], Plan]
    run: str
    models: tuple[str, ...] = ()  # parameters that name a model; an empty value means none
    datasets: tuple[str, ...] = ()  # parameters that name a data set; an empty value means none
    paths: tuple[str, ...] = ()  # parameters that name files, folders or endpoints of this machine
    kinds: Mapping[str, DataKind] = field(default_factory=dict)  # the only kind of data that does, by parameter
    needs: frozenset[Need] = field(default_factory=frozenset)
    asks: Callable[[Any, Inputs], bool] = lambda params, inputs: False  # whether such a job asks the running service
    service: bool = False  # keeps running after `ready`; takes no CPU slot
    heavy: bool = True  # loads torch: starts from the warm host
    shared: bool = False  # its training can be shared by several processes, where the setting says so
