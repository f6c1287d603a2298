"""Next steps while a model is trained: prompts first, then tuning, then more of what helps."""

from pydantic import JsonValue

from agent.lifecycle.evidence import (
    show_metric,
)
from agent.lifecycle.looks import MANY, looks
from agent.lifecycle.project import Evidence, Project
from agent.lifecycle.steps.results import diverged, learning, measured, on_dev, overfitted, prompted
from agent.lifecycle.steps.select import choose_best
from agent.lifecycle.steps.step import (
    Step,
    classifies,
    fresh_name,
    job,
    name_of,
    number,
    past,
    retrieves,
    skipped,
    target_of,
)
from tools.contract import Candidate


def assess(project: Project) -> list[Step]:
    model, test = project.model, project.charter.test_set or ""
    if model is None:
        return choose_best(project)
    shown, ids = number(project, model)
    if mended := diverged(project):
        return mended
    if not ids:
        compare = "parent" if name_of(project, model.parent_digest) else ""
        seen = on_dev(project, model)
        reason = f"{model.name} is {shown}{f', after {seen}' if seen else ''}; the gate reads nothing else."
        look = job(
            f"Measure {model.name} on the test set",
            reason,
            "evaluation.md",
            "evaluate",
            model=model.name,
            data=test,
            split="test",
            compare_to=compare,
        )
        return [*_dev_first(project, model, test, compare), look]
    short = f"{shown} against {target_of(project)}"
    tried, tuned = past(project, "prompt"), past(project, "finetune")
    steps: list[Step] = []
    prompts = not classifies(project) and not retrieves(project)
    if tried is None and tuned is None and prompts and not skipped(project, "prompting"):
        steps.append(
            job(
                "Try prompts and examples first",
                f"{short}; prompting needs no training and shows what the model can do.",
                "prompting.md",
                "prompt",
                ids,
                model=model.name,
                data=test,
            )
        )
    if tuned is None:
        return [*steps, *_tune(project, model, short, ids, tried)]
    return [_tune_more(project, tuned, short, ids), *_after_tuning(project, short, ids)]


def _dev_first(project: Project, model: Candidate, test: str, compare: str) -> list[Step]:
    """After many looks at the test set the development split is asked first."""
    count = len(looks(project))
    data = project.datasets.get(test)
    on_dev = any(e.tool == "evaluate" and e.split == "dev" and e.model_digest == model.digest for e in project.evidence)
    if count < MANY or on_dev or data is None or "dev" not in data.splits:
        return []
    reason = (
        f"The test set was looked at {count} times; the development split says first whether another look is worth it."
    )
    title = f"Measure {model.name} on the development split"
    return [
        job(title, reason, "evaluation.md", "evaluate", model=model.name, data=test, split="dev", compare_to=compare)
    ]


PER_CLASS = 20  # rows of each label that show within minutes what training can reach


def _tune(project: Project, model: Candidate, short: str, ids: tuple[str, ...], tried: Evidence | None) -> list[Step]:
    """LoRA on all training rows; for labelled data with many of them, on a few of each label first."""
    test, data = project.charter.test_set, project.datasets.get(project.charter.test_set or "")
    best = tried.metric(project.charter.metric or "") if tried else None
    prompts = f"; the best prompt reaches {show_metric(best)} ({tried.id}){prompted(tried)}" if tried and best else ""
    falls = "a model that never saw the labels guesses" if classifies(project) else "where prompting falls short"
    falls = "an encoder that never saw such pairs knows no words of your own" if retrieves(project) else falls
    reason = f"{short}{prompts}: {falls}, so training on {test} is next."
    used = (*ids, *((tried.id,) if tried else ()))
    name = fresh_name(project, f"{model.name}-lora")
    params: dict[str, JsonValue] = {"model": model.name, "data": test, "name": name}
    steps = [job("Fine-tune with LoRA", reason, "lora.md", "finetune", used, **params)]
    rows = data.splits["train"].rows if data and "train" in data.splits else 0
    if data is not None and data.labels and rows > 2 * PER_CLASS * len(data.labels):
        few = f"{reason[:-1]}; {PER_CLASS} rows of each of {len(data.labels)} labels show quickly how far it gets."
        title = f"Fine-tune with LoRA on {PER_CLASS} rows a label first"
        steps.insert(0, job(title, few, "lora.md", "finetune", used, **params, per_class=PER_CLASS))
    return steps


def _tune_more(project: Project, tuned: Evidence, short: str, ids: tuple[str, ...]) -> Step:
    """The last run again with twice the rank and twice the training, from the model it began with."""
    last = project.jobs[tuned.run].params if tuned.run in project.jobs else {}
    model = str(last.get("model") or "current")
    origin = project.jobs[tuned.run].model if tuned.run in project.jobs else None
    rank, steps, epochs = last.get("rank"), last.get("steps"), last.get("epochs")
    more: dict[str, JsonValue] = {"rank": min(64, 2 * rank) if isinstance(rank, int) else 16}
    if isinstance(few := last.get("per_class"), int):
        more["per_class"] = 3 * few
    elif isinstance(steps, int):
        more["steps"] = 2 * steps
    else:
        more["epochs"] = 2 * epochs if isinstance(epochs, float | int) else 6
    if over := overfitted(tuned):
        return job(
            "Train again and stop at the best step",
            f"{short} after {tuned.run}: {over}; early stopping keeps the best, and more rows would help more.",
            "fine-tuning.md",
            "finetune",
            (*ids, tuned.id),
            model=origin or model,
            data=project.charter.test_set,
            name=fresh_name(project, f"{origin or 'current'}-lora"),
            **{name: last.get(name) for name in ("rank", "steps", "epochs", "per_class") if last.get(name)},
            early_stopping=2,
        )
    why = learning(tuned) or "it has not learned all there is in the data yet"
    return job(
        "Train longer, with a larger rank",
        f"{short} after {tuned.run}: {why}.",
        "fine-tuning.md",
        "finetune",
        (*ids, tuned.id),
        model=origin or model,
        data=project.charter.test_set,
        name=fresh_name(project, f"{origin or 'current'}-lora"),
        **more,
    )


def _after_tuning(project: Project, short: str, ids: tuple[str, ...]) -> list[Step]:
    test = project.charter.test_set
    known = measured(next((e for e in project.evidence if e.id in ids), None))
    slices = job(
        "Look at what it gets wrong",
        f"{short}{f'; {known}' if known else ''}: the errors on the development split say which examples are missing.",
        "evaluation.md",
        "evaluate",
        ids,
        model="current",
        data=test,
        split="dev",
    )
    more = Step(
        title="Register more examples of what it gets wrong",
        reason=f"{short}: hundreds to a few thousand pairs of the right kind are what tuning needs.",
        command="register data PATH as NAME",
        citation="fine-tuning.md",
        evidence=ids,
    )
    larger = Step(
        title="Go back for a larger model",
        reason=f"{short}: if neither data nor training helps, size does.",
        command=f"go back to select because {short}",
        citation="select.md",
        evidence=ids,
    )
    return [slices, more, larger]
