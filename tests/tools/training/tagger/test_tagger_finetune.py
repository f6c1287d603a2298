"""Settings of a tagger's training: found by short runs, stopped by the development rows."""

from pathlib import Path

import pytest

from tools.contract import Candidate, Dataset, Result
from tools.errors import Cancelled
from tools.finetune.spec import FinetuneParameters
from tools.training.tagger import finetune_tagged

ASKED = FinetuneParameters(data="names", steps=30, batch=8, rank=2, save_every=5, probe=True)


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory, job, small_encoder: Candidate, names: Dataset) -> Result:
    return finetune_tagged(job(tmp_path_factory.mktemp("probed")), ASKED, small_encoder, names)


def test_the_best_learning_rate_is_taken(probed: Result) -> None:
    tried = probed.facts["tried"]
    assert len({one["lr"] for one in tried}) == len(tried) == 4
    assert all(0 <= one["loss"] <= 1 for one in tried)
    best = min(tried, key=lambda one: one["loss"])
    assert (probed.facts["lr"], probed.facts["steps"]) == (best["lr"], 30)
    assert probed.facts["tried_on"] > 50  # few development rows, and some training rows beside them
    assert probed.facts["rows"] == 210  # which are learned from as well
    assert f"Settings chosen by 4 short runs: learning rate {best['lr']:.2g}." in probed.summary
    assert probed.candidate is not None
    assert probed.candidate.facts["chosen"] == probed.facts["chosen"]


def test_what_is_tried_leaves_the_encoder_as_it_was(
    tmp_path: Path, job, probed: Result, small_encoder: Candidate, names: Dataset
) -> None:
    plain = ASKED.model_copy(update={"probe": False, "lr": probed.facts["lr"]})
    result = finetune_tagged(job(tmp_path / "plain"), plain, small_encoder, names)
    assert result.candidate is not None and probed.candidate is not None
    assert result.candidate.digest == probed.candidate.digest


def test_a_resumed_search_runs_nothing_again(
    tmp_path: Path, job, probed: Result, small_encoder: Candidate, names: Dataset
) -> None:
    def trials(context) -> int:
        return len({event.step for event in context.events if event.step.startswith("trying settings: lr")})

    first = job(tmp_path / "job", lambda event: event.kind == "log" and "loss" in event.text)
    with pytest.raises(Cancelled, match="what was tried before counts"):
        finetune_tagged(first, ASKED, small_encoder, names)
    second = job(tmp_path / "job", lambda event: event.step == "training" and event.done == 7)
    with pytest.raises(Cancelled):
        finetune_tagged(second, ASKED, small_encoder, names)
    assert trials(second) == 3
    assert any("after 1 short runs of an earlier attempt" in event.text for event in second.events)
    third = job(tmp_path / "job")
    result = finetune_tagged(third, ASKED, small_encoder, names)
    assert trials(third) == 0 and third.steps == list(range(8, 31))
    assert (result.facts["tried"], result.facts["lr"]) == (probed.facts["tried"], probed.facts["lr"])


def test_a_search_without_development_rows_is_judged_by_training_rows(
    tmp_path: Path, job, small_encoder: Candidate, names: Dataset
) -> None:
    alone = names.model_copy(update={"splits": {"train": names.splits["train"]}})
    params = FinetuneParameters(data="names", batch=64, rank=2, search=1)
    result = finetune_tagged(job(tmp_path / "job"), params, small_encoder, alone)
    assert 0 < result.facts["tried_on"] < 60
    assert result.facts["epochs"] in (10, 20)
    assert "passes" in result.facts["chosen"]


def test_it_stops_by_the_development_rows_and_keeps_the_best(
    tmp_path: Path, job, encoder: Candidate, names: Dataset
) -> None:
    params = FinetuneParameters(data="names", steps=200, batch=8, rank=8, evaluate_every=10, early_stopping=2)
    result = finetune_tagged(job(tmp_path / "job"), params, encoder, names)
    looks = dict(result.facts["dev_losses"])
    assert result.facts["steps"] < 200
    assert result.facts["steps"] == result.facts["best_step"] + 20
    assert f"kept, of step {result.facts['best_step']} of {result.facts['steps']}." in result.summary
    main = result.metrics[0]
    assert (main.name, main.value) == ("entity_f1", pytest.approx(1 - looks[result.facts["best_step"]], abs=1e-4))
