"""What an alignment refuses before it starts."""

from pathlib import Path

import pytest

from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Split
from tools.errors import UserFault
from tools.models import PREFIX
from tools.rlhf.plan import plan
from tools.rlhf.spec import RlhfParameters


def test_a_model_that_cannot_be_aligned_is_refused_before_it_costs_anything(tmp_path: Path) -> None:
    pairs = Dataset(
        name="pairs",
        kind=DataKind.PREFERENCE,
        digest="d",
        splits={"train": Split(path=str(tmp_path / "train.jsonl"), digest="d", rows=200)},
    )
    asked = RlhfParameters(preferences="pairs")
    whole = Candidate(name="tuned", kind=ModelKind.CAUSAL, path=str(tmp_path), digest="m", method="lora", parent="tiny")
    assert plan(asked, Inputs(models={"model": whole}, data={"preferences": pairs})).seconds > 0
    (tmp_path / PREFIX).mkdir()
    with pytest.raises(UserFault, match="tuned has a learnt prefix beside its weights, which alignment would lose"):
        plan(asked, Inputs(models={"model": whole}, data={"preferences": pairs}))
    labels = whole.model_copy(update={"kind": ModelKind.CLASSIFIER})
    with pytest.raises(UserFault, match="Alignment needs a model of kind causal, and tuned is of kind classifier"):
        plan(asked, Inputs(models={"model": labels}, data={"preferences": pairs}))
