"""A model with a prefix answers as peft does, alone and in a batch, however it is asked."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model

from tools.contract import Candidate, Dataset
from tools.data.formats import rows_of
from tools.training import generation, models, prefix
from tools.training.streaming import ChatModel, Sampling

LENGTH = 4
NEW = 8


@pytest.fixture(scope="module")
def adapted(taught: Candidate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A model with a prefix that changes its answers, as peft holds it; and the folder it lies in."""
    torch.manual_seed(3)
    model = get_peft_model(
        models.load_causal(taught)[0], PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=LENGTH)
    ).eval()
    folder = tmp_path_factory.mktemp("prefix")
    model.save_pretrained(folder)
    return model, folder


@pytest.fixture
def loaded(taught: Candidate, adapted: tuple[Any, Path]) -> tuple[Any, Any]:
    model, tokenizer = models.load_causal(taught)
    assert prefix.attach(model, adapted[1]) == LENGTH
    return model, tokenizer


@pytest.fixture
def asked(lesson: Dataset) -> list[list[dict[str, str]]]:
    """Of several lengths, so that a batch is padded."""
    return [generation.user(row["prompt"]) for row in rows_of(lesson.splits["test"])] + [generation.user("red " * 9)]


def theirs(model: Any, tokenizer: Any, conversation: list[dict[str, str]]) -> str:
    ids = torch.tensor([generation.encode(tokenizer, conversation)])
    out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False)
    return str(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)).strip()


def test_padded_batches_streams_and_the_library_answer_alike(
    adapted: tuple[Any, Path], loaded: tuple[Any, Any], asked: list[list[dict[str, str]]], taught: Candidate
) -> None:
    model, tokenizer = loaded
    wanted = [theirs(adapted[0], tokenizer, one) for one in asked]
    assert [a.text for a in generation.answer(model, tokenizer, asked, NEW)] == wanted
    assert [theirs(model, tokenizer, one) for one in asked] == wanted
    chat = ChatModel(model, tokenizer)
    streamed = ["".join(p.text for p in chat.stream(chat.encode(one), Sampling(NEW))).strip() for one in asked]
    assert streamed == wanted
    assert wanted != [a.text for a in generation.answer(*models.load_causal(taught), asked, NEW)]


def test_losses_are_those_of_peft(
    adapted: tuple[Any, Path], loaded: tuple[Any, Any], asked: list[list[dict[str, str]]]
) -> None:
    model, tokenizer = loaded
    pairs = [(one, "red") for one in asked]
    ours = generation.reference_losses(model, tokenizer, pairs)
    alone = [generation.reference_losses(adapted[0], tokenizer, [pair])[0] for pair in pairs]
    assert [loss for loss, _ in ours] == pytest.approx([loss for loss, _ in alone], rel=1e-4)
