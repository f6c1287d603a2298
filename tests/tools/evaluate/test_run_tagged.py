import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tools import digest
from tools.contract import Candidate, DataKind, Dataset, File, JobContext, ModelKind
from tools.errors import UserFault
from tools.evaluate.run import run
from tools.evaluate.spec import EvaluateParameters

Make = Callable[..., JobContext]
QUICK = {"data": "names", "resamples": 2000, "latency_items": 2}


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, registered_as: Callable[..., Dataset]) -> Dataset:
    rows = [
        {"tokens": ["Ada", "wants", "my", "boat"], "tags": ["B-WHO", "O", "O", "B-THING"]},
        {"tokens": ["Ada", "is", "in", "Rome"], "tags": ["B-WHO", "O", "O", "B-PLACE"]},
    ]
    return registered_as(tmp_path_factory.mktemp("strange") / "strange", DataKind.TAGGED, {"test": rows})


def test_entities_are_measured_with_their_kinds(tool_job: Make, namer: Candidate, names: Dataset) -> None:
    context = tool_job({"model": namer}, {"data": names})
    result = run(EvaluateParameters(**QUICK), context)
    f1, precision, recall, match = result.metrics[:4]
    assert [m.name for m in (f1, precision, recall, match)] == ["entity_f1", "precision", "recall", "exact_match"]
    assert f1.low <= f1.value <= f1.high and (f1.n, f1.split, result.split) == (48, "test", "test")
    assert f1.value == pytest.approx(2 * precision.value * recall.value / (precision.value + recall.value))
    assert result.facts["metric"] == "entity_f1"
    slices = {fact["slice"]: fact for fact in result.facts["slices"]}  # type: ignore[union-attr,index,call-overload]
    assert {"entity=WHO", "entity=THING"} <= set(slices)
    assert slices["entity=WHO"]["n"] == 48
    assert f"entity F1 {f1.value:.3f}" in result.summary and "By kind: THING " in result.summary
    assert result.metric("latency_p95").unit == "ms"
    assert [a.kind for a in result.artefacts] == ["predictions", "plot", "table"]
    rows = [json.loads(line) for line in (context.folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert match.value == pytest.approx(sum(row["tags"] == row["predicted"] for row in rows) / len(rows))


def test_a_frozen_encoder_is_the_baseline_it_is_compared_with(
    tool_job: Make, namer: Candidate, untrained: Candidate, names: Dataset
) -> None:
    context = tool_job({"model": namer, "compare_to": untrained}, {"data": names})
    result = run(EvaluateParameters(**QUICK, compare_to="small"), context)
    first, second = result.comparisons
    assert (first.metric, second.metric, first.n) == ("entity_f1", "exact_match", 48)
    assert (first.value, first.low, first.high) == (0, 0, 0)  # the tagger decides by the same centroids
    assert result.facts["verdict"] == "no worse within the margin"
    assert result.facts["p_value"] == 1.0
    assert "0 items became better and 0 worse" in result.summary


def test_the_charters_metric_decides(tool_job: Make, namer: Candidate, names: Dataset) -> None:
    context = tool_job({"model": namer}, {"data": names})
    now = datetime.now(UTC).isoformat()
    project = {"id": "p", "name": "p", "created_by": "ada", "created_at": now, "stage": "assess"}
    record = {"as_of": now, "project": {**project, "charter": {"metric": "exact_match"}}, "gates": {}, "jobs": []}
    path = context.folder / "snapshot.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    files = {"snapshot": File(path=str(path), digest=digest.of_file(path))}
    context.spec = context.spec.model_copy(update={"inputs": context.inputs.model_copy(update={"files": files})})
    result = run(EvaluateParameters(**QUICK), context)
    assert (result.metrics[0].name, result.facts["metric"]) == ("exact_match", "exact_match")
    assert ", exact match 0." in result.summary or ", exact match 1." in result.summary
    assert run(EvaluateParameters(**QUICK, metrics="entity_f1"), context).metrics[0].name == "entity_f1"


def test_a_kind_it_never_saw_is_named_and_counts_as_missed(tool_job: Make, namer: Candidate, strange: Dataset) -> None:
    result = run(EvaluateParameters(**{**QUICK, "data": "strange"}), tool_job({"model": namer}, {"data": strange}))
    assert "namer does not know 1 of the kinds (PLACE)." in result.facts["warnings"]  # type: ignore[operator]
    assert result.metric("recall").value < 1
    samples = result.facts["samples"]
    assert samples[0]["right"] is False and "PLACE: Rome" in samples[0]["wanted"]  # type: ignore[index,call-overload,operator]


def test_slices_that_were_asked_for_alone(tool_job: Make, namer: Candidate, names: Dataset) -> None:
    context = tool_job({"model": namer}, {"data": names})
    result = run(EvaluateParameters(**QUICK, slices="entity"), context)
    assert {fact["slice"] for fact in result.facts["slices"]} == {"entity=WHO", "entity=THING"}  # type: ignore[union-attr,index,call-overload]
    with pytest.raises(UserFault, match="slices=colour: the rows have no field colour"):
        run(EvaluateParameters(**QUICK, slices="colour"), context)


def test_what_cannot_be_is_refused(
    tool_job: Make, namer: Candidate, sorter: Candidate, taught: Candidate, names: Dataset, lesson: Dataset
) -> None:
    for model in (sorter, taught):
        with pytest.raises(UserFault, match=f"of kind {model.kind} and tags no words; fine-tune an encoder"):
            run(EvaluateParameters(**QUICK), tool_job({"model": model}, {"data": names}))
    with pytest.raises(UserFault, match="is of kind task"):
        run(EvaluateParameters(data="colours"), tool_job({"model": namer}, {"data": lesson}))
    with pytest.raises(UserFault, match="token_f1 is not measured on tagged data; entity_f1 and exact_match are"):
        run(EvaluateParameters(**QUICK, metrics="token_f1"), tool_job({"model": namer}, {"data": names}))
    with pytest.raises(UserFault, match="leave prompt out"):
        run(EvaluateParameters(**QUICK, prompt="triage@2"), tool_job({"model": namer}, {"data": names}))
    with pytest.raises(UserFault, match="nothing to judge"):
        params = EvaluateParameters(**QUICK, compare_to="b", judge="c")
        scorer = taught.model_copy(update={"kind": ModelKind.REWARD})
        run(params, tool_job({"model": namer, "compare_to": namer, "judge": scorer}, {"data": names}))
