"""The reader learns from pairs, and what it learnt gives the same verdicts without torch."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from knowledge import reader_graph
from knowledge.embed import packaged_model
from knowledge.reader import ANSWERS, LEARNT, SUPPORTS, OnnxReader
from tools.training import reader as training
from tools.training.reader import LOWER, SCALE, TASKS, Lower, Pair, Reader, fed, keep, read_pairs, scores, train

PAIRS = [
    Pair(
        "supports", "LoRA leaves the matrix as it is.", "LoRA. LoRA freezes the matrix and learns a correction.", True
    ),
    Pair(
        "supports", "LoRA rewrites the whole matrix.", "LoRA. LoRA freezes the matrix and learns a correction.", False
    ),
    Pair("answers", "which rank is enough?", "Rank. A rank of 8 or 16 is enough. Higher ranks cost memory.", True),
    Pair("answers", "who invented ranks?", "Rank. A rank of 8 or 16 is enough. Higher ranks cost memory.", False),
]


@pytest.fixture
def untrained() -> tuple[Reader, Lower]:
    torch.manual_seed(1)
    return training.load(packaged_model())


def test_it_learns_what_it_is_shown(untrained: tuple[Reader, Lower]) -> None:
    reader, lower = untrained
    losses = list(train(reader, lower, PAIRS, epochs=25, seed=1))
    assert losses[-1] < losses[0] / 2
    assert [score > 0 for score in scores(reader, lower, PAIRS)] == [pair.holds for pair in PAIRS]


def test_the_encoder_itself_stays_as_it_is(untrained: tuple[Reader, Lower]) -> None:
    reader, lower = untrained
    before = {n: p.clone() for n, p in reader.named_parameters() if not p.requires_grad}
    list(train(reader, lower, PAIRS, epochs=1, seed=1))
    assert before
    assert all(torch.equal(before[n], p) for n, p in reader.named_parameters() if n in before)


def test_the_graph_says_what_the_trained_reader_says(untrained: tuple[Reader, Lower], tmp_path: Path) -> None:
    reader, lower = untrained
    for name, weights in reader.named_parameters():
        if name.endswith("up") or name == "kinds":
            torch.nn.init.normal_(weights, std=0.05)
    reader.load_state_dict({name: value.half().float() for name, value in reader.learnt().items()}, strict=False)
    keep(reader, tmp_path / "learnt.safetensors")
    said = OnnxReader(tmp_path, tmp_path / "learnt.safetensors")
    reader_graph.write(packaged_model(), tmp_path / "learnt.safetensors", said.graph)  # not in eight bits
    texts = [(pair.text, pair.passage) for pair in PAIRS]
    assert said.supports(texts[:2]) + said.answers(texts[2:]) == pytest.approx(scores(reader, lower, PAIRS), abs=1e-3)


def test_both_sides_of_the_border_name_the_same_things() -> None:
    assert (LOWER, SCALE) == (reader_graph.LOWER, reader_graph.SCALE)
    assert (TASKS[SUPPORTS], TASKS[ANSWERS]) == ("supports", "answers")


def test_padding_changes_nothing(untrained: tuple[Reader, Lower]) -> None:
    reader, lower = untrained
    reader.eval()
    together = reader(*fed(lower, PAIRS)).detach().numpy()
    alone = [float(reader(*fed(lower, [pair])).detach()) for pair in PAIRS]
    assert np.allclose(together, alone, atol=1e-4)


def test_the_command_trains_on_the_part_that_is_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pairs.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as written:
        for half, pair in (("train", PAIRS[0]), ("report", PAIRS[1]), ("train", PAIRS[2])):
            row = {"task": pair.task, "text": pair.text, "passage": pair.passage, "holds": pair.holds, "half": half}
            written.write(json.dumps(row) + "\n")
    assert read_pairs(file, "train") == [PAIRS[0], PAIRS[2]]
    monkeypatch.setattr("sys.argv", ["reader", str(file), str(packaged_model()), str(tmp_path / "l.safetensors")])
    assert training.main() == 0
    assert len(OnnxReader(tmp_path, tmp_path / "l.safetensors").answers([("which rank?", "Rank. Use rank 8.")])) == 1


def test_what_ships_was_learnt_by_this_reader(untrained: tuple[Reader, Lower]) -> None:
    from safetensors import safe_open

    with safe_open(LEARNT, "np") as shipped:
        kept = {name: tuple(shipped.get_tensor(name).shape) for name in shipped.keys()}  # noqa: SIM118
    assert kept == {name: tuple(value.shape) for name, value in untrained[0].learnt().items()}
