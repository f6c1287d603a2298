"""Alignment: preferences move the policy, and a measure that training never saw says whether it helped."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tools.contract import (
    Artefact,
    Candidate,
    Comparison,
    ComparisonKind,
    DataKind,
    Dataset,
    JobContext,
    Metric,
    Result,
)
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate import bootstrap
from tools.rlhf.spec import RlhfParameters
from tools.training import align, generation, measure, models, plots, reward
from tools.training.measure import Row
from tools.training.progress import Follow

_CHECKED = 60  # prompts of each kind answered before and after: enough to see a failure, quick enough for every run
_TASK_TOKENS, _REPLY_TOKENS = 32, 64


@dataclass
class Standing:
    """How a policy does on held-out prompts; every list is in the order of its rows."""

    rewards: list[float] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)  # shares of the checklists met
    task: list[float] = field(default_factory=list)
    preferred: list[float] = field(default_factory=list)  # 1 where the chosen answer is likelier than the rejected
    answers: list[str] = field(default_factory=list)


def run(params: RlhfParameters, context: JobContext) -> Result:
    data, parent = context.inputs.data, context.inputs.models["model"]
    pairs, held_out = preference_rows(data["preferences"])
    task, checks = data.get("task"), data.get("checks")
    _check_kinds(task, checks)
    models.require_whole(parent, "alignment")
    policy, tokenizer = models.load_causal(parent)
    scorer = reward.untrained(parent, tokenizer, params.seed) if params.method == "grpo" else None
    accuracy: tuple[list[float], list[float]] = (scorer.accuracy(held_out), []) if scorer else ([], [])
    learned: list[tuple[int, float]] = []
    if scorer is not None:
        learned = reward.learn(context, scorer, tokenizer, pairs, params.reward_steps, params.seed)
        accuracy = (accuracy[0], scorer.accuracy(held_out))
    before = stand(context, "before", policy, tokenizer, scorer, held_out, task, checks)
    rows = align.mixed(pairs, rows_of(task.splits["train"]) if task and "train" in task.splits else [], params.seed)
    if scorer is not None:
        policy, follow = align.grpo(params, context, policy, tokenizer, rows, scorer)
    else:
        policy, follow = align.dpo(params, context, policy, tokenizer, rows)
    policy.eval()
    after = stand(context, "after", policy, tokenizer, scorer, held_out, task, checks)
    drift = divergence(policy, models.load_causal(parent)[0], tokenizer, held_out[:_CHECKED], after.answers)
    candidate = models.save_candidate(
        context,
        policy,
        tokenizer,
        name=params.name or f"{parent.name}-{params.method}",
        method=params.method,
        parent=parent,
        facts={"preferences": data["preferences"].name, "preferences_digest": data["preferences"].digest},
    )
    artefacts = [context.artefact(candidate.name, "model", Path(candidate.path))]
    if scorer is not None:
        scored = reward.save(context, scorer, tokenizer, parent)
        artefacts.append(context.artefact(scored.name, "model", Path(scored.path)))
        artefacts.append(
            plots.curve(context, "reward model", "Learning to reward", {"loss": learned}, "step", "loss (nats a pair)")
        )
    artefacts += [_curve(context, params, follow), _bars(context, parent, candidate, before, after)]
    return _result(params, candidate, parent, before, after, accuracy, drift, tuple(artefacts))


def preference_rows(data: Dataset) -> tuple[list[Row], list[Row]]:
    """Pairs to learn from and pairs held out."""
    if data.kind is not DataKind.PREFERENCE:
        raise UserFault(f"rlhf needs preference pairs (prompt, chosen, rejected), and {data.name} is {data.kind} data.")
    held_out = next((name for name in ("test", "dev") if name in data.splits), None)
    if held_out is None or "train" not in data.splits:
        raise UserFault(f"{data.name} needs a train and a test split; it has {', '.join(data.splits)}.")
    return rows_of(data.splits["train"]), rows_of(data.splits[held_out])


def _check_kinds(task: Dataset | None, checks: Dataset | None) -> None:
    for data, kind in ((task, DataKind.TASK), (checks, DataKind.CHECKLIST)):
        if data is not None and data.kind is not kind:
            raise UserFault(f"{data.name} is {data.kind} data where {kind} data is needed.")


def stand(
    context: JobContext,
    when: str,
    policy: Any,
    tokenizer: Any,
    scorer: reward.RewardModel | None,
    held_out: Sequence[Row],
    task: Dataset | None,
    checks: Dataset | None,
) -> Standing:
    """Measure a policy. The task's development split is used, never its test split."""
    context.stop_if_cancelled()
    context.progress(f"measuring {when}", 0, 1)
    found, prompts = Standing(), held_out[:_CHECKED]
    conversations = [generation.user(row["prompt"]) for row in prompts]
    found.answers = [a.text for a in generation.answer(policy, tokenizer, conversations, _REPLY_TOKENS)]
    if scorer is not None:
        found.rewards = scorer.score(
            [reward.conversation(row, answer) for row, answer in zip(prompts, found.answers, strict=True)]
        )
    found.preferred = preferred(policy, tokenizer, held_out)
    if checks is not None:
        rows = rows_of(checks.splits["test"])[:_CHECKED]
        found.checks = list(measure.answer_rows(policy, tokenizer, rows, checks.kind, _REPLY_TOKENS).scores)
    if task is not None and "dev" in task.splits:
        rows = rows_of(task.splits["dev"])[: 2 * _CHECKED]
        found.task = list(measure.answer_rows(policy, tokenizer, rows, task.kind, _TASK_TOKENS).scores)
    return found


