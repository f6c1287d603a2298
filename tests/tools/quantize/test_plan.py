"""What a quantization says before it starts."""

import json
from pathlib import Path

import pytest

from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Split
from tools.errors import UserFault
from tools.models import HEADS, STORED
from tools.quantize.plan import plan
from tools.quantize.spec import QuantizeParameters


def candidate(folder: Path, kind: ModelKind) -> Candidate:
    return Candidate(name="made", kind=kind, path=str(folder), digest="d", method="lora", parent="first", parameters=9)


@pytest.mark.parametrize(
    ("kind", "learnt", "compared"),
    [
        (ModelKind.CAUSAL, DataKind.TASK, "perplexity, exact match and latency"),
        (ModelKind.CLASSIFIER, DataKind.LABELLED, "accuracy, labels and latency"),
        (ModelKind.TAGGER, DataKind.TAGGED, "entity F1 and latency"),
        (ModelKind.ENCODER, DataKind.TASK, "recall and latency"),
    ],
)
def test_what_is_compared_is_what_the_model_does(
    tmp_path: Path, kind: ModelKind, learnt: DataKind, compared: str
) -> None:
    data = Dataset(
        name="rows", kind=learnt, digest="d", splits={name: Split(path=name, digest=name, rows=90) for name in ("dev",)}
    )
    inputs = Inputs(models={"model": candidate(tmp_path, kind)}, data={"data": data})
    found = plan(QuantizeParameters(model="made", data="rows"), inputs)
    assert found.steps[1] == f"Reload it and compare {compared} on 90 development rows with made."
    assert found.seconds > plan(QuantizeParameters(model="made"), inputs).seconds


def test_what_cannot_be_quantized_is_said_at_once(tmp_path: Path) -> None:
    def refused(model: Candidate) -> str:
        with pytest.raises(UserFault) as fault:
            plan(QuantizeParameters(model="made"), Inputs(models={"model": model}))
        return str(fault.value)

    (tmp_path / HEADS[ModelKind.TAGGER]).write_text(json.dumps({"quantization": "float"}))
    assert refused(candidate(tmp_path, ModelKind.TAGGER)) == "made is quantized already; quantize first."
    (tmp_path / STORED).write_text(json.dumps({"quantization": "float"}))
    assert refused(candidate(tmp_path, ModelKind.ENCODER)) == "made is quantized already; quantize first."
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": {}}))
    assert refused(candidate(tmp_path, ModelKind.CAUSAL)) == "made is quantized already; quantize first."
    (tmp_path / "prefix").mkdir()
    assert "which quantizing would lose; use first" in refused(candidate(tmp_path, ModelKind.CAUSAL))
