"""What people say and press, as Slack words it, becomes deliveries; rubbish becomes a refusal and nothing else."""

from datetime import UTC, datetime

import pytest
import slack_payloads as slack
from hypothesis import given
from slack_payloads import ADA, BOT, CHANNEL, DIRECT, TEAM, TS
from slack_rubbish import FULL, QUICK, malformed

from agent.slack import translate
from agent.slack.actions import Origin
from agent.slack.actions import Press as Pressed
from agent.slack.model import Place
from agent.slack.payloads import Malformed, check
from agent.slack.translate import Ourselves

US = Ourselves(user=BOT)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOME = Place(team=TEAM, channel=DIRECT)


def heard(payload):
    found = translate.message(payload, US)
    return None if found is None else found.deliveries


def only(payload):
    (delivery,) = heard(payload)
    return delivery


def test_a_mention_is_answered_in_a_thread_below_it():
    delivery = only(slack.mention())
    assert (delivery.text, delivery.actor, delivery.way) == ("status", ADA, "mention")
    assert delivery.place == Place(team=TEAM, channel=CHANNEL, thread_ts=TS)
    assert delivery.thread == f"slack:{TEAM}:{CHANNEL}:{TS}"
    assert delivery.at == datetime.fromtimestamp(float(TS), UTC)


def test_a_mention_and_the_message_it_comes_as_are_one():
    as_mention, as_message = only(slack.mention()), only(slack.said(f"<@{BOT}> status"))
    assert as_mention.id != as_message.id
    assert as_mention.message == as_message.message == f"{TEAM}:{CHANNEL}:{TS}"


def test_a_mention_in_a_thread_stays_there():
    assert only(slack.mention(thread_ts="1600000000.000100")).place.thread_ts == "1600000000.000100"


def test_direct_messages_are_one_conversation_and_their_threads_others():
    line = only(slack.said("hello", channel=DIRECT, channel_type="im"))
    assert (line.way, line.thread, line.place) == ("direct", f"slack:{TEAM}:{DIRECT}", HOME)
    below = only(slack.said("hello", channel=DIRECT, channel_type="im", thread_ts=TS))
    assert below.thread == f"slack:{TEAM}:{DIRECT}:{TS}"


def test_a_threads_reply_counts_only_inside():
    found = translate.message(slack.said("and now?", thread_ts="1600000000.000100"), US)
    assert found is not None and found.only_inside
    assert found.deliveries[0].way == "thread"
    assert not translate.message(slack.mention(), US).only_inside


@pytest.mark.parametrize(
    "payload",
    [
        slack.said("talk among people"),
        slack.said("<@U0GRACE> what do you think?", thread_ts="1600000000.000100"),
        slack.said(f"<@{BOT}> status", bot_id="B0OTHER"),
        slack.said(f"<@{BOT}> status", user=BOT),
        slack.said(f"<@{BOT}> status", user=None),
        slack.said("hi", channel=DIRECT, channel_type="im", user="USLACKBOT"),
        slack.said("hi", channel=DIRECT, channel_type="im", subtype="message_changed", hidden=True),
        slack.said("hi", channel=DIRECT, channel_type="im", subtype="message_deleted"),
        slack.said("hi", channel=DIRECT, channel_type="im", subtype="channel_join"),
        slack.said("hi", channel=DIRECT, channel_type="im", subtype="bot_message"),
    ],
)
def test_what_is_not_for_odyssey_is_left_alone(payload):
    assert heard(payload) is None


def test_a_reply_that_is_also_sent_to_the_channel_is_a_reply():
    assert only(slack.mention(subtype="thread_broadcast", thread_ts="1600000000.000100")).text == "status"


def test_a_bare_mention_is_a_greeting():
    assert only(slack.mention(f"<@{BOT}>")).text == "hello"


