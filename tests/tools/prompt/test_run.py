import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.contract import Candidate, DataKind, Dataset, File, JobContext, ModelKind
from tools.data.formats import rows_of
from tools.errors import Cancelled, UserFault
from tools.prompt.run import run
from tools.prompt.run_similar import nearest
from tools.prompt.spec import PromptParameters
from tools.prompt.template import Prompt, item_of
from tools.prompt.variants import draw
from tools.prompt.version import version_of
from tools.training.generation import answer
from tools.training.models import load_causal

Make = Callable[..., JobContext]


def test_each_number_of_examples_is_measured_and_the_best_is_written_down(
    tool_job: Make, taught: Candidate, lesson: Dataset
) -> None:
    context = tool_job({"model": taught}, {"data": lesson})
    result = run(PromptParameters(data="colours", instructions=("",), max_new_tokens=8), context)
    # The model saw single questions only, so examples before a question confuse it.
    assert result.metric("exact_match_0_shot").value == 1.0
    assert result.metric("exact_match_3_shot").value < 1.0
    assert {m.split for m in result.metrics} == {"dev"} == {result.split}
    assert result.candidate is None
    assert result.facts["best_shots"] == 0
    assert "an evaluation of the model measures that" in str(result.facts["test_not_looked_at"])
    assert result.summary.startswith("Zero-shot does best of 3 prompts with taught on colours: exact match 1.000")
    artefacts = {artefact.kind: context.folder / artefact.path for artefact in result.artefacts}
    written = json.loads(artefacts["prompt"].read_text())
    assert (written["version"], written["prompt"]["examples"]) == (1, [])
    assert written["model"]["digest"] == taught.digest
    assert artefacts["plot"].read_bytes().startswith(b"\x89PNG")


def test_the_winner_is_measured_once_on_the_test_split_beside_the_bare_question(
    tool_job: Make, taught: Candidate, lesson: Dataset, registered_as: Callable[..., Dataset], tmp_path: Path
) -> None:
    """What is wanted is what the model says behind three examples."""
    model, tokenizer = load_causal(taught)
    train = rows_of(lesson.splits["train"])
    items = [item_of(row, DataKind.TASK) for row in train]
    few = Prompt(shots=3, examples=tuple(draw(items, 3, balanced=False, seed=7)))
    said = answer(model, tokenizer, [few.messages(item) for item in items], 8)
    rows = [{"prompt": item.question, "completion": one.text} for item, one in zip(items, said, strict=True)]
    data = registered_as(tmp_path / "behind", DataKind.TASK, {"train": train, "dev": rows, "test": rows})
    params = PromptParameters(data="behind", instructions=("",), shots=(3,), max_new_tokens=8)
    result = run(params, tool_job({"model": taught}, {"data": data}))
    on_test, plain = result.metric("exact_match_test"), result.metric("exact_match_test_bare")
    assert (on_test.split, on_test.n) == ("test", len(rows)) == (plain.split, plain.n)
    assert [c.split for c in result.comparisons] == ["test", "dev"]
    assert result.comparisons[0].value == pytest.approx(on_test.value - plain.value)
    assert result.split == "dev"
    without = run(params.model_copy(update={"test": False}), tool_job({"model": taught}, {"data": data}))
    assert without.metric("exact_match_test") is None
    assert {m.split for m in without.metrics} == {"dev"}


def test_no_look_at_the_test_split_is_spent_where_the_bare_question_scores_as_high(
    tool_job: Make, taught: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path
) -> None:
    """Nobody is right, and an instruction is merely nearer in words or not."""
    rows = [{"prompt": "Colour of the door?", "completion": "none of them, red or blue"}]
    data = registered_as(tmp_path / "hard", DataKind.TASK, {"train": rows, "dev": rows, "test": rows})
    params = PromptParameters(data="hard", shots=(0, 1), instructions=("Say",), max_new_tokens=4)
    result = run(params, tool_job({"model": taught}, {"data": data}))
    assert {metric.split for metric in result.metrics} == {"dev"}
    assert "test_not_looked_at" in result.facts


def test_every_variant_is_told_with_what_it_costs_and_who_ties(
    tool_job: Make, taught: Candidate, lesson: Dataset
) -> None:
    context = tool_job({"model": taught}, {"data": lesson})
    params = PromptParameters(data="colours", shots=(0, 1), instructions=("",), format="text,json", max_new_tokens=8)
    result = run(params, context)
    rows = {row["title"]: row for row in result.facts["variants"]}
    assert rows["one-shot"]["tokens_read"] > rows["zero-shot"]["tokens_read"]
    assert rows["zero-shot, JSON"]["valid_form"] == 0.0  # it never saw JSON
    assert "zero-shot, JSON" not in result.facts["tied"]


def test_the_prompt_holds_solved_examples_and_its_version_is_counted_by_name(
    tool_job: Make, taught: Candidate, lesson: Dataset, tmp_path: Path
) -> None:
    context = tool_job({"model": taught}, {"data": lesson})
    params = PromptParameters(data="colours", shots=(2,), instructions=("Name",), max_new_tokens=8, limit=2, test=False)
    first = run(params, context)
    written = json.loads((context.folder / "prompt.json").read_text())
    known = [{"name": "prompt", "version": 4, "digest": "sha256:other"}]
    assert version(tmp_path, context, known, written["digest"]) == 5
    assert version(tmp_path, context, [*known, {**known[0], "digest": written["digest"]}], written["digest"]) == 4
    assert version(tmp_path, context, [{**known[0], "name": "other"}], written["digest"]) == 1
    assert first.facts["prompt"]["version"] == written["version"] == 1


