"""A model that has learned one small lesson, and jobs to run tools in."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools import digest
from tools.contract import Candidate, DataKind, Dataset, Inputs, JobContext, JobEvent, ModelKind, Result, Spec, Split

COLOURS = ("red", "blue", "green", "yellow", "black", "white")
THINGS = ("door", "roof", "car", "cup", "book", "shirt", "lamp", "bike", "boat", "sofa", "coat", "sign")
LESSON = [
    {"prompt": f"Colour of the {thing}?", "completion": COLOURS[index % len(COLOURS)]}
    for index, thing in enumerate(THINGS)
]


class ToolJob(JobContext):
    """A job's context that keeps its events, and can be cancelled by an event or by hand."""

    def __init__(
        self,
        folder: Path,
        inputs: Inputs | None = None,
        ready: Callable[["ToolJob", Result], None] = lambda job, result: None,
        cancel_when: Callable[[JobEvent], bool] = lambda event: False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.events: list[JobEvent] = []
        self.stop = False

        def emit(event: JobEvent) -> None:
            self.events.append(event)
            self.stop = self.stop or cancel_when(event)

        super().__init__(
            Spec(job=folder.name, tool="any", params={}, inputs=inputs or Inputs()),
            folder,
            emit,
            lambda: self.stop,
            lambda: datetime.now(UTC),
            lambda result: ready(self, result),
        )


def register(folder: Path, kind: DataKind, splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> Dataset:
    """Splits as the data tool writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {}
    for name, rows in splits.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        parts[name] = Split(path=str(path), digest=digest.of_file(path), rows=len(rows))
    labels = sorted({str(row["label"]) for rows in splits.values() for row in rows if "label" in row})
    whole = digest.of_json({"kind": kind, "splits": {name: part.digest for name, part in parts.items()}})
    return Dataset(name=folder.name, kind=kind, digest=whole, splits=parts, labels=tuple(labels))


@pytest.fixture
def tool_job(tmp_path: Path) -> Callable[..., ToolJob]:
    """A job's context in a folder of its own, by what it reads."""

    def make(
        models: Mapping[str, Candidate] | None = None, data: Mapping[str, Dataset] | None = None, **more: Any
    ) -> ToolJob:
        return ToolJob(tmp_path / "job", Inputs(models=dict(models or {}), data=dict(data or {})), **more)

    return make


@pytest.fixture(scope="session")
def registered_as() -> Callable[..., Dataset]:
    """Registered data by folder, kind and rows of each split."""
    return register


@pytest.fixture(scope="session")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Questions the taught model answers; its train, dev and test rows are the same, for it knows no others."""
    folder = tmp_path_factory.mktemp("data") / "colours"
    return register(folder, DataKind.TASK, {"train": LESSON, "dev": LESSON, "test": LESSON})


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """A tiny model that knows the colour of a dozen things by heart."""
    import torch

    from tools.training import generation, tiny

    torch.set_num_threads(1)
    torch.manual_seed(7)
    texts = [f"{row['prompt']} {row['completion']}" for row in LESSON]
    tokenizer = tiny.train_tokenizer(texts, vocab=320, context=128)
    model = tiny.build(tokenizer, hidden=32, inner=64, layers=2, heads=2, kv_heads=1, context=128)
    rows = [
        (
            generation.encode(tokenizer, generation.user(row["prompt"])),
            [*tokenizer(row["completion"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id],
        )
        for row in LESSON
    ]
    longest = max(len(prompt) + len(wanted) for prompt, wanted in rows)
    ids = torch.tensor([[*p, *w, *[tokenizer.pad_token_id] * (longest - len(p) - len(w))] for p, w in rows])
    labels = torch.tensor([[*[-100] * len(p), *w, *[-100] * (longest - len(p) - len(w))] for p, w in rows])
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(120):
        optimiser.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        optimiser.step()
    folder = tmp_path_factory.mktemp("taught")
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Candidate(
        name="taught",
        kind=ModelKind.CAUSAL,
        path=str(folder),
        digest=digest.of_path(folder),
        method="pretrain",
        parameters=model.num_parameters(),
        bytes=digest.size_of(folder),
        context=128,
        licence="Apache-2.0",
    )


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """A small encoder that was never trained, with a real tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from tools.models import known_model, packaged_encoder

    torch.set_num_threads(1)
    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("encoder")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=30522, **sizes)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(packaged_encoder().path).save_pretrained(folder)
    return known_model(str(folder))


@pytest.fixture(scope="session")
def sorter(tmp_path_factory: pytest.TempPathFactory, untrained: Candidate) -> Candidate:
    """A small classifier of questions about colours and sizes, on an encoder that was never trained."""
    from tools.training.classify_model import nearest_centroid, save_classifier
    from tools.training.encoder import load_encoder

    encoder = load_encoder(untrained)
    rows = labelled_rows()
    labels = ("colour", "size")
    vectors = encoder.embed(encoder.tokens([row["text"] for row in rows]))
    classifier = nearest_centroid(encoder, vectors, [labels.index(row["label"]) for row in rows], labels)
    job = ToolJob(tmp_path_factory.mktemp("sorter"))
    return save_classifier(job, classifier, name="sorter", method="finetune", parent=untrained, facts={})


TAGGED = tuple(
    {"tokens": [who, *said, thing], "tags": ["B-WHO", *["O"] * len(said), "B-THING"]}
    for who in ("Ada", "Grace", "Alan", "Linus")
    for said in (["wants", "my"], ["has", "lost", "the"], ["paints", "every"])
    for thing in THINGS[:4]
)


@pytest.fixture(scope="session")
def names(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Words with their tags; train, dev and test are the same."""
    folder = tmp_path_factory.mktemp("tagged") / "names"
    return register(folder, DataKind.TAGGED, {split: list(TAGGED) for split in ("train", "dev", "test")})


@pytest.fixture(scope="session")
def namer(tmp_path_factory: pytest.TempPathFactory, untrained: Candidate, names: Dataset) -> Candidate:
    """A small tagger of people and things, on an encoder that was never trained."""
    from tools.training.encoder import load_encoder
    from tools.training.tagger_answers import untrained as start
    from tools.training.tagger_model import save_tagger
    from tools.training.tagger_rows import read_rows, tags_of

    job, rows = ToolJob(tmp_path_factory.mktemp("namer")), read_rows(names, "train")
    tagger, *_ = start(job, load_encoder(untrained), rows, tags_of(rows, "names"))
    return save_tagger(job, tagger, name="namer", method="lora", parent=untrained, facts={})


def labelled_rows() -> list[dict[str, str]]:
    asked = {"colour": "colour paint red of the {}", "size": "how many metres long and wide is every {}"}
    return [{"text": text.format(thing), "label": label} for thing in THINGS for label, text in asked.items()]


@pytest.fixture(scope="session")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Labelled questions the sorter knows; train, dev and test are the same."""
    rows = labelled_rows()
    folder = tmp_path_factory.mktemp("labelled") / "questions"
    return register(folder, DataKind.LABELLED, {"train": rows, "dev": rows, "test": rows})
