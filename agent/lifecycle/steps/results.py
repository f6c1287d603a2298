"""What the last results say should come next, from their numbers. Keys of facts that are missing say nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from agent.lifecycle.evidence import show_metric
from agent.lifecycle.project import Evidence, JobPhase, Project
from agent.lifecycle.steps.step import Step, fresh_name, job
from tools.contract import Candidate, Dataset

TEST_ROWS = 100  # fewer leave a 95 % interval wider than 0.1 to either side (1.96 * sqrt(0.25 / 100))
UNEVEN = 10  # times more rows of the most frequent label than of the rarest
RATE_CUT = 0.3  # a rate at which training diverged is lowered to this share
CALIBRATION = 0.1  # a mean gap between confidence and accuracy above this misleads whoever reads confidences
_WORTH_A_WORD = 0.01  # share of the rows from which near duplicates and leaks move a score by what can be seen
_CLEAR = 0.03  # share of a loss that counts as a change, as in training's own advice


def data_steps(project: Project, registered: Dataset | None = None) -> list[Step]:
    """What the checks found of the data just registered, else of the data that decides."""
    deciding = project.datasets.get(project.charter.test_set or "")
    data = registered or deciding or next(reversed(project.datasets.values()), None)
    if data is None:
        return []
    run = next((e for e in reversed(project.evidence) if e.tool == "data" and e.summary.startswith(data.name)), None)
    ids = (run.id,) if run else ()
    where = f" ({run.id})" if run else ""
    asked = project.jobs[run.run].params if run and run.run in project.jobs else {}
    return [
        Step(title=title, reason=f"{data.name}{where}: {why}", command=command, citation="scope.md", evidence=ids)
        for title, why, command in _faults(data, _again(asked))
    ][:2]


_KEPT = ("path", "name", "kind", "text_column", "label_column", "prompt_column", "completion_column", "group_column",
         "dev_path", "test_path", "mask", "drop_leaked")  # fmt: skip


def _again(params: Mapping[str, JsonValue]) -> str:
    """The command that registers the same file in the same way, where it can be typed."""
    held = {name: params.get(name) for name in _KEPT if params.get(name)}
    if not held.get("path") or any(" " in str(value) for value in held.values()):
        return ""
    return " ".join(["data", *(f"{name}={'true' if value is True else value}" for name, value in held.items())])


def _faults(data: Dataset, same: str) -> list[tuple[str, str, str]]:
    """Title, reason and command, the gravest first. `same` registers this data again, as it was."""
    again, facts = "register data PATH as NAME", data.facts
    same = same or again
    found: list[tuple[str, str, str]] = []
    if (leaked := count(facts.get("leaked"))) >= _WORTH_A_WORD * held_out(data):
        why = f"{leaked:,} held-out rows nearly stand in the training split, so its scores would be too high."
        found.append(("Register the data without what leaked", why, f"{same} drop_leaked=true"))
    if personal := count(facts.get("personal")):
        why = f"{personal:,} rows hold personal data; a model can repeat what it was trained on."
        found.append(("Register the data with personal data masked", why, f"{same} mask=true"))
    if "test" in data.splits and data.splits["test"].rows < TEST_ROWS:
        rows = data.splits["test"].rows
        why = f"{rows} test rows leave an interval of ±{0.98 / max(rows, 1) ** 0.5:.2f} at worst."
        found.append(("Register more test rows", why, again))
    most, fewest = _numbers(facts.get("most_rows")), _numbers(facts.get("fewest_rows"))
    if most and fewest and max(most) >= UNEVEN * max(min(fewest), 1):
        why = f"the most frequent label has {max(most):.0f} rows, the rarest {min(fewest):.0f}, which is learned badly."
        found.append(("Register more rows of the rare labels", why, again))
    if (near := count(facts.get("near_duplicates"))) >= _WORTH_A_WORD * data.rows:
        why = f"{near:,} rows are near duplicates of others and count more than they should."
        found.append(("Register the data without near duplicates", why, again))
    return found


def held_out(data: Dataset) -> int:
    return max(1, sum(split.rows for name, split in data.splits.items() if name != "train"))


def count(value: Any) -> int:
    """How many a fact tells of: a number, a list's length, or the sum over a table."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return int(value)
    if isinstance(value, Mapping):
        return sum(count(one) for one in value.values())
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 0


def _numbers(value: Any) -> list[float]:
    values = value.values() if isinstance(value, Mapping) else ()
    return [float(one) for one in values if isinstance(one, int | float)]


