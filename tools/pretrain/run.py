"""Pre-training from raw text: a tokenizer and a small model from scratch, or an existing model that goes on."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tools import digest
from tools.contract import Candidate, DataKind, JobContext, Metric, ModelKind, Result
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.models import require_kind
from tools.pretrain.plan import RATE, SHORT, inner_width, settled
from tools.pretrain.spec import PretrainParameters
from tools.training import models, plots, tiny
from tools.training.classify_checkpoint import Notes, resume, save_checkpoint
from tools.training.progress import Watch

_WARM_UP = 40  # steps until the full learning rate
_FALL = 0.25  # last share of the steps, over which the learning rate falls
_LEAST_RATE = 0.05  # share of the peak the learning rate ends at
_AT_ONCE = 32  # blocks measured at once
_CLIP = 1.0  # norm of the gradient


def run(params: PretrainParameters, context: JobContext) -> Result:
    data = context.inputs.data["data"]
    if data.kind is not DataKind.CORPUS:
        raise UserFault(f"pretrain needs raw text, and {data.name} is {data.kind} data; register a corpus.")
    parent = context.inputs.models.get("model")
    params = settled(params, parent)
    torch.manual_seed(params.seed)
    texts = [row["text"] for row in rows_of(data.splits["train"])]
    held_out = [row["text"] for row in rows_of(data.splits["dev"])] if "dev" in data.splits else []
    model, tokenizer = _new(params, context, texts) if parent is None else _existing(parent)
    blocks, weights = pack(tokenizer, texts, params)
    before = None
    if parent is not None and held_out:
        context.progress("measuring on dev before", 0, 1)
        before = _perplexity(model, tokenizer, held_out, params)
    watch = Watch(context, "pre-training", params.steps)
    recipe = digest.of_json([params.model_dump(mode="json"), data.digest, parent.digest if parent else None])
    short = 0 if parent is not None else int(SHORT * params.steps)
    _train(model, blocks, weights, params, watch, recipe, short)
    model.eval()
    after = _perplexity(model, tokenizer, held_out, params) if held_out else None
    return _result(params, context, model, tokenizer, watch, blocks.numel(), before, after, len(held_out))


def _new(params: PretrainParameters, context: JobContext, texts: Sequence[str]) -> tuple[Any, Any]:
    context.progress("training the tokenizer", 0, 1)
    tokenizer = tiny.train_tokenizer(texts, params.vocab, params.context)
    model = tiny.build(
        tokenizer,
        hidden=params.hidden,
        inner=inner_width(params.hidden),
        layers=params.layers,
        heads=params.heads,
        kv_heads=params.kv_heads,
        context=params.context,
    )
    return model, tokenizer


def _existing(parent: Candidate) -> tuple[Any, Any]:
    require_kind(parent, ModelKind.CAUSAL, tool="Continued pre-training")
    models.require_whole(parent, "continued pre-training")
    return models.load_causal(parent)


def pack(tokenizer: Any, texts: Sequence[str], params: PretrainParameters) -> tuple[Tensor, Tensor]:
    """All text in blocks of `context` tokens, and how much each token counts: both [blocks, context].

    Text outside transcripts is closed with the end token; answers in transcripts count `answer_weight`.
    """
    assistant, end = tokenizer.get_vocab().get(tiny.ASSISTANT), tokenizer.eos_token_id
    if end is None:
        raise UserFault(
            "The tokenizer has no end token to close texts with; name one as eos_token in its configuration."
        )
    stream: list[int] = []
    counts: list[float] = []
    for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]:
        inside = False
        for token in ids if ids and ids[-1] == end else [*ids, end]:
            stream.append(token)
            counts.append(params.answer_weight if inside else 1.0)
            inside = (inside or token == assistant) and token != end
    blocks = len(stream) // params.context
    if blocks < 1:
        raise UserFault(
            f"{params.data} has {len(stream)} tokens, fewer than one sequence of {params.context}; bring more text."
        )
    shape, used = (blocks, params.context), blocks * params.context
    return torch.tensor(stream[:used]).view(shape), torch.tensor(counts[:used]).view(shape)


def _train(
    model: Any, blocks: Tensor, weights: Tensor, params: PretrainParameters, watch: Watch, recipe: str, short: int
) -> None:
    """AdamW, the first `short` steps on blocks cut in two. A cancelled run leaves a checkpoint to go on from."""
    context, peak = watch.context, params.lr or RATE
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.01, betas=(0.9, 0.95))
    named = dict(model.named_parameters())
    notes = resume(context.checkpoints, recipe, named, optimizer)
    watch.points.extend(notes.losses)
    batches = _batches(len(blocks), params, skip=notes.step)
    model.train()
    for step in range(notes.step + 1, params.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = peak * rate(step, params.steps)
        chosen = next(batches)
        shape = (-1, params.context // 2 if step <= short and params.context % 2 == 0 else params.context)
        loss = _loss(model, blocks[chosen].view(shape), weights[chosen].view(shape))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimizer.step()
        optimizer.zero_grad()
        watch.saw(step, float(loss.detach()))
        cancelled = context.cancelled
        if step % params.save_every == 0 or cancelled:
            save_checkpoint(
                context.checkpoints, Notes(step=step, recipe=recipe, losses=tuple(watch.points)), named, optimizer
            )
        context.stop_if_cancelled()


def rate(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step, counted from 1: up, level, and down over the last quarter.

    Copying comes suddenly and late in so small a model; a rate that falls from the start left some seeds without it.
    """
    down = (steps - step + 1) / (_FALL * steps)
    return float(min(1.0, step / min(_WARM_UP, steps)) * max(_LEAST_RATE, min(1.0, down)))


