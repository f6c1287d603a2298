import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from results import made, value
from safetensors.torch import load_file

from tests.tools.conftest import ToolJob
from tools import digest
from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Result
from tools.errors import Cancelled, UserFault
from tools.evaluate.run import run as evaluate
from tools.evaluate.spec import EvaluateParameters
from tools.finetune.run import run as finetune
from tools.finetune.spec import FinetuneParameters
from tools.models import known_model
from tools.training.encoder import load_encoder

LEARN = FinetuneParameters(data="faq", name="finder", method="full", steps=40, batch=16, lr=5e-3)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, blank: Candidate, pairs: Dataset) -> Result:
    job = ToolJob(tmp_path_factory.mktemp("learned"), Inputs(models={"model": blank}, data={"data": pairs}))
    return finetune(LEARN, job)


def test_what_is_found_rises(tool_job, learned: Result, blank: Candidate, pairs: Dataset) -> None:
    assert value(learned, "recall@1_before") < 0.4
    assert value(learned, "recall@1") > 0.8
    assert "recall@1" in learned.summary
    assert "16 development questions, each looking for its text among 16" in learned.summary
    job = tool_job({"model": made(learned), "compare_to": blank}, {"data": pairs})
    result = evaluate(EvaluateParameters(data="faq", compare_to="blank", latency_items=2), job)
    main = result.metrics[0]
    assert (main.name, main.n, main.split) == ("recall@1", 16, "test")
    assert main.low is not None and main.low > 0.5
    (comparison,) = result.comparisons
    assert comparison.low > 0
    assert (comparison.metric, comparison.baseline_digest) == ("recall@1", blank.digest)
    assert result.facts["verdict"] == "better"


def test_the_result_is_an_encoder_like_the_one_it_came_from(learned: Result, blank: Candidate) -> None:
    model = made(learned)
    assert (model.kind, model.method, model.parent_digest) == (ModelKind.ENCODER, "full", blank.digest)
    assert model.digest == digest.of_path(Path(model.path))
    again = known_model(model.path)
    assert (again.kind, again.digest, again.context) == (ModelKind.ENCODER, model.digest, model.context)
    assert again.parameters == model.parameters == blank.parameters
    vectors = load_encoder(again).embed([[101, 2054, 102]])
    assert torch.linalg.vector_norm(vectors) == pytest.approx(1.0)
    assert not list(Path(model.path).glob("*.bin"))
    before, after = (load_file(Path(each.path) / "model.safetensors") for each in (blank, model))
    assert before.keys() == after.keys()


def test_a_classifier_can_be_trained_on_it(tool_job, learned: Result, questions: Dataset) -> None:
    params = FinetuneParameters(data="questions", steps=3, batch=8)
    result = finetune(params, tool_job({"model": made(learned)}, {"data": questions}))
    assert made(result).kind is ModelKind.CLASSIFIER
    assert made(result).parent == "finder"


def test_a_stopped_run_ends_where_an_unbroken_one_does(tmp_path: Path, blank: Candidate, pairs: Dataset) -> None:
    inputs = Inputs(models={"model": blank}, data={"data": pairs})
    params = FinetuneParameters(data="faq", steps=12, save_every=5)
    whole = finetune(params, ToolJob(tmp_path / "whole", inputs))
    stop = ToolJob(tmp_path / "stopped", inputs, cancel_when=lambda e: e.step == "training" and e.done == 7)
    with pytest.raises(Cancelled, match="Stopped at step 7 of 12"):
        finetune(params, stop)
    again = ToolJob(tmp_path / "stopped", inputs)
    resumed = finetune(params, again)
    steps = [e.done for e in again.events if e.step == "training" and "loss" in e.metrics]
    assert steps == [8, 9, 10, 11, 12]
    assert made(resumed).digest == made(whole).digest
    assert made(resumed).facts["rank"] == 16


def test_it_stops_where_nothing_more_is_found(tool_job, blank: Candidate, pairs: Dataset) -> None:
    params = LEARN.model_copy(update={"steps": 300, "evaluate_every": 10, "early_stopping": 2})
    result = finetune(params, tool_job({"model": blank}, {"data": pairs}))
    assert int(str(result.facts["steps"])) < 300
    assert value(result, "recall@1") > 0.8