def losses(evidence: Evidence) -> list[tuple[int, float]]:
    """(step, development loss) of a training, as far as they can be read."""
    found: Any = evidence.facts.get("dev_losses")
    pairs = found if isinstance(found, list) else []
    return [
        (int(one[0]), float(one[1]))
        for one in pairs
        if isinstance(one, list) and len(one) == 2 and all(isinstance(part, int | float) for part in one)
    ]


def overfitted(evidence: Evidence) -> str:
    """How the development loss rose after its least; empty where it did not."""
    points = losses(evidence)
    if len(points) < 3:
        return ""
    step, least = min(points, key=lambda point: point[1])
    last_step, last = points[-1]
    if step == last_step or last <= least * (1 + _CLEAR):
        return ""
    return f"the development loss was least at step {step} ({least:.3f}) and rose to {last:.3f} at step {last_step}"


def learning(evidence: Evidence) -> str:
    """What a training's numbers say of its length; empty where they say nothing."""
    advice = evidence.facts.get("advice")
    points = losses(evidence)
    if isinstance(advice, str) and "falling" in advice:
        return advice.split(":")[0][:1].lower() + advice.split(":")[0][1:]
    if len(points) >= 2 and points[-1][1] < points[-2][1] * (1 - _CLEAR):
        return f"the development loss was still falling ({points[-2][1]:.3f} to {points[-1][1]:.3f})"
    return ""


def diverged(project: Project) -> list[Step]:
    """After a training that diverged: the same with a lower rate."""
    last = next((each for each in reversed(project.jobs.values()) if each.tool == "finetune"), None)
    said = (last.error or "").lower() if last else ""
    if last is None or last.phase is not JobPhase.FAILED or not any(word in said for word in ("diverg", "nan")):
        return []
    rate = last.params.get("lr")
    params = {
        name: last.params.get(name) for name in ("model", "data", "method", "rank", "steps", "epochs", "per_class")
    }
    params["name"] = fresh_name(project, str(last.params.get("name") or "tuned"))
    lower = {"lr": float(f"{RATE_CUT * rate:.2g}")} if isinstance(rate, int | float) else {"probe": True}
    how = f"{lower['lr']:g} instead of {rate:g}" if "lr" in lower else "one that short runs find"
    reason = f"{last.id} diverged: {last.error} A learning rate of {how} is next."
    return [job("Train again with a lower learning rate", reason, "fine-tuning.md", "finetune", **params, **lower)]


def on_dev(project: Project, model: Candidate) -> str:
    """A model's last number on a development split, with its evidence; empty where there is none."""
    for evidence in reversed(project.evidence):
        wanted = evidence.metric(project.charter.metric or "")
        if evidence.model_digest == model.digest and wanted is not None and "dev" in (wanted.split, evidence.split):
            return f"{wanted.name} {show_metric(wanted)} on development rows ({evidence.id})"
    return ""


def measured(evidence: Evidence | None) -> str:
    """What an evaluation says beside its score: the regression verdict, the worst slice, the calibration."""
    if evidence is None:
        return ""
    parts = []
    verdict = evidence.facts.get("verdict")
    if isinstance(verdict, str) and verdict:
        parts.append(f"verdict: {verdict}")
    if worst := _worst(evidence.facts.get("worst_slices")):
        parts.append(f"worst slice {worst}")
    error = evidence.metric("ece")
    if error is not None and error.value > CALIBRATION:
        parts.append(f"calibration error {error.value:.3f}, so its confidences mislead")
    return "; ".join(parts) + (f" ({evidence.id})" if parts else "")


def _worst(slices: Any) -> str:
    """The lowest of the slices that lie clearly below the whole."""
    rows: list[Any] = slices if isinstance(slices, list) else []
    read = [
        (float(row["value"]), str(row["slice"]), row.get("n"))
        for row in rows
        if isinstance(row, Mapping) and isinstance(row.get("value"), int | float) and row.get("slice")
    ]
    if not read:
        return ""
    value, name, n = min(read, key=lambda one: one[0])
    return f"{name} {value:.3f}" + (f" on {n} rows" if isinstance(n, int) else "")


def prompted(tried: Evidence) -> str:
    """What won a trial of prompts, and by how much."""
    best = tried.facts.get("best")
    if not isinstance(best, str) or not best:
        return ""
    gain = next((c for c in tried.comparisons if c.kind == "difference"), None)
    if gain is None:
        return f"; {best} won, no better than the bare question" if tried.facts.get("tied") else f"; {best} won"
    if gain.value <= 0:
        return f"; {best} won, but was no better than {gain.baseline} on {gain.split}"
    verdict = "" if gain.low > 0 else ", a difference that may be chance"
    return f"; {best} won by {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] on {gain.split}{verdict}"
