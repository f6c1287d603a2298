from itertools import pairwise

import pytest

from tools.contract import Candidate
from tools.training import generation, models
from tools.training.streaming import ChatModel, Sampling


@pytest.fixture(scope="module")
def loaded(taught: Candidate) -> tuple[object, object]:
    return models.load_causal(taught)


@pytest.fixture(scope="module")
def chat(loaded: tuple[object, object]) -> ChatModel:
    return ChatModel(*loaded)


def said(chat: ChatModel, prompt: str, sampling: Sampling) -> tuple[str, str, int]:
    pieces = list(chat.stream(chat.encode(generation.user(prompt)), sampling))
    assert [piece.ended for piece in pieces[:-1]] == [""] * (len(pieces) - 1)
    assert all(before.tokens <= after.tokens for before, after in pairwise(pieces))
    return "".join(piece.text for piece in pieces), pieces[-1].ended, pieces[-1].tokens


def test_greedy_pieces_are_the_batched_answer(chat: ChatModel, loaded: tuple[object, object]) -> None:
    prompts = ["Colour of the roof?", "Colour of the coat?", "Something else entirely"]
    batched = generation.answer(*loaded, [generation.user(prompt) for prompt in prompts], 12)
    for prompt, wanted in zip(prompts, batched, strict=True):
        assert said(chat, prompt, Sampling(12))[0].strip() == wanted.text


def test_an_answer_ends_by_itself_or_at_its_length(chat: ChatModel) -> None:
    assert said(chat, "Colour of the roof?", Sampling(16))[:2] == ("blue", "stop")
    text, ended, tokens = said(chat, "Colour of the roof?", Sampling(1))
    assert (ended, tokens) == ("length", 1)
    assert "blue".startswith(text)


@pytest.mark.parametrize(("stop", "wanted"), [(("ue",), "bl"), (("x", "l"), "b"), (("never",), "blue")])
def test_a_stop_string_is_never_told_not_even_in_part(chat: ChatModel, stop: tuple[str, ...], wanted: str) -> None:
    assert said(chat, "Colour of the roof?", Sampling(16, stop=stop))[:2] == (wanted, "stop")


def test_drawing_is_repeated_by_its_seed(chat: ChatModel) -> None:
    def drawn(seed: int) -> str:
        return said(chat, "Anything", Sampling(24, temperature=2.0, seed=seed))[0]

    assert drawn(3) == drawn(3)
    assert len({drawn(seed) for seed in range(6)}) > 1


def test_a_narrow_nucleus_is_greedy(chat: ChatModel) -> None:
    assert said(chat, "Colour of the roof?", Sampling(16, temperature=1.0, top_p=1e-6, seed=1))[0] == "blue"


def test_no_half_characters_are_told(chat: ChatModel) -> None:
    for seed in range(8):  # at this temperature the model emits single bytes of many characters
        pieces = list(chat.stream(chat.encode(generation.user("x")), Sampling(20, temperature=2.0, seed=seed)))
        assert not any(piece.text.endswith("\ufffd") for piece in pieces[:-1])
