"""One answer at a time, token by token, for a server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jinja2 import TemplateError
from transformers import DynamicCache

from tools.training import generation
from tools.training.generation import Message

_HALF = "\ufffd"  # what a byte-level tokenizer gives for a character that is not whole yet


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn. Temperature 0 is greedy."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True)
class Piece:
    """What is new of an answer. The last piece says why it ended."""

    text: str
    tokens: int  # generated so far
    ended: Literal["", "stop", "length"] = ""


class ChatModel:
    """A model that answers conversations. Several threads may ask at once: nothing is shared but the weights."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.context = int(getattr(model.config, "max_position_embeddings", 0) or 0)  # tokens; 0: not known
        self._ends = _end_tokens(model, tokenizer)

    def encode(self, conversation: list[Message]) -> list[int]:
        """Token ids of a conversation. Raises `ValueError` where the chat template refuses it."""
        try:
            return generation.encode(self._tokenizer, conversation)
        except TemplateError as error:
            raise ValueError(f"the model's chat template refuses these messages ({error})") from error

    def stream(self, ids: Sequence[int], sampling: Sampling) -> Iterator[Piece]:
        """Pieces of the answer to a conversation of at least one token."""
        produced: list[int] = []
        said = 0
        for token in self._tokens(ids, sampling):
            ended = token in self._ends
            if not ended:
                produced.append(token)
            text = self._tokenizer.decode(produced, skip_special_tokens=True).lstrip()
            cut = _first(text, sampling.stop)
            if ended or cut is not None:
                yield Piece(text[said:cut], len(produced), "stop")
                return
            if len(produced) >= sampling.max_new_tokens:
                break
            safe = _safe(text, sampling.stop)
            if safe > said:
                yield Piece(text[said:safe], len(produced))
                said = safe
        text = self._tokenizer.decode(produced, skip_special_tokens=True).lstrip()
        yield Piece(text[said:], len(produced), "length")

    def _tokens(self, ids: Sequence[int], sampling: Sampling) -> Iterator[int]:
        """New tokens without end; the caller stops."""
        chance = torch.Generator()
        if sampling.seed is not None:
            chance.manual_seed(sampling.seed)
        else:
            chance.seed()
        cache = DynamicCache(config=self._model.config)
        following = torch.tensor([list(ids)], device=self._model.device)
        while True:
            with torch.inference_mode():
                out = self._model(input_ids=following, past_key_values=cache, use_cache=True, logits_to_keep=1)
                token = _choose(out.logits[0, -1].float().cpu(), sampling, chance)
            yield token
            following = torch.tensor([[token]], device=self._model.device)


def _choose(logits: torch.Tensor, sampling: Sampling, chance: torch.Generator) -> int:
    """The likeliest token, or one drawn from the nucleus (Holtzman et al. 2020)."""
    if sampling.temperature == 0:
        return int(logits.argmax())
    shares, order = torch.softmax(logits / sampling.temperature, -1).sort(descending=True)
    shares[shares.cumsum(0) - shares >= sampling.top_p] = 0  # the first is always kept
    return int(order[torch.multinomial(shares, 1, generator=chance)])


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Ids that end an answer: the tokenizer's, and those the model's own configuration adds."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    more = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (tokenizer.eos_token_id, *more) if token is not None)


def _first(text: str, stop: tuple[str, ...]) -> int | None:
    """Where the first stop string begins."""
    return min((place for phrase in stop if (place := text.find(phrase)) >= 0), default=None)


def _safe(text: str, stop: tuple[str, ...]) -> int:
    """Characters that may be told: no half character, and nothing that may become a stop string."""
    held = max((len(phrase) for phrase in stop), default=1) - 1
    return min(len(text.rstrip(_HALF)), len(text) - held)
