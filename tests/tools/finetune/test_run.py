import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tools.contract import Candidate, DataKind, Dataset, Inputs, JobContext, ModelKind
from tools.errors import Cancelled, UserFault
from tools.finetune.plan import plan
from tools.finetune.run import run
from tools.finetune.spec import FinetuneParameters
from tools.training.supervised import training_rows
from tools.training.trainers import newest_complete

Make = Callable[..., Any]
Register = Callable[..., Dataset]
ANIMALS = ("cat", "dog", "cow", "hen")


@pytest.fixture(scope="session")
def animals(registered_as: Register, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A lesson the taught model has not had."""
    rows = [{"prompt": f"Size of the {name}?", "completion": size} for name, size in zip(ANIMALS, "aabb", strict=True)]
    return registered_as(tmp_path_factory.mktemp("data") / "animals", DataKind.TASK, {"train": rows, "dev": rows})


def parameters(**more: object) -> FinetuneParameters:
    given = {"data": "animals", "steps": 40, "batch": 4, "lr": 2e-2, "save_every": 10, "name": "sized", **more}
    return FinetuneParameters.model_validate(given)


def test_it_learns_and_is_saved_merged_with_its_adapter(tool_job: Make, taught: Candidate, animals: Dataset) -> None:
    context: JobContext = tool_job({"model": taught}, {"data": animals})
    result = run(parameters(), context)
    made = result.candidate
    assert result.metric("exact_match").value == 1.0
    assert result.metric("exact_match").split == "dev" == result.split
    assert (made.name, made.method, made.parent, made.parent_digest) == ("sized", "lora", "taught", taught.digest)
    assert made.digest != taught.digest
    assert {path.name for path in Path(made.path).iterdir()} >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert {a.kind for a in result.artefacts} == {"model", "adapter", "plot"}
    assert (context.folder / "adapter" / "adapter_model.safetensors").is_file()
    assert result.facts["merge_gap"] < 1e-3


def test_a_cancelled_run_goes_on_from_its_checkpoint(tool_job: Make, taught: Candidate, animals: Dataset) -> None:
    inputs = ({"model": taught}, {"data": animals})
    first = tool_job(*inputs, cancel_when=lambda event: event.step == "fine-tuning")
    with pytest.raises(Cancelled):
        run(parameters(steps=12), first)
    reached = first.events[-1].done
    kept = newest_complete(first.checkpoints)
    assert 0 < reached < 12
    assert kept is not None
    assert int(kept.name.removeprefix("checkpoint-")) >= reached
    truncated = first.checkpoints / "checkpoint-11"  # written by an attempt that was killed in between
    truncated.mkdir()
    (truncated / "trainer_state.json").write_text("{")
    second = tool_job(*inputs)
    result = run(parameters(steps=12), second)
    steps = [event.done for event in second.events if event.step == "fine-tuning"]
    assert min(steps) > reached
    assert max(steps) == 12
    assert result.candidate.facts["steps"] == 12


@pytest.mark.parametrize(
    "method",
    [{"method": "full", "lr": 5e-3}, {"rslora": True, "targets": ["q_proj", "v_proj"], "steps": 80}, {"dora": True}],
)
def test_other_ways_learn_it_too(
    tool_job: Make, taught: Candidate, animals: Dataset, method: dict[str, object]
) -> None:
    result = run(parameters(**method), tool_job({"model": taught}, {"data": animals}))
    assert result.metric("exact_match").value == 1.0
    assert result.candidate.method == method.get("method", "lora")
    assert ("adapter" in {a.kind for a in result.artefacts}) is ("method" not in method)


def test_virtual_tokens_become_part_of_an_ordinary_model(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    from tools.training import models

    given = parameters(data="colours", method="prompt_tuning", virtual_tokens=4, lr=0.05, name="")
    result = run(given, tool_job({"model": taught}, {"data": lesson}))
    made = result.candidate
    assert made.name == "taught-prompt" and result.facts["merge_gap"] < 1e-3
    model, tokenizer = models.load_causal(made)
    assert (
        model.get_input_embeddings().weight.shape[0]
        == len(tokenizer)
        == models.load_causal(taught)[0].config.vocab_size + 4
    )
    assert result.metric("exact_match").value > 0.5


def test_a_prefix_stays_beside_the_model_and_others_refuse_what_they_would_lose(
    tool_job: Make, taught: Candidate, lesson: Dataset
) -> None:
    from tools.quantize import run as quantize
    from tools.quantize.spec import QuantizeParameters
    from tools.training import models

    given = parameters(data="colours", method="prefix_tuning", virtual_tokens=4, lr=0.1, name="")
    result = run(given, tool_job({"model": taught}, {"data": lesson}))
    made = result.candidate
    assert (made.name, made.method, made.parent) == ("taught-prefix", "prefix_tuning", "taught")
    assert result.facts["merge_gap"] < 1e-3
    kept = next(a for a in result.artefacts if a.kind == "adapter")
    assert {path.name for path in (Path(made.path) / "prefix").iterdir()} >= {"adapter_model.safetensors"}
    assert kept.path == "model/prefix" and made.digest != taught.digest
    assert result.metric("exact_match").value > 0.5
    assert models.load_causal(made)[0].config.max_position_embeddings == taught.context - 4
    with pytest.raises(UserFault, match=r"taught-prefix has a learnt prefix .* fine-tuning would lose; use taught"):
        run(parameters(data="colours"), tool_job({"model": made}, {"data": lesson}))
    with pytest.raises(UserFault, match="quantizing would lose"):
        quantize.run(QuantizeParameters(), tool_job({"model": made}))


@pytest.mark.parametrize("kind", [DataKind.CONVERSATION, DataKind.CORPUS])
def test_conversations_and_text_are_learnt(
    tool_job: Make, taught: Candidate, registered_as: Register, tmp_path: Path, kind: DataKind
) -> None:
    rows: list[dict[str, object]] = [{"text": "red door " * 9}] * 8
    if kind is DataKind.CONVERSATION:
        asked = [{"role": "user", "content": f"Size of the {name}?"} for name in ANIMALS]
        rows = [{"messages": [one, {"role": "assistant", "content": "b"}]} for one in asked]
    data = registered_as(tmp_path / "said", kind, {"train": rows})
    context = tool_job({"model": taught}, {"data": data})
    result = run(parameters(data="said", steps=12, packing=kind is DataKind.CORPUS), context)
    losses = [event.metrics["loss"] for event in context.events if event.step == "fine-tuning"]
    assert losses[-1] < losses[0] and result.candidate.method == "lora"


def test_it_stops_where_dev_gets_worse_and_keeps_the_best(
    tool_job: Make, taught: Candidate, animals: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    other = [{"prompt": f"Size of the {name}?", "completion": size} for name, size in zip(ANIMALS, "bbaa", strict=True)]
    train = [{"prompt": f"Size of the {name}?", "completion": size} for name, size in zip(ANIMALS, "aabb", strict=True)]
    data = registered_as(tmp_path / "contrary", DataKind.TASK, {"train": train, "dev": other})
    context = tool_job({"model": taught}, {"data": data})
    result = run(parameters(data="contrary", steps=100, early_stopping=2, evaluate_every=5), context)
    looks = result.facts["dev_losses"]
    assert result.facts["steps"] < 100
    assert result.metric("dev_loss").value == pytest.approx(min(loss for _, loss in looks), abs=1e-3)
    assert "rose to" in result.facts["advice"]
    best, _ = min(looks, key=lambda look: look[1])
    assert result.facts["best_step"] == best < result.facts["steps"]
    assert result.summary.endswith(f"The best checkpoint was kept, of step {best} of {result.facts['steps']}.")


def test_learning_rates_are_tried_and_the_best_is_taken(tool_job: Make, taught: Candidate, animals: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": animals})
    result = run(parameters(lr=None, probe=True, steps=60), context)
    tried = result.facts["tried"]
    assert len(tried) + result.facts["diverged"] == 4
    assert result.facts["lr"] == min(tried, key=lambda one: one["loss"])["lr"]
    assert not (context.folder / "trials").exists()


def test_a_resumed_probe_runs_none_again_that_came_to_an_end(
    tool_job: Make, taught: Candidate, animals: Dataset
) -> None:
    inputs, params = ({"model": taught}, {"data": animals}), parameters(lr=None, probe=True, steps=60)
    first = tool_job(*inputs, cancel_when=lambda event: event.kind == "log" and "Tried" in event.text)
    with pytest.raises(Cancelled):
        run(params, first)
    second = tool_job(*inputs)
    result = run(params, second)
    begun = {event.step for event in second.events if event.step.startswith("trying settings: ")}
    assert len(begun) == 3
    assert len(result.facts["tried"]) + result.facts["diverged"] == 4
    assert result.summary.endswith(f"Settings chosen by 4 short runs: {result.facts['chosen']}.")


def test_what_does_not_fit_is_said_before_anything_is_trained(
    tool_job: Make, taught: Candidate, animals: Dataset, lesson: Dataset
) -> None:
    def refused(**given: object) -> str:
        with pytest.raises(UserFault) as fault:
            run(parameters(**given), tool_job({"model": taught}, {"data": animals}))
        return str(fault.value)

    assert "no linear layer called attention; it has down_proj" in refused(targets="attention, q_proj")
    assert "this machine has none; use method=lora" in refused(method="qlora")
    no_dev = lesson.model_copy(update={"splits": {"train": lesson.splits["train"]}})
    with pytest.raises(UserFault, match="early_stopping looks at a development split"):
        run(parameters(data="colours", early_stopping=1), tool_job({"model": taught}, {"data": no_dev}))


def test_replayed_rows_make_up_their_share(registered_as: Register, tmp_path: Path, lesson: Dataset) -> None:
    rows = [{"prompt": str(i), "completion": "x"} for i in range(28)]
    data = registered_as(tmp_path / "new", DataKind.TASK, {"train": rows})
    mixed = training_rows(parameters(replay="colours", replay_share=0.3), data, lesson)
    assert len(mixed) == 40
    assert sum("Colour" in row["prompt"] for row in mixed) == 12


def test_the_wrong_data_is_refused(
    tool_job: Make, taught: Candidate, lesson: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    pairs = registered_as(tmp_path / "pairs", DataKind.PREFERENCE, {"train": [{"prompt": "x"}]})
    with pytest.raises(UserFault, match="pairs is preference data"):
        run(parameters(data="pairs"), tool_job({"model": taught}, {"data": pairs}))
    only_test = lesson.model_copy(update={"splits": {"test": lesson.splits["test"]}})
    with pytest.raises(UserFault, match="has no train split"):
        run(parameters(data="colours"), tool_job({"model": taught}, {"data": only_test}))


def test_tagged_words_are_learned_by_an_encoder(
    tool_job: Make, untrained: Candidate, taught: Candidate, names: Dataset
) -> None:
    params = FinetuneParameters(data="names", steps=2, rank=2)
    made = run(params, tool_job({"model": untrained}, {"data": names})).candidate
    assert (made.kind, made.method, made.facts["kinds"]) == (ModelKind.TAGGER, "lora", ["THING", "WHO"])
    with pytest.raises(UserFault, match="needs a model of kind encoder or classifier or tagger, and taught is of kind"):
        run(params, tool_job({"model": taught}, {"data": names}))
    with pytest.raises(UserFault, match="needs labelled data"):
        run(parameters(), tool_job({"model": made}, {"data": names.model_copy(update={"kind": DataKind.TASK})}))


def test_a_plan_counts_every_tagged_row(untrained: Candidate, names: Dataset) -> None:
    many = names.model_copy(update={"splits": {"train": names.splits["train"].model_copy(update={"rows": 9000})}})
    found = plan(FinetuneParameters(data="names", batch=10), Inputs(models={"model": untrained}, data={"data": many}))
    assert found.steps[0].startswith("Train adapters of rank 16 for 2,700 steps of 10 rows")
    assert [part.step for part in found.parts] == ["reading training rows", "training"]


def test_divergence_is_told_with_the_way_out(
    tool_job: Make, taught: Candidate, animals: Dataset, tmp_path: Path
) -> None:
    import torch

    from tools.training import models

    model, tokenizer = models.load_causal(taught)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    broken = tmp_path / "broken"
    model.save_pretrained(broken)
    tokenizer.save_pretrained(broken)
    candidate = taught.model_copy(update={"path": str(broken)})
    with pytest.raises(UserFault, match=r"diverged at step 1 .* lower learning rate"):
        run(parameters(), tool_job({"model": candidate}, {"data": animals}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 5},
        {"lr": 0},
        {"steps": 0},
        {"rank": 0},
        {"method": "magic"},
        {"epochs": -1},
        {"colour": "red"},
        {"method": "full", "dora": True},
        {"probe": True, "search": 3},
        {"search": float("nan")},
        {"dropout": 1},
    ],
)
def test_absurd_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)


def test_the_loss_of_the_last_step_is_in_the_curve(tool_job: Make, taught: Candidate, animals: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": animals})
    run(parameters(steps=3), context)
    told = [json.loads(event.model_dump_json()) for event in context.events if event.step == "fine-tuning"]
    assert told[-1]["done"] == told[-1]["total"] == 3
    assert told[-1]["metrics"]["loss"] > 0


def test_what_is_long_is_measured_by_rouge(
    tool_job: Make, taught: Candidate, registered_as: Register, tmp_path: Path
) -> None:
    rows = [
        {"prompt": f"Tell of the {name}.", "completion": f"The {name} is small and it lives in the house by the river"}
        for name in ANIMALS
    ]
    data = registered_as(tmp_path / "tales", DataKind.TASK, {"train": rows, "dev": rows})
    result = run(
        parameters(data="tales", method="full", steps=120, lr=5e-3), tool_job({"model": taught}, {"data": data})
    )
    rouge = result.metric("rougeL")
    assert rouge.low <= rouge.value <= rouge.high
    assert rouge.value > 0.5
    assert result.metric("exact_match").n == 4
    assert f"ROUGE-L {rouge.value:.3f}" in result.summary
