"""Next steps while the scope is defined: the data that decides, and the charter."""

from agent.lifecycle.gates import missing_fields
from agent.lifecycle.material import METRICS
from agent.lifecycle.project import Project, TaskKind
from agent.lifecycle.steps.results import data_steps
from agent.lifecycle.steps.step import Step, classifies, tags


def scope(project: Project) -> list[Step]:
    steps: list[Step] = []
    decides = [d for d in project.datasets.values() if d.kind in METRICS and "test" in d.splits]
    if not decides:
        steps.append(
            Step(
                title="Register the data that decides",
                reason="No data with a test split is registered, so nothing could be measured on it.",
                command="register data PATH as NAME",
                citation="scope.md",
            )
        )
    elif project.charter.test_set is None:
        data = decides[-1]
        rows = data.splits["test"].rows
        reason = f"The charter names no test set, and {data.name} has {rows} test rows."
        command = f"charter test_set={data.name}"
        steps.append(
            Step(title=f"Bind {data.name} as the test set", reason=reason, command=command, citation="scope.md")
        )
    missing = [name for name in missing_fields(project) if name != "test_set"]
    if missing:
        steps += _fill(project, missing)
    return [*steps, *data_steps(project)]


def _fill(project: Project, missing: list[str]) -> list[Step]:
    """All fields in turn, and at once those for which the task and the data suggest a value."""
    asked = Step(
        title="Fill in the charter, field by field",
        reason=f"The charter lacks {', '.join(missing)}; everything later is measured against it.",
        command="fill in the charter",
        citation="scope.md",
    )
    task = TaskKind.CLASSIFICATION if classifies(project) else project.charter.task
    metrics = {
        TaskKind.CLASSIFICATION: "accuracy",
        TaskKind.EXTRACTION: "exact_match",
        TaskKind.SUMMARISATION: "rougeL",
        TaskKind.RETRIEVAL: "recall@1",
    }
    if tags(project):
        task, metrics = TaskKind.EXTRACTION, {TaskKind.EXTRACTION: "entity_f1"}
    usual = {"target": "0.9", "latency_ms": "500", "memory_mb": "1500"}
    if task is not None:
        usual |= {"task": task.value, "metric": metrics.get(task, "token_f1")}
    given = " ".join(f"{name}={usual[name]}" for name in missing if name in usual)
    if not given:
        return [asked]
    return [
        asked,
        Step(
            title="Take usual values for the fields with numbers",
            reason="They are where teams begin on one machine; a number agreed now beats one wished for later.",
            command=f"charter {given}",
            citation="scope.md",
        ),
    ]