def test_the_best_checkpoint_is_kept(tool_job, blank: Candidate, pairs: Dataset) -> None:
    params = LEARN.model_copy(update={"steps": 300, "evaluate_every": 10, "early_stopping": 2})
    result = finetune(params, tool_job({"model": blank}, {"data": pairs}))
    looks = dict(result.facts["dev_losses"])
    assert result.facts["steps"] == int(str(result.facts["best_step"])) + 20
    assert 1 - value(result, "mrr") == pytest.approx(looks[result.facts["best_step"]], abs=1e-4)


def test_a_search_goes_on_with_the_best_it_found(tool_job, blank: Candidate, pairs: Dataset) -> None:
    params = FinetuneParameters(data="faq", method="full", batch=16, search=2)
    result = finetune(params, tool_job({"model": blank}, {"data": pairs}))
    tried = result.facts["tried"]
    longest = max(one["share"] for one in tried)
    best = min((one for one in tried if one["share"] == longest), key=lambda one: one["loss"])
    assert len({(one["lr"], one["epochs"]) for one in tried}) == 8
    assert (result.facts["lr"], result.facts["epochs"]) == (best["lr"], best["epochs"])
    assert result.facts["tried_on"] == 16 + 6  # few development questions, and a fifth of the training pairs
    assert result.facts["rows"] == 32
    assert result.summary.endswith(f"short runs: {result.facts['chosen']}.")


def test_a_stopped_probe_goes_on_after_what_it_tried(tmp_path: Path, blank: Candidate, pairs: Dataset) -> None:
    inputs = Inputs(models={"model": blank}, data={"data": pairs})
    params = LEARN.model_copy(update={"lr": None, "probe": True})
    whole = finetune(params, ToolJob(tmp_path / "whole", inputs))
    stop = ToolJob(tmp_path / "stopped", inputs, cancel_when=lambda e: e.kind == "log" and "loss" in e.text)
    with pytest.raises(Cancelled, match="what was tried before counts"):
        finetune(params, stop)
    again = ToolJob(tmp_path / "stopped", inputs)
    resumed = finetune(params, again)
    assert len({event.step for event in again.events if event.step.startswith("trying settings: lr")}) == 3
    assert resumed.facts["tried"] == whole.facts["tried"]
    assert made(resumed).digest == made(whole).digest


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"per_class": 5}, "per_class counts rows of a label, and faq has none"),
        (
            {"method": "prompt_tuning"},
            "method=prompt_tuning is for models that generate; an encoder takes lora or full",
        ),
        ({"packing": True}, "packing: only for models that generate"),
    ],
)
def test_what_says_nothing_to_pairs_is_refused(
    tool_job, blank: Candidate, pairs: Dataset, more: dict[str, object], said: str
) -> None:
    params = FinetuneParameters.model_validate({"data": "faq", **more})
    with pytest.raises(UserFault, match=said):
        finetune(params, tool_job({"model": blank}, {"data": pairs}))


@pytest.mark.parametrize(
    "run",
    [
        lambda job: finetune(FinetuneParameters(data="docs"), job),
        lambda job: evaluate(EvaluateParameters(data="docs"), job),
    ],
)
def test_an_encoder_on_other_data_is_told_what_it_takes(
    tmp_path: Path, tool_job, registered_as: Callable[..., Dataset], blank: Candidate, run: Callable[..., Result]
) -> None:
    rows = [{"text": "some text"}]
    docs = registered_as(tmp_path / "docs", DataKind.CORPUS, {"train": rows, "test": rows})
    with pytest.raises(UserFault, match=r"An encoder takes labelled data .* and docs is of kind corpus"):
        run(tool_job({"model": blank}, {"data": docs}))


def test_predictions_tell_what_was_found(tool_job, learned: Result, pairs: Dataset) -> None:
    job = tool_job({"model": made(learned)}, {"data": pairs})
    params = EvaluateParameters(data="faq", metrics="mrr", latency_items=2)
    result = evaluate(params, job)
    assert [metric.name for metric in result.metrics[:4]] == ["mrr", "recall@1", "recall@5", "ndcg@10"]
    assert result.facts["metric"] == "mrr"
    lines = (job.folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert sum(row["values"]["mrr"] for row in rows) / 16 == pytest.approx(result.metrics[0].value)
    assert all((row["rank"] == 1) == (row["answer"] == row["completion"]) for row in rows)
    assert {part["slice"] for part in result.facts["slices"]} >= {"topic=price", "topic=reset"}
