from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tools.contract import DataKind, Dataset, Inputs
from tools.errors import Cancelled, UserFault
from tools.pretrain.plan import plan, weights
from tools.pretrain.run import pack, rate, run
from tools.pretrain.spec import PretrainParameters
from tools.training import tiny

Make = Callable[..., Any]
Register = Callable[..., Dataset]
SMALL = {"steps": 12, "batch": 2, "context": 32, "vocab": 320, "hidden": 32, "layers": 1, "heads": 2, "kv_heads": 1}


@pytest.fixture(scope="session")
def corpus(registered_as: Register, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    texts = [{"text": f"<|user|>Say {i}<|end|><|assistant|>{i} it is<|end|>"} for i in range(200)]
    texts += [{"text": "A plain page about nothing in particular."} for _ in range(20)]
    folder = tmp_path_factory.mktemp("data") / "corpus"
    return registered_as(folder, DataKind.CORPUS, {"train": texts[10:], "dev": texts[:10]})


def parameters(**more: object) -> PretrainParameters:
    return PretrainParameters.model_validate({"data": "corpus", **SMALL, **more})


def test_a_model_comes_out_that_loads_and_is_no_other(tool_job: Make, corpus: Dataset) -> None:
    result = run(parameters(), tool_job({}, {"data": corpus}))
    made = result.candidate
    assert made.parameters == weights(parameters(vocab=made.facts["vocab"]))
    assert (made.method, made.parent, made.context, made.name) == ("pretrain", None, 32, "tiny")
    assert result.metric("perplexity").value > 1
    assert result.metric("perplexity").split == "dev"
    names = {path.name for path in Path(made.path).iterdir()}
    assert names >= {"model.safetensors", "tokenizer.json", "chat_template.jinja"}
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    from tools.training import generation, models

    model, tokenizer = models.load_causal(made)
    assert generation.answer(model, tokenizer, [generation.user("Say 7")], 4)[0].tokens >= 1


def test_a_cancelled_run_ends_where_an_undisturbed_one_does(tool_job: Make, corpus: Dataset, tmp_path: Path) -> None:
    first = tool_job({}, {"data": corpus}, cancel_when=lambda event: event.step == "pre-training" and event.done >= 1)
    with pytest.raises(Cancelled):
        run(parameters(), first)
    resumed = run(parameters(), tool_job({}, {"data": corpus}))
    import shutil

    shutil.rmtree(first.folder)
    whole = run(parameters(), tool_job({}, {"data": corpus}))
    assert resumed.metric("loss").value == pytest.approx(whole.metric("loss").value, rel=1e-4)


def test_answers_in_transcripts_count_more_than_what_is_asked(corpus: Dataset) -> None:
    tokenizer = tiny.train_tokenizer(["Say what it is"], vocab=300, context=32)
    text = "<|user|>Say it<|end|><|assistant|>it is<|end|>"
    ids, counts = pack(tokenizer, [text] * 4, parameters(answer_weight=5))
    row = list(zip(tokenizer.convert_ids_to_tokens(ids.flatten().tolist()), counts.flatten().tolist(), strict=True))
    answer = row.index((tiny.ASSISTANT, 1.0))
    closing = next(i for i in range(answer, len(row)) if row[i][0] == tiny.END)
    assert {weight for _, weight in row[answer + 1 : closing + 1]} == {5.0}
    assert {weight for _, weight in row[: answer + 1]} == {1.0}


def test_the_learning_rate_rises_and_falls() -> None:
    assert rate(1, 600) < rate(40, 600) > rate(500, 600) > 0
    assert rate(1, 1) == 1.0


def test_what_is_no_corpus_and_what_is_too_short_is_said(
    tool_job: Make, lesson: Dataset, registered_as: Register, tmp_path: Path
) -> None:
    with pytest.raises(UserFault, match="colours is task data; register a corpus"):
        run(parameters(), tool_job({}, {"data": lesson}))
    short = registered_as(tmp_path / "short", DataKind.CORPUS, {"train": [{"text": "word"}]})
    with pytest.raises(UserFault, match="fewer than one sequence of 32"):
        run(parameters(), tool_job({}, {"data": short}))


@pytest.mark.parametrize("wrong", [{"hidden": 33}, {"heads": 3}, {"kv_heads": 2, "heads": 3}, {"steps": -1}, {"lr": 2}])
def test_a_model_that_cannot_be_built_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)


def test_the_plan_grows_with_the_work_and_warns_of_too_little() -> None:
    small, large = plan(parameters(), Inputs()), plan(parameters(steps=1000), Inputs())
    assert large.seconds > small.seconds
    assert "very few" in small.warnings[0]
    assert plan(PretrainParameters(data="corpus"), Inputs()).warnings == ()
