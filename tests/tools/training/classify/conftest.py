import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tools import digest
from tools.contract import DataKind, Dataset, Split

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


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    rows = questions()
    splits = {"test": rows[:80], "dev": rows[80:140], "train": rows[140:]}
    return register(tmp_path_factory.mktemp("questions"), splits)


@pytest.fixture(scope="session")
def registered() -> Callable[..., Dataset]:
    """Registered data by folder and rows of each split."""
    return register
