"""Learning rates that are usual, and the settings around them that a probe or a search tries. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.training.classify_rows import passes

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

_SMALL = 50_000_000  # weights below which a model bears, and needs, higher rates
# Peak learning rates by method for small models (measured on odyssey/tiny) and others: LoRA 2e-4 and full 2e-5 as
# in Dettmers et al. 2023 and common recipes of that size; prompt tuning 0.3 in Lester et al. 2021 with Adafactor,
# 0.1 with AdamW as measured; a prefix reached a development loss of 0.42, 0.55 and 1.33 on tickets at 0.3, 0.1 and 0.03
# after 120 steps (virtual tokens 1.12), and 0.01 is usual for larger models (Liu et al. 2021, P-tuning v2).
_RATES = {
    "lora": (2e-3, 2e-4),
    "qlora": (2e-3, 2e-4),
    "full": (1e-3, 2e-5),
    "prompt_tuning": (0.1, 0.03),
    "prefix_tuning": (0.3, 0.01),
}
_ENCODER_RATES = {"lora": 1e-3, "full": 2e-4}
# Of the usual learning rate, which comes first: it is taken where time suffices for one run only. Three times more is
# where LoRA begins to diverge.
_AROUND = (1.0, 1 / 3, 3.0, 0.1)
_HIGHEST = 0.9  # a rate that is tried
_LONGER = (1, 2)  # times the usual passes that a search tries
_NAMED = {"lr": "learning rate {:.2g}", "epochs": "{:g} passes", "rank": "rank {}"}


def rate_of(params: "FinetuneParameters", weights: int) -> float:
    """Peak learning rate for a generating model of so many weights."""
    return params.lr or _RATES[params.method][weights >= _SMALL]


def encoder_rate_of(params: "FinetuneParameters") -> float:
    """Peak learning rate for an encoder. The method is one that encoders take."""
    return params.lr or _ENCODER_RATES[params.method]


def for_generator(params: "FinetuneParameters", weights: int) -> list["FinetuneParameters"]:
    """Learning rates around the usual one; in a search of adapters each with a small and a larger rank."""
    ranks = sorted({max(4, params.rank // 2), params.rank * 2}) if params.search and params.adapts else [params.rank]
    return _varied(params, rate_of(params, weights), [{"rank": rank} for rank in ranks])


def for_encoder(params: "FinetuneParameters", rows: int) -> list["FinetuneParameters"]:
    """Learning rates around the usual one; in a search each for the usual passes over so many rows and twice as many,
    where nobody said how long."""
    fixed = params.steps is not None or params.epochs is not None or not params.search
    usual = passes(rows, params.batch)
    lengths = [params.epochs] if fixed else [round(usual * factor, 1) for factor in _LONGER]
    return _varied(params, encoder_rate_of(params), [{"epochs": epochs} for epochs in lengths])


def _varied(params: "FinetuneParameters", rate: float, others: Sequence[dict[str, Any]]) -> list["FinetuneParameters"]:
    still = {"probe": False, "search": 0.0}
    return [
        params.model_copy(update={"lr": min(rate * factor, _HIGHEST), **other, **still})
        for factor in _AROUND
        for other in others
    ]


def varying(settings: Sequence["FinetuneParameters"]) -> tuple[str, ...]:
    """The parameters in which settings differ."""
    return tuple(name for name in _NAMED if len({getattr(one, name) for one in settings}) > 1)


def told(setting: "FinetuneParameters", names: Sequence[str]) -> str:
    """`learning rate 0.001, 6 passes`."""
    return ", ".join(_NAMED[name].format(getattr(setting, name)) for name in names)


def tried(params: "FinetuneParameters", settings: Sequence["FinetuneParameters"]) -> str:
    """What trying these settings is, in a sentence or two."""
    rates = ", ".join(dict.fromkeys(f"{one.lr:.2g}" for one in settings))
    if params.probe:
        return f"Try the learning rates {rates} in short runs, and go on with the best."
    said = (
        f"Try {len(settings)} settings in short runs for up to {params.search:g} minutes, and go on with the best."
        f" They are the learning rates {rates}"
    )
    for name, how in (("epochs", "each for {:g} or {:g} passes"), ("rank", "each with rank {} or {}")):
        if len(values := sorted({getattr(one, name) for one in settings} - {None})) > 1:
            return f"{said}, {how.format(*values)}."
    return f"{said}."
