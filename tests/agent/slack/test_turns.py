import json
import threading

import pytest
from slack_parts import Scripted, Until, delivery, new_store, place, plainly

from agent.errors import Mendable
from agent.graph.replies import Audience, Reply
from agent.slack.model import Attachment
from agent.slack.turns import MOST_TRIES, Turns


@pytest.fixture
def store(tmp_path):
    return new_store(tmp_path)


@pytest.fixture
def until(store):
    until = Until()
    store.on_wanted(until.ring)
    return until


@pytest.fixture
def running(store):
    """Starts turns with an assistant; they end with the test."""
    made = []

    def start(assistant, **more):
        turns = Turns(store, assistant, more.pop("render", plainly), **more)
        turns.start()
        made.append(turns)
        return turns

    yield start
    for turns in made:
        turns.close(timeout=1)


def answered(store, until, count: int) -> dict[str, str]:
    """The answers' texts by key, once there are so many."""
    assert until.holds(lambda: len(store.outbox.pending()) >= count)
    rows = [store.outbox.get(item.key) for item in store.outbox.pending()]
    return {row.key: json.loads(row.body)["body"]["text"] for row in rows}


def test_an_answer_goes_into_the_outbox_and_the_delivery_is_done(store, until, running):
    assistant = Scripted()
    store.accept([delivery(1)])
    running(assistant)
    assert answered(store, until, 1) == {"reply:Ev1:0": "You said status."}
    assert store.waiting() == ()
    (asked,) = assistant.asked
    assert asked["turn"] == "Ev1" and asked["actor"] == "U000000ADA" and asked["thread"] == delivery(1).thread
    assert asked["fallback"] is None and asked["project"] is None and not asked["stop"].is_set()


def test_the_assistant_knows_who_hears_its_answer(store, until, running):
    direct = place("D000000ADA")
    store.accept(
        [
            delivery(1, text="in the channel"),
            delivery(2, "18.1", text="alone", place=direct),
            delivery(3, "19.1", text="command", way="command", message=None),
        ]
    )
    assistant = Scripted()
    running(assistant)
    answered(store, until, 3)
    heard = {asked["text"]: asked["audience"] for asked in assistant.asked}
    assert heard == {
        "in the channel": Audience(channel="C00GENERAL"),
        "alone": Audience(channel="D000000ADA", direct=True),
        "command": None,
    }


def test_a_conversation_keeps_its_order_while_others_go_on(store, until, running):
    held, order = threading.Event(), []

    def answer(text, **_):
        if text == "slow":
            held.wait(20)
        order.append(text)
        return text

    slow, behind, beside = delivery(1, text="slow"), delivery(2, text="behind"), delivery(3, "17.2", text="beside")
    store.accept([slow, behind, beside])
    running(Scripted(answer))
    assert set(answered(store, until, 1)) == {"reply:Ev3:0"}
    held.set()
    assert len(answered(store, until, 3)) == 3
    assert order == ["beside", "slow", "behind"]


def test_presses_pass_slow_turns(store, until, running):
    held = threading.Event()
    slow = [delivery(n, f"17.{n}", text="slow") for n in range(20)]
    press = delivery(99, "18.1", text="approve 31", way="button", message=None, seen="sha256:1", project="p-1")
    assistant = Scripted(lambda text, **_: (held.wait(20), text)[1] if text == "slow" else text)
    store.accept([*slow, press])
    running(assistant, workers=16, reserved=2)
    assert answered(store, until, 1) == {"reply:Ev99:0": "approve 31"}
    asked = next(a for a in assistant.asked if a["text"] == "approve 31")
    assert asked["seen"] == "sha256:1" and asked["project"] == "p-1"
    held.set()
    assert len(answered(store, until, 21)) == 21


def test_a_fault_is_a_sentence_with_an_id_and_the_conversation_goes_on(store, until, running, caplog):
    def answer(text, **_):
        if text == "break":
            raise RuntimeError("secret detail")
        return text

    store.accept([delivery(1, text="break"), delivery(2, text="next")])
    running(Scripted(answer))
    answers = answered(store, until, 2)
    assert answers["reply:Ev2:0"] == "next"
    said = answers["reply:Ev1:0"]
    assert "secret" not in said and "E-" in said
    assert said.rpartition(" ")[2].rstrip(".") in caplog.text


def test_an_error_for_people_is_their_answer(store, until, running):
    def answer(text, **_):
        raise Mendable("Speak under a name of your own.")

    store.accept([delivery(1)])
    running(Scripted(answer))
    assert answered(store, until, 1) == {"reply:Ev1:0": "Speak under a name of your own."}


def test_an_answer_that_cannot_be_drawn_is_still_an_answer(store, until, running):
    def render(_delivery, _reply):
        raise KeyError("block")

    store.accept([delivery(1), delivery(2)])
    running(Scripted(), render=render)
    answers = answered(store, until, 2)
    assert all("E-" in said for said in answers.values())


