"""Made-up sentences with names of people and places, told apart by what stands around them alone."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tools import digest
from tools.contract import DataKind, Dataset, Split

# The same names are people and places, so that a word alone does not say which.
NAMES = ("Paris", "Florence", "Sydney", "Austin", "Jordan", "Chelsea", "Madison", "Victoria", "Lincoln", "Houston")
SECOND = ("Baker", "Stone", "Hill", "Wells", "Lane", "Brooks")
SENTENCES = (
    "{P} called me this morning about the invoice .",
    "The warehouse in {L} is closed until Monday .",
    "Did {P} say when the train to {L} leaves ?",
    "My parcel was sent from {L} to {L} by mistake .",
    "Please tell {P} that her order is ready .",
    "{P} and {P} had lunch in {L} yesterday .",
    "Nothing has come yet and nobody answers .",
    "He was born in {L} , says {P} .",
)


def sentence(generator: random.Random) -> dict[str, list[str]]:
    tokens: list[str] = []
    tags: list[str] = []
    for word in generator.choice(SENTENCES).split():
        kind = {"{P}": "PER", "{L}": "LOC"}.get(word)
        parts = [word] if kind is None else [generator.choice(NAMES)]
        if kind is not None and generator.random() < 0.4:
            parts.append(generator.choice(SECOND))
        tokens += parts
        tags += ["O"] if kind is None else [f"B-{kind}", *[f"I-{kind}"] * (len(parts) - 1)]
    return {"tokens": tokens, "tags": tags}


def sentences(count: int, seed: int = 7) -> list[dict[str, list[str]]]:
    """No sentence twice."""
    generator, found = random.Random(seed), {}
    while len(found) < count:
        row = sentence(generator)
        found[" ".join(row["tokens"])] = row
    return list(found.values())


def register(folder: Path, splits: Mapping[str, Sequence[Mapping[str, Any]]], name: str = "names") -> Dataset:
    """Write splits as JSONL, as the data tool does."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {}
    for split, rows in splits.items():
        path = folder / f"{split}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        parts[split] = Split(path=str(path), digest=digest.of_file(path), rows=len(rows))
    whole = digest.of_json({split: part.digest for split, part in parts.items()})
    return Dataset(name=name, kind=DataKind.TAGGED, digest=whole, splits=parts)


@pytest.fixture(scope="session")
def names(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    rows = sentences(320)
    splits = {"test": rows[:60], "dev": rows[60:110], "train": rows[110:]}
    return register(tmp_path_factory.mktemp("names"), splits)


@pytest.fixture(scope="session")
def registered() -> Callable[..., Dataset]:
    """Registered data by folder and rows of each split."""
    return register
