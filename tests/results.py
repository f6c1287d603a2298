"""What a tool's result holds, or the test that wants it fails."""

from tools.contract import Candidate, Result


def made(result: Result) -> Candidate:
    assert result.candidate is not None
    return result.candidate


def value(result: Result, name: str) -> float:
    metric = result.metric(name)
    assert metric is not None, name
    return metric.value
