"""What a plan says of an encoder that learns which text answers a question."""

from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind, Plan, Split
from tools.evaluate.plan import plan as plan_evaluation
from tools.evaluate.spec import EvaluateParameters
from tools.finetune.plan import plan
from tools.finetune.spec import FinetuneParameters

ENCODER = Candidate(
    name="minilm", kind=ModelKind.ENCODER, path="/models/minilm", digest="d", method="existing", parameters=22_700_000
)


def inputs(kind: DataKind = DataKind.TASK, rows: int = 6400, labels: tuple[str, ...] = ()) -> Inputs:
    splits = {name: Split(path=name, digest=name, rows=n) for name, n in (("train", rows), ("dev", 100), ("test", 50))}
    facts = {"characters_mean": 40.0}
    data = Dataset(name="faq", kind=kind, digest="d", splits=splits, labels=labels, facts=facts)
    return Inputs(models={"model": ENCODER}, data={"data": data})


def tuning(**more: object) -> Plan:
    return plan(FinetuneParameters.model_validate({"data": "faq", **more}), inputs())


def test_all_pairs_are_learned_from() -> None:
    assert any("for 1,200 steps of 16 rows from faq" in step for step in tuning().steps)  # three passes
    assert any("nearer to the text that answers it" in step for step in tuning().steps)
    labelled = plan(FinetuneParameters(data="faq"), inputs(DataKind.LABELLED, labels=("a", "b")))
    assert not any("nearer to the text" in step for step in labelled.steps)


def test_what_will_be_tried_and_how_long_is_said_of_every_kind_of_data() -> None:
    for kind in (DataKind.TASK, DataKind.TAGGED):
        found = plan(FinetuneParameters(data="faq", search=10), inputs(kind))
        assert found.steps[0].startswith("Try 8 settings in short runs for up to 10 minutes")
        assert found.steps[0].endswith("each for 3 or 6 passes.")
        assert found.seconds > 600 + plan(FinetuneParameters(data="faq"), inputs(kind)).seconds
        assert next(part.seconds for part in found.parts if part.step == "trying settings") == 600
        few = inputs(kind).data["data"]
        splits = {**few.splits, "dev": few.splits["dev"].model_copy(update={"rows": 99})}
        judged = plan(
            FinetuneParameters(data="faq", probe=True),
            Inputs(models={"model": ENCODER}, data={"data": few.model_copy(update={"splits": splits})}),
        )
        assert judged.steps[0].startswith("Try the learning rates 0.001, ")
        assert "a fifth of the training rows" in judged.steps[1]


def test_looks_at_rows_that_are_not_there_are_warned_of() -> None:
    found = inputs().data["data"]
    alone = found.model_copy(update={"splits": {"train": found.splits["train"]}})
    params = FinetuneParameters(data="faq", evaluate_every=10)
    (warning,) = plan(params, Inputs(models={"model": ENCODER}, data={"data": alone})).warnings
    assert warning == "evaluate_every looks at a development split, and faq has none: nothing is looked at."
    assert not plan(params, inputs()).warnings


def test_the_parts_are_those_the_job_reports() -> None:
    found = tuning()
    assert [part.step for part in found.parts] == [
        "measuring before training",
        "training",
        "measuring on the development split",
    ]
    assert found.parts[0].seconds < found.parts[1].seconds
    assert found.seconds >= found.parts[1].seconds


def test_an_evaluation_looks_for_texts() -> None:
    other = ENCODER.model_copy(update={"name": "finder", "digest": "e"})
    both = inputs().model_copy(update={"models": {"model": ENCODER, "compare_to": other}})
    found = plan_evaluation(EvaluateParameters(data="faq", model="minilm", compare_to="finder"), both)
    assert found.steps[0] == "Look for the text of each of 50 questions of faq (test) with minilm."
    assert "finder" in found.steps[1]
    assert [part.step for part in found.parts] == ["minilm searches", "finder searches"]
