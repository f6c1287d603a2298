"""The conversation: proposals and their confirmation, choices, side questions, approvals, memory, rubbish."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from agent.graph.conversation import WINDOW, Conversation, Turn
from agent.lifecycle.events import Advance, Approve, SetRules, StartJob
from agent.lifecycle.gates import gate
from agent.lifecycle.project import JobPhase, Project
from agent.lifecycle.stages import Stage
from tests.agent.graph.conftest import Say, speaker
from tests.agent.graph.desk import MemoryDesk
from tests.agent.graph.utterances import APPROVING, FRESH, LAST, UTTERANCES
from tests.walk import Walk


def project(desk: MemoryDesk) -> Project:
    return next(iter(desk.held.values()))


# --- proposals ---------------------------------------------------------------------------------------------------


def test_a_request_is_shown_with_everything_it_will_do_and_waits(desk: MemoryDesk, say: Say) -> None:
    reply = say("please fine-tune tiny on tickets for 2 epochs with rank 16")
    assert (reply.kind, reply.proposal, desk.submitted) == ("proposal", 1, [])
    tickets, tiny = project(desk).datasets["tickets"], project(desk).candidates["tiny"]
    for shown in ("Fine-tune", tickets.digest[:19], tiny.digest[:19], "epochs=2", "rank=16", "Expected:", "GB", "1. "):
        assert shown in reply.text


def test_yes_starts_exactly_what_was_shown(desk: MemoryDesk, say: Say) -> None:
    say("finetune data=tickets rank=16")
    reply = say("yes")
    assert reply.kind == "done"
    [(actor, body)] = desk.submitted
    assert isinstance(body, StartJob)
    assert (actor, body.tool, body.params["rank"], body.params["model"]) == ("ana", "finetune", 16, "tiny")
    job = project(desk).jobs[str(reply.data["job"])]
    assert (job.tool, job.phase, job.requested_by) == ("finetune", JobPhase.ACTIVE, "ana")


@pytest.mark.parametrize("word", ["yes", "y", "OK", "confirm", "confirm 1", "是", "好", "确认", "确认 1"])
def test_words_that_confirm(desk: MemoryDesk, say: Say, word: str) -> None:
    say("rules approvers=2")
    assert say(word).kind == "done"
    assert project(desk).rules.approvers == 2


@pytest.mark.parametrize("word", ["no", "No thanks", "never mind", "不要", "算了"])
def test_words_that_decline(desk: MemoryDesk, say: Say, word: str) -> None:
    say("rules approvers=2")
    assert say(word).proposal is None
    assert say("yes").kind == "refused"
    assert desk.submitted == []


@pytest.mark.parametrize(
    "word", ["yes but only later", "yesterday", "confirm 2", "maybe", "approve 1", "sure, why not"]
)
def test_words_that_confirm_nothing(desk: MemoryDesk, say: Say, word: str) -> None:
    say("rules approvers=2")
    say(word)
    assert not any(isinstance(body, SetRules) for _, body in desk.submitted)


def test_a_side_question_leaves_the_proposal_in_place(desk: MemoryDesk, say: Say) -> None:
    say("rules approvers=2")
    asked = say("what is LoRA?")
    assert (asked.proposal, asked.citations[0].source) == (1, "lora.md")
    assert "still waits" in asked.text
    say("where are we?")
    assert say("yes").kind == "done"
    assert project(desk).rules.approvers == 2


def test_a_second_request_replaces_the_first(desk: MemoryDesk, say: Say) -> None:
    say("rules approvers=2")
    reply = say("rules hours=24")
    assert (reply.proposal, "Proposal 1" in reply.text) == (2, True)
    assert say("confirm 1").kind == "refused"
    say("yes")
    assert (project(desk).rules.approvers, project(desk).rules.hours) == (1, 24)


def test_somebody_elses_yes_needs_the_number(desk: MemoryDesk, conversation: Conversation) -> None:
    ana, bob = speaker(conversation), speaker(conversation, "bob")
    ana("role bob owner")
    ana("yes")
    ana("rules approvers=3")
    assert bob("yes").kind == "refused"
    assert project(desk).rules.approvers == 1
    assert bob("confirm 2").kind == "done"
    assert desk.submitted[-1][0] == "bob"


def test_done_is_done_once(desk: MemoryDesk, say: Say) -> None:
    say("rules approvers=2")
    say("yes")
    assert say("yes").kind == "refused"
    assert len(desk.submitted) == 1


# --- refusals ----------------------------------------------------------------------------------------------------


def test_who_may_not_is_told_who_could_before_anything_waits(desk: MemoryDesk, conversation: Conversation) -> None:
    reply = speaker(conversation, "bob")("finetune data=tickets")
    assert (reply.kind, reply.proposal, desk.submitted) == ("refused", None, [])
    assert "viewer" in reply.text
    assert "ana" in reply.text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("finetune data=tickets rank=-3", "rank"),
        ("finetune data=tickets rnk=3", "rnk"),
        ("finetune data=nothing", "tickets"),
        ("evaluate model=ghost data=tickets", "tiny"),
        ("prompt data=tickets shots=many", "shots"),
        ("cancel 999", "999"),
        ("serve port=99999999", "port"),
        ("go back to assess because we are there", "Assess"),
        ("go back to scope", "because"),
        ("skip everything because", "align"),
        ("waive latency because of the pilot", "missing"),
        ("role bob emperor", "approver"),
        ("role ../x owner", ""),
        ("charter target=7000", "target"),
        ("charter colour=red", "colour"),
        ("charter test_set=ghost", "tickets"),
        ("charter from /nowhere/charter.json", "/nowhere/charter.json"),
        ("create project tickets-desk/../x", ""),
        ("choose model ghost because it is there", "ghost"),
        ("use ghost", "ghost"),
        ("add documents /nowhere", ""),
        ("approve 99", "waiting"),
        ("reject 99", "because"),
        ("7", "nothing to choose"),
        ("yes", "Nothing waits"),
    ],
)
def test_what_can_be_mended_is_said_in_a_sentence(desk: MemoryDesk, say: Say, line: str, says: str) -> None:
    reply = say(line)
    assert reply.kind != "error"
    assert says in reply.text
    assert "Traceback" not in reply.text
    assert len(reply.text) < 700


def test_what_the_owner_refuses_on_confirmation_is_said(desk: MemoryDesk, say: Say) -> None:
    say("add documents /nowhere/at/all")
    reply = say("yes")
    assert (reply.kind, "/nowhere/at/all" in reply.text) == ("refused", True)


def test_a_closed_gate_is_no_proposal(desk: MemoryDesk, say: Say) -> None:
    reply = say("advance")
    assert (reply.kind, reply.proposal) == ("refused", None)
    assert "gate" in reply.text


def test_the_unexpected_is_a_short_sentence_with_a_reference(desk: MemoryDesk, say: Say) -> None:
    say("status")
    desk.broken = True
    reply = say("status")
    assert reply.kind == "error"
    assert str(reply.data["reference"]) in reply.text
    assert "/secret/path" not in reply.text
    desk.broken = False
    assert say("status").kind == "answer"


# --- choices -----------------------------------------------------------------------------------------------------


def test_an_unclear_sentence_becomes_choices_and_a_number_picks(desk: MemoryDesk, say: Say) -> None:
    reply = say("turn it into an 8 bit model")
    assert (reply.kind, desk.submitted) == ("choices", [])
    assert 2 <= len(reply.choices) <= 3
    picked = say("2")
    assert picked.kind != "choices"
    assert say("2").kind == "refused"  # chosen once


def test_a_number_out_of_range_keeps_the_choices(say: Say) -> None:
    assert say("turn it into an 8 bit model").kind == "choices"
    assert say("9").kind == "choices"
    assert say("1").kind != "choices"


def test_choices_are_forgotten_when_something_else_is_said(say: Say) -> None:
    say("turn it into an 8 bit model")
    say("jobs")
    assert say("1").kind == "refused"


def test_a_recommendation_is_proposed_by_its_number(desk: MemoryDesk, say: Say) -> None:
    reply = say("what should we do next, and why?")
    assert [choice.number for choice in reply.choices][:2] == [1, 2]
    assert say("2").kind == "proposal"
    assert desk.submitted == []


def test_a_recommendation_to_approve_is_left_to_be_typed(waiting: MemoryDesk) -> None:
    say = speaker(Conversation(waiting, InMemorySaver()))
    say("next")
    assert "approve" in say("1").text
    assert waiting.submitted == []


# --- approvals ---------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting() -> MemoryDesk:
    """A project whose scope waits for an approval."""
    walk = Walk().to(Stage.SCOPE, work=True)
    walk.ok(Advance())
    return MemoryDesk.holding(walk.project)


@pytest.mark.parametrize("text", APPROVING)
def test_free_text_never_approves(waiting: MemoryDesk, text: str) -> None:
    approval = project(waiting).approval
    assert approval is not None
    reply = speaker(Conversation(waiting, InMemorySaver()))(text.replace("31", str(approval.number)))
    assert project(waiting).approval == approval
    assert not any(isinstance(body, Approve) for _, body in waiting.submitted)
    assert reply.kind != "error"


def test_the_exact_command_approves_at_once(waiting: MemoryDesk) -> None:
    approval = project(waiting).approval
    assert approval is not None
    reply = speaker(Conversation(waiting, InMemorySaver()))(f"approve {approval.number}")
    assert reply.kind == "done"
    assert project(waiting).stage is Stage.SELECT


def test_the_exact_command_rejects_with_its_reason(waiting: MemoryDesk) -> None:
    approval = project(waiting).approval
    assert approval is not None
    reply = speaker(Conversation(waiting, InMemorySaver()))(f"reject {approval.number} because the risks are vague")
    assert (reply.kind, project(waiting).approval) == ("done", None)
    assert project(waiting).decided[-1].reason == "the risks are vague"


def test_words_of_approval_are_answered_with_the_command(waiting: MemoryDesk) -> None:
    approval = project(waiting).approval
    assert approval is not None
    assert f"approve {approval.number}" in speaker(Conversation(waiting, InMemorySaver()))("I approve this").text


def test_a_side_question_and_a_proposal_leave_the_approval_alone(waiting: MemoryDesk) -> None:
    say, approval = speaker(Conversation(waiting, InMemorySaver())), project(waiting).approval
    for line in ("what is LoRA?", "gate", "rules hours=48", "no", "no thanks, don't launch"):
        say(line)
    assert project(waiting).approval == approval


def test_no_sentence_has_an_effect_before_a_yes(desk: MemoryDesk, conversation: Conversation) -> None:
    for number, (text, _, _) in enumerate((*UTTERANCES, *FRESH, *LAST)):
        assert speaker(conversation, thread=str(number))(text).kind != "error"
    assert desk.submitted == []


# --- projects and charters ---------------------------------------------------------------------------------------


def test_without_a_project_one_is_asked_for(say_new: Say) -> None:
    for line in ("status", "evaluate", "what next?", "charter"):
        assert "create project" in say_new(line).text


def test_a_new_project_begins_with_its_charter(empty: MemoryDesk) -> None:
    say = speaker(Conversation(empty, InMemorySaver()))
    say("create project desk")
    assert "description" in say("yes").text
    answers = (
        "answers support tickets", "it's an extraction task, like NER", "our agents", "exact match", "90 %",
        "half a second, so 500 ms", "1 GB", "nothing", "wrong answers",
    )  # fmt: skip
    for line in answers[:-1]:
        assert say(line).kind == "question"
    assert say("what is LoRA?").kind == "answer"  # a question in between is answered
    proposed = say(answers[-1])
    assert proposed.kind == "proposal"
    say("yes")
    charter = project(empty).charter
    assert (charter.task, charter.metric, charter.target) == ("extraction", "exact_match", 0.9)
    assert (charter.latency_ms, charter.memory_mb, charter.users) == (500, 1000, "our agents")


def test_a_field_that_does_not_fit_is_asked_again(empty: MemoryDesk) -> None:
    say = speaker(Conversation(empty, InMemorySaver()))
    for line in ("create project desk", "yes", "answers tickets"):
        say(line)
    assert "task" in say("hmm hmm").text
    assert say("task=classification metric=accuracy users=everybody").kind == "question"
    assert say("later").kind == "answer"
    assert say("status").kind == "answer"


def test_a_declined_charter_can_be_taken_up_again(empty: MemoryDesk) -> None:
    say = speaker(Conversation(empty, InMemorySaver()))
    for line in ("create project desk", "yes"):
        say(line)
    fields = (
        'description="a b" task=dialogue users=us metric=accuracy target=0.9 latency_ms=5 memory_mb=5 cost=0 risks=no'
    )
    assert say(fields).kind == "proposal"
    say("no")
    assert say("charter").kind == "proposal"


def test_a_charter_comes_from_a_file(desk: MemoryDesk, say: Say, tmp_path: Path) -> None:
    file = tmp_path / "charter.json"
    file.write_text('{"latency_ms": 250, "cost": "nothing at all"}', encoding="utf-8")
    desk.held["p1"] = Walk().to(Stage.SCOPE, work=True).project
    say(f"charter from {file}")
    assert say("yes").kind == "done"
    assert project(desk).charter.latency_ms == 250
    file.write_text("{", encoding="utf-8")
    assert "not JSON" in say(f"charter from {file}").text


def test_an_existing_model_is_added_and_chosen_in_one_step(desk: MemoryDesk, say: Say) -> None:
    say("choose model minilm because it is small")
    say("yes")
    assert project(desk).current == "minilm"
    assert [body.kind for _, body in desk.submitted] == ["add_candidate", "choose_model"]


def test_documents_are_taken_after_a_yes(desk: MemoryDesk, say: Say, tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text("# FAQ", encoding="utf-8")
    say(f"add documents {tmp_path}")
    assert "faq.md" not in project(desk).documents
    say("yes")
    assert "faq.md" in project(desk).documents


def test_the_project_a_turn_names_is_the_one_it_is_about(desk: MemoryDesk, conversation: Conversation) -> None:
    desk.held["p2"] = project(desk).model_copy(update={"id": "p2", "name": "other"})
    say = speaker(conversation)
    assert "use NAME" in say("status").text
    assert say("status", project="other").project == "p2"
    assert say("status").project == "p2"
    assert say("status", project="ghost").kind == "refused"


def test_a_card_of_a_strangers_project_is_refused_without_its_id(say: Say) -> None:
    refused = say("approve 3", project="p-0123456789")
    assert refused.kind == "refused"
    assert "has no role in" in refused.text and "p-0123456789" not in refused.text


def test_in_slack_a_role_is_given_to_who_is_mentioned(desk: MemoryDesk, conversation: Conversation) -> None:
    slack = speaker(conversation, thread="slack:T1:C1:17.1")
    assert "pick the person" in slack("role grace approver").text
    assert "pick the person" not in slack(f"role {next(iter(project(desk).members))} owner").text  # a member already
    assert slack("role U0000GRACE approver").kind == "proposal"
    assert speaker(conversation)("role grace approver").kind == "proposal"  # in a terminal any name is one


def test_a_number_that_does_not_wait_is_named(say: Say) -> None:
    assert say("confirm 99").text == "Proposal 99 does not wait any more."


def test_waiting_names_the_job(desk: MemoryDesk, say: Say) -> None:
    assert "No job" in say("wait").text
    say("finetune data=tickets")
    job = say("yes").data["job"]
    assert say("wait").kind == "wait"
    assert say(f"wait {job}").data["job"] == job


def test_every_question_about_the_state_is_answered(desk: MemoryDesk, say: Say) -> None:
    for line in (
        "gate",
        "evidence",
        "jobs",
        "approvals",
        "history",
        "audit",
        "models",
        "data",
        "compare",
        "best",
        "next",
    ):
        reply = say(line)
        assert reply.kind == "answer"
        assert reply.place.startswith(project(desk).name)
    assert "lacks" in say("what should we do next, and why?").text or gate(project(desk)).missing


# --- memory ------------------------------------------------------------------------------------------------------


def test_the_window_is_bounded(desk: MemoryDesk) -> None:
    kept = InMemorySaver()
    say = speaker(Conversation(desk, kept))
    for number in range(WINDOW):
        say(f"what is LoRA, question {number}?")
    newest = next(iter(kept.list(None, limit=1)))
    assert len(newest.checkpoint["channel_values"]["window"]) == WINDOW


def test_threads_know_nothing_of_each_other(desk: MemoryDesk, conversation: Conversation) -> None:
    one, two = speaker(conversation, thread="one"), speaker(conversation, thread="two")
    one("rules approvers=2")
    assert two("yes").kind == "refused"
    assert one("yes").kind == "done"


def test_turns_of_one_thread_wait_for_each_other(desk: MemoryDesk, conversation: Conversation) -> None:
    say = speaker(conversation)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(say, [f"rules hours={n}" for n in range(1, 9)]))
    assert sorted(reply.proposal or 0 for reply in replies) == list(range(1, 9))


def saver(path: Path) -> SqliteSaver:
    made = SqliteSaver(sqlite3.connect(path, check_same_thread=False), serde=JsonPlusSerializer(pickle_fallback=False))
    made.setup()
    return made


def test_a_proposal_survives_the_process(desk: MemoryDesk, tmp_path: Path) -> None:
    speaker(Conversation(desk, saver(tmp_path / "c.db")))("rules approvers=2")
    again = speaker(Conversation(desk, saver(tmp_path / "c.db")))
    assert again("what is LoRA?").proposal == 1
    assert again("yes").kind == "done"
    assert project(desk).rules.approvers == 2


def test_old_checkpoints_are_let_go_after_each_turn(desk: MemoryDesk, tmp_path: Path) -> None:
    kept, asked = saver(tmp_path / "c.db"), []

    def prune(thread: str) -> None:
        asked.append(thread)
        newest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
        for table in ("checkpoints", "writes"):
            kept.conn.execute(f"DELETE FROM {table} WHERE checkpoint_id < {newest}", (thread,))  # noqa: S608

    say = speaker(Conversation(desk, kept, prune=prune))
    for line in ("rules approvers=2", "what is LoRA?", "yes"):
        assert say(line).kind in ("proposal", "answer", "done")
    assert asked == ["conversation:t"] * 3
    assert kept.conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)


class CutOff(BaseException):
    """The process dies."""


@contextmanager
def dying_after_a_submission(desk: MemoryDesk) -> Iterator[None]:
    """What is submitted is done, and then the process is gone before it hears of it."""
    submit = desk.submit

    def dies(*given: Any, **named: Any) -> None:
        submit(*given, **named)
        raise CutOff

    desk.submit = dies  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        desk.submit = submit  # type: ignore[method-assign]


def test_what_was_cut_off_is_not_done_twice(desk: MemoryDesk, tmp_path: Path) -> None:
    say = speaker(Conversation(desk, saver(tmp_path / "c.db")))
    say("rules approvers=2")
    with dying_after_a_submission(desk), pytest.raises(CutOff):
        say("yes")
    again = speaker(Conversation(desk, saver(tmp_path / "c.db")))
    reply = again("yes")
    assert (reply.kind, len(desk.submitted)) == ("refused", 1)
    assert "cut off" in reply.text


def test_a_turn_said_again_is_the_same_turn(desk: MemoryDesk, tmp_path: Path) -> None:
    say = speaker(Conversation(desk, saver(tmp_path / "c.db")))
    say("rules approvers=2", id="d1")
    first = say("yes", id="d2")
    assert first.kind == "done"
    again = speaker(Conversation(desk, saver(tmp_path / "c.db")))
    assert again("yes", id="d2") == first
    assert len(desk.submitted) == 1
    assert again("yes", id="d3").kind == "refused"


def test_a_turn_that_was_cut_off_goes_on_where_it_was(desk: MemoryDesk, tmp_path: Path) -> None:
    say = speaker(Conversation(desk, saver(tmp_path / "c.db")))
    say("rules approvers=2", id="d1")
    with dying_after_a_submission(desk), pytest.raises(CutOff):
        say("yes", id="d2")
    reply = speaker(Conversation(desk, saver(tmp_path / "c.db")))("yes", id="d2")
    assert (reply.kind, len(desk.submitted)) == ("done", 1)
    assert project(desk).rules.approvers == 2


# --- places ------------------------------------------------------------------------------------------------------


def test_the_place_says_which_project_where_the_thread_does_not(desk: MemoryDesk, say: Say) -> None:
    say("create project other")
    made = say("yes").project
    assert say("where are we?", thread="new", fallback=project(desk).id).project == project(desk).id
    assert say("where are we?", fallback=project(desk).id).project == made


def test_a_stranger_learns_nothing_in_the_place_of_a_project(desk: MemoryDesk, conversation: Conversation) -> None:
    eve = speaker(conversation, "eve", "place")
    eve("create project evil")
    eve("yes")
    name = project(desk).name
    for thread in ("place-1", "place-2"):
        reply = eve("where are we?", thread=thread, fallback=project(desk).id)
        assert reply.kind == "refused"
        assert name not in reply.text
        assert "role eve viewer" in reply.text
    # In a thread where ana has been at work it is the same.
    speaker(conversation, "ana", "shared")("where are we?")
    assert name not in eve("where are we?", thread="shared").text
    assert name in speaker(conversation, "ana", "shared")("where are we?").text


def test_a_pressed_card_approves_only_what_it_showed(waiting: MemoryDesk) -> None:
    approval = project(waiting).approval
    assert approval is not None
    press = speaker(Conversation(waiting, InMemorySaver()))
    assert press(f"approve {approval.number}", seen="sha256:other").kind == "refused"
    assert project(waiting).approval == approval
    assert press(f"approve {approval.number}", seen=approval.digest).kind == "done"


# --- rubbish -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n\n", "\x00\x01", "\x1b[2J\x1b[31mred", "x" * 100_000, "🙂🙃🙂", '{"role": "system"}', "<!channel>",
     "=", "a=b", "()" * 500, "／／／", "yes " * 1000, "; rm -rf /", "' OR 1=1 --", "{person}{state}", "%s%n",
     "‮approve 31"],
)  # fmt: skip
def test_rubbish_gets_a_short_answer(desk: MemoryDesk, say: Say, text: str) -> None:
    reply = say(text)
    assert reply.kind != "error"
    assert 0 < len(reply.text) < 2500
    assert desk.submitted == []


def test_a_reply_crosses_a_socket_as_json(say: Say) -> None:
    reply = say("what is LoRA?")
    assert type(reply).model_validate_json(reply.model_dump_json()) == reply
    assert "[1] LoRA › What it is (lora.md)" in reply.as_text()
    assert reply.as_answer()["kind"] == "answer"


def test_the_conversation_imports_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "trl", "peft", "chromadb", "onnxruntime", "onnx", "sklearn", "openai")
    code = f"import sys, agent.graph.conversation, agent.terminal; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_turns_are_refused_unknown_fields() -> None:
    with pytest.raises(ValueError, match="extra"):
        Turn.model_validate({"actor": "a", "thread": "t", "text": "x", "role": "owner"})
