"""Whatever text people, documents and models supply: every builder stays within Slack's limits and does no harm."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agent.lifecycle.stages import Stage
from agent.slack.model import Rendered
from tests.agent.slack.blocks.checks import assert_harmless, check_message, check_view
from tests.agent.slack.blocks.states import asked, everything

INJECTIONS = json.loads((Path(__file__).parents[1] / "injections.json").read_text(encoding="utf-8"))
PROJECT = asked(Stage.DEPLOY)
HOSTILE = st.one_of(
    st.text(max_size=200),
    st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Mn", "So"]), max_size=60),
    st.sampled_from([each["text"] for each in INJECTIONS]),
    st.sampled_from(
        ["x" * 5000, "&<>" * 2000, "😀" * 3000, "\u202eevil", "很" * 4000, "`" * 400, "*_~" * 300, "a\n" * 999]
    ),
)
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # making a failure of 5,000 characters small takes minutes
NUMBERS = st.dictionaries(HOSTILE, st.floats(), max_size=8)


def check(found: Rendered | Any) -> None:
    if isinstance(found, Rendered):
        check_message(found)
    else:
        check_view(found)
    assert_harmless(found)
    json.dumps(found.model_dump(mode="json") if isinstance(found, Rendered) else found).encode("utf-8")


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda each: f"{each['kind']}: {each['text']!r}"[:60])
def test_nothing_of_the_corpus_survives_in_any_builder(injection: dict[str, str]) -> None:
    for found in everything(injection["text"], PROJECT):
        check(found)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(HOSTILE, NUMBERS)
def test_any_text_and_any_number_fits(text: str, numbers: dict[str, float]) -> None:
    for found in everything(text, PROJECT, numbers):
        check(found)


@pytest.mark.slow
@settings(max_examples=120, deadline=None, phases=QUICK)
@given(HOSTILE, NUMBERS)
def test_any_text_and_any_number_fits_at_length(text: str, numbers: dict[str, float]) -> None:
    for found in everything(text, PROJECT, numbers):
        check(found)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -1e-308, 0.0])
def test_odd_numbers_are_shown_or_left_out(value: float) -> None:
    for found in everything("x", PROJECT, {"loss": value}):
        check(found)
