"""Fine-tuning: which method, how long, how fast."""

from enum import StrEnum
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from tools.contract import Parameters, Tool
from tools.finetune.plan import plan


class Method(StrEnum):
    LORA = "lora"  # low-rank adapters (Hu et al. 2021), merged into the model at the end
    FULL = "full"  # every weight
    QLORA = "qlora"  # LoRA beside weights in 4 bits (Dettmers et al. 2023); needs a GPU
    PROMPT_TUNING = "prompt_tuning"  # a few virtual tokens before the prompt (Lester et al. 2021); the model stays
    PREFIX_TUNING = "prefix_tuning"  # keys and values before those of every layer (Li and Liang 2021), kept beside it


class FinetuneParameters(Parameters):
    model: str = Field(
        default="current", min_length=1, description="Model to train: it generates, encodes or classifies"
    )
    data: str = Field(min_length=1, description="Registered task, conversations, raw text, labelled or tagged data")
    name: str = Field(default="", max_length=60, description="What the new model is called; empty: MODEL-METHOD")
    method: Method = Field(default=Method.LORA, description="What is trained: adapters, everything, or virtual tokens")
    steps: int | None = Field(default=None, ge=1, le=1_000_000, description="Optimizer steps; empty: by epochs")
    epochs: float | None = Field(default=None, gt=0, le=1000, description="Passes over the training rows")
    per_class: int | None = Field(
        default=None, ge=1, description="Labelled data: rows a class; empty: what fits some minutes"
    )
    r_drop: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Labelled data: weight of two passes' agreement (R-Drop); empty: 1 in full on few rows, else 0",
    )
    batch: int = Field(default=16, ge=1, le=4096, description="Rows a step")
    lr: float | None = Field(
        default=None, gt=0, lt=1, description="Peak learning rate; empty: fitting method and model"
    )
    rank: int = Field(default=16, ge=1, le=512, description="Rank of the adapters")
    alpha: float | None = Field(default=None, gt=0, le=2048, description="Scale of the adapters; empty: twice the rank")
    targets: tuple[str, ...] = Field(
        default=(),
        max_length=40,
        description="Layers that get adapters, by the end of their names; empty: every linear one",
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of the adapters' inputs dropped in training")
    rslora: bool = Field(default=False, description="Scale adapters by the root of their rank (Kalajdzievski 2023)")
    dora: bool = Field(default=False, description="Learn size and direction of weights apart (Liu et al. 2024)")
    virtual_tokens: int = Field(
        default=16, ge=1, le=512, description="Prompt and prefix tuning: tokens before the prompt"
    )
    packing: bool = Field(default=False, description="Put short rows together into full sequences")
    assistant_only: bool = Field(default=True, description="Conversations: only the assistant's turns count")
    evaluate_every: int | None = Field(
        default=None, ge=1, description="Steps between two looks at the development loss; empty: ten looks where needed"
    )
    early_stopping: int = Field(
        default=0, ge=0, le=100, description="Looks without a better development loss until it stops; 0: never"
    )
    probe: bool = Field(default=False, description="First try learning rates in short runs and take the best")
    search: float = Field(
        default=0, ge=0, le=10_000, allow_inf_nan=False, description="Minutes to search for settings first; 0: none"
    )
    replay: str = Field(default="", description="Registered task whose rows are mixed in, so that it is not forgotten")
    replay_share: float = Field(default=0.3, ge=0, le=0.9, description="Share of replayed rows")
    save_every: int = Field(default=100, ge=1, description="Steps between two checkpoints")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the order of the rows")

    @field_validator("targets", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Several as a person types them: `q_proj,v_proj`."""
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given

    @property
    def adapts(self) -> bool:
        return self.method in (Method.LORA, Method.QLORA)

    @property
    def tries(self) -> bool:
        """Whether settings are tried in short runs first."""
        return self.probe or self.search > 0

    @model_validator(mode="after")
    def _fits_the_method(self) -> Self:
        adapters = ("targets", "dropout", "rslora", "dora")
        given = next((name for name in adapters if getattr(self, name)), None)
        if given and not self.adapts:
            raise ValueError(f"{given} is about adapters, and method={self.method} has none; use method=lora")
        if self.steps is not None and self.epochs is not None:
            raise ValueError("steps and epochs both say how long it trains; leave one of them out")
        if self.probe and self.search:
            raise ValueError("search tries learning rates, too; leave probe out")
        return self


TOOL = Tool(
    name="finetune",
    title="Fine-tune",
    title_zh="微调",
    stage="assess",
    parameters=FinetuneParameters,
    plan=plan,
    run="tools.finetune.run:run",
    shared=True,
    models=("model",),
    datasets=("data", "replay"),
)
