"""How likely a model finds given continuations of a context, and how it goes on itself, in batches of like length.

A context is read once and its keys and values serve all its continuations, so that four options of a question cost
little more than one.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache, StoppingCriteria, StoppingCriteriaList

from tools.errors import UserFault

Ids = tuple[int, ...]
_LOGITS = 2**26  # numbers of one forward pass's logits: 256 MiB in 32 bit


class Scores:
    """For each (context, continuation) its log-likelihood in nats and whether it is greedy, as they come in."""

    def __init__(self, requests: Sequence[tuple[Sequence[int], Sequence[int]]], longest: int) -> None:
        self.keys = [_cut(tuple(context), tuple(given), longest) for context, given in requests]
        self.found: dict[tuple[Ids, Ids], tuple[float, bool]] = {}

    def groups(self) -> list[tuple[Ids, list[Ids]]]:
        """Every different context with its different continuations, the longest first: what overflows does so early."""
        grouped: dict[Ids, dict[Ids, None]] = defaultdict(dict)
        for context, continuation in self.keys:
            grouped[context][continuation] = None
        return sorted(((context, list(each)) for context, each in grouped.items()), key=lambda one: -len(one[0]))

    def in_order(self) -> list[tuple[float, bool]]:
        return [self.found[key] for key in self.keys]


def _cut(context: Ids, continuation: Ids, longest: int) -> tuple[Ids, Ids]:
    """The end of a context that fits the model beside its continuation, whose last token is not read."""
    if not context:
        raise UserFault("A question is empty: it has no token to go on from.")
    if not 0 < len(continuation) <= longest:
        raise UserFault(f"A continuation has {len(continuation)} tokens; the model reads 1 to {longest}.")
    return context[-(longest + 1 - len(continuation)) :], continuation


@torch.inference_mode()
def log_likelihoods(
    model: Any,
    requests: Sequence[tuple[Sequence[int], Sequence[int]]],
    longest: int,
    batch: int,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> list[tuple[float, bool]]:
    """For each (context, continuation), both token ids: log-likelihood in nats, and whether greedy decoding says it.

    `longest` is what the model reads, in tokens: a longer context loses its beginning. `batch` contexts are read at
    once; `on_batch` hears how many of how many are done.
    """
    scores = Scores(requests, longest)
    groups = scores.groups()
    layers = DynamicCache(config=model.config).layers
    score = _score if all(hasattr(layer, "batch_select_indices") for layer in layers) else _score_whole
    for start in range(0, len(groups), batch):
        chosen = groups[start : start + batch]
        score(model, chosen, batch, scores)
        on_batch(start + len(chosen), len(groups))
    return scores.in_order()


def _score(model: Any, groups: Sequence[tuple[Ids, list[Ids]]], batch: int, scores: Scores) -> None:
    """Read the contexts, padded on the left; then the continuations behind copies of what was read."""
    longest = max(len(context) for context, _ in groups)
    rows = [[0] * (longest - len(context)) + [*context] for context, _ in groups]
    seen = [[0] * (longest - len(context)) + [1] * len(context) for context, _ in groups]
    ids, mask = torch.tensor(rows, device=model.device), torch.tensor(seen, device=model.device)
    cache = DynamicCache(config=model.config)
    out = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    first = out.logits[:, -1].log_softmax(-1)
    said = first.argmax(-1).tolist()
    wanted = [(row, given) for row, (_, each) in enumerate(groups) for given in each]
    picked = first[[row for row, _ in wanted], [given[0] for _, given in wanted]].tolist()
    begun = {one: (value, said[one[0]] == one[1][0]) for one, value in zip(wanted, picked, strict=True)}
    longer = sorted((one for one in wanted if len(one[1]) > 1), key=lambda one: -len(one[1]))
    while longer:
        count = max(1, min(4 * batch, _LOGITS // (first.shape[-1] * len(longer[0][1]))))
        now, longer = longer[:count], longer[count:]
        kept = copy.deepcopy(cache) if longer else cache
        for one, (value, greedy) in zip(now, _rest(model, kept, mask, now), strict=True):
            begun[one] = (begun[one][0] + value, begun[one][1] and greedy)
    for (row, given), result in begun.items():
        scores.found[groups[row][0], given] = result


def _rest(model: Any, cache: Any, mask: Any, rows: Sequence[tuple[int, Ids]]) -> list[tuple[float, bool]]:
    """Of each continuation all tokens but the first: (row of the context in the cache, continuation), longest first."""
    longest = len(rows[0][1]) - 1
    chosen = torch.tensor([row for row, _ in rows], device=mask.device)
    cache.batch_select_indices(chosen)

    def padded(parts: Sequence[Sequence[int]]) -> Any:
        return torch.tensor([[*part, *[0] * (longest - len(part))] for part in parts], device=mask.device)

    read, following = padded([given[:-1] for _, given in rows]), padded([given[1:] for _, given in rows])
    real = padded([[1] * (len(given) - 1) for _, given in rows])
    before = mask[chosen]
    positions = before.sum(1, keepdim=True) + torch.arange(longest, device=mask.device)
    logits = model(
        input_ids=read,
        attention_mask=torch.cat([before, real], dim=1),
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
    ).logits
    values = logits.log_softmax(-1).gather(2, following[..., None])[..., 0]
    same = (logits.argmax(-1) == following) | (real == 0)
    return list(zip((values * real).sum(1).tolist(), same.all(1).tolist(), strict=True))


def _score_whole(model: Any, groups: Sequence[tuple[Ids, list[Ids]]], batch: int, scores: Scores) -> None:
    """The same where a state cannot be shared (linear attention): every text is read whole, as lm-eval does."""
    left = sorted(((context, given) for context, each in groups for given in each), key=lambda p: -len(p[0] + p[1]))
    while left:
        longest = len(left[0][0] + left[0][1]) - 1
        count = max(1, min(batch, _LOGITS // (model.config.vocab_size * longest)))
        now, left = left[:count], left[count:]
        texts = [(context + given)[:-1] for context, given in now]
        ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts], device=model.device)
        logits = model(input_ids=ids).logits
        for (context, given), row in zip(now, logits, strict=True):
            part = row[len(context) - 1 : len(context) - 1 + len(given)].log_softmax(-1)
            following = torch.tensor(given, device=model.device)
            value = float(part.gather(1, following[:, None]).sum())
            scores.found[context, given] = value, bool((part.argmax(-1) == following).all())


class _Stops(StoppingCriteria):  # type: ignore[misc]
    """Ends each row at its own stop text; what a row says behind it is dropped anyway."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], read: int) -> None:
        self.tokenizer, self.stops, self.read = tokenizer, stops, read
        # a stop text may come in other tokens than its own, so the window is wider (as in lm-eval)
        lengths = [len(tokenizer(stop, add_special_tokens=False)["input_ids"]) for stop in stops]
        self.window = max(lengths, default=0) + 2

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        ends = self.tokenizer.batch_decode(input_ids[:, self.read :][:, -self.window :])
        done = [any(stop in end for stop in self.stops) for end in ends]
        return torch.tensor(done, device=input_ids.device)


@torch.inference_mode()
def go_on(
    model: Any,
    tokenizer: Any,
    contexts: Sequence[Sequence[int]],
    stops: Sequence[str],
    max_new_tokens: int,
    batch: int,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> list[str]:
    """Greedy continuations of contexts, at least up to the first stop text, by the model's own generation settings."""
    distinct = sorted({tuple(context) for context in contexts}, key=lambda ids: -len(ids))
    found: dict[Ids, str] = {}
    if not all(distinct):
        raise UserFault("A question is empty: it has no token to go on from.")
    for start in range(0, len(distinct), batch):
        chosen = distinct[start : start + batch]
        longest = len(chosen[0])
        rows = [[tokenizer.pad_token_id] * (longest - len(ids)) + [*ids] for ids in chosen]
        seen = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in chosen]
        out = model.generate(
            input_ids=torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(seen, device=model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([_Stops(tokenizer, stops, longest)]),
            use_cache=True,
        )
        texts = tokenizer.batch_decode(out[:, longest:], skip_special_tokens=True)
        found.update(zip(chosen, texts, strict=True))
        on_batch(len(found), len(distinct))
    return [found[tuple(context)] for context in contexts]