def test_waiting_deliveries_are_taken_after_a_start_and_given_up_when_they_end_every_process(store, until, running):
    store.accept([delivery(1), delivery(2)])
    seq = store.waiting()[0].seq
    for _ in range(MOST_TRIES):
        store.taken(seq)
    assistant = Scripted()
    running(assistant)
    answers = answered(store, until, 2)
    assert "E-" in answers["reply:Ev1:0"] and answers["reply:Ev2:0"] == "You said status."
    assert [a["turn"] for a in assistant.asked] == ["Ev2"]


def test_a_command_binds_its_channel_and_the_binding_is_the_fallback(store, until, running):
    def answer(text, **_):
        return Reply(text=text, data={"bound": "p-1"})

    assistant = Scripted(answer)
    command = delivery(1, place=place(), way="command", message=None, text="use desk", thread="slack:T:C:/:U")
    turns = running(assistant)
    store.accept([command])
    turns.wake()
    answered(store, until, 1)
    store.accept([delivery(2, "17.9", text="use other"), delivery(3, place=place("C00SUPPORT", "17.1"))])
    turns.wake()
    answered(store, until, 3)
    fallbacks = {a["turn"]: a["fallback"] for a in assistant.asked}
    assert fallbacks == {"Ev1": None, "Ev2": "p-1", "Ev3": None}
    assert store.bindings() == {"slack:T000LOCAL:C00GENERAL": "p-1"}


def test_files_become_words_before_the_turn(store, until, running):
    file = Attachment(id="F1", name="rows.jsonl", size=12, url="https://x.invalid/rows.jsonl")

    def attach(delivery):
        if delivery.files[0].size > 100:
            raise Mendable("rows.jsonl is too big.")
        return delivery.model_copy(update={"text": "register data /home/rows.jsonl as rows"})

    assistant = Scripted()
    big = file.model_copy(update={"size": 1000})
    store.accept([delivery(1, files=(file,)), delivery(2, files=(big,))])
    running(assistant, attach=attach)
    answers = answered(store, until, 2)
    assert answers["reply:Ev2:0"] == "rows.jsonl is too big."
    assert [a["text"] for a in assistant.asked] == ["register data /home/rows.jsonl as rows"]


# --- stopping ----------------------------------------------------------------------------------------------------


def test_a_turn_that_listens_is_stopped_and_its_own_answer_counts(store, until, running):
    begun = threading.Event()

    def answer(text, stop, **_):
        begun.set()
        assert stop.wait(20)
        return "So far."

    store.accept([delivery(1)])
    turns = running(Scripted(answer))
    assert begun.wait(20)
    assert turns.stop(delivery(1).thread)
    assert answered(store, until, 1) == {"reply:Ev1:0": "So far."}
    assert not turns.stop(delivery(1).thread)


def test_a_turn_that_does_not_listen_is_left_behind(store, until, running):
    begun, held, ended = threading.Event(), threading.Event(), threading.Event()

    def answer(text, **_):
        if text != "deaf":
            return text
        begun.set()
        held.wait(20)
        ended.set()
        return "too late"

    store.accept([delivery(1, text="deaf"), delivery(2, text="next")])
    turns = running(Scripted(answer), workers=1, reserved=0, patience=0.1)
    assert begun.wait(20)
    assert turns.stop(delivery(1).thread)
    answers = answered(store, until, 2)
    assert answers == {"reply:Ev1:0": "Stopped.", "reply:Ev2:0": "next"}
    held.set()
    assert ended.wait(20)
    store.accept([delivery(3, text="later")])
    turns.wake()
    assert set(answered(store, until, 3).values()) == {"Stopped.", "next", "later"}


class Told:
    def __init__(self):
        self.pieces, self.finished = [], threading.Event()

    def tell(self, piece):
        self.pieces.append(piece)

    def finish(self):
        self.finished.set()


class Telling:
    def __init__(self):
        self.opened = []

    def open(self, delivery, *, again):
        told = Told()
        self.opened.append((delivery.id, again, told))
        return told


def test_what_is_told_is_shown_and_ends_with_the_answer(store, until, running):
    telling = Telling()

    def answer(text, tell, **_):
        tell("Once ")
        tell("upon")
        return "Once upon a time."

    store.accept([delivery(1), delivery(2, "17.2")])
    store.taken(store.waiting()[0].seq)
    running(Scripted(answer), telling=telling)
    answered(store, until, 2)
    opened = {name: (again, told) for name, again, told in telling.opened}
    assert opened["Ev1"][0] and not opened["Ev2"][0]
    for _, told in opened.values():
        assert told.finished.wait(20) and told.pieces == ["Once ", "upon"]
