import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from tools import digest
from tools.contract import Candidate, DataKind, Dataset, JobContext, JobEvent, Spec, Split
from tools.models import known_model, packaged_encoder

OPENINGS = ("Hello,", "Hi there,", "", "Quick question:", "Please help,", "Good morning,")
ENDINGS = ("", "Thanks.", "What should I do?", "Can you look into it?", "This is the second time.")
SENTENCES = {
    "late_parcel": (
        "my parcel has not arrived yet",
        "the courier still shows no delivery",
        "my order should have been here on Monday",
        "where is the package I bought last week",
    ),
    "forgotten_password": (
        "I cannot log in to my account",
        "I forgot my password",
        "the reset link for my password does not work",
        "it says my sign-in details are wrong",
    ),
    "refund": (
        "I want my money back for these shoes",
        "when will the refund reach my bank",
        "I sent the jacket back and was not paid",
        "please return the amount I was charged",
    ),
    "opening_hours": (
        "is the shop open on Sunday",
        "when do you close today",
        "what are the hours of your store in town",
        "are you open on public holidays",
    ),
}


def questions(seed: int = 7) -> list[tuple[str, str]]:
    """Made-up questions of customers, (text, label), no text twice."""
    rows = [
        (" ".join(filter(None, (opening, sentence, ending))), label)
        for label, sentences in SENTENCES.items()
        for opening, sentence, ending in itertools.product(OPENINGS, sentences, ENDINGS)
    ]
    random.Random(seed).shuffle(rows)
    return rows


def register(folder: Path, splits: Mapping[str, Sequence[tuple[str, str]]], name: str = "questions") -> Dataset:
    """Write splits as JSONL, as the data tool does."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {}
    for split, rows in splits.items():
        path = folder / f"{split}.jsonl"
        lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in rows]
        path.write_text("".join(lines), encoding="utf-8")
        parts[split] = Split(path=str(path), digest=digest.of_file(path), rows=len(rows))
    labels = tuple(sorted({label for rows in splits.values() for _, label in rows}))
    whole = digest.of_json({split: part.digest for split, part in parts.items()})
    return Dataset(name=name, kind=DataKind.LABELLED, digest=whole, splits=parts, labels=labels)


class Job(JobContext):
    """A job's context whose events are kept, and which is cancelled after a number of them."""

    def __init__(self, folder: Path, cancel_when: Callable[[JobEvent], bool] = lambda event: False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.events: list[JobEvent] = []
        self._stop = False

        def emit(event: JobEvent) -> None:
            self.events.append(event)
            self._stop = self._stop or cancel_when(event)

        super().__init__(
            Spec(job=folder.name, tool="made-up", params={}),
            folder,
            emit,
            lambda: self._stop,
            lambda: datetime.now(UTC),
        )

    @property
    def steps(self) -> list[int]:
        """Training steps that were done, in order."""
        return [event.done for event in self.events if event.step == "training" and "loss" in event.metrics]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encoder() -> Candidate:
    return packaged_encoder()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    rows = questions()
    splits = {"test": rows[:80], "dev": rows[80:140], "train": rows[140:]}
    return register(tmp_path_factory.mktemp("questions"), splits)


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory, encoder: Candidate) -> Candidate:
    """An untrained encoder with a real tokenizer, for what does not depend on knowing any English."""
    folder = tmp_path_factory.mktemp("small")
    torch.manual_seed(7)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=30522, **sizes)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder.path).save_pretrained(folder)
    return known_model(str(folder))


@pytest.fixture(scope="session")
def job() -> type[Job]:
    """A job's context by its folder."""
    return Job


@pytest.fixture(scope="session")
def registered() -> Callable[..., Dataset]:
    """Registered data by folder and rows of each split."""
    return register
