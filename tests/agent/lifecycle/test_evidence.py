"""How a measurement is shown to people."""

import pytest

from agent.lifecycle.evidence import show_metric
from tools.contract import Metric


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        (Metric(name="accuracy", value=0.9661, low=0.954, high=0.977), "0.966 [0.954, 0.977]"),
        (Metric(name="exact_match", value=1.0), "1.000"),
        (Metric(name="latency_p95", value=104.504, unit="ms"), "104.5 ms"),
        (Metric(name="peak_memory", value=1.5e9, unit="bytes"), "1500.0 MB"),
        (Metric(name="rows", value=10003, unit="rows"), "10,003"),
        (Metric(name="repeated_rows", value=0, unit="rows"), "0"),
    ],
)
def test_a_number_is_shown_with_its_unit_or_its_interval(metric: Metric, shown: str) -> None:
    assert show_metric(metric) == shown
