"""Batched greedy answers, and how surprising a wanted answer is to a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

Message = dict[str, str]  # {"role": "user", "content": …}


@dataclass(frozen=True)
class Answer:
    text: str
    tokens: int  # number of tokens generated


def user(prompt: str) -> list[Message]:
    return [{"role": "user", "content": prompt}]


def encode(tokenizer: Any, conversation: list[Message]) -> list[int]:
    """Token ids up to where the assistant's answer begins."""
    text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def answer(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[list[Message]],
    max_new_tokens: int,
    batch: int = 64,
    on_batch: Callable[[int], None] = lambda done: None,
) -> list[Answer]:
    """Greedy answers in the order of the conversations; `on_batch` hears how many are done."""
    encoded = [encode(tokenizer, conversation) for conversation in conversations]
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))  # like lengths together: little padding
    answers: dict[int, Answer] = {}
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        for index, ids in zip(
            chosen, _greedy(model, tokenizer, [encoded[i] for i in chosen], max_new_tokens), strict=True
        ):
            answers[index] = Answer(tokenizer.decode(ids, skip_special_tokens=True).strip(), max(len(ids), 1))
        on_batch(len(answers))
    return [answers[i] for i in range(len(encoded))]


@torch.inference_mode()
def _greedy(model: Any, tokenizer: Any, rows: list[list[int]], max_new_tokens: int) -> list[list[int]]:
    """New token ids of each row, without the end token. Rows are padded on the left."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[tokenizer.pad_token_id] * (longest - len(row)) + row for row in rows], device=model.device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=model.device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache, produced = DynamicCache(config=model.config), []
    finished = torch.zeros(len(rows), dtype=torch.bool, device=model.device)
    for _ in range(max_new_tokens):
        out = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        following = out.logits[:, -1].argmax(-1)
        following = torch.where(finished, tokenizer.eos_token_id, following)
        produced.append(following)
        finished |= following == tokenizer.eos_token_id
        if bool(finished.all()):
            break
        ids = following[:, None]
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        positions = positions[:, -1:] + 1
    columns = torch.stack(produced, dim=1).tolist()
    return [row[: row.index(tokenizer.eos_token_id)] if tokenizer.eos_token_id in row else row for row in columns]


@torch.inference_mode()
def reference_losses(
    model: Any, tokenizer: Any, pairs: Sequence[tuple[list[Message], str]], batch: int = 64
) -> list[tuple[float, int]]:
    """For each (conversation, wanted answer): summed negative log-likelihood in nats, and its number of tokens."""
    found: list[tuple[float, int]] = []
    for start in range(0, len(pairs), batch):
        rows: list[tuple[list[int], list[int]]] = []
        for conversation, wanted in pairs[start : start + batch]:
            prompt = encode(tokenizer, conversation)
            rows.append((prompt, [*tokenizer(wanted, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]))
        longest = max(len(prompt) + len(wanted) for prompt, wanted in rows)
        pad = tokenizer.pad_token_id
        ids = torch.tensor([[*p, *w, *[pad] * (longest - len(p) - len(w))] for p, w in rows], device=model.device)
        mask = torch.tensor(
            [[1] * (len(p) + len(w)) + [0] * (longest - len(p) - len(w)) for p, w in rows], device=model.device
        )
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        for row, (before, after) in zip(losses, rows, strict=True):
            part = row[len(before) - 1 : len(before) + len(after) - 1]
            found.append((float(part.sum()), len(after)))
    return found
