"""How values are written for people."""

import pytest
from pydantic import JsonValue

from agent.markdown import setting


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([0, 1, 3], "0,1,3"),
        (["fixed"], "fixed"),
        (["", "Answer, and nothing else."], '"|Answer, and nothing else."'),
        (0.002, "0.002"),
        (True, "True"),
        ("tickets", "tickets"),
    ],
)
def test_a_parameter_is_shown_as_it_would_be_typed(value: JsonValue, shown: str) -> None:
    assert setting(value) == shown
