"""Leaving the least certain decisions to people: the threshold is chosen on dev and reported on test."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tools.contract import Artefact, Candidate, Comparison, Dataset, Frozen, JobContext, Metric, Result
from tools.errors import UserFault
from tools.training import classify_plots
from tools.training.classify_answers import classifier_of, classify
from tools.training.classify_measures import calibration_error, effect_of_abstaining, kept_accuracy, threshold_for
from tools.training.classify_rows import read_rows

if TYPE_CHECKING:
    from tools.augment.spec import AugmentParameters

FEWEST = 30  # development rows below which a threshold says nothing


class Policy(Frozen):
    """`policy.json`: what an application does with a label and its confidence."""

    threshold: float  # below this confidence, a person decides
    coverage: float  # share of the development rows at or above it
    temperature: float  # already applied in the confidence the model gives
    model: str
    model_digest: str
    data_digest: str


class Decisions(Protocol):
    """What a model decided on rows. Arrays are [rows]."""

    @property
    def confidence(self) -> NDArray[Any]: ...
    @property
    def correct(self) -> NDArray[Any]:
        """1 where the decision is right, else 0."""

    @property
    def accuracy(self) -> float: ...


Decide = Callable[[str, Literal["dev", "test"]], Decisions]  # a step's name, a split


def calibrate_abstention(context: JobContext, params: "AugmentParameters", model: Candidate, data: Dataset) -> Result:
    """Accuracy on the decisions kept against accuracy on all, on test rows, at a threshold chosen on dev rows."""
    rows = {"dev": read_rows(data, "dev"), "test": read_rows(data, "test", params.limit)}
    require_rows(data, len(rows["dev"]))
    classifier = classifier_of(context, model, data)

    def decide(step: str, split: Literal["dev", "test"]) -> Decisions:
        return classify(context, step, classifier, rows[split])

    return calibrate(context, params, model, data, decide, classifier.head.temperature, "accuracy")


def require_rows(data: Dataset, dev: int) -> None:
    """Raise `UserFault` where a threshold chosen on so many development rows would say nothing."""
    if dev < FEWEST:
        raise UserFault(
            f"A threshold needs at least {FEWEST} development rows, and {data.name} has {dev}; "
            "register it with a larger development split (dev_rows)."
        )


def calibrate(
    context: JobContext,
    params: "AugmentParameters",
    model: Candidate,
    data: Dataset,
    decide: Decide,
    temperature: float,
    metric: str,
) -> Result:
    """Choose the threshold on dev, and measure on test; `metric` names the share of right decisions."""
    chosen_on = decide("choosing the threshold on dev", "dev")
    threshold = threshold_for(chosen_on.confidence, params.coverage)
    answers = decide("measuring on test", "test")
    kept = answers.confidence >= threshold
    if not kept.any():
        raise UserFault(f"No test row reaches the confidence {threshold:.3f}; ask for a larger coverage.")
    policy = Policy(
        threshold=threshold,
        coverage=float((chosen_on.confidence >= threshold).mean()),
        temperature=temperature,
        model=model.name,
        model_digest=model.digest,
        data_digest=data.digest,
    )
    metrics, comparison = _measure(answers, kept, model, params.seed, metric)
    on_kept, share = metrics[0], metrics[2]
    plot = classify_plots.abstaining(
        context,
        *kept_accuracy(answers.confidence, answers.correct),
        chosen={"coverage": share.value, "accuracy": on_kept.value},
    )
    return Result(
        summary=f"Deciding {share.value:.0%} of {len(kept):,} test rows and leaving the rest to people: "
        f"{metric.replace('_', ' ')} {on_kept.value:.3f} [{on_kept.low:.3f}, {on_kept.high:.3f}]"
        f" instead of {answers.accuracy:.3f}.",
        metrics=metrics,
        comparisons=(comparison,),
        artefacts=(_write(context, policy), plot),
        split="test",
        facts={
            "threshold": threshold,
            "temperature": temperature,
            "left_to_people": int((~kept).sum()),
            "wrong_among_kept": int((kept & (answers.correct == 0)).sum()),
            "wrong_among_left": int((~kept & (answers.correct == 0)).sum()),
        },
    )


def _measure(
    answers: Decisions, kept: NDArray[Any], model: Candidate, seed: int, metric: str
) -> tuple[tuple[Metric, ...], Comparison]:
    draws = effect_of_abstaining(kept, answers.correct, seed)
    bounds = [tuple(float(end) for end in np.quantile(values, (0.025, 0.975))) for values in draws]
    number, on_kept = len(kept), float(answers.correct[kept].mean())
    metrics = (
        _metric(f"{metric}_kept", on_kept, bounds[0], int(kept.sum())),
        _metric(metric, answers.accuracy, (None, None), number),
        _metric("coverage", float(kept.mean()), bounds[1], number),
        Metric(name="ece", value=calibration_error(answers.confidence, answers.correct), n=number, split="test"),
    )
    comparison = Comparison(
        kind="difference",
        metric=metric,
        baseline=model.name,
        baseline_digest=model.digest,
        value=on_kept - answers.accuracy,
        low=bounds[2][0],
        high=bounds[2][1],
        n=number,
        split="test",
    )
    return metrics, comparison


def _metric(name: str, value: float, bounds: tuple[float | None, ...], number: int) -> Metric:
    return Metric(name=name, value=value, low=bounds[0], high=bounds[1], n=number, split="test")


def _write(context: JobContext, policy: Policy) -> Artefact:
    path = context.folder / "policy.json"
    path.write_text(policy.model_dump_json(indent=1), encoding="utf-8")
    return context.artefact("policy", "table", path)
