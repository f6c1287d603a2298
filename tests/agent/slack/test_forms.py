"""A form holds a tool's parameters; what is sent is checked by them and becomes a command as if it were typed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.graph.grammar import parse
from agent.graph.intents import TOOL_OF, Context
from agent.slack.actions import FormValue, Origin, Press, Submission
from agent.slack.forms import entries, submitted
from tools.registry import TOOLS

PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


def send(tool: str, catalogue: Any = TOOLS, **typed: str | None) -> Submission:
    chosen = {"choice": "selected_option"}
    kinds = {entry.name: entry.kind for entry in entries(TOOLS[tool], {})}
    values = {}
    for name, text in typed.items():
        value = {"selected_option": {"value": text}} if kinds[name] in chosen else {"value": text}
        values[f"set_{name}"] = {f"set_{name}": value}
    metadata = Origin(press=Press(say=tool, project="p-1")).metadata()
    return submitted({"callback_id": "form", "private_metadata": metadata, "state": {"values": values}}, catalogue)


def say(sent: Submission) -> str:
    assert sent.press is not None, sent.faults
    assert sent.press.project == "p-1"
    return sent.press.say


def test_every_parameter_of_a_tool_has_an_input_and_what_must_be_given_comes_first() -> None:
    found = entries(TOOLS["finetune"], {"data": "tickets", "rank": 8})
    assert {entry.name for entry in found} == set(TOOLS["finetune"].parameters.model_fields)
    assert found[0].name == "data" and found[0].required and found[0].value == "tickets"
    by_name = {entry.name: entry for entry in found}
    assert by_name["rank"].kind == "whole" and by_name["rank"].value == "8"
    assert (
        by_name["method"].options
        == ("lora", "full", "qlora", "prompt_tuning", "prefix_tuning")[: len(by_name["method"].options)]
    )
    assert by_name["lr"].kind == "decimal" and by_name["lr"].value is None
    assert by_name["dora"].options == ("true", "false") and by_name["dora"].value == "false"


def test_small_numbers_are_written_out_as_slack_takes_them() -> None:
    by_name = {entry.name: entry for entry in entries(TOOLS["finetune"], {"data": "tickets", "lr": 2e-5})}
    assert by_name["lr"].value == "0.00002"


def test_only_what_differs_from_the_defaults_is_said() -> None:
    sent = send("finetune", data="tickets", rank="16", lr="0.0002", method="lora", dora="true", name="", epochs=None)
    assert say(sent) == "finetune data=tickets lr=0.0002 dora=true"


def test_what_is_wrong_stands_at_its_input() -> None:
    sent = send("finetune", data="tickets", rank="0", lr="7")
    assert sent.press is None
    assert set(sent.faults) == {"set_rank", "set_lr"}
    assert sent.faults["set_rank"] == "Input should be greater than or equal to 1."


def test_settings_that_do_not_go_together_are_said_at_an_input_that_is_shown() -> None:
    sent = send("finetune", data="tickets", method="full", dora="true")
    ((block, said),) = sent.faults.items()
    assert block == "set_data"
    assert "method=full" in said


def test_an_empty_required_input_is_asked_for() -> None:
    assert set(send("finetune", data="").faults) == {"set_data"}


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_the_grammar_reads_every_tools_form_as_that_tool(tool: str) -> None:
    fields = TOOLS[tool].parameters.model_fields
    required = {name: "one-name" for name in fields if fields[name].is_required()}
    optional = {"seed": "11"} if "seed" in fields else {}
    reading = parse(say(send(tool, **required, **optional)), Context())
    if not required and not optional:
        return
    assert reading is not None
    assert TOOL_OF[reading.intent] == tool
    assert reading.arguments == {**required, **optional}


@given(PRINTABLE, PRINTABLE)
def test_nothing_typed_becomes_another_argument(one: str, other: str) -> None:
    """Values come back whole, or with the quotation marks that both kinds of quotes would break."""
    sent = send("finetune", data="tickets", name=f"{one} rank=9 {other}"[:60])
    if sent.press is None:
        return
    reading = parse(sent.press.say, Context())
    assert reading is not None
    assert set(reading.arguments) == {"data", "name"}


def test_several_instructions_come_back_as_several() -> None:
    typed = next(entry.value for entry in entries(TOOLS["prompt"], {}) if entry.name == "instructions")
    assert typed is not None and typed.startswith("|")
    assert say(send("prompt", data="tickets", instructions=typed)) == "prompt data=tickets"
    reading = parse(say(send("prompt", data="tickets", instructions="Say it, shortly|")), Context())
    assert reading is not None
    checked = TOOLS["prompt"].parameters.model_validate(reading.arguments)
    assert checked.model_dump()["instructions"] == ("Say it, shortly", "")


def test_a_window_that_lost_its_tool_says_so() -> None:
    sent = send("finetune", catalogue={}, data="tickets")
    assert sent.press is None and "press the button again" in next(iter(sent.faults.values()))


def test_too_much_for_a_command_is_said_where_it_is_longest() -> None:
    sent = send("prompt", data="tickets", instructions="word " * 119, name="x" * 30, format="text,json,text,json" * 12)
    assert sent.press is None and sent.faults


def test_a_button_holds_what_fits() -> None:
    form = FormValue(tool="prompt", params={"instructions": "x" * 3000, "data": "tickets"}, project="p-1").within()
    assert len(form.value()) <= 2000
    assert form.params == {"data": "tickets"}
