"""What pre-training will do, and what it needs: operations, tokens a weight, and how often the text is read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.contract import Candidate, Dataset, Inputs, ModelKind, Plan
from tools.models import require_kind, require_whole
from tools.select.arithmetic import BYTES_A_TOKEN, PASSES, TOKENS_A_WEIGHT, best_model, training_flops
from tools.select.show import count, operations
from tools.training import cost

if TYPE_CHECKING:
    from tools.pretrain.spec import PretrainParameters

RATE = 3e-3  # of a new model
# Share of a new model's steps on sequences of half the length (sequence-length warm-up: Li et al. 2022). With it the
# tiny model copied, and then learned the sample's tickets, in 1,000 steps; without, as many left exact match at .41.
SHORT = 0.8
_SMALL = 50_000_000  # weights below which a model bears, and needs, higher rates
# Of a model that goes on: below the peak it was made with, so that it is warmed up again without unlearning (Gupta et
# al. 2023; Ibrahim et al. 2024). The tiny model went on for 200 steps on the guides: at 3e-3, 1e-3 and 3e-4 perplexity
# there fell from 9,285 to 39, 59 and 105, and on its own text rose from 2.2 to 851, 21 and 4. Larger: as usual there.
_CONTINUED = (1e-3, 5e-5)
_FEW = 0.2  # tokens a weight below which even a model this small learns little
_FAR = 2.0  # factor from the compute-optimal ratio from which on another size is worth a word


def settled(params: "PretrainParameters", model: Candidate | None) -> "PretrainParameters":
    """The parameters with what was left open: the learning rate, and a context that the model can read."""
    if model is None:
        return params.model_copy(update={"lr": params.lr or RATE})
    rate = params.lr or _CONTINUED[cost.size_of(model) >= _SMALL]
    return params.model_copy(update={"lr": rate, "context": min(params.context, model.context or params.context)})


def weights(params: "PretrainParameters") -> int:
    """Weights of a Llama with tied embeddings and an inner width of three times its hidden width."""
    head = params.hidden // params.heads
    attention = params.hidden * head * (2 * params.heads + 2 * params.kv_heads)
    inner = 3 * params.hidden * inner_width(params.hidden)
    return params.vocab * params.hidden + params.layers * (attention + inner + 2 * params.hidden) + params.hidden


def inner_width(hidden: int) -> int:
    return 3 * hidden


def plan(params: "PretrainParameters", inputs: Inputs) -> Plan:
    """Raises `UserFault` for a model that cannot be trained on."""
    model, data = inputs.models.get("model"), inputs.data.get("data")
    if model is not None:
        require_kind(model, ModelKind.CAUSAL, tool="Continued pre-training")
        require_whole(model, "continued pre-training")
    params = settled(params, model)
    size = weights(params) if model is None else cost.size_of(model)
    tokens = params.steps * params.batch * params.context
    text = _tokens_of(data)
    hidden, layers = (params.hidden, params.layers) if model is None else cost.shape_of(size)
    return Plan(
        steps=(
            *(_new(params, size, tokens) if model is None else _continued(params, model, tokens)),
            *_compute(model is None, size, tokens, text),
            *_ending(model is None, data),
        ),
        seconds=4 + cost.training_seconds(size, tokens, params.steps),
        memory_bytes=cost.training_memory(size, size, params.batch * params.context, hidden, layers),
        warnings=tuple(_warnings(model, size, tokens, text)),
    )


def _new(params: "PretrainParameters", size: int, tokens: int) -> Iterator[str]:
    yield f"Train a byte-level BPE tokenizer of {params.vocab:,} tokens on {params.data}."
    yield (
        f"Pre-train {size / 1e6:.2f} M weights for {params.steps:,} steps, {tokens:,} tokens in all; the first"
        f" {SHORT:.0%} of the steps read sequences of half the length."
    )


def _continued(params: "PretrainParameters", model: Candidate, tokens: int) -> Iterator[str]:
    yield (
        f"Go on training all weights of {model.name}, with its own tokenizer, on {params.data} for {params.steps:,}"
        f" steps, {tokens:,} tokens in all."
    )


def _compute(new: bool, size: int, tokens: int, text: float | None) -> Iterator[str]:
    """Operations, and for a new model how its size and its tokens go together."""
    flops = training_flops(size, tokens)
    ratio = tokens / size
    said = f"That takes {operations(flops)} operations, 6 a weight and token (Kaplan et al. 2020)"
    if not new:
        yield f"{said}."
    else:
        yield (
            f"{said}, and is {ratio:.1f} tokens a weight; about {TOKENS_A_WEIGHT} are compute-optimal (Hoffmann et al."
            " 2022)."
        )
        if not 1 / _FAR <= ratio / TOKENS_A_WEIGHT <= _FAR:
            best = best_model(flops)
            yield (
                f"By that rule as many operations would rather train {count(best)} weights on"
                f" {count(TOKENS_A_WEIGHT * best)} tokens."
            )
    if text:
        yield (
            f"The text has about {count(text)} tokens and is read {tokens / text:.1f} times; up to {PASSES} times it"
            " counts almost as new text does (Muennighoff et al. 2023)."
        )


def _ending(new: bool, data: Dataset | None) -> Iterator[str]:
    if data is not None and "dev" not in data.splits:
        yield "Save the model; there is no held-out slice to measure perplexity on."
    elif new:
        yield "Measure perplexity on the held-out slice and save the model."
    else:
        yield "Measure perplexity on the held-out slice before and after, and save the model."


def _warnings(model: Candidate | None, size: int, tokens: int, text: float | None) -> Iterator[str]:
    if model is None and tokens < _FEW * size:
        yield f"{tokens:,} tokens are very few for {size:,} weights; give it more steps."
    if text and tokens > PASSES * text:
        yield (
            f"The text is read {tokens / text:.0f} times, and each time beyond about {PASSES} teaches less: bring more"
            " text, or take fewer steps."
        )


def _tokens_of(data: Dataset | None) -> float | None:
    """Of the training text, from the lengths found when it was registered; the sample's had 4.4 characters each."""
    mean = data.facts.get("characters_mean") if data is not None else None
    if data is None or "train" not in data.splits or not isinstance(mean, int | float) or mean <= 0:
        return None
    return data.splits["train"].rows * mean / BYTES_A_TOKEN
