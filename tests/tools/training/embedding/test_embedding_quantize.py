import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from results import made, value
from walk import TICKETS, Walk, record

from agent.lifecycle.project import TaskKind
from tests.tools.conftest import ToolJob
from tools import digest
from tools.contract import Candidate, Dataset, File, Inputs, ModelKind
from tools.errors import UserFault
from tools.evaluate.run import run as evaluate
from tools.evaluate.spec import EvaluateParameters
from tools.finetune.run import run as finetune
from tools.finetune.spec import FinetuneParameters
from tools.models import known_model
from tools.quantize.run import run as quantize
from tools.quantize.spec import QuantizeParameters
from tools.training.embedding import load_embedder

Make = Callable[..., Any]


@pytest.mark.parametrize("activations", ["float", "dynamic"])
def test_eight_bits_are_smaller_and_find_alike(
    tool_job: Make, blank: Candidate, pairs: Dataset, activations: str
) -> None:
    params = QuantizeParameters.model_validate({"data": "faq", "activations": activations, "margin": 0.2})
    result = quantize(params, tool_job({"model": blank}, {"data": pairs}))
    model = made(result)
    assert (model.kind, model.method, model.parent_digest) == (ModelKind.ENCODER, "int8", blank.digest)
    assert model.digest == digest.of_path(Path(model.path))
    assert value(result, "size") < 0.5 * value(result, "size_before")
    (comparison,) = result.comparisons
    assert (comparison.metric, comparison.n, comparison.split) == ("recall@1", 16, "dev")
    assert value(result, "recall@1") - value(result, "recall@1_before") == pytest.approx(comparison.value)
    assert value(result, "same_text") > 0.7
    assert result.facts["parity"] is (comparison.low >= -0.2)
    assert "recall@1" in result.summary
    alone, among = (load_embedder(model)(texts)[0][0] for texts in (["restart it"], ["restart it", "a " * 40]))
    whole = load_embedder(blank)(["restart it"])[0][0]
    assert torch.tensor(alone) @ torch.tensor(among) == pytest.approx(1.0, abs=1e-4)
    assert torch.tensor(alone) @ torch.tensor(whole) > 0.99


def test_what_is_in_eight_bits_is_measured_but_not_quantized_or_trained_again(
    tool_job: Make, blank: Candidate, pairs: Dataset
) -> None:
    model = made(quantize(QuantizeParameters(), tool_job({"model": blank})))
    again = known_model(model.path)
    assert (again.kind, again.digest, again.context) == (ModelKind.ENCODER, model.digest, model.context)
    job = tool_job({"model": model, "compare_to": blank}, {"data": pairs})
    result = evaluate(EvaluateParameters(data="faq", compare_to="blank", latency_items=2), job)
    assert abs(result.comparisons[0].value) < 0.3
    with pytest.raises(UserFault, match="in 8 bits already"):
        quantize(QuantizeParameters(), tool_job({"model": model}))
    with pytest.raises(UserFault, match="in 8 bits and cannot be trained"):
        finetune(FinetuneParameters(data="faq", steps=2), tool_job({"model": model}, {"data": pairs}))


def test_the_charters_metric_decides_on_parity(blank: Candidate, pairs: Dataset, tmp_path: Path) -> None:
    walk = Walk()
    walk.begin()
    walk.register(TICKETS)
    walk.charter(TaskKind.RETRIEVAL, "mrr", "tickets")
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(record(walk)), encoding="utf-8")
    files = {"snapshot": File(path=str(path), digest=digest.of_file(path))}
    inputs = Inputs(models={"model": blank}, data={"data": pairs}, files=files)
    result = quantize(QuantizeParameters(data="faq"), ToolJob(tmp_path / "job", inputs))
    assert result.comparisons[0].metric == "mrr"
    assert value(result, "mrr_before") > 0


def test_without_pairs_parity_is_said_to_be_unchecked(tool_job: Make, blank: Candidate, questions: Dataset) -> None:
    result = quantize(QuantizeParameters(), tool_job({"model": blank}))
    assert (result.comparisons, result.split, result.facts["parity"]) == ((), "", None)
    assert "parity was not checked" in result.summary
    with pytest.raises(UserFault, match="questions is labelled data, and parity of an encoder is checked on task data"):
        quantize(QuantizeParameters(data="questions"), tool_job({"model": blank}, {"data": questions}))


def test_a_folder_that_does_not_say_how_it_was_stored(tool_job: Make, blank: Candidate) -> None:
    model = made(quantize(QuantizeParameters(), tool_job({"model": blank})))
    (Path(model.path) / "encoder.json").write_text(json.dumps({"context": 8, "quantization": "int3"}))
    with pytest.raises(UserFault, match="quantize the encoder again"):
        load_embedder(model)
