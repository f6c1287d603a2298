import pytest

from tools.contract import Candidate, Inputs, ModelKind
from tools.serve.plan import plan
from tools.serve.spec import ServeParameters


@pytest.mark.parametrize(("kind", "streams"), [(ModelKind.CAUSAL, True), (ModelKind.ENCODER, False)])
def test_only_what_generates_is_asked_for_a_stream(kind: ModelKind, streams: bool) -> None:
    model = Candidate(name="m", kind=kind, path="/m", digest="d", method="lora")
    found = plan(ServeParameters(), Inputs(models={"model": model}))
    assert ("one answer as a stream" in found.steps[1]) is streams
    assert "20 requests" in found.steps[1]
