from collections.abc import Callable
from pathlib import Path

import pytest

from tools.contract import Candidate, DataKind, Dataset, JobContext, Metric
from tools.errors import UserFault
from tools.evaluate.labels import bounded, macro_f1_difference, macro_f1_interval
from tools.evaluate.run import run
from tools.evaluate.spec import EvaluateParameters

PAIRS = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("c", "a"), ("c", "c")] * 20


def test_the_interval_lies_around_the_value_and_narrows_with_items() -> None:
    low, high = macro_f1_interval(PAIRS, 2000, 7)
    assert low < (0.5 + 0.8 + 2 / 3) / 3 < high
    more = macro_f1_interval(PAIRS * 9, 2000, 7)
    assert more[1] - more[0] < 0.5 * (high - low)
    assert macro_f1_interval([("a", "a"), ("b", "b")] * 9, 2000, 7) == (1.0, 1.0)


def test_other_metrics_keep_their_ends() -> None:
    given = (Metric(name="accuracy", value=0.75, low=0.7, high=0.8), Metric(name="macro_f1", value=0.65))
    first, second = bounded(given, PAIRS, 2000, 7)
    assert first == given[0]
    assert second.low < second.value < second.high


def test_labelled_data_is_decided_by_the_metric_that_was_named(
    tool_job: Callable[..., JobContext], sorter: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path
) -> None:
    rows = [{"text": f"What colour is the {n}?", "label": "colour"} for n in ("door", "cup", "car")]
    rows += [{"text": f"How big is the {n}?", "label": "size"} for n in ("door", "cup", "car")]
    data = registered_as(tmp_path / "asked", DataKind.LABELLED, {"train": rows, "dev": rows, "test": rows})
    job = tool_job({"model": sorter}, {"data": data})
    params = EvaluateParameters(data="asked", metrics=("macro_f1", "accuracy"), latency_items=2)
    result = run(params, job)
    assert [metric.name for metric in result.metrics[:2]] == ["macro_f1", "accuracy"]
    assert result.facts["metric"] == "macro_f1"
    assert result.metrics[0].low <= result.metrics[0].value <= result.metrics[0].high
    assert "Macro F1" in result.summary
    with pytest.raises(UserFault, match="rougeL is not measured on labelled data; accuracy and macro_f1 are"):
        run(params.model_copy(update={"metrics": ("rougeL",)}), job)


def test_the_difference_of_two_models_is_drawn_in_pairs() -> None:
    worse = [(right, "a") for right, _ in PAIRS]
    found = macro_f1_difference(PAIRS, worse, 2000, 7)
    assert found.value == pytest.approx((0.5 + 0.8 + 2 / 3) / 3 - 0.5 / 3)
    assert 0 < found.low < found.value < found.high and found.n == len(PAIRS)
    same = macro_f1_difference(PAIRS, PAIRS, 2000, 7)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_two_classifiers_are_told_apart_row_by_row(
    tool_job: Callable[..., JobContext], sorter: Candidate, questions: Dataset, tmp_path: Path
) -> None:
    from tools.training.classify_model import Classifier, load_classifier, save_classifier

    turned = load_classifier(sorter)
    turned = Classifier(turned.encoder, turned.linear, turned.head.model_copy(update={"labels": ("size", "colour")}))
    job = tool_job({"model": sorter}, {"data": questions})
    other = save_classifier(job, turned, name="turned", method="finetune", parent=sorter, facts={})
    context = tool_job({"model": sorter, "compare_to": other}, {"data": questions})
    params = EvaluateParameters(data="questions", compare_to="turned", metrics=("macro_f1",), latency_items=2)
    result = run(params, context)
    assert [c.metric for c in result.comparisons] == ["macro_f1", "accuracy"]
    assert result.comparisons[0].value == pytest.approx(1.0)
    assert (result.facts["newly_right"], result.facts["newly_wrong"], result.facts["verdict"]) == (24, 0, "better")
    assert result.facts["p_value"] == pytest.approx(2 / 2**24)
    assert "## Better: 24 of 24 items" in (context.folder / "changes.md").read_text()
    assert "24 items became better and 0 worse." in result.summary