def _batches(blocks: int, params: PretrainParameters, skip: int) -> Iterator[Tensor]:
    """Indices of the blocks of each step, every block once before any twice; the same after a resume."""
    generator = torch.Generator().manual_seed(params.seed)
    waiting = torch.empty(0, dtype=torch.long)
    number = 0
    while True:
        while len(waiting) < params.batch:
            waiting = torch.cat([waiting, torch.randperm(blocks, generator=generator)])
        number += 1
        if number > skip:
            yield waiting[: params.batch]
        waiting = waiting[params.batch :]


def _loss(model: Any, ids: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean negative log-likelihood of the next token, in nats."""
    logits = model(input_ids=ids).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    counts = weights[:, 1:].flatten()
    return (losses * counts).sum() / counts.sum()


@torch.inference_mode()
def _perplexity(model: Any, tokenizer: Any, texts: Sequence[str], params: PretrainParameters) -> float:
    """Of a token of held-out text, every token counting the same."""
    plain = params.model_copy(update={"answer_weight": 1.0, "context": min(params.context, 64)})
    blocks, weights = pack(tokenizer, texts, plain)
    total = 0.0
    for start in range(0, len(blocks), _AT_ONCE):
        part = blocks[start : start + _AT_ONCE]
        total += len(part) * float(_loss(model, part, weights[start : start + _AT_ONCE]))
    return math.exp(total / len(blocks))


def _result(
    params: PretrainParameters,
    context: JobContext,
    model: Any,
    tokenizer: Any,
    watch: Watch,
    tokens: int,
    before: float | None,
    after: float | None,
    held_out: int,
) -> Result:
    """`before` and `after` are perplexities on the held-out texts; None where it was not measured."""
    data, parent = context.inputs.data["data"], context.inputs.models.get("model")
    name = params.name or (f"{parent.name}-continued" if parent else "tiny")
    seen = params.steps * params.batch * params.context
    facts = {"corpus": data.name, "corpus_digest": data.digest, "corpus_tokens": tokens, "tokens_seen": seen}
    candidate = models.save_candidate(
        context,
        model,
        tokenizer,
        name=name,
        method="continued" if parent else "pretrain",
        parent=parent,
        facts={**facts, "vocab": len(tokenizer), "lr": params.lr},
    )
    metrics = [Metric(name="loss", value=plots.smooth([loss for _, loss in watch.points])[-1])]
    said = f"loss {metrics[0].value:.3f}"
    if after is not None:
        metrics.append(Metric(name="perplexity", value=after, n=held_out, split="dev"))
        said = f"perplexity {after:.2f} on {held_out} held-out texts"
    if before is not None:
        metrics.append(Metric(name="perplexity_before", value=before, n=held_out, split="dev"))
        said += f", {before:.2f} before"
    picture = plots.curve(
        context, "loss", f"Pre-training {name}", {"loss": watch.points}, "step", "loss (nats a token)"
    )
    return Result(
        summary=f"{name} ({candidate.parameters / 1e6:.2f} M weights) read {seen:,} tokens: {said}.",
        metrics=tuple(metrics),
        artefacts=(context.artefact(name, "model", Path(candidate.path)), picture),
        candidate=candidate,
        split="dev" if after is not None else "",
        facts={**facts, "steps": params.steps},
    )