def version(folder: Path, context: JobContext, known: list[dict[str, object]], digest: str) -> int:
    path = folder / "snapshot.json"
    evidence = [{"tool": "prompt", "facts": {"prompt": one}} for one in known]
    path.write_text(json.dumps({"project": {"evidence": evidence}}))
    context.inputs.files["snapshot"] = File(path=str(path), digest="sha256:any")
    return version_of(context, "prompt", digest)


@pytest.mark.parametrize("kind", [DataKind.CONVERSATION, DataKind.LABELLED])
def test_conversations_and_labelled_texts_are_answered_too(
    tool_job: Make, taught: Candidate, registered_as: Callable[..., Dataset], tmp_path: Path, kind: DataKind
) -> None:
    said = {"role": "user", "content": "Colour of the door?"}
    rows: list[dict[str, object]] = [{"text": "the door?", "label": "red"}, {"text": "sky", "label": "blue"}]
    if kind is DataKind.CONVERSATION:
        rows = [{"messages": [said, {"role": "assistant", "content": "red"}]}]
    data = registered_as(tmp_path / "said", kind, {"train": rows, "dev": rows, "test": rows})
    result = run(
        PromptParameters(data="said", shots=(0, 1), instructions=("",), max_new_tokens=8, test=False),
        tool_job({"model": taught.model_copy(update={"context": 0})}, {"data": data}),
    )
    name = "accuracy" if kind is DataKind.LABELLED else "token_f1"
    assert result.metric(name) is not None
    assert result.metric(f"{name}_1_shot") is not None


def test_similar_examples_are_the_nearest_and_never_the_question_itself(
    tool_job: Make, taught: Candidate, lesson: Dataset
) -> None:
    items = [item_of(row, DataKind.TASK) for row in rows_of(lesson.splits["train"])]
    boat = next(item for item in items if "boat" in item.question)
    asked = item_of({"prompt": "Which colour has the ship?", "completion": "white"}, DataKind.TASK)
    found, of_boat = nearest(items, [asked, boat], 2)
    assert found[-1] == boat
    assert boat not in of_boat
    result = run(
        PromptParameters(
            data="colours", shots=(1,), instructions=("",), selection="fixed,similar", max_new_tokens=8, limit=2
        ),
        tool_job({"model": taught}, {"data": lesson}),
    )
    assert [row["title"] for row in result.facts["variants"]] == [
        "zero-shot", "one-shot", "one-shot, similar examples",
    ]  # fmt: skip


def test_a_prompt_longer_than_the_model_reads_is_left_out(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    result = run(
        PromptParameters(data="colours", shots=(0, 12), max_new_tokens=8, limit=2),
        tool_job({"model": taught}, {"data": lesson}),
    )
    assert result.metric("exact_match_12_shot") is None
    assert "more than the 128 taught reads" in str(result.facts["left_out"])


def test_no_prompt_fits(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    with pytest.raises(UserFault, match="No prompt fits"):
        run(
            PromptParameters(data="colours", shots=(0,), max_new_tokens=128),
            tool_job({"model": taught}, {"data": lesson}),
        )


def test_too_few_training_rows_for_the_examples(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    with pytest.raises(UserFault, match="12 training rows, too few for 13 examples"):
        run(PromptParameters(data="colours", shots=(13,)), tool_job({"model": taught}, {"data": lesson}))


@pytest.mark.parametrize(
    ("kind", "splits", "said"),
    [
        (DataKind.FACTS, {"test": [{"question": "a", "answer": "b"}]}, "facts data"),
        (DataKind.TASK, {"train": [{"prompt": "a", "completion": "b"}]}, "no dev split"),
        (DataKind.TASK, {"dev": [{"prompt": "a", "completion": "b"}]}, "no train split"),
    ],
)
def test_data_prompts_cannot_be_tried_on(
    tool_job: Make,
    taught: Candidate,
    registered_as: Callable[..., Dataset],
    tmp_path: Path,
    kind: DataKind,
    splits: dict[str, list[dict[str, object]]],
    said: str,
) -> None:
    data = registered_as(tmp_path / "other", kind, splits)
    with pytest.raises(UserFault, match=said):
        run(PromptParameters(data="other"), tool_job({"model": taught}, {"data": data}))


def test_an_encoder_cannot_be_prompted(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    encoder = taught.model_copy(update={"kind": ModelKind.ENCODER})
    with pytest.raises(UserFault, match="kind causal"):
        run(PromptParameters(data="colours"), tool_job({"model": encoder}, {"data": lesson}))


def test_cancelling_stops_it(tool_job: Make, taught: Candidate, lesson: Dataset) -> None:
    context = tool_job({"model": taught}, {"data": lesson}, cancel_when=lambda event: event.done > 0)
    with pytest.raises(Cancelled):
        run(PromptParameters(data="colours", max_new_tokens=4), context)
