from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, MambaConfig, MistralConfig

from tools.contract import Candidate
from tools.errors import UserFault
from tools.evaluate.run_likelihood import go_on, log_likelihoods
from tools.training import models

SMALL = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def loaded(taught: Candidate) -> tuple[Any, Any]:
    return models.load_causal(taught)


def alone(model: Any, context: list[int], continuation: list[int], longest: int = 128) -> tuple[float, bool]:
    """The same by one pass over the whole text."""
    ids = [*context, *continuation][-(longest + 1) :]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0, -len(continuation) :].log_softmax(-1)
    told = torch.tensor(continuation)
    return float(logits.gather(1, told[:, None]).sum()), bool((logits.argmax(-1) == told).all())


def test_shared_contexts_and_padding_change_no_likelihood(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    asked = ["Colour of the door?", "Colour", "The lamp, the bike and the colour of the boat?"]
    said = ["red", "blue and green", " ", "r"]
    requests = [(tokenizer(a)["input_ids"], tokenizer(b)["input_ids"]) for a in asked for b in said] * 2
    done: list[tuple[int, int]] = []
    found = log_likelihoods(model, requests, 128, 2, lambda *told: done.append(told))
    for request, (value, greedy) in zip(requests, found, strict=True):
        wanted, said_so = alone(model, *request)
        assert (value, greedy) == (pytest.approx(wanted, abs=1e-4), said_so)
    assert done == [(2, 3), (3, 3)]


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(vocab_size=60, n_embd=16, n_layer=2, n_head=2, n_positions=40),
        MistralConfig(**SMALL, num_key_value_heads=1, sliding_window=6),
        MambaConfig(vocab_size=60, hidden_size=16, num_hidden_layers=2),
    ],
    ids=["learned positions", "a sliding window", "a state instead of a cache"],
)
def test_every_make_of_model_is_read_alike(config: Any) -> None:
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config).eval()
    drawn = [torch.randint(1, 60, (length,)).tolist() for length in (3, 14, 9, 1)]
    requests = [(context, [5, *drawn[place][:place]]) for context in drawn for place in range(3)]
    for request, (value, greedy) in zip(requests, log_likelihoods(model, requests, 40, 2), strict=True):
        wanted, said_so = alone(model, *request, longest=40)
        assert (value, greedy) == (pytest.approx(wanted, abs=1e-4), said_so)


def test_a_continuation_the_model_says_itself_is_greedy(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    context = tokenizer("Colour of the", add_special_tokens=False)["input_ids"]
    text = go_on(model, tokenizer, [context], ["zzz"], 6, 4)[0]
    own = tokenizer(text, add_special_tokens=False)["input_ids"][:3]
    other = [*own[:2], (own[2] + 1) % len(tokenizer)]
    assert [greedy for _, greedy in log_likelihoods(model, [(context, own), (context, other)], 128, 4)] == [True, False]


def test_what_does_not_fit_loses_its_beginning(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    context = tokenizer("Colour of the door? " * 12)["input_ids"]
    continuation = tokenizer("red")["input_ids"]
    ((value, _),) = log_likelihoods(model, [(context, continuation)], 40, 4)
    assert value == pytest.approx(alone(model, context, continuation, 40)[0], abs=1e-4)
    with pytest.raises(UserFault, match="the model reads 1 to 2"):
        log_likelihoods(model, [(context, [1, 2, 3])], 2, 4)
    with pytest.raises(UserFault, match="empty"):
        log_likelihoods(model, [([], [1])], 40, 4)


def test_answers_end_at_a_stop_text_whatever_stands_beside_them(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    texts = ["Colour of the door?", "The bike", "Colour of the lamp and of the boat?", "The bike"]
    contexts = [tokenizer(text)["input_ids"] for text in texts]
    together = go_on(model, tokenizer, contexts, ["e"], 12, 3)
    single = [go_on(model, tokenizer, [context], ["e"], 12, 1)[0] for context in contexts]
    assert [text.split("e")[0] for text in together] == [text.split("e")[0] for text in single]
    assert together[1] == together[3]
