"""Serving: a model behind an endpoint on this machine."""

from pydantic import Field

from tools.contract import Parameters, Tool
from tools.serve.plan import plan


class ServeParameters(Parameters):
    model: str = Field(default="current", min_length=1, description="Model to serve")
    data: str = Field(
        default="", description="Registered data whose development prompts measure latency; empty: a built-in one"
    )
    port: int = Field(default=0, ge=0, le=65_535, description="Port on the loopback address; 0: a free one")
    requests: int = Field(default=20, ge=1, le=1000, description="Requests of the smoke test that measure latency")
    max_new_tokens: int = Field(default=32, ge=1, le=4096, description="Longest answer of the smoke test")
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="Confidence below which a classifier abstains; empty: it never does"
    )


TOOL = Tool(
    name="serve",
    title="Serve a model",
    title_zh="部署服务",
    stage="deploy",
    parameters=ServeParameters,
    plan=plan,
    run="tools.serve.run:run",
    models=("model",),
    datasets=("data",),
    service=True,
)
