import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import digest
from tools.contract import Candidate, DataKind, Dataset, JobContext, ModelKind
from tools.errors import Cancelled, UserFault
from tools.evaluate import metrics
from tools.quantize.run import run
from tools.quantize.spec import QuantizeParameters
from tools.training import generation, models

Make = Callable[..., JobContext]


@pytest.mark.parametrize("activations", ["float", "dynamic"])
def test_a_model_is_smaller_and_answers_as_before(
    tool_job: Make, taught: Candidate, lesson: Dataset, activations: str
) -> None:
    params = QuantizeParameters.model_validate({"data": "colours", "activations": activations})
    result = run(params, tool_job({"model": taught}, {"data": lesson}))
    small = result.candidate
    assert small is not None
    assert (small.name, small.method, small.kind) == ("taught-int8", "int8", ModelKind.CAUSAL)
    assert (small.parent, small.parent_digest) == ("taught", taught.digest)
    assert small.parameters == taught.parameters
    assert small.digest == digest.of_path(Path(small.path)) != taught.digest
    assert small.bytes == result.metric("size").value < taught.bytes == result.metric("size_before").value
    assert result.metric("exact_match").value == result.metric("exact_match_before").value == 1.0
    assert result.metric("perplexity").value == pytest.approx(result.metric("perplexity_before").value, rel=0.05)
    comparison = result.comparisons[0]
    assert (comparison.metric, comparison.value, comparison.n, comparison.split) == ("exact_match", 0.0, 12, "dev")
    assert comparison.baseline_digest == taught.digest
    assert result.facts["parity"] is True
    assert "at parity" in result.summary
    model, tokenizer = models.load_causal(small)
    answer = generation.answer(model, tokenizer, [generation.user("Colour of the roof?")], 8)[0]
    assert metrics.exact_match(answer.text, "blue")


def test_without_data_parity_is_said_to_be_unchecked(tool_job: Make, taught: Candidate) -> None:
    result = run(QuantizeParameters(name="small"), tool_job({"model": taught}))
    assert result.candidate.name == "small"
    assert not result.comparisons
    assert result.facts["parity"] is None
    assert "not checked" in result.summary
    assert {a.kind for a in result.artefacts} == {"model", "plot"}


def test_a_quantized_model_is_refused(tool_job: Make, taught: Candidate) -> None:
    small = run(QuantizeParameters(), tool_job({"model": taught})).candidate
    with pytest.raises(UserFault, match="quantized already; quantize taught"):
        run(QuantizeParameters(), tool_job({"model": small}))


@pytest.mark.parametrize(
    ("kind", "splits", "said"),
    [
        (DataKind.CHECKLIST, {"test": [{"prompt": "a", "must": ["b"], "must_not": []}]}, "checklist data"),
        (DataKind.TASK, {"train": [{"prompt": "a", "completion": "b"}]}, "no dev split"),
    ],
)
def test_data_on_which_parity_cannot_be_checked(
    tool_job: Make,
    taught: Candidate,
    registered_as: Callable[..., Dataset],
    tmp_path: Path,
    kind: DataKind,
    splits: dict[str, list[dict[str, object]]],
    said: str,
) -> None:
    data = registered_as(tmp_path / "other", kind, splits)
    with pytest.raises(UserFault, match=said):
        run(QuantizeParameters(data="other"), tool_job({"model": taught}, {"data": data}))


def test_a_reward_model_is_refused(tool_job: Make, taught: Candidate) -> None:
    judge = taught.model_copy(update={"kind": ModelKind.REWARD})
    with pytest.raises(UserFault, match="kind causal"):
        run(QuantizeParameters(), tool_job({"model": judge}))


def test_a_folder_that_is_no_model_is_refused(tool_job: Make, taught: Candidate, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UserFault, match=r"tokenizer\.json, \*\.safetensors is missing"):
        run(QuantizeParameters(), tool_job({"model": taught.model_copy(update={"path": str(tmp_path)})}))


def test_cancelling_stops_before_anything_is_stored(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": lesson}, cancel_when=lambda event: "answers" in event.step)
    with pytest.raises(Cancelled):
        run(QuantizeParameters(data="colours"), context)
    assert not (context.folder / "model").exists()


def test_a_classifier_goes_the_way_of_classifiers(tool_job: Make, sorter: Candidate, questions: Dataset) -> None:
    result = run(QuantizeParameters(data="questions"), tool_job({"model": sorter}, {"data": questions}))
    assert (result.candidate.kind, result.candidate.method) == (ModelKind.CLASSIFIER, "int8")
    assert result.candidate.bytes < sorter.bytes
    assert result.comparisons[0].metric == "accuracy"


def test_an_encoder_goes_the_way_of_those_that_find_texts(
    tool_job: Make, untrained: Candidate, lesson: Dataset
) -> None:
    result = run(QuantizeParameters(data="colours"), tool_job({"model": untrained}, {"data": lesson}))
    assert (result.candidate.kind, result.candidate.method) == (ModelKind.ENCODER, "int8")
    assert result.candidate.bytes < untrained.bytes
    assert result.comparisons[0].metric == "recall@1"


def test_a_tagger_goes_the_way_of_taggers(tool_job: Make, namer: Candidate, names: Dataset) -> None:
    result = run(QuantizeParameters(data="names"), tool_job({"model": namer}, {"data": names}))
    assert (result.candidate.kind, result.candidate.method) == (ModelKind.TAGGER, "int8")
    assert result.candidate.bytes < namer.bytes
    assert result.comparisons[0].metric == "entity_f1"
