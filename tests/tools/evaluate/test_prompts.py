import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tools import digest
from tools.contract import Candidate, DataKind, Dataset, File, JobContext
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate.run import run
from tools.evaluate.spec import EvaluateParameters
from tools.prompt.template import Prompt, item_of
from tools.training.generation import answer
from tools.training.models import load_causal

Make = Callable[..., JobContext]
Register = Callable[..., Dataset]
Written = Callable[[Prompt], dict[str, Any]]


def parameters(**more: object) -> EvaluateParameters:
    given = {"data": "colours", "prompt": "triage", "max_new_tokens": 8, "latency_items": 2, "batch": 6}
    return EvaluateParameters.model_validate(given | more)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Prompt], dict[str, Any]]:
    """A prompt as run p1 of `prompt` writes it down, and what the evidence says of it."""

    def one(prompt: Prompt) -> dict[str, Any]:
        (tmp_path / "p1").mkdir(exist_ok=True)
        fact = {"name": "triage", "version": 1, "digest": prompt.digest}
        (tmp_path / "p1" / "prompt.json").write_text(json.dumps({**fact, "prompt": prompt.model_dump(mode="json")}))
        return fact

    return one


def one_shot(data: Dataset, **more: Any) -> Prompt:
    """The first training row as a solved example."""
    row = rows_of(data.splits["train"])[0]
    return Prompt(shots=1, examples=(item_of(row, data.kind),), **more)


def given(context: JobContext, prompt: dict[str, Any] | None = None, **charter: Any) -> JobContext:
    """The job with the project's record: a prompt that run p1 found, and a charter."""
    now = datetime.now(UTC).isoformat()
    said = {"id": "e1", "run": "p1", "tool": "prompt", "stage": "assess", "round": 1, "at": now, "summary": "tried"}
    evidence = [{**said, "facts": {"prompt": prompt}}] if prompt else []
    project = {"id": "p", "name": "p", "created_by": "ada", "created_at": now, "stage": "assess"}
    record = {"as_of": now, "project": {**project, "evidence": evidence, "charter": charter}, "gates": {}, "jobs": []}
    path = context.folder / "snapshot.json"
    path.write_text(json.dumps(record))
    files = {"snapshot": File(path=str(path), digest=digest.of_file(path))}
    inputs = context.spec.inputs.model_copy(update={"files": files})
    context.spec = context.spec.model_copy(update={"inputs": inputs})
    return context


def test_a_recorded_prompt_stands_before_every_question(
    tool_job: Make, taught: Candidate, lesson: Dataset, written: Written
) -> None:
    prompt = one_shot(lesson)
    fact = written(prompt)
    context = given(tool_job({"model": taught}, {"data": lesson}), fact)
    result = run(parameters(prompt="triage@1"), context)
    assert result.facts["prompt"] == fact
    assert result.summary.startswith("taught behind triage@1 on colours (test): exact match")
    conversations = [prompt.messages(item_of(row, lesson.kind)) for row in rows_of(lesson.splits["test"])]
    said = [one.text for one in answer(*load_causal(taught), conversations, 8)]
    told = [json.loads(line) for line in (context.folder / "predictions.jsonl").read_text().splitlines()]
    assert [row["answer"] for row in told] == said
    assert said != [row["completion"] for row in told]  # examples before a question confuse this model


def test_answers_are_read_in_the_form_the_prompt_asks_for(
    tool_job: Make, taught: Candidate, lesson: Dataset, written: Written
) -> None:
    """The model writes no JSON, so nothing of what it says counts."""
    fact = written(Prompt(format="json"))
    result = run(parameters(), given(tool_job({"model": taught}, {"data": lesson}), fact))
    assert result.metric("exact_match").value == 0.0
    assert all(sample["answer"] == "" for sample in result.facts["samples"])


def test_labelled_texts_are_answered_behind_a_prompt(
    tool_job: Make, taught: Candidate, lesson: Dataset, written: Written, registered_as: Register, tmp_path: Path
) -> None:
    rows = [{"text": row["prompt"], "label": row["completion"]} for row in rows_of(lesson.splits["test"])]
    rows[0]["label"] = "purple"
    data = registered_as(tmp_path / "labels", DataKind.LABELLED, {"train": rows, "dev": rows, "test": rows})
    context = given(tool_job({"model": taught}, {"data": data}), written(Prompt()))
    result = run(parameters(data="labels"), context)
    assert (result.metrics[0].name, result.metrics[0].value) == ("accuracy", pytest.approx(11 / 12))
    checks = [{"prompt": row["text"], "must": ["red|blue"], "must_not": []} for row in rows]
    listed = registered_as(tmp_path / "checks", DataKind.CHECKLIST, {"test": checks})
    context = given(tool_job({"model": taught}, {"data": listed}), written(Prompt()))
    assert run(parameters(data="checks"), context).metric("checklist_pass").value == pytest.approx(4 / 12)


def test_a_prompt_that_is_not_there_or_was_changed_is_said(
    tool_job: Make, taught: Candidate, sorter: Candidate, lesson: Dataset, written: Written, tmp_path: Path
) -> None:
    fact = written(one_shot(lesson))
    job = given(tool_job({"model": taught}, {"data": lesson}), fact)
    for name in ("other", "triage@2"):
        with pytest.raises(UserFault, match=f"no prompt {name}; it has triage@1"):
            run(parameters(prompt=name), job)
    with pytest.raises(UserFault, match="Reading a prompt needs a model of kind causal"):
        run(parameters(), given(tool_job({"model": sorter}, {"data": lesson}), fact))
    with pytest.raises(UserFault, match=r"that is more than the 128 taught reads"):
        run(parameters(max_new_tokens=120), job)
    path = tmp_path / "p1" / "prompt.json"
    changed = json.loads(path.read_text())
    changed["prompt"]["instruction"] = "Say yes."
    path.write_text(json.dumps(changed))
    with pytest.raises(UserFault, match="was changed since p1 wrote it"):
        run(parameters(), job)
    path.unlink()
    with pytest.raises(UserFault, match="cannot be read: run `prompt` again"):
        run(parameters(), job)
    with pytest.raises(ValueError, match="leave prompt out"):
        EvaluateParameters.model_validate({"tasks": "a.yaml", "prompt": "triage"})


def test_the_charters_metric_decides_where_none_is_named(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    job = given(tool_job({"model": taught}, {"data": lesson}), metric="token_f1")
    assert run(parameters(prompt=""), job).metrics[0].name == "token_f1"
    assert run(parameters(prompt="", metrics="rougeL"), job).metrics[0].name == "rougeL"
    job = given(tool_job({"model": taught}, {"data": lesson}), metric="accuracy")
    assert run(parameters(prompt=""), job).metrics[0].name == "exact_match"
    with pytest.raises(UserFault, match="macro_f1 is not measured on task data"):
        run(parameters(prompt="", metrics="macro_f1"), job)


def test_summaries_are_measured_by_rouge(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    inputs = ({"model": taught}, {"data": lesson})
    result = run(parameters(prompt=""), given(tool_job(*inputs), task="summarisation"))
    main = result.metrics[0]
    assert (main.name, main.value, result.facts["metric"]) == ("rougeL", 1.0, "rougeL")
    assert main.low is not None
    chosen = run(parameters(prompt=""), given(tool_job(*inputs), task="summarisation", metric="token_f1"))
    assert chosen.metrics[0].name == "token_f1"
