"""The whole path on the real encoder: baseline, fine-tuning, evaluation, 8 bits, abstaining, serving."""

import json
import shutil
from pathlib import Path

import pytest
from results import made, value

from tools import digest
from tools.augment.spec import AugmentParameters
from tools.contract import Candidate, Dataset, ModelKind, Result
from tools.errors import Cancelled, UserFault
from tools.finetune.spec import FinetuneParameters
from tools.models import known_model
from tools.quantize.spec import QuantizeParameters
from tools.training.classify import (
    calibrate_abstention,
    evaluate_labelled,
    finetune_labelled,
    load_predictor,
    quantize_labelled,
)
from tools.training.classify_rows import read_rows

ASKED = ["When do you open on Saturdays?", "I never got the package", "Give me back what I paid for the coat"]
MEANT = ["opening_hours", "late_parcel", "refund"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def tuned(folder: Path, job, encoder: Candidate, data: Dataset) -> Result:
    params = FinetuneParameters(data="questions", name="desk", per_class=10, epochs=3, batch=8, rank=4)
    return finetune_labelled(job(folder / "tuned"), params, encoder, data)


@pytest.fixture(scope="module")
def narrow(folder: Path, job, tuned: Result, data: Dataset) -> Result:
    params = QuantizeParameters(data="questions", activations="dynamic")
    return quantize_labelled(job(folder / "narrow"), params, made(tuned), data)


def test_the_frozen_encoder_is_a_baseline(tmp_path: Path, job, encoder: Candidate, data: Dataset) -> None:
    result = evaluate_labelled(job(tmp_path / "job"), encoder, data, "test", 40, None, latency_items=3)
    accuracy = result.metric("accuracy")
    assert accuracy is not None
    assert (accuracy.n, accuracy.split, result.split) == (40, "test", "test")
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert 0.5 < accuracy.low <= accuracy.value <= accuracy.high <= 1
    assert "centroid" in str(result.facts["decides_by"])
    assert value(result, "latency_p95") >= value(result, "latency_p50") > 0
    assert value(result, "size") > 90e6
    lines = (tmp_path / "job" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    right = [json.loads(line)["label"] == json.loads(line)["predicted"] for line in lines]
    assert sum(right) / len(right) == accuracy.value
    assert [artefact.kind for artefact in result.artefacts] == ["predictions", "plot"]


def test_fine_tuning_makes_a_classifier_that_is_no_worse(
    tmp_path: Path, job, tuned: Result, encoder: Candidate, data: Dataset
) -> None:
    model = made(tuned)
    assert (model.name, model.kind, model.method) == ("desk", ModelKind.CLASSIFIER, "lora")
    assert (model.parent, model.parent_digest, model.licence) == ("minilm", encoder.digest, "apache-2.0")
    assert model.digest == digest.of_path(Path(model.path))
    assert value(tuned, "accuracy") >= value(tuned, "accuracy_before")
    result = evaluate_labelled(job(tmp_path / "job"), model, data, "test", None, encoder)
    assert value(result, "accuracy") > 0.9
    (comparison,) = result.comparisons
    assert (comparison.baseline, comparison.baseline_digest, comparison.n) == ("minilm", encoder.digest, 80)
    assert comparison.low <= comparison.value <= comparison.high


def test_a_saved_classifier_is_known_by_its_folder(tuned: Result) -> None:
    found = known_model(made(tuned).path)
    assert (found.kind, found.digest) == (ModelKind.CLASSIFIER, made(tuned).digest)


def test_the_predictor_labels_what_it_never_saw(tuned: Result, narrow: Result) -> None:
    for candidate in (made(tuned), made(narrow)):
        predict = load_predictor(candidate)
        answers = predict(ASKED)
        assert [label for label, _ in answers] == MEANT
        assert all(0.25 < confidence <= 1 for _, confidence in answers)
        assert predict([]) == []
        assert predict(["", "？" * 5000])[0][1] <= 1  # nothing, and more than it reads


@pytest.mark.parametrize("activations", ["float", "dynamic"])
def test_eight_bits_are_smaller_and_answer_alike(
    tmp_path: Path, job, tuned: Result, data: Dataset, activations: str
) -> None:
    params = QuantizeParameters(data="questions", activations=activations)
    result = quantize_labelled(job(tmp_path / "job"), params, made(tuned), data)
    model = made(result)
    assert (model.method, model.parent_digest) == ("int8", made(tuned).digest)
    assert value(result, "size") < 0.3 * value(result, "size_before")
    assert value(result, "same_label") > 0.95
    assert result.comparisons[0].low >= -0.1
    assert not list(Path(model.path).glob("*.bin"))


@pytest.mark.parametrize("activations", ["float", "dynamic"])
def test_a_text_is_labelled_alone_as_among_others(
    tmp_path: Path, job, tuned: Result, data: Dataset, activations: str
) -> None:
    model = made(
        quantize_labelled(job(tmp_path / "job"), QuantizeParameters(activations=activations), made(tuned), None)
    )
    predict = load_predictor(model)
    texts = [row.text for row in read_rows(data, "test", 12)] + ["no " * 40]
    alone = [predict([text])[0] for text in texts]
    for (label, confidence), (same, sure) in zip(predict(texts), alone, strict=True):
        assert label == same
        assert confidence == pytest.approx(sure, abs=1e-4)


def test_eight_bits_are_not_quantized_or_trained_again(tmp_path: Path, job, narrow: Result, data: Dataset) -> None:
    with pytest.raises(UserFault, match="in 8 bits already"):
        quantize_labelled(job(tmp_path / "job"), QuantizeParameters(), made(narrow), None)
    with pytest.raises(UserFault, match="in 8 bits and cannot be trained"):
        finetune_labelled(job(tmp_path / "job"), FinetuneParameters(data="questions"), made(narrow), data)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("classifier.json", b"", "classifier.json cannot be read"),
        ("classifier.json", b'{"labels": ["a"]}', "is not a whole classifier"),
        (
            "classifier.json",
            b'{"labels": ["a"], "context": 256, "quantization": "dynamic"}',
            "names 1 labels for 4 outputs",
        ),
        ("classifier.safetensors", b"short", "is not a whole classifier"),
        ("model.int8.safetensors", b"short", "cannot be loaded as an encoder in 8 bits"),
        ("tokenizer.json", b"", "cannot be loaded"),
    ],
)
def test_a_broken_folder_is_said_in_a_sentence(
    tmp_path: Path, narrow: Result, file: str, content: bytes, said: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(made(narrow).path, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(UserFault, match=said):
        load_predictor(made(narrow).model_copy(update={"path": str(folder)}))


def test_abstaining_is_chosen_on_dev_and_reported_on_test(tmp_path: Path, job, narrow: Result, data: Dataset) -> None:
    params = AugmentParameters(kind="abstain", data="questions", coverage=0.8)
    result = calibrate_abstention(job(tmp_path / "job"), params, made(narrow), data)
    policy = json.loads((tmp_path / "job" / "policy.json").read_text(encoding="utf-8"))
    assert policy["model_digest"] == made(narrow).digest
    assert policy["data_digest"] == data.digest
    assert policy["threshold"] == result.facts["threshold"]
    assert policy["coverage"] >= 0.8  # more where confidences are equal
    assert 0.6 < value(result, "coverage") <= 1
    (comparison,) = result.comparisons
    assert comparison.value == pytest.approx(value(result, "accuracy_kept") - value(result, "accuracy"))
    assert value(result, "accuracy_kept") >= value(result, "accuracy")


def test_too_few_development_rows_for_a_threshold(tmp_path: Path, job, registered, narrow: Result) -> None:
    rows = [(f"is shop {number} open", "opening_hours") for number in range(29)]
    few = registered(tmp_path / "few", {"dev": rows, "test": rows})
    with pytest.raises(UserFault, match="at least 30 development rows"):
        calibrate_abstention(job(tmp_path / "job"), AugmentParameters(kind="abstain", data="few"), made(narrow), few)


def test_a_cancelled_evaluation_stops(tmp_path: Path, job, tuned: Result, data: Dataset) -> None:
    rows = job(tmp_path / "job", lambda event: True)
    rows.progress("before", 0, 1)
    with pytest.raises(Cancelled):
        evaluate_labelled(rows, made(tuned), data, "test", None, None)


def test_a_label_the_model_never_saw_counts_as_wrong_and_is_named(
    tmp_path: Path, job, registered, tuned: Result
) -> None:
    strange = registered(tmp_path / "data", {"test": [("is the shop open", "opening_hours"), ("hm", "gossip")]})
    result = evaluate_labelled(job(tmp_path / "job"), made(tuned), strange, "test", None, None)
    assert value(result, "accuracy") == 0.5
    assert any("does not know 1 of the labels (gossip)" in str(said) for said in result.facts["warnings"])  # type: ignore[union-attr]


def test_two_labels_one_of_them_rare_without_a_development_split(
    tmp_path: Path, job, registered, encoder: Candidate
) -> None:
    spam = [(f"You won {number} dollars, click here now", "spam") for number in range(3)]
    ham = [(f"Shall we meet at {number} o'clock for lunch?", "ham") for number in range(40)]
    data = registered(tmp_path / "data", {"train": spam + ham, "test": [spam[0], ham[0]]})
    params = FinetuneParameters(data="mail", steps=4, batch=8, rank=2)
    result = finetune_labelled(job(tmp_path / "job"), params, encoder, data)
    assert result.facts["rows_a_label"] == {"fewest": 3, "most": 40}
    assert result.metric("accuracy") is None
    assert result.split == ""
    assert any("fewer than 5 rows (spam)" in str(said) for said in result.facts["warnings"])  # type: ignore[union-attr]


def test_chinese_and_long_texts_work_and_are_warned_about(tmp_path: Path, job, registered, encoder: Candidate) -> None:
    late = [(f"我的包裹{number}还没有到，请帮我查一下物流信息" + "很久" * 200, "late") for number in range(6)]
    refund = [(f"订单{number}什么时候可以退款到我的银行卡", "refund") for number in range(6)]
    data = registered(tmp_path / "data", {"train": late + refund, "test": [late[0], refund[0]]})
    result = evaluate_labelled(job(tmp_path / "job"), encoder, data, "test", None, None)
    said = " ".join(str(sentence) for sentence in result.facts["warnings"])  # type: ignore[union-attr]
    assert "letters are Chinese, and minilm has read English" in said
    assert "longer than minilm reads" in said


def test_one_label_or_no_encoder_is_refused(tmp_path: Path, job, registered, encoder: Candidate) -> None:
    alone = registered(tmp_path / "data", {"train": [("a", "x"), ("b", "x")], "test": [("c", "x")]})
    with pytest.raises(UserFault, match="has one label only"):
        finetune_labelled(job(tmp_path / "job"), FinetuneParameters(data="alone"), encoder, alone)
    gone = encoder.model_copy(update={"path": str(tmp_path / "gone")})
    with pytest.raises(UserFault, match="there is no such folder"):
        evaluate_labelled(job(tmp_path / "job"), gone, alone, "test", None, None)
    causal = encoder.model_copy(update={"kind": ModelKind.CAUSAL})
    with pytest.raises(UserFault, match="needs a model of kind"):
        evaluate_labelled(job(tmp_path / "job"), causal, alone, "test", None, None)
    with pytest.raises(UserFault, match="needs a model of kind classifier"):
        load_predictor(encoder)
