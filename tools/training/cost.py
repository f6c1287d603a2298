"""Time and memory of work on a CPU or GPU, from the size of the model and the tokens it reads.

The rates are those of the tiny model on two cores (0.82 M weights: 8 x 128 tokens a training step in 0.045 s, one
greedy token in 4 ms) and hold for larger models within a factor of two; what a team's own jobs took corrects them.
"""

from tools.contract import Candidate, Dataset, Inputs

TINY = 820_000  # weights of odyssey/tiny
FLOPS = 1.1e11  # a second, of one busy CPU socket as measured
_STEP_OVERHEAD = 0.02  # seconds a training step costs beside its arithmetic
_TOKEN_OVERHEAD = 0.004  # seconds one generation step costs beside its arithmetic
_TOKENS_A_ROW = 64  # where nothing is known of the data
_CHARACTERS_A_TOKEN = 4.0  # English text in the encoder's word pieces, about
_WIDTH_A_LAYER = 128  # hidden width over layers: Llama 2 has 4096 / 32 and 5120 / 40 (Touvron et al. 2023, table 1)
PAIR = 3.0  # tokens of a question and the text that answers it, for every token of the question, about
LIBRARIES = 550_000_000  # bytes of a process with torch, transformers and trl


def size_of(model: Candidate | None) -> int:
    """Number of weights; the tiny model's where nothing is known."""
    return model.parameters if model is not None and model.parameters else TINY


def shape_of(weights: int) -> tuple[int, int]:
    """Hidden width and layers of a usual model of so many weights, where only their number is known.

    12 layers hidden^2 weights (Kaplan et al. 2020, section 2.1), and 128 of width a layer as in Llama 2.
    """
    hidden = (weights * _WIDTH_A_LAYER / 12) ** (1 / 3)
    return max(1, round(hidden)), max(1, round(hidden / _WIDTH_A_LAYER))


def training_seconds(weights: int, tokens: int, steps: int) -> float:
    """Forward and backward: 6 operations a weight and token (Kaplan et al. 2020, section 2.1)."""
    return steps * _STEP_OVERHEAD + 6.0 * weights * tokens / FLOPS


def generation_seconds(weights: int, items: int, new_tokens: int, batch: int = 64) -> float:
    """Batched greedy decoding: 2 operations a weight and token."""
    rounds = -(-items // batch) * new_tokens
    return rounds * _TOKEN_OVERHEAD + 2.0 * weights * items * (new_tokens + 100) / FLOPS


def reading_seconds(weights: int, tokens: int) -> float:
    """Forward alone: 2 operations a weight and token."""
    return 2.0 * weights * tokens / FLOPS


def tokens_a_row(data: Dataset | None) -> float:
    """From the lengths found when the data was registered, where they are known."""
    mean = data.facts.get("characters_mean") if data is not None else None
    return mean / _CHARACTERS_A_TOKEN if isinstance(mean, int | float) and mean > 0 else _TOKENS_A_ROW


def training_memory(weights: int, trained: int, tokens_a_batch: int, hidden: int = 128, layers: int = 4) -> int:
    """Weights, gradients and AdamW's two moments in 32 bit, and activations of about 34 values a token and layer
    and hidden unit (Korthikanti et al. 2022, section 4.1)."""
    return LIBRARIES + 4 * weights + 12 * trained + 2 * 34 * tokens_a_batch * hidden * layers


def inference_memory(weights: int) -> int:
    return LIBRARIES + 8 * weights


def rows_of(inputs: Inputs, parameter: str, split: str, default: int) -> int:
    data: Dataset | None = inputs.data.get(parameter)
    if data is None or split not in data.splits:
        return default
    return data.splits[split].rows