def preferred(policy: Any, tokenizer: Any, pairs: Sequence[Row]) -> list[float]:
    """For each pair 1 where the policy finds the chosen answer likelier, a token, than the rejected."""
    asked = [generation.user(row["prompt"]) for row in pairs]
    chosen, rejected = (
        generation.reference_losses(policy, tokenizer, list(zip(asked, (row[side] for row in pairs), strict=True)))
        for side in ("chosen", "rejected")
    )
    return [float(a / n < b / m) for (a, n), (b, m) in zip(chosen, rejected, strict=True)]


def divergence(policy: Any, old: Any, tokenizer: Any, rows: Sequence[Row], answers: Sequence[str]) -> float:
    """How much likelier the policy finds its own answers than the old model does, in nats an answer: an estimate of
    the Kullback-Leibler divergence from greedy answers instead of drawn ones."""
    pairs = [(generation.user(row["prompt"]), answer) for row, answer in zip(rows, answers, strict=True)]
    new = generation.reference_losses(policy, tokenizer, pairs)
    past = generation.reference_losses(old, tokenizer, pairs)
    return sum(b - a for (a, _), (b, _) in zip(new, past, strict=True)) / len(pairs)


def _result(
    params: RlhfParameters,
    candidate: Candidate,
    parent: Candidate,
    before: Standing,
    after: Standing,
    accuracy: tuple[list[float], list[float]],
    drift: float,
    artefacts: tuple[Artefact, ...],
) -> Result:
    passed = [float(score == 1.0) for score in after.checks]
    measured = [
        ("reward", after.rewards),
        ("checklist_pass", passed),
        ("exact_match", after.task),
        ("preference_accuracy", after.preferred),
        ("reward_accuracy", accuracy[1]),
    ]
    metrics = [_metric(name, values) for name, values in measured if values]
    metrics.append(Metric(name="kl", value=drift, n=len(after.answers), unit="nats"))
    facts: dict[str, JsonValue] = {"method": params.method}
    earlier = [
        ("reward", before.rewards),
        ("checklist_pass", [float(score == 1.0) for score in before.checks]),
        ("exact_match", before.task),
        ("preference_accuracy", before.preferred),
        ("reward_accuracy", accuracy[0]),
    ]
    earlier_means = {name: sum(values) / len(values) for name, values in earlier if values}
    facts["before"] = dict(earlier_means)
    facts["samples"] = list(after.answers[:5])
    compared: tuple[tuple[ComparisonKind, str, Sequence[float], Sequence[float]], ...] = (
        ("win_rate", "checklist_pass", after.checks, before.checks),
        ("difference", "exact_match", after.task, before.task),
        ("difference", "reward", after.rewards, before.rewards),
    )
    comparisons = [_comparison(kind, name, new, old, parent) for kind, name, new, old in compared if new]
    return Result(
        summary=_summary(params, candidate, earlier_means, metrics),
        metrics=tuple(metrics),
        comparisons=tuple(comparisons),
        artefacts=artefacts,
        candidate=candidate,
        split="dev",
        facts=facts,
    )


def _summary(params: RlhfParameters, candidate: Candidate, before: dict[str, float], metrics: list[Metric]) -> str:
    names = {"checklist_pass": "checklist passed", "reward": "reward", "exact_match": "exact match"}
    said = [
        f"{names[m.name]} {before[m.name]:.2f} to {m.value:.2f}"
        for m in sorted(metrics, key=lambda m: list(names).index(m.name) if m.name in names else 9)
        if m.name in names and m.name in before
    ]
    return f"{candidate.name} is aligned with {params.method.upper()}: {', '.join(said) or 'nothing was measured'}."


def _metric(name: str, values: Sequence[float]) -> Metric:
    found = bootstrap.mean(values)
    return Metric(name=name, value=found.value, low=found.low, high=found.high, n=found.n, split="dev")


def _comparison(
    kind: ComparisonKind, name: str, new: Sequence[float], old: Sequence[float], parent: Candidate
) -> Comparison:
    found = bootstrap.win_rate(new, old) if kind == "win_rate" else bootstrap.difference(new, old)
    return found.against(parent, name, "dev", kind=kind)


def _curve(context: JobContext, params: RlhfParameters, follow: Follow) -> Artefact:
    """What the method climbs: rewards of drawn answers, or the margin between chosen and rejected."""
    wanted = {"grpo": ("reward", "kl"), "dpo": ("rewards/margins", "rewards/accuracies")}[params.method]
    shown = {
        "rewards/margins": "margin",
        "rewards/accuracies": "share told apart",
        "kl": "divergence",
        "reward": "reward",
    }
    series = {shown[name]: [(s, v) for s, v in follow.history.get(name, []) if math.isfinite(v)] for name in wanted}
    found = {name: points for name, points in series.items() if points} or {"loss": follow.watch.points}
    return plots.curve(context, "alignment", f"Aligning with {params.method.upper()}", found, "step", "value")


def _bars(context: JobContext, parent: Candidate, candidate: Candidate, before: Standing, after: Standing) -> Artefact:
    bars: list[tuple[str, float, float | None, float | None]] = []
    for what, old, new in (
        ("checklist", [float(s == 1.0) for s in before.checks], [float(s == 1.0) for s in after.checks]),
        ("exact match", before.task, after.task),
        ("prefers what people prefer", before.preferred, after.preferred),
    ):
        for when, values in (("before", old), ("after", new)):
            if values:
                found = bootstrap.mean(values)
                bars.append((f"{what}, {when}", found.value, found.low, found.high))
    title = f"{parent.name} and {candidate.name}"
    return plots.intervals(context, "effect", title, bars, "share, with 95 % interval", colours=2)
