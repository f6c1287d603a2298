"""What an augmentation says before it starts."""

import pytest

from tools.augment.plan import plan
from tools.augment.spec import AugmentParameters
from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Plan, Split
from tools.errors import UserFault


def planned(model: ModelKind, of: DataKind, **given: object) -> Plan:
    candidate = Candidate(name="made", kind=model, path="/m", digest="d", method="lora", parameters=22_000_000)
    splits = {name: Split(path=name, digest=name, rows=n) for name, n in (("train", 300), ("dev", 50), ("test", 40))}
    data = Dataset(name="rows", kind=of, digest="d", splits=splits)
    params = AugmentParameters.model_validate({"model": "made", "data": "rows", **given})
    return plan(params, Inputs(models={"model": candidate}, data={"data": data}))


@pytest.mark.parametrize("asked", ["abstain", "retrieval"])
@pytest.mark.parametrize(
    ("model", "kind", "right"),
    [
        (ModelKind.CLASSIFIER, DataKind.LABELLED, "accuracy"),
        (ModelKind.TAGGER, DataKind.TAGGED, "the share of texts tagged right as a whole"),
        (ModelKind.ENCODER, DataKind.TASK, "recall@1"),
    ],
)
def test_decisions_are_left_to_people_where_the_data_is_of_decisions(
    model: ModelKind, kind: DataKind, right: str, asked: str
) -> None:
    found = planned(model, kind, kind=asked, coverage=0.8)
    assert found.steps == (
        "Choose on the development split the confidence above which 80% are kept.",
        f"Compare {right} on the kept part of 40 test rows with that on all.",
    )


def test_an_encoder_alone_reads_the_training_rows_first() -> None:
    found = planned(ModelKind.ENCODER, DataKind.LABELLED, kind="abstain")
    assert found.steps[0].startswith("Read 300 training rows: made has no head")
    assert found.seconds > planned(ModelKind.CLASSIFIER, DataKind.LABELLED, kind="abstain").seconds


def test_retrieval_is_about_facts() -> None:
    assert planned(ModelKind.CAUSAL, DataKind.FACTS).steps[-1] == "Compare how many facts are right."
    with pytest.raises(UserFault, match="rows is task data"):
        planned(ModelKind.CAUSAL, DataKind.TASK)
