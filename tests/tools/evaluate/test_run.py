import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.contract import Candidate, DataKind, Dataset, JobContext, ModelKind
from tools.errors import Cancelled, UserFault
from tools.evaluate.run import run
from tools.evaluate.spec import EvaluateParameters

Make = Callable[..., JobContext]
Register = Callable[..., Dataset]


def parameters(**more: object) -> EvaluateParameters:
    return EvaluateParameters.model_validate({"data": "colours", "max_new_tokens": 8, "latency_items": 2, **more})


def test_a_task_is_measured_with_intervals_and_written_down(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": lesson})
    result = run(parameters(), context)
    exact = result.metric("exact_match")
    assert (exact.value, exact.low, exact.high, exact.n, exact.split) == (1.0, 1.0, 1.0, 12, "test")
    assert result.metric("token_f1").value == 1.0
    assert 1.0 <= result.metric("perplexity").value < 1.5
    assert 0 <= result.metric("ece").value < 0.3  # right twelve times, and sure of it
    assert 0 < result.metric("latency_p50").value <= result.metric("latency_p95").value
    assert result.metric("size").value == taught.bytes
    assert result.metric("peak_memory").value > 50e6
    assert result.metric("throughput").value > 0
    assert result.split == "test"
    written = [json.loads(line) for line in (context.folder / "predictions.jsonl").read_text().splitlines()]
    assert [row["answer"] for row in written] == [row["completion"] for row in written]
    assert len(result.facts["samples"]) == 5
    assert {a.kind for a in result.artefacts} == {"predictions", "plot"}


def test_two_models_are_compared_on_the_same_items(
    tool_job: Make, taught: Candidate, lesson: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    rows = [{"prompt": row["prompt"], "must": ["red|blue"], "must_not": ["green"]} for row in _rows(lesson)]
    checks = registered_as(tmp_path / "checks", DataKind.CHECKLIST, {"test": rows})
    other = taught.model_copy(update={"name": "other", "digest": "sha256:other"})
    result = run(
        parameters(data="checks", compare_to="other"),
        tool_job({"model": taught, "compare_to": other}, {"data": checks}),
    )
    wins, difference = result.comparisons
    assert (wins.kind, wins.value, wins.n, wins.baseline_digest) == ("win_rate", 0.5, 12, "sha256:other")
    assert (difference.kind, difference.metric, difference.value) == ("difference", "checklist_pass", 0.0)
    assert result.metric("checklist_pass").value == pytest.approx(4 / 12)


def test_what_a_checklist_is_about_reaches_the_evidence(
    tool_job: Make, taught: Candidate, registered_as: Register, tmp_path: Path
) -> None:
    rows = [{"prompt": "Colour of the door?", "must": ["red"], "must_not": []}]
    checks = registered_as(tmp_path / "safety", DataKind.CHECKLIST, {"test": rows})
    checks = checks.model_copy(update={"facts": {"category": "safety"}})
    result = run(parameters(data="safety"), tool_job({"model": taught}, {"data": checks}))
    assert result.facts["category"] == "safety"


def test_what_cannot_be_measured_is_said(
    tool_job: Make, taught: Candidate, lesson: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    facts = registered_as(tmp_path / "facts", DataKind.FACTS, {"test": [{"question": "q", "answer": "a"}]})
    with pytest.raises(UserFault, match="facts is facts data, on which answers cannot be measured; `augment`"):
        run(parameters(data="facts"), tool_job({"model": taught}, {"data": facts}))
    only_train = lesson.model_copy(update={"splits": {"train": lesson.splits["train"]}})
    with pytest.raises(UserFault, match="colours has no test split; it has train"):
        run(parameters(), tool_job({"model": taught}, {"data": only_train}))
    scorer = taught.model_copy(update={"kind": ModelKind.REWARD})
    with pytest.raises(UserFault, match="needs a model of kind causal"):
        run(parameters(), tool_job({"model": scorer}, {"data": lesson}))


def test_a_model_that_is_none_is_named_with_what_is_missing(
    tool_job: Make, taught: Candidate, lesson: Dataset, tmp_path: Path
) -> None:
    gone = taught.model_copy(update={"path": str(tmp_path / "gone")})
    with pytest.raises(UserFault, match="there is no such folder"):
        run(parameters(), tool_job({"model": gone}, {"data": lesson}))
    partial = tmp_path / "partial"
    shutil.copytree(taught.path, partial)
    (partial / "model.safetensors").unlink()
    with pytest.raises(UserFault, match=r"is no model: \*.safetensors is missing"):
        run(parameters(), tool_job({"model": taught.model_copy(update={"path": str(partial)})}, {"data": lesson}))


def test_it_can_be_cancelled_between_batches(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": lesson}, cancel_when=lambda event: event.done == 4)
    with pytest.raises(Cancelled):
        run(parameters(batch=4), context)


def _rows(data: Dataset) -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(data.splits["test"].path).read_text().splitlines()]


def test_a_dialogue_is_answered_at_its_last_turn(
    tool_job: Make, taught: Candidate, lesson: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    turns = [(row["prompt"], row["completion"]) for row in _rows(lesson)]
    talks = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for asked, said in turns
    ]
    data = registered_as(tmp_path / "talks", DataKind.CONVERSATION, {"test": talks})
    result = run(parameters(data="talks"), tool_job({"model": taught}, {"data": data}))
    assert result.metrics[0].name == "token_f1"
    assert result.metric("exact_match").value == 1.0
    assert result.metric("chrf").value == pytest.approx(100.0)


def test_the_main_metric_can_be_named(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    result = run(
        parameters(metrics="rougeL, exact_match", compare_to="taught"),
        tool_job({"model": taught, "compare_to": taught}, {"data": lesson}),
    )
    assert result.metrics[0].name == "rougeL"
    assert [c.metric for c in result.comparisons] == ["rougeL", "exact_match"]
    with pytest.raises(ValueError, match="metrics"):
        parameters(metrics="bleu")


def test_a_worse_model_is_told_with_its_slices_and_what_changed(
    tool_job: Make, taught: Candidate, lesson: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    rows = [{**row, "kind": "known"} for row in _rows(lesson)]
    rows += [{"prompt": f"Price of the |{row['prompt']}", "completion": "dear", "kind": "new"} for row in rows[:8]]
    data = registered_as(tmp_path / "mixed", DataKind.TASK, {"test": rows})
    context = tool_job({"model": taught, "compare_to": _mute(taught, tmp_path)}, {"data": data})
    result = run(parameters(data="mixed", compare_to="mute"), context)
    assert result.facts["verdict"] == "better"
    assert (result.facts["newly_right"], result.facts["newly_wrong"]) == (12, 0)
    assert result.facts["p_value"] == pytest.approx(2 / 2**12)
    assert [part["slice"] for part in result.facts["worst_slices"]][:1] == ["kind=new"]
    assert "Weakest: kind=new 0.000 on 8" in result.summary
    table = (context.folder / "changes.md").read_text()
    assert "## Better: 12 of 20 items" in table
    assert {a.name for a in result.artefacts} >= {"slices", "changes"}
    assert result.facts["changed"][0]["now"] == "better"


def test_a_slice_that_is_not_there_is_said_first(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": lesson})
    with pytest.raises(UserFault, match="no field region"):
        run(parameters(slices="region"), context)
    assert context.events == []


def _mute(taught: Candidate, tmp_path: Path) -> Candidate:
    """The same tokenizer with weights that say nothing of use."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "mute"
    shutil.copytree(taught.path, folder)
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: torch.zeros_like(each) for name, each in weights.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return taught.model_copy(update={"name": "mute", "path": str(folder), "digest": "sha256:mute"})
