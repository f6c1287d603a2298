"""What Slack tells is accepted before it is acknowledged, through the real Bolt app."""

import json
import logging

import pytest
import slack_payloads as slack
from hypothesis import given
from slack_listening import Noting, told
from slack_payloads import ADA, BOT, CHANNEL, DIRECT, TEAM, TS
from slack_rubbish import FULL, QUICK, malformed

from agent.slack.actions import Origin, Passage, Vote
from agent.slack.actions import Press as Pressed
from agent.slack.intake import NotAccepted
from agent.slack.model import Place
from agent.slack.payloads import Malformed, check


def one(noting, payload):
    (answer,) = told(noting, payload)
    return answer


def methods(noting):
    return [method for method, _ in noting.calls]


def test_what_is_said_is_accepted_and_acknowledged():
    noting = Noting()
    answers = told(noting, slack.mention(), slack.command(), slack.shortcut(), slack.press())
    assert [answer.status for answer in answers] == [200] * 4
    assert [delivery.way for delivery in noting.accepted] == ["mention", "command", "shortcut", "button"]


@pytest.mark.parametrize("payload", [slack.mention(), slack.shortcut(), slack.press(), slack.said("x", thread_ts=TS)])
def test_what_could_not_be_written_down_is_not_acknowledged(payload):
    assert one(Noting(fails=NotAccepted("The disk is full.")), payload).status == 503


def test_a_command_that_could_not_be_written_down_is_said():
    answer = one(Noting(fails=NotAccepted("The disk is full.")), slack.command())
    assert answer.status == 200 and "E-" in answer.body


def test_a_failing_listener_asks_for_it_again_and_says_nothing_of_itself(caplog):
    noting = Noting(fails=RuntimeError("secret"))
    assert one(noting, slack.mention()).status == 500
    assert one(noting, slack.press()).status == 500
    assert methods(noting) == ["chat.postEphemeral"] and "E-" in noting.calls[0][1]["text"]
    answer = one(noting, slack.command())
    assert answer.status == 200 and "E-" in answer.body and "secret" not in answer.body


def test_a_threads_reply_is_heard_inside_only():
    payload = slack.said("and now?", thread_ts="1600000000.000100")
    outside, inside = Noting(inside=False), Noting(inside=True)
    assert one(outside, payload).status == one(inside, payload).status == 200
    assert (len(outside.accepted), len(inside.accepted)) == (0, 1)


def test_a_thread_that_was_addressed_is_known_at_once():
    noting = Noting(inside=False)
    told(noting, slack.mention(), slack.said("and now?", thread_ts=TS, ts="1700000009.000100", event_id="Ev9"))
    assert [delivery.text for delivery in noting.accepted] == ["status", "and now?"]


def test_what_odyssey_and_other_bots_say_is_dropped():
    noting = Noting()
    told(
        noting,
        slack.said("hi", channel=DIRECT, channel_type="im", user=BOT),
        slack.said("hi", channel=DIRECT, channel_type="im", bot_id="B0OTHER"),
        slack.said("hi", channel=DIRECT, channel_type="im", bot_id="B0ODYSSEY", user=None),
    )
    assert noting.accepted == []


def test_a_message_without_words_cannot_be_asked_about():
    noting = Noting()
    assert one(noting, slack.shortcut("")).status == 200
    assert noting.accepted == [] and methods(noting) == ["chat.postEphemeral"]


# --- buttons and windows -----------------------------------------------------------------------------------------


def test_windows_open_at_once_from_their_trigger():
    noting = Noting()
    passage = Passage(number=1, scope="guides", source="lora.md", title="LoRA", heading="", quote="Low rank.")
    told(
        noting,
        slack.press(Pressed(say="reject 31").value(), "reason:31"),
        slack.press(passage.value(), "passage:1"),
        slack.press("", "new_project"),
    )
    assert methods(noting) == ["views.open"] * 3
    assert {arguments["trigger_id"] for _, arguments in noting.calls} == {"1.2.abc"}
    origin = Origin.parse(noting.calls[0][1]["view"]["private_metadata"])
    assert origin.press == Pressed(say="reject 31")
    assert origin.place == Place(team=TEAM, channel=CHANNEL, thread_ts=TS)


def test_a_window_that_comes_too_late_is_said():
    noting = Noting(refuses="views.open")
    assert one(noting, slack.press("", "new_project")).status == 200
    assert methods(noting) == ["views.open", "chat.postEphemeral"]
    assert noting.calls[1][1]["user"] == ADA and "again" in noting.calls[1][1]["text"]


