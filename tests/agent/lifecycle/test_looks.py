"""How often a project looked at a test set, counted from its evidence."""

from walk import TICKETS, TINY, TUNED, Walk

from agent.lifecycle.gates import gate
from agent.lifecycle.looks import MANY, looks, said, warned
from agent.lifecycle.recommendations import recommend
from agent.lifecycle.stages import Stage
from agent.status.where import gate_card
from tools.contract import Metric, Result


def looked(times: int) -> Walk:
    walk = Walk().to(Stage.ASSESS)  # its baseline was one look
    for _ in range(times - 1):
        walk.measure(TINY, TICKETS, 0.5, 0.45)
    return walk


def test_each_evaluation_on_the_test_split_is_a_look_and_one_on_dev_is_none() -> None:
    walk = looked(3)
    walk.job("evaluate", Result(summary="dev", split="dev"), model="tiny", data="tickets", split="dev")
    assert len(looks(walk.project)) == 3
    assert said(walk.project).startswith("The test set of tickets was looked at 3 times, last by j")


def test_the_winner_of_a_trial_of_prompts_spends_a_look() -> None:
    walk = looked(1)
    found = Result(summary="p", split="dev", metrics=(Metric(name="exact_match_test", value=0.2, split="test"),))
    walk.job("prompt", found, model="tiny", data="tickets")
    assert len(looks(walk.project)) == 2


def test_the_same_split_under_another_name_is_the_same_test_set() -> None:
    walk = looked(2)
    copy = TICKETS.model_copy(update={"name": "tickets-again", "digest": "sha256:again"})
    walk.register(copy)
    walk.measure(TINY, copy, 0.5, 0.45)
    assert len(looks(walk.project)) == 3


def test_the_gate_shows_the_count_and_warns_from_ten_on() -> None:
    few, many = looked(MANY - 1).project, looked(MANY).project
    assert "looked at 9 times" in gate_card(few)
    assert warned(few) == ""
    assert "looks" not in gate(few).requirements[0].found
    assert "After 10 looks" in gate_card(many)
    assert "after 10 looks at the test set" in gate(many).requirements[0].found


def test_after_many_looks_the_development_split_is_asked_first() -> None:
    walk = looked(MANY)
    walk.job("finetune", Result(summary="t", candidate=TUNED), model="tiny", data="tickets", name="tuned")
    first, second = recommend(walk.project)
    assert (first.params["split"], second.params["split"]) == ("dev", "test")
    assert "looked at 10 times" in first.reason
    dev = Result(summary="dev", split="dev")
    walk.job("evaluate", dev, model="tuned", data="tickets", split="dev")
    assert recommend(walk.project)[0].params["split"] == "test"
