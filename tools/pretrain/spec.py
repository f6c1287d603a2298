"""Pre-training from raw text: a small model from scratch, whose size is told, or an existing one that goes on."""

from typing import Self

from pydantic import Field, model_validator

from tools.contract import DataKind, Parameters, Tool
from tools.pretrain.plan import plan

SIZES = ("vocab", "hidden", "layers", "heads", "kv_heads")  # what a model that exists has already


class PretrainParameters(Parameters):
    data: str = Field(min_length=1, description="Registered corpus of raw text")
    model: str = Field(default="", description="Model that goes on learning, with its tokenizer; empty: a new model")
    name: str = Field(
        default="", max_length=60, description="What the new model is called; empty: tiny, or MODEL-continued"
    )
    steps: int = Field(default=1000, ge=1, le=1_000_000, description="Optimizer steps")
    batch: int = Field(default=2, ge=1, le=4096, description="Sequences a step")
    context: int = Field(
        default=256, ge=32, le=8192, description="Tokens a sequence, and the longest a new model reads"
    )
    lr: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Peak learning rate of AdamW; empty: 0.003, or lower for a model that goes on",
    )
    answer_weight: float = Field(
        default=5.0, ge=1, le=100, description="How much more an answer in a transcript counts than other text"
    )
    save_every: int = Field(default=400, ge=1, description="Steps between two checkpoints")
    vocab: int = Field(default=1200, ge=300, le=200_000, description="Tokens of the byte-level BPE tokenizer")
    hidden: int = Field(default=128, ge=16, le=16_384, description="Width of the model")
    layers: int = Field(default=4, ge=1, le=200, description="Number of layers")
    heads: int = Field(default=4, ge=1, le=256, description="Attention heads")
    kv_heads: int = Field(default=2, ge=1, le=256, description="Heads of keys and values")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the weights and the order of the text")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        fields = type(self).model_fields
        given = [name for name in SIZES if self.model and getattr(self, name) != fields[name].default]
        if given:
            raise ValueError(
                f"{', '.join(given)} would be a new model's, and {self.model} has sizes and a tokenizer of its own;"
                f" leave {'it' if len(given) == 1 else 'them'} out, or leave model out for a new model"
            )
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            raise ValueError(f"hidden={self.hidden} must be an even multiple of heads={self.heads}")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads={self.heads} must be a multiple of kv_heads={self.kv_heads}")
        return self


TOOL = Tool(
    name="pretrain",
    title="Pre-train a model",
    title_zh="预训练模型",
    stage="select",
    parameters=PretrainParameters,
    plan=plan,
    run="tools.pretrain.run:run",
    models=("model",),
    datasets=("data",),
    kinds={"data": DataKind.CORPUS},
)