@pytest.mark.parametrize(
    ("value", "action_id"),
    [("nonsense", "say:x"), ("{}", "reason:31"), ("", "passage:1"), ("x", "feedback"), ("", "delete_everything")],
)
def test_an_unknown_button_is_a_sentence_with_an_id(value, action_id):
    noting = Noting()
    assert one(noting, slack.press(value, action_id)).status == 200
    assert noting.accepted == [] and noting.votes == []
    assert methods(noting) == ["chat.postEphemeral"] and "E-" in noting.calls[0][1]["text"]


def test_a_vote_is_kept():
    noting = Noting()
    one(noting, slack.press(Vote(turn="Ev1", good=False).value(), "feedback"))
    assert noting.votes == [("Ev1", ADA, False)]


def test_a_window_is_accepted_or_says_what_is_wrong():
    noting = Noting()
    values = {"reason_field": {"reason_field": {"value": "too slow"}}}
    place = Place(team=TEAM, channel=CHANNEL, thread_ts=TS)
    metadata = Origin(press=Pressed(say="reject 31"), place=place, thread=place.key).metadata()
    right, wrong = told(noting, slack.submission(values=values, metadata=metadata), slack.submission(metadata=metadata))
    assert (right.status, right.body) == (200, "")
    assert [delivery.text for delivery in noting.accepted] == ["reject 31 because too slow"]
    assert json.loads(wrong.body)["response_action"] == "errors"
    assert "reason_field" in json.loads(wrong.body)["errors"]


def test_a_project_made_from_the_home_is_answered_in_direct_messages():
    noting = Noting()
    values = {"name_field": {"name_field": {"value": "desk"}}}
    told(noting, slack.submission("new_project", values))
    assert noting.accepted[0].text == "create project desk"
    assert noting.accepted[0].place.channel == "D0OPENED"


def test_buttons_of_the_home_are_answered_where_it_was_opened():
    noting = Noting()
    button = slack.press(
        container={"type": "view"}, channel=None, message=None, view={"id": "V1", "type": "home", "callback_id": "home"}
    )
    told(noting, slack.home_opened(), button)
    assert noting.accepted[0].place == Place(team=TEAM, channel=DIRECT)
    assert "conversations.open" not in methods(noting)


# --- what happens ------------------------------------------------------------------------------------------------


def test_the_home_is_published_and_prompts_are_suggested():
    noting = Noting()
    told(noting, slack.home_opened(), slack.home_opened("messages"))
    calls = dict(noting.calls)
    assert calls.keys() == {"views.publish", "assistant.threads.setSuggestedPrompts"}
    assert calls["views.publish"]["user_id"] == calls["views.publish"]["view"]["external_id"] == ADA
    suggested = calls["assistant.threads.setSuggestedPrompts"]
    assert "thread_ts" not in suggested and len(suggested["prompts"]) <= 4


def test_stop_and_goodbye():
    noting = Noting()
    told(noting, slack.stopped(thread_ts=TS), slack.uninstalled(), slack.revoked(), slack.revoked(BOT))
    assert noting.stopped == [Place(team=TEAM, channel=DIRECT, thread_ts=TS)]
    assert noting.forgotten == [(TEAM, None), (TEAM, (BOT,))]


# --- rubbish -----------------------------------------------------------------------------------------------------


def test_malformed_payloads_are_ignored_with_a_line_and_an_id(caplog):
    with caplog.at_level(logging.WARNING, logger="agent.slack"):
        answers = told(Noting(), slack.command(channel_id="nowhere"), slack.said("hi", ts="soon"))
    assert [answer.status for answer in answers] == [200, 200]
    assert all("E-" in line and "ignored" in line for line in caplog.messages if "ignored" in line)
    assert "nowhere" not in caplog.text


def heard_or_ignored(payload):
    """As a connection does: what cannot be walked never reaches Bolt, the rest is acknowledged."""
    try:
        if not check(payload):
            return
    except Malformed:
        return
    assert one(Noting(), payload).status in (200, 404)


@QUICK
@given(malformed())
def test_rubbish_is_heard_or_ignored(payload):
    heard_or_ignored(payload)


@pytest.mark.slow
@FULL
@given(malformed())
def test_five_thousand_pieces_of_rubbish(payload):
    heard_or_ignored(payload)
