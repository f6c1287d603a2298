"""Settings of an encoder's training, found by short runs."""

from pathlib import Path

import pytest

from tools.contract import Candidate, Dataset, Inputs, Plan
from tools.errors import Cancelled, UserFault
from tools.finetune.plan import plan
from tools.finetune.spec import FinetuneParameters, Method
from tools.training.classify import finetune_labelled
from tools.training.classify_rows import counts_of, hold_out, judges, read_rows

ASKED = FinetuneParameters(data="questions", method=Method.FULL, batch=16, per_class=10)


def trained_only(data: Dataset) -> Dataset:
    return data.model_copy(update={"splits": {"train": data.splits["train"]}})


def test_a_search_goes_on_with_the_best_it_found(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    params = ASKED.model_copy(update={"search": 2.0})
    result = finetune_labelled(job(tmp_path / "run"), params, small_encoder, trained_only(data))
    tried = result.facts["tried"]
    longest = max(one["share"] for one in tried)
    best = min((one for one in tried if one["share"] == longest), key=lambda one: one["loss"])
    assert len({one["lr"] for one in tried}) > 1
    assert len({one["epochs"] for one in tried}) > 1
    assert (result.facts["lr"], result.facts["epochs"]) == (best["lr"], best["epochs"])
    assert result.facts["chosen"] == f"learning rate {best['lr']:.2g}, {best['epochs']:g} passes"
    assert result.summary.endswith(f"short runs: {result.facts['chosen']}.")
    assert result.facts["rows"] == 40  # those held back for the search are learnt from as well
    assert result.facts["tried_on"] == 8


def test_learning_rates_alone_are_tried(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    params = ASKED.model_copy(update={"probe": True, "steps": 20})
    result = finetune_labelled(job(tmp_path / "run"), params, small_encoder, data)
    tried = result.facts["tried"]
    assert len({one["lr"] for one in tried}) == len(tried) == 4
    assert result.facts["lr"] == min(tried, key=lambda one: one["loss"])["lr"]
    assert result.facts["steps"] == 20
    assert result.facts["tried_on"] == 60 + 8  # few development rows, and some training rows beside them


def test_a_resumed_job_keeps_what_was_chosen(tmp_path: Path, job, small_encoder: Candidate, data: Dataset) -> None:
    params = ASKED.model_copy(update={"probe": True, "steps": 20, "save_every": 5})
    with pytest.raises(Cancelled):
        stopped = job(tmp_path / "run", lambda event: event.step == "training" and event.done == 7)
        finetune_labelled(stopped, params, small_encoder, data)
    again = job(tmp_path / "run")
    result = finetune_labelled(again, params, small_encoder, data)
    assert again.steps == list(range(8, 21))
    assert not any(event.step.startswith("trying") for event in again.events)
    assert len(result.facts["tried"]) == 4


def test_a_search_that_is_stopped_leaves_nothing_chosen(
    tmp_path: Path, job, small_encoder: Candidate, data: Dataset
) -> None:
    params = ASKED.model_copy(update={"search": 1.0})
    with pytest.raises(Cancelled):
        finetune_labelled(
            job(tmp_path / "run", lambda event: event.step.startswith("trying")), params, small_encoder, data
        )
    assert not list((tmp_path / "run").glob("checkpoints/*"))


def test_rows_that_judge_are_of_every_label(data: Dataset) -> None:
    rows = read_rows(data, "train")
    learnt, held = hold_out([row.label for row in rows], seed=3)
    assert sorted([*learnt, *held]) == list(range(len(rows)))
    assert set(counts_of([rows[index] for index in held])) == set(data.labels)
    assert hold_out(["a", "a", "b"], seed=3)[0][-1] == 2  # the only row of its label is learnt from
    assert not judges(rows=100, labels=51)
    assert judges(rows=100, labels=2)


def test_the_plan_tells_of_the_search_and_what_judges_it(small_encoder: Candidate, data: Dataset) -> None:
    def planned(found: Dataset, **given: object) -> Plan:
        inputs = Inputs(models={"model": small_encoder}, data={"data": found})
        return plan(ASKED.model_copy(update=given), inputs)

    told = planned(trained_only(data), search=15.0)
    assert "Try 8 settings in short runs for up to 15 minutes" in told.steps[0]
    assert "learning rates 0.0002, 6.7e-05, 0.0006, 2e-05, each for 10 or 20 passes" in told.steps[0]
    assert "a fifth of the training rows" in told.steps[1]
    assert told.seconds > planned(data).seconds + 15 * 60
    many = data.model_copy(
        update={"splits": {**data.splits, "dev": data.splits["dev"].model_copy(update={"rows": 300})}}
    )
    assert not any("a fifth" in step for step in planned(many, search=15.0).steps)
    assert not any("a fifth" in step for step in planned(trained_only(data)).steps)


def test_names_of_labels_are_learnt_where_the_encoder_knows_their_words(
    tmp_path: Path, job, registered, encoder: Candidate, data: Dataset
) -> None:
    quick = ASKED.model_copy(update={"steps": 1, "per_class": 4})
    told = finetune_labelled(job(tmp_path / "told"), quick, encoder, trained_only(data))
    assert (told.facts["label_names_learnt"], told.facts["rows"], told.facts["r_drop"]) == (True, 16, 1.0)
    numbered = [(row.text, str(data.labels.index(row.label))) for row in read_rows(data, "train")]
    blank = finetune_labelled(job(tmp_path / "blank"), quick, encoder, registered(tmp_path / "n", {"train": numbered}))
    assert blank.facts["label_names_learnt"] is False


def test_nothing_to_judge_by_is_said(tmp_path: Path, job, registered, small_encoder: Candidate) -> None:
    single = registered(tmp_path / "single", {"train": [("one thing", "a"), ("another", "b")]})
    with pytest.raises(UserFault, match="There is no row to try settings on"):
        finetune_labelled(job(tmp_path / "run"), ASKED.model_copy(update={"probe": True}), small_encoder, single)
