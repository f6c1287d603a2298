"""What a fine-tuning cannot do is said by its plan, before anything starts."""

import json
from pathlib import Path

import pytest

from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Split
from tools.errors import UserFault
from tools.finetune.plan import plan
from tools.finetune.spec import FinetuneParameters
from tools.models import HEADS


def candidate(folder: Path, kind: ModelKind = ModelKind.CAUSAL, method: str = "pretrain") -> Candidate:
    return Candidate(
        name="made", kind=kind, path=str(folder), digest="d", method=method, parent="first", parameters=9, context=128
    )


def data(kind: DataKind = DataKind.TASK, splits: tuple[str, ...] = ("train", "dev")) -> Dataset:
    parts = {name: Split(path=name, digest=name, rows=300) for name in splits}
    return Dataset(name="faq", kind=kind, digest="d", splits=parts, labels=("a", "b"))


def refused(model: Candidate, learnt: Dataset, **given: object) -> str:
    params = FinetuneParameters.model_validate({"data": "faq", **given})
    with pytest.raises(UserFault) as fault:
        plan(params, Inputs(models={"model": model}, data={"data": learnt}))
    return str(fault.value)


@pytest.mark.parametrize("method", ["prefix_tuning", "prompt_tuning"])
def test_virtual_tokens_are_for_models_that_generate_and_have_room(tmp_path: Path, method: str) -> None:
    encoder = candidate(tmp_path, ModelKind.ENCODER)
    for kind in (DataKind.TASK, DataKind.LABELLED, DataKind.TAGGED):
        assert "an encoder takes lora or full" in refused(encoder, data(kind), method=method)
    said = refused(candidate(tmp_path), data(), method=method, virtual_tokens=125)
    assert "leaves no room in the 128 tokens that made reads; take at most 120" in said
    plan(
        FinetuneParameters.model_validate({"data": "faq", "method": method, "virtual_tokens": 120}),
        Inputs(models={"model": candidate(tmp_path)}, data={"data": data()}),
    )


@pytest.mark.parametrize("method", ["prefix_tuning", "lora"])
def test_weights_that_cannot_be_trained_on_name_their_parent(tmp_path: Path, method: str) -> None:
    (tmp_path / "prefix").mkdir()
    assert "made has a learnt prefix beside its weights, which fine-tuning would lose; use first" in refused(
        candidate(tmp_path), data(), method=method
    )
    small = tmp_path / "small"
    small.mkdir()
    (small / "config.json").write_text(json.dumps({"quantization_config": {}}))
    assert "made is quantized, and fine-tuning needs whole weights; use first" in refused(
        candidate(small), data(), method=method
    )


@pytest.mark.parametrize("kind", [ModelKind.CLASSIFIER, ModelKind.TAGGER])
def test_an_encoder_in_8_bits_is_refused(tmp_path: Path, kind: ModelKind) -> None:
    (tmp_path / HEADS[kind]).write_text(json.dumps({"labels": ["a"], "context": 9, "quantization": "float"}))
    assert "made is in 8 bits and cannot be trained; train first" in refused(
        candidate(tmp_path, kind), data(DataKind.LABELLED)
    )


def test_model_and_data_have_to_go_together(tmp_path: Path) -> None:
    generates, encodes = candidate(tmp_path), candidate(tmp_path, ModelKind.ENCODER)
    for kind in (DataKind.LABELLED, DataKind.TAGGED):
        said = refused(generates, data(kind), method="prefix_tuning")
        assert f"faq is {kind} data, from which an encoder learns, and made generates: name an encoder" in said
    assert "made is of kind reward" in refused(candidate(tmp_path, ModelKind.REWARD), data())
    assert "faq has none; register it with one" in refused(encodes, data(splits=("train",)), early_stopping=2)
    assert "dora: only for models that generate" in refused(encodes, data(), dora=True)
    assert "per_class counts rows of a label, and faq has none" in refused(encodes, data(), per_class=5)
    assert "r_drop is for labelled data, and faq is tagged data" in refused(encodes, data(DataKind.TAGGED), r_drop=1)
