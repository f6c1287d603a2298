"""What a sentence wants of a status answer, in English and Chinese."""

from datetime import UTC, datetime

import pytest

from agent.errors import Mendable
from agent.graph.intents import Context, Intent, call_of
from agent.graph.reading import Query
from agent.graph.understand import understand
from agent.status import StatusQuery
from tests.agent.graph.conftest import Say

HERE = Context(projects=("desk",), project="desk", models=("tiny", "tuned"), jobs=("j3", "j7"))


@pytest.mark.parametrize(
    ("text", "intent", "arguments"),
    [
        ("which jobs failed this week?", Intent.JOBS, {"state": "failed", "since": "this week"}),
        ("昨天跑了哪些任务", Intent.JOBS, {"since": "yesterday"}),
        ("哪些任务失败了", Intent.JOBS, {"state": "failed"}),
        ("最近三天的任务", Intent.JOBS, {"since": "3 days"}),
        ("jobs of the last 3 days", Intent.JOBS, {"since": "3 days"}),
        ("正在跑哪些任务", Intent.JOBS, {"state": "running"}),
        ("show failed jobs", Intent.JOBS, {"state": "failed"}),
        ("how much did we spend last week?", Intent.SPENT, {"since": "last week"}),
        ("what is the best score in the second round?", Intent.BEST, {"round": 2}),
        ("第二轮的最好成绩是多少", Intent.BEST, {"round": 2}),
        ("what is the best score?", Intent.BEST, {}),
        ("compare round 1 and round 2", Intent.COMPARE, {}),
        ("第一轮和第三轮比一比", Intent.COMPARE, {}),
        ("what did the most recent evaluation give", Intent.EVIDENCE, {"query": "latest"}),
        ("最近一次测出来多少分", Intent.EVIDENCE, {"query": "latest"}),
        ("history of the decision on the model", Intent.DECISIONS, {"about": "select"}),
        ("compare tuned and tiny", Intent.COMPARE, {"models": ["tiny", "tuned"]}),
        ("is int8 good enough?", Intent.COMPARE, {"models": ["int8"]}),
        ("量化后的模型会变差吗？", Intent.COMPARE, {"models": ["int8"]}),
        ("what is the latency of the endpoint?", Intent.EVIDENCE, {"metric": "latency"}),
        ("端点的延迟是多少？", Intent.EVIDENCE, {"metric": "latency"}),
        ("how fast does tuned answer?", Intent.EVIDENCE, {"models": ["tuned"], "metric": "latency"}),
        ("how many times have we looked at the test set?", Intent.DATA, {}),
        ("测试集看过几次？", Intent.DATA, {}),
        ("who approved the deploy gate?", Intent.APPROVALS, {}),
        ("谁批准了部署关卡？", Intent.APPROVALS, {}),
    ],
)
def test_states_periods_and_rounds_are_found(text: str, intent: Intent, arguments: dict[str, object]) -> None:
    found = understand(text, HERE)
    assert (found.intent, found.arguments) == (intent, arguments)


def test_the_history_of_one_thing_is_the_history_of_its_decisions() -> None:
    found = understand("how did we come to choose tuned?", HERE)
    call = call_of(found.intent, found.arguments)
    assert call == ("show_status", {"query": "decisions", "about": "tuned"})


def test_a_status_answer_names_its_time_and_its_event(say: Say) -> None:
    reply = say("which jobs failed this week?")
    assert "No job is like that (failed, " in reply.text
    answer = reply.as_answer()
    assert answer["as_of"] == reply.data["as_of"]
    assert isinstance(answer["event"], int) and f"event {answer['event']}" in reply.text


def test_a_time_nobody_can_read_is_said() -> None:
    with pytest.raises(Mendable, match="soonish; say today"):
        Query(query=StatusQuery.JOBS, since="soonish").narrowed(datetime(2026, 3, 4, tzinfo=UTC))


@pytest.mark.parametrize("text", ["what happened to job j7", "why did j7 die?", "and j7, did it crash?"])
def test_a_job_that_is_named_is_shown_whatever_is_asked_of_it(text: str) -> None:
    found = understand(text, HERE)
    call = call_of(found.intent, found.arguments)
    assert call is not None and call[0] == "show_job" and call[1]["job"] == "j7"
