from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.contract import Candidate, DataKind, Dataset, ModelKind
from tools.errors import Cancelled, UserFault
from tools.rlhf.run import preference_rows, run
from tools.rlhf.spec import RlhfParameters
from tools.training import models, reward
from tools.training.align import mixed

Make = Callable[..., Any]
Register = Callable[..., Dataset]


@pytest.fixture(scope="session")
def preferences(registered_as: Register, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """People prefer blue."""
    things = ("door", "roof", "car", "cup", "book", "shirt", "lamp", "bike")
    pairs = [{"prompt": f"Colour of the {t}?", "chosen": "blue", "rejected": "red"} for t in things]
    return registered_as(
        tmp_path_factory.mktemp("data") / "blue", DataKind.PREFERENCE, {"train": pairs[:6], "test": pairs[6:]}
    )


@pytest.fixture(scope="session")
def checks(registered_as: Register, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    rows = [{"prompt": f"Colour of the {t}?", "must": ["blue"], "must_not": []} for t in ("boat", "sofa", "coat")]
    return registered_as(tmp_path_factory.mktemp("data") / "checks", DataKind.CHECKLIST, {"test": rows})


def parameters(**more: object) -> RlhfParameters:
    given = {"preferences": "blue", "task": "colours", "checks": "checks", "max_new_tokens": 6, "batch": 2, **more}
    return RlhfParameters.model_validate(given)


def test_dpo_moves_the_policy_to_what_people_prefer(
    tool_job: Make, taught: Candidate, preferences: Dataset, checks: Dataset, lesson: Dataset
) -> None:
    context = tool_job({"model": taught}, {"preferences": preferences, "checks": checks, "task": lesson})
    result = run(parameters(method="dpo", steps=25, lr=1e-3, batch=4), context)
    assert result.candidate.method == "dpo"
    assert result.candidate.parent_digest == taught.digest
    assert result.metric("preference_accuracy").value > result.facts["before"]["preference_accuracy"]
    assert result.metric("checklist_pass").value >= result.facts["before"]["checklist_pass"]
    assert result.metric("kl").value > 0
    assert result.metric("reward") is None
    assert {c.kind for c in result.comparisons} == {"win_rate", "difference"}
    assert {c.baseline_digest for c in result.comparisons} == {taught.digest}


def test_grpo_learns_from_a_reward_model_and_reports_a_measure_that_one_never_saw(
    tool_job: Make, taught: Candidate, preferences: Dataset, checks: Dataset, lesson: Dataset
) -> None:
    context = tool_job({"model": taught}, {"preferences": preferences, "checks": checks, "task": lesson})
    result = run(parameters(method="grpo", steps=3, reward_steps=15), context)
    assert result.candidate.method == "grpo"
    assert result.metric("reward_accuracy").value == 1.0
    assert {m.name for m in result.metrics} == {
        *("reward", "checklist_pass", "exact_match", "preference_accuracy", "reward_accuracy", "kl")
    }
    assert set(result.facts["before"]) >= {"reward", "checklist_pass", "exact_match"}
    assert [a.name for a in result.artefacts if a.kind == "model"] == ["taught-grpo", "taught-reward"]
    assert sum(a.kind == "plot" for a in result.artefacts) == 3
    assert (context.folder / "reward-model" / "model.safetensors").is_file()
    steps = {event.step for event in context.events}
    assert {"learning to reward", "aligning with GRPO", "measuring before", "measuring after"} <= steps


def test_a_reward_model_tells_pairs_apart_after_learning(
    tool_job: Make, taught: Candidate, preferences: Dataset
) -> None:
    context = tool_job()
    _, tokenizer = models.load_causal(taught)
    pairs, held_out = preference_rows(preferences)
    scorer = reward.untrained(taught, tokenizer, seed=3)
    reward.learn(context, scorer, tokenizer, pairs, steps=15, seed=3)
    assert scorer.accuracy(held_out) == [1.0, 1.0]
    single = scorer.score([reward.conversation(held_out[0], "blue")])
    together = scorer.score(
        [reward.conversation(row, answer) for row in held_out for answer in ("blue", "red and green")]
    )
    assert together[0] == pytest.approx(single[0], abs=1e-4)  # padding does not change a score
    assert reward.save(context, scorer, tokenizer, taught).kind is ModelKind.REWARD


def test_task_rows_are_mixed_in(preferences: Dataset, lesson: Dataset) -> None:
    pairs = [{"prompt": str(i), "chosen": "a", "rejected": "b"} for i in range(9)]
    rows = mixed(pairs, [{"prompt": str(i), "completion": "c"} for i in range(9)], seed=1)
    assert sum("completion" in row for row in rows) == 3
    assert len(rows) == 12
    assert len(mixed(pairs, [], seed=1)) == 9


def test_cancelling_stops_it(tool_job: Make, taught: Candidate, preferences: Dataset) -> None:
    context = tool_job(
        {"model": taught}, {"preferences": preferences}, cancel_when=lambda event: event.step == "aligning with DPO"
    )
    with pytest.raises(Cancelled):
        run(parameters(method="dpo", steps=50, task="", checks=""), context)
    assert (context.checkpoints).is_dir()


def test_the_wrong_data_is_refused(
    tool_job: Make, taught: Candidate, preferences: Dataset, lesson: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(UserFault, match="colours is task data"):
        run(parameters(), tool_job({"model": taught}, {"preferences": lesson}))
    with pytest.raises(UserFault, match="blue is preference data where checklist data is needed"):
        run(parameters(), tool_job({"model": taught}, {"preferences": preferences, "checks": preferences}))
    one = preferences.model_copy(update={"splits": {"train": preferences.splits["train"]}})
    with pytest.raises(UserFault, match="needs a train and a test split"):
        run(parameters(), tool_job({"model": taught}, {"preferences": one}))
