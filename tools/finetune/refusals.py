"""What a fine-tuning cannot do, found before it starts. Pure but for the JSON in a model's folder."""

from typing import TYPE_CHECKING

from tools.contract import Candidate, DataKind, Dataset, Inputs, ModelKind
from tools.errors import UserFault
from tools.models import is_quantized, require_whole
from tools.training import machine

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

_NOT_FOR_ENCODERS = ("targets", "dropout", "rslora", "dora", "packing", "replay")
_ENCODED = (DataKind.LABELLED, DataKind.TAGGED)  # what encoders alone learn from
_VIRTUAL = ("prompt_tuning", "prefix_tuning")
_ROOM = 8  # tokens of a question and its answer, at least, beside virtual ones


def refuse(params: "FinetuneParameters", inputs: Inputs) -> None:
    """Raises `UserFault` for what is known to fail from parameters, model and data alone."""
    model, data = inputs.models.get("model"), inputs.data.get("data")
    if data is not None:
        require_dev(params, data)
    if model is None:
        return
    if model.kind.encodes and data is not None:
        refuse_for_encoder(params, data)
        if is_quantized(model):
            parent = model.parent or "the model it was made from"
            raise UserFault(f"{model.name} is in 8 bits and cannot be trained; train {parent}.")
    elif not model.kind.encodes:
        _refuse_for_generator(params, model, data)


def require_dev(params: "FinetuneParameters", data: Dataset) -> None:
    """Raises `UserFault` where training shall stop by a development split that is not there."""
    if params.early_stopping and "dev" not in data.splits:
        raise UserFault(f"early_stopping looks at a development split, and {data.name} has none; register it with one.")


def refuse_for_encoder(params: "FinetuneParameters", data: Dataset) -> None:
    """Raises `UserFault` for settings that mean nothing to an encoder, or to this data."""
    if params.method not in ("lora", "full"):
        raise UserFault(f"method={params.method} is for models that generate; an encoder takes lora or full.")
    given = [name for name in _NOT_FOR_ENCODERS if getattr(params, name)]
    if given:
        raise UserFault(f"{', '.join(given)}: only for models that generate; leave it out to train an encoder.")
    if data.kind is DataKind.LABELLED:
        return
    if params.per_class is not None:
        raise UserFault(
            f"per_class counts rows of a label, and {data.name} has none; to learn from fewer rows register them with"
            " limit=NUMBER."
        )
    if params.r_drop:
        raise UserFault(f"r_drop is for labelled data, and {data.name} is {data.kind} data; leave it out.")


def _refuse_for_generator(params: "FinetuneParameters", model: Candidate, data: Dataset | None) -> None:
    if model.kind is not ModelKind.CAUSAL:
        raise UserFault(
            f"Fine-tuning is of models that generate, encode or classify, and {model.name} is of kind {model.kind}."
        )
    if data is not None and data.kind in _ENCODED:
        raise UserFault(
            f"{data.name} is {data.kind} data, from which an encoder learns, and {model.name} generates: name an"
            " encoder, such as model=minilm, or register the data as a task."
        )
    if params.method == "qlora" and machine.find_gpu() is None:
        raise UserFault(machine.NEEDS_GPU.format(model=params.model))
    require_whole(model, "fine-tuning")
    if params.method in _VIRTUAL and model.context and params.virtual_tokens > model.context - _ROOM:
        raise UserFault(
            f"virtual_tokens={params.virtual_tokens} leaves no room in the {model.context} tokens that {model.name}"
            f" reads; take at most {max(1, model.context - _ROOM)}, and far fewer for long rows."
        )
