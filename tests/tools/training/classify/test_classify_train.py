import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tools.contract import Candidate, Dataset
from tools.errors import Cancelled, UserFault
from tools.finetune.spec import FinetuneParameters, Method
from tools.training.classify import finetune_labelled
from tools.training.classify_checkpoint import Notes, resume, save_checkpoint
from tools.training.classify_measures import tempered_loss
from tools.training.classify_model import load_classifier, nearest_centroid
from tools.training.classify_rows import read_rows
from tools.training.classify_train import TOKENS_AT_ONCE, batches, pace, parts
from tools.training.encoder import load_encoder

QUICK = FinetuneParameters(data="questions", steps=12, batch=8, per_class=10, rank=2, save_every=5)


def test_every_row_comes_once_a_pass_and_the_order_is_the_seeds() -> None:
    lengths = [5 + index % 40 for index in range(103)]
    first = list(itertools.islice(batches(lengths, 8, seed=1), 26))
    assert sorted(itertools.chain(*first[:13])) == list(range(103))
    assert sorted(itertools.chain(*first[13:])) == list(range(103))
    assert first[:13] != first[13:]
    assert first == list(itertools.islice(batches(lengths, 8, seed=1), 26))
    assert first != list(itertools.islice(batches(lengths, 8, seed=2), 26))


def test_the_pace_rises_and_falls_to_almost_nothing() -> None:
    shares = [pace(step, 100) for step in range(100)]
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert max(shares) == 1.0
    assert 0 < shares[-1] < 0.02
    assert 0 < pace(0, 1) <= 1.0


def test_a_batch_of_long_texts_is_taken_in_parts() -> None:
    rows = [[1] * 256 for _ in range(40)]
    cut = list(parts(list(range(40)), rows))
    assert list(itertools.chain(*cut)) == list(range(40))
    assert max(len(part) for part in cut) * 256 <= TOKENS_AT_ONCE


def test_a_stopped_run_ends_where_an_unbroken_one_does(
    tmp_path: Path, job, small_encoder: Candidate, data: Dataset
) -> None:
    whole = finetune_labelled(job(tmp_path / "whole"), QUICK, small_encoder, data)
    with pytest.raises(Cancelled, match="Stopped at step 7 of 12"):
        stopped = job(tmp_path / "stopped", lambda event: event.step == "training" and event.done == 7)
        finetune_labelled(stopped, QUICK, small_encoder, data)
    assert not (tmp_path / "stopped" / "model").exists()
    again = job(tmp_path / "stopped")
    resumed = finetune_labelled(again, QUICK, small_encoder, data)
    assert again.steps == [8, 9, 10, 11, 12]
    assert resumed.candidate is not None
    assert whole.candidate is not None
    assert resumed.candidate.digest == whole.candidate.digest
    assert resumed.metric("train_loss") == whole.metric("train_loss")


