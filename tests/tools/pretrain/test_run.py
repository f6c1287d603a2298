import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tools.contract import Candidate, DataKind, Dataset, Inputs
from tools.errors import Cancelled, UserFault
from tools.pretrain.plan import RATE, plan, settled, weights
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


def test_a_model_goes_on_learning_with_its_own_tokenizer(tool_job: Make, taught: Candidate, corpus: Dataset) -> None:
    from tools.training import models

    context = tool_job({"model": taught}, {"data": corpus})
    given = PretrainParameters(data="corpus", model="taught", steps=30, batch=4, context=512)
    result = run(given, context)
    made = result.candidate
    assert (made.name, made.method, made.parent) == ("taught-continued", "continued", "taught")
    assert (made.parent_digest, made.parameters, made.context) == (taught.digest, taught.parameters, taught.context)
    before, after = result.metric("perplexity_before"), result.metric("perplexity")
    assert before.value > 2 * after.value and before.n == after.n == 10
    assert f"{before.value:.2f} before" in result.summary
    old, new = models.load_causal(taught), models.load_causal(made)
    assert old[1].get_vocab() == new[1].get_vocab()
    assert not old[0].get_input_embeddings().weight.equal(new[0].get_input_embeddings().weight)


def test_what_cannot_go_on_is_refused(
    tool_job: Make, taught: Candidate, sorter: Candidate, corpus: Dataset, tmp_path: Path
) -> None:
    given = PretrainParameters(data="corpus", model="it", steps=3)
    with pytest.raises(UserFault, match="Continued pre-training needs a model of kind causal, and sorter is of kind"):
        run(given, tool_job({"model": sorter}, {"data": corpus}))
    stored = tmp_path / "int8"
    shutil.copytree(taught.path, stored)
    config = json.loads((stored / "config.json").read_text())
    (stored / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "torchao"}}))
    small = taught.model_copy(update={"name": "taught-int8", "method": "int8", "path": str(stored), "parent": "taught"})
    with pytest.raises(UserFault, match=r"taught-int8 is quantized, and .* needs whole weights; use taught"):
        run(given, tool_job({"model": small}, {"data": corpus}))
    for model, said in ((sorter, "of kind causal, and sorter is of kind"), (small, "taught-int8 is quantized")):
        with pytest.raises(UserFault, match=said):
            plan(given, Inputs(models={"model": model}))


@pytest.mark.parametrize("size", [{"vocab": 400}, {"hidden": 64}, {"layers": 2}, {"heads": 2, "kv_heads": 1}])
def test_sizes_of_a_new_model_are_refused_for_one_that_goes_on(size: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=f"{next(iter(size))}.* would be a new model's, and tiny has sizes"):
        PretrainParameters.model_validate({"data": "corpus", "model": "tiny", **size})


def test_what_was_left_open_is_settled_by_the_model(taught: Candidate) -> None:
    given = PretrainParameters(data="corpus", context=512)
    large = taught.model_copy(update={"parameters": 500_000_000, "context": 32_768})
    assert (settled(given, None).lr, settled(given, None).context) == (RATE, 512)
    small = settled(given, taught)
    assert small.lr < RATE and small.context == taught.context
    assert settled(given, large).lr < small.lr and settled(given, large).context == 512
    assert settled(given.model_copy(update={"lr": 0.5}), large).lr == 0.5


@pytest.mark.parametrize("wrong", [{"hidden": 33}, {"heads": 3}, {"kv_heads": 2, "heads": 3}, {"steps": -1}, {"lr": 2}])
def test_a_model_that_cannot_be_built_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)


def test_the_plan_grows_with_the_work_and_warns_of_too_little() -> None:
    small, large = plan(parameters(), Inputs()), plan(parameters(steps=1000), Inputs())
    assert large.seconds > small.seconds
    assert "very few" in small.warnings[0]
    assert plan(PretrainParameters(data="corpus"), Inputs()).warnings == ()


def test_the_plan_says_operations_tokens_a_weight_and_how_often_the_text_is_read(corpus: Dataset) -> None:
    text = corpus.model_copy(update={"facts": {"characters_mean": 4_000.0}})  # 210 rows of 1,000 tokens
    given = PretrainParameters(data="corpus")
    size, tokens = weights(given), 1000 * 2 * 256
    said = " ".join(plan(given, Inputs(data={"data": text})).steps)
    assert f"{6 * size * tokens:.3g}".replace("e+", "e") in said
    assert f"{tokens / size:.1f} tokens a weight; about 20 are compute-optimal" in said
    best = round((size * tokens / 20) ** 0.5)
    assert f"rather train {best:,} weights on {20 * best / 1e6:.1f} M tokens" in said
    assert f"about 210,000 tokens and is read {tokens / 210_000:.1f} times" in said
    assert plan(given, Inputs(data={"data": text})).warnings == ()
    again = plan(PretrainParameters(data="corpus", steps=3200), Inputs(data={"data": text}))
    assert "read 8 times" in again.warnings[0] and "bring more text, or take fewer steps" in again.warnings[0]
    unknown = " ".join(plan(given, Inputs(data={"data": corpus})).steps)
    assert "The text has" not in unknown


def test_the_plan_of_a_model_that_goes_on_is_of_its_size(taught: Candidate, corpus: Dataset) -> None:
    given = PretrainParameters(data="corpus", model="taught", steps=100)
    said = plan(given, Inputs(models={"model": taught}, data={"data": corpus}))
    assert said.steps[0].startswith("Go on training all weights of taught, with its own tokenizer")
    assert "25,600 tokens in all" in said.steps[0]  # no row is longer than the 128 tokens it reads
    assert "before and after" in said.steps[-1] and "compute-optimal" not in " ".join(said.steps)
    bare = corpus.model_copy(update={"splits": {"train": corpus.splits["train"]}})
    assert "no held-out slice" in plan(given, Inputs(models={"model": taught}, data={"data": bare})).steps[-1]
    large = taught.model_copy(update={"parameters": 500_000_000})
    more = plan(given, Inputs(models={"model": large}, data={"data": corpus}))
    assert more.memory_bytes > 16 * 500_000_000 and more.seconds > said.seconds
