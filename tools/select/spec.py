"""Choosing among models: where they lie, what they are to do, and the machine they are to run on."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator

from tools.contract import Need, Parameters, Tool
from tools.select.plan import plan

HubId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$", max_length=96)]


class SelectParameters(Parameters):
    folder: str = Field(default="", max_length=1000, description="A folder with models below it; empty: none")
    hub: tuple[HubId, ...] = Field(
        default=(), max_length=20, description="Models on the hub by id, such as Qwen/Qwen3-0.6B; empty: none"
    )
    data: str = Field(default="", description="Registered data to train on; empty: the charter's test set's own data")
    licences: tuple[str, ...] = Field(
        default=(), max_length=20, description="Licences that will do, such as apache-2.0,mit; empty: any"
    )
    language: str = Field(
        default="", pattern=r"^([a-zA-Z]{2,3}(-\w{2,8})?)?$", description="Language code the model has to know, as en"
    )
    context: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Tokens it has to read at once; empty: what each model can"
    )
    batch: int = Field(default=8, ge=1, le=4096, description="Rows a training step")
    length: int = Field(default=512, ge=8, le=1_000_000, description="Tokens of a training row")
    rank: int = Field(default=16, ge=1, le=512, description="Rank of LoRA's adapters")
    virtual_tokens: int = Field(default=16, ge=1, le=512, description="Virtual tokens of prompt tuning")
    epochs: float = Field(default=3.0, gt=0, le=1000, description="Passes of fine-tuning over the training rows")
    memory_gb: float | None = Field(
        default=None, gt=0, le=1_000_000, description="Memory of the machine in GB; empty: this one's"
    )
    gpu_memory_gb: float | None = Field(
        default=None, gt=0, le=100_000, description="Memory of the GPU in GB; empty: there is none"
    )
    flops: float | None = Field(
        default=None,
        ge=1e6,
        le=1e21,
        description="Operations a second that training sustains; empty: 1.1e11 on a CPU, 1.36e14 on a GPU",
    )
    price_per_hour: float | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="Price of the machine for an hour, in your currency; empty: not said",
    )

    @field_validator("hub", "licences", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Several as a person types them: `apache-2.0,mit`."""
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given

    @field_validator("folder", mode="after")
    @classmethod
    def _from_here(cls, given: str) -> str:
        """A job works in a folder of its own, where a path from here leads nowhere."""
        return str(Path(given).expanduser().absolute()) if given else given


TOOL = Tool(
    name="select",
    title="Compare candidate models",
    title_zh="比较候选模型",
    stage="select",
    parameters=SelectParameters,
    plan=plan,
    run="tools.select.run:run",
    datasets=("data",),
    needs=frozenset({Need.SNAPSHOT}),
    heavy=False,
    paths=("folder",),
)
