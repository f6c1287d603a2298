"""Registering data: what a person says about a file."""

from pydantic import Field

from tools.contract import DataKind, Parameters, Tool
from tools.data.plan import plan

SCHEME = "hub:"  # before the id of a data set on the hub


class DataParameters(Parameters):
    path: str = Field(
        min_length=1, description="A JSONL, CSV or Parquet file, or hub:ORG/NAME of a data set on the hub"
    )
    name: str = Field(default="", max_length=60, description="What the data is called; empty: the file's name")
    kind: DataKind | None = Field(default=None, description="What the rows are; empty: read off the columns")
    text_column: str | None = Field(default=None, description="Column that holds the text")
    label_column: str | None = Field(default=None, description="Column that holds the label")
    prompt_column: str | None = Field(default=None, description="Column that holds the prompt")
    completion_column: str | None = Field(default=None, description="Column that holds the wanted completion")
    group_column: str | None = Field(
        default=None, description="Column whose equal values stay in one split: a customer, a thread"
    )
    mask: bool = Field(
        default=False, description="Replace personal data by its sort, as in <email>, before anything is kept"
    )
    drop_leaked: bool = Field(default=False, description="Drop training rows that nearly stand in dev or test")
    dev_path: str | None = Field(default=None, description="A file of its own for the development split")
    test_path: str | None = Field(default=None, description="A file of its own for the test split")
    dev: float = Field(
        default=0.08,
        ge=0,
        allow_inf_nan=False,
        description="Rows for the development split: a share below 1, else a number",
    )
    test: float = Field(
        default=0.2, ge=0, allow_inf_nan=False, description="Rows for the test split: a share below 1, else a number"
    )
    test_rows: int | None = Field(default=None, ge=1, description="Number of test rows; wins over `test`")
    dev_rows: int | None = Field(default=None, ge=1, description="Number of development rows; wins over `dev`")
    limit: int | None = Field(default=None, ge=1, description="Use at most this many rows, drawn by the seed")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Draws the splits")


TOOL = Tool(
    name="data",
    title="Register data",
    title_zh="登记数据",
    stage="scope",
    parameters=DataParameters,
    plan=plan,
    run="tools.data.run:run",
    heavy=False,
    paths=("path", "dev_path", "test_path"),
)