@pytest.mark.parametrize(
    ("marked", "typed"),
    [
        ("role <@U123|ada> approver", "role U123 approver"),
        ("role <@U123> approver", "role U123 approver"),
        (f"<@{BOT}>: status", "status"),
        (f"hey <@{BOT}> status", "hey  status"),
        ("see <#C123|general> and <#C9>", "see #general and #C9"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt; stays", "&lt; stays"),
        ("add documents <http://notes.md|notes.md>", "add documents notes.md"),
        ("read <https://a.example/b|the guide>", "read the guide (https://a.example/b)"),
        ("read <https://a.example/b>", "read https://a.example/b"),
        ("write <mailto:a@b.example|a@b.example>", "write a@b.example"),
        ("<!here> <!channel|channel> <!subteam^S1|@team>", "@here @channel @team"),
        ("<!date^1^{date}|today>", "today"),
        ("2 &lt; 3 and <broken", "2 < 3 and <broken"),
    ],
)
def test_markup_becomes_what_was_typed(marked, typed):
    assert translate.plain(marked, TEAM, US) == typed


def test_with_several_workspaces_people_are_named_with_theirs():
    several = Ourselves(user=BOT, several=True)
    delivery = translate.message(slack.mention(f"<@{BOT}> role <@U123> approver"), several).deliveries[0]
    assert (delivery.actor, delivery.text) == (f"{TEAM}.{ADA}", f"role {TEAM}.U123 approver")


def test_files_follow_what_is_said_each_a_turn_of_its_own():
    files = [slack.file("rows.csv", id="F1"), slack.file("notes.md", id="F2")]
    text, first, second = heard(slack.said(f"<@{BOT}> use these", files=files, subtype="file_share"))
    assert (text.text, text.files) == ("use these", ())
    assert [(d.way, d.text, d.message, d.files[0].name) for d in (first, second)] == [
        ("upload", "", None, "rows.csv"),
        ("upload", "", None, "notes.md"),
    ]
    assert len({text.id, first.id, second.id}) == 3
    assert first.thread == text.thread
    assert first.files[0].url.endswith("?download")


def test_a_file_alone_says_nothing_and_is_the_same_from_both_events():
    (as_message,) = heard(slack.said("", files=[slack.file()], channel=DIRECT, channel_type="im", subtype="file_share"))
    assert as_message.way == "upload"
    again = slack.said("", files=[slack.file()], channel=DIRECT, channel_type="im", event_id="Ev9")
    assert only(again).id == as_message.id


def test_a_slash_command_is_between_two():
    delivery = translate.command(slack.command("role <@U123|ada> approver"), US, NOW)
    assert delivery.text == "role U123 approver"
    assert delivery.thread == f"slack:{TEAM}:{CHANNEL}:/:{ADA}"
    assert delivery.place == Place(team=TEAM, channel=CHANNEL)
    assert translate.command(slack.command("  "), US, NOW).text == "help"
    assert translate.command(slack.command(), US, NOW).id == translate.command(slack.command(), US, NOW).id
    assert translate.command(slack.command(trigger_id="2"), US, NOW).id != delivery.id


def test_a_shortcut_quotes_the_message_in_one_line():
    delivery = translate.shortcut(slack.shortcut("approve 31\n” and “ more"), US, NOW)
    assert delivery.text == "explain: “approve 31 ' and ' more”"
    assert delivery.place.thread_ts == TS
    assert len(translate.shortcut(slack.shortcut("x" * 5000), US, NOW).text) < 1000
    assert translate.shortcut(slack.shortcut("  "), US, NOW) is None


def test_a_button_says_its_value_below_its_message():
    value = Pressed(say="approve 31", seen="sha256:abc", project="p-1").value()
    delivery = translate.press(slack.press(value), US, NOW)
    assert (delivery.text, delivery.seen, delivery.project) == ("approve 31", "sha256:abc", "p-1")
    assert (delivery.way, delivery.place.thread_ts) == ("button", TS)
    assert delivery.id == translate.press(slack.press(value), US, NOW).id
    inside = slack.press(value, message={"ts": TS, "thread_ts": "1600000000.000100"})
    assert translate.press(inside, US, NOW).place.thread_ts == "1600000000.000100"


def test_a_button_in_direct_messages_goes_on_there():
    payload = slack.press(channel={"id": DIRECT})
    assert translate.press(payload, US, NOW).thread == f"slack:{TEAM}:{DIRECT}"


def test_a_button_of_a_slash_commands_answer_goes_on_with_the_commands():
    container = {"type": "message", "message_ts": TS, "channel_id": CHANNEL, "is_ephemeral": True}
    delivery = translate.press(slack.press(container=container, message=None), US, NOW)
    assert (delivery.thread, delivery.way) == (f"slack:{TEAM}:{CHANNEL}:/:{ADA}", "command")


def test_a_button_of_the_home_is_answered_in_direct_messages():
    payload = slack.press(
        container={"type": "view"}, channel=None, message=None, view={"id": "V1", "type": "home", "callback_id": "home"}
    )
    assert translate.press(payload, US, NOW, HOME).place == HOME
    with pytest.raises(Malformed):
        translate.press(payload, US, NOW, None)


@pytest.mark.parametrize("value", ["", "approve 31", "{}", '{"say":""}', '{"say":"a\\nb"}', '{"say":1}', "[]"])
def test_a_button_that_says_nothing_is_none(value):
    assert translate.press(slack.press(value), US, NOW) is None


def test_only_say_buttons_say():
    assert translate.press(slack.press(action_id="reason:31"), US, NOW) is None
    assert translate.press(slack.press(action_id="saying"), US, NOW) is None


def test_a_window_says_what_it_was_opened_for():
    thread = Place(team=TEAM, channel=CHANNEL, thread_ts=TS)
    origin = Origin(press=Pressed(say="reject 31", seen="sha256:a"), place=thread, thread=thread.key)
    values = {"reason_field": {"reason_field": {"type": "plain_text_input", "value": "too slow\napprove 31"}}}
    sent = translate.submission(slack.submission(values=values, metadata=origin.metadata()), US, NOW)
    assert sent.delivery.text == "reject 31 because too slow approve 31"
    assert (sent.delivery.place, sent.delivery.seen, sent.delivery.way) == (thread, "sha256:a", "modal")
    empty = translate.submission(slack.submission(metadata=origin.metadata()), US, NOW)
    assert empty.delivery is None and empty.faults.keys() == {"reason_field"}


def test_times_and_ids_that_are_none_are_refused():
    for field, value in (("ts", "now"), ("ts", "nan"), ("channel", "C:1"), ("user", "u1"), ("text", 5)):
        with pytest.raises(Malformed) as caught:
            translate.message(slack.event({**slack.said("hi")["event"], field: value}), US)
        assert field in str(caught.value)


# --- rubbish -----------------------------------------------------------------------------------------------------


def every_way(payload):
    for way in (
        lambda: check(payload),
        lambda: translate.message(payload, US),
        lambda: translate.command(payload, US, NOW),
        lambda: translate.shortcut(payload, US, NOW),
        lambda: translate.press(payload, US, NOW, HOME),
        lambda: translate.submission(payload, US, NOW, HOME),
    ):
        try:
            way()
        except Malformed as refusal:
            assert refusal.reference.startswith("E-")


@QUICK
@given(malformed())
def test_rubbish_is_refused_and_nothing_else(payload):
    every_way(payload)


@pytest.mark.slow
@FULL
@given(malformed())
def test_five_thousand_pieces_of_rubbish(payload):
    every_way(payload)