def test_every_weight_can_be_trained(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    full = QUICK.model_copy(update={"method": Method.FULL, "steps": 8})
    with pytest.raises(Cancelled):
        finetune_labelled(job(tmp_path / "run", lambda event: event.done == 5), full, small_encoder, data)
    again = job(tmp_path / "run")
    made = finetune_labelled(again, full, small_encoder, data).candidate
    assert again.steps == [6, 7, 8]
    assert made is not None and made.method == "full" and made.name.endswith("-full") and "rank" not in made.facts
    before = load_file(Path(small_encoder.path) / "model.safetensors")
    after = load_file(Path(made.path) / "model.safetensors")
    embeddings = next(name for name in before if name.endswith("word_embeddings.weight"))
    assert not torch.equal(before[embeddings], after[embeddings])
    with pytest.raises(
        UserFault, match="method=prompt_tuning is for models that generate; an encoder takes lora or full"
    ):
        wrong = QUICK.model_copy(update={"method": Method.PROMPT_TUNING})
        finetune_labelled(job(tmp_path / "wrong"), wrong, small_encoder, data)
    with pytest.raises(UserFault, match="dora, packing: only for models that generate; leave it out"):
        wrong = QUICK.model_copy(update={"dora": True, "packing": True})
        finetune_labelled(job(tmp_path / "wrong"), wrong, small_encoder, data)


def test_a_broken_checkpoint_is_passed_over(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    with pytest.raises(Cancelled):
        stopped = job(tmp_path / "run", lambda event: event.step == "training" and event.done == 11)
        finetune_labelled(stopped, QUICK, small_encoder, data)
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    assert newest.name == "step-00000011"
    state = newest / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    again = job(tmp_path / "run")
    finetune_labelled(again, QUICK, small_encoder, data)
    assert again.steps == [11, 12]  # from the checkpoint of step 10


def test_only_whole_checkpoints_of_the_same_run_are_taken(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.AdamW([weight])
    for step in (1, 2, 3):
        weight.grad = torch.ones(3)
        optimizer.step()
        save_checkpoint(tmp_path, Notes(step=step, recipe="mine"), {"w": weight}, optimizer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]
    assert load_file(tmp_path / "step-00000003" / "state.safetensors").keys() == {
        "weight/w", "step/w", "exp_avg/w", "exp_avg_sq/w",
    }  # fmt: skip
    assert resume(tmp_path, "another", {"w": weight}, optimizer).step == 0
    other = torch.nn.Parameter(torch.ones(3))
    fresh = torch.optim.AdamW([other])
    (tmp_path / "step-00000003" / "notes.json").write_text("{", encoding="utf-8")
    assert resume(tmp_path, "mine", {"w": other}, fresh).step == 2
    assert float(fresh.state[other]["step"]) == 2.0
    shutil.rmtree(tmp_path / "step-00000002")
    assert resume(tmp_path, "mine", {"w": other}, fresh).step == 0


CONTRARY = QUICK.model_copy(
    update={"method": Method.FULL, "lr": 5e-3, "steps": 40, "evaluate_every": 4, "early_stopping": 2, "save_every": 6}
)


@pytest.fixture(scope="module")
def contrary(tmp_path_factory: pytest.TempPathFactory, registered, data: Dataset) -> Dataset:
    """Development rows whose labels are turned about: the better the training, the worse they look."""
    turned = dict(itertools.pairwise([*data.labels, data.labels[0]]))
    dev = [(row.text, turned[row.label]) for row in read_rows(data, "dev")]
    train = [(row.text, row.label) for row in read_rows(data, "train")]
    return registered(tmp_path_factory.mktemp("contrary"), {"train": train, "dev": dev})


def test_it_stops_where_dev_gets_worse_and_keeps_the_best(
    tmp_path: Path, job, small_encoder: Candidate, contrary: Dataset
) -> None:
    result = finetune_labelled(job(tmp_path / "run"), CONTRARY, small_encoder, contrary)
    losses = result.facts["dev_losses"]
    best = min(losses, key=lambda look: look[1])[0]
    assert [step for step, _ in losses] == [*range(4, best + 1, 4), best + 4, best + 8]
    assert result.facts["steps"] == best + 8 < 40
    shorter = CONTRARY.model_copy(update={"early_stopping": 0})
    classifier = load_classifier(result.candidate)
    rows = read_rows(contrary, "dev")
    place = {label: index for index, label in enumerate(classifier.labels)}
    truth = np.array([place[row.label] for row in rows])
    assert tempered_loss(classifier.logits([row.text for row in rows]), truth) == pytest.approx(
        min(loss for _, loss in losses), abs=1e-3
    )
    whole = finetune_labelled(job(tmp_path / "whole"), shorter, small_encoder, contrary)
    assert whole.facts["steps"] == 40


def test_a_run_stopped_before_its_early_end_ends_alike(
    tmp_path: Path, job, small_encoder: Candidate, contrary: Dataset
) -> None:
    whole = finetune_labelled(job(tmp_path / "whole"), CONTRARY, small_encoder, contrary)
    last = whole.facts["steps"] - 1
    with pytest.raises(Cancelled):
        stopped = job(tmp_path / "stopped", lambda event: event.step == "training" and event.done == last)
        finetune_labelled(stopped, CONTRARY, small_encoder, contrary)
    resumed = finetune_labelled(job(tmp_path / "stopped"), CONTRARY, small_encoder, contrary)
    assert resumed.candidate.digest == whole.candidate.digest
    assert resumed.facts["dev_losses"] == whole.facts["dev_losses"]


def test_early_stopping_needs_development_rows(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    alone = data.model_copy(update={"splits": {"train": data.splits["train"]}})
    with pytest.raises(UserFault, match="early_stopping looks at a development split, and questions has none"):
        finetune_labelled(job(tmp_path / "run"), CONTRARY, small_encoder, alone)


def test_r_drop_charges_for_two_passes_that_disagree(small_encoder: Candidate, data: Dataset) -> None:
    rows = read_rows(data, "train")[:20]
    places = torch.tensor([data.labels.index(row.label) for row in rows])
    encoder = load_encoder(small_encoder)
    tokens = encoder.tokens([row.text for row in rows])
    classifier = nearest_centroid(encoder, encoder.embed(tokens), places.tolist(), data.labels)
    classifier.r_drop = 3.0
    assert classifier.passes == 2
    plain = torch.nn.functional.cross_entropy(classifier.forward(tokens), places, reduction="sum").item()
    assert classifier.loss(tokens, places.tolist()).item() == pytest.approx(
        plain, rel=1e-4
    )  # without dropout they agree
    encoder.model.train()
    torch.manual_seed(1)
    charged = classifier.loss(tokens, places.tolist()).item()
    torch.manual_seed(1)
    one, other = classifier.forward([*tokens, *tokens]).softmax(-1).chunk(2)
    right = -(one[range(20), places].log() + other[range(20), places].log()).sum() / 2
    apart = ((one - other) * (one.log() - other.log())).sum() / 2
    assert apart > 0
    assert charged == pytest.approx((right + 3.0 * apart).item(), rel=1e-4)


def test_divergence_is_said_in_a_sentence(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    wild = QUICK.model_copy(update={"lr": 0.99, "alpha": 2048.0, "steps": 200})
    broken = small_encoder.model_copy(update={"path": str(tmp_path / "broken")})
    shutil.copytree(small_encoder.path, broken.path)
    spoil(Path(broken.path))
    with pytest.raises(UserFault, match=r"diverged at step 1: .* Try a lower learning rate than 0.99"):
        finetune_labelled(job(tmp_path / "run"), wild, broken, data)


def spoil(folder: Path) -> None:
    """Weights no number can come of."""
    tensors = load_file(folder / "model.safetensors")
    tensors["embeddings.LayerNorm.weight"] = torch.full_like(tensors["embeddings.LayerNorm.weight"], torch.nan)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
