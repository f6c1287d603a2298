"""Messages of the app and of people: written, changed, read back."""

from collections.abc import Callable
from typing import Any

import pytest

Play = Callable[..., None]
GENERAL, ADA, GRACE = "C00GENERAL", "U000000ADA", "U0000GRACE"
KEY = {"event_type": "odyssey_message", "event_payload": {"key": "reply:1:0"}}


def test_metadata_is_kept_and_given_only_where_it_is_asked_for(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("a question")
        await stage.client.chat_postMessage(
            channel=GENERAL, text="an answer", thread_ts=root["ts"], metadata=KEY, unfurl_links=False
        )
        plain = (await stage.client.conversations_replies(channel=GENERAL, ts=root["ts"]))["messages"][1]
        assert "metadata" not in plain
        asked = await stage.client.conversations_replies(channel=GENERAL, ts=root["ts"], include_all_metadata=True)
        assert asked["messages"][1]["metadata"] == KEY
        shown = (await stage.get("thread", channel=GENERAL, ts=root["ts"]))["messages"][1]
        assert "metadata" not in shown
        assert shown["unfurl_links"] is False

    play(scenario)


def test_threads_stand_apart_from_the_channel(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("root")
        for number in range(3):
            await stage.client.chat_postMessage(channel=GENERAL, text=f"reply {number}", thread_ts=root["ts"])
        await stage.say("and mine", thread_ts=root["ts"])
        history = (await stage.client.conversations_history(channel=GENERAL))["messages"]
        assert [each["text"] for each in history] == ["root"]
        assert (history[0]["reply_count"], history[0]["reply_users"]) == (4, ["U0ODYSSEY", ADA])
        replies = (await stage.client.conversations_replies(channel=GENERAL, ts=root["ts"]))["messages"]
        assert [each["text"] for each in replies] == ["root", "reply 0", "reply 1", "reply 2", "and mine"]
        assert all(each["thread_ts"] == root["ts"] for each in replies)

    play(scenario)


def test_history_comes_in_pages_between_two_times(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        said = [await stage.say(f"line {number}") for number in range(7)]
        texts: list[str] = []
        async for page in await stage.client.conversations_history(channel=GENERAL, limit=3):
            assert len(page["messages"]) <= 3
            texts += [each["text"] for each in page["messages"]]
        assert texts == [f"line {number}" for number in reversed(range(7))]
        window = {"oldest": said[2]["ts"], "latest": said[4]["ts"]}
        outside = await stage.client.conversations_history(channel=GENERAL, **window)
        assert [each["text"] for each in outside["messages"]] == ["line 3"]
        inside = await stage.client.conversations_history(channel=GENERAL, inclusive=True, **window)
        assert [each["text"] for each in inside["messages"]] == ["line 4", "line 3", "line 2"]

    play(scenario)


def test_only_its_own_messages_are_the_apps_to_change(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        said = await stage.say("mine")
        update = stage.client.chat_update(channel=GENERAL, ts=said["ts"], text="hijacked")
        assert await stage.refusal(update) == "cant_update_message"
        assert await stage.refusal(stage.client.chat_delete(channel=GENERAL, ts=said["ts"])) == "cant_delete_message"
        posted = await stage.client.chat_postMessage(channel=GENERAL, text="v1", metadata=KEY)
        changed = await stage.client.chat_update(channel=GENERAL, ts=posted["ts"], text="v2")
        assert changed["message"]["edited"]["user"] == "U0ODYSSEY"
        found = await stage.client.conversations_history(channel=GENERAL, include_all_metadata=True)
        assert found["messages"][0]["metadata"] == KEY
        await stage.client.chat_delete(channel=GENERAL, ts=posted["ts"])
        assert [each["text"] for each in (await stage.get("history", channel=GENERAL))["messages"]] == ["mine"]
        theirs = await stage.act("edit", GRACE, channel=GENERAL, ts=said["ts"], text="not hers")
        assert (theirs["status"], theirs["error"]) == (400, "cant_update_message")

    play(scenario)


def test_an_update_of_the_text_alone_takes_the_blocks_away(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        posted = await stage.client.chat_postMessage(channel=GENERAL, text="t", blocks=[{"type": "divider"}])
        await stage.client.chat_update(channel=GENERAL, ts=posted["ts"], text="only text")
        assert "blocks" not in (await stage.client.conversations_history(channel=GENERAL))["messages"][0]

    play(scenario)


def test_an_ephemeral_message_is_no_part_of_history(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        await stage.client.chat_postEphemeral(channel=GENERAL, user=ADA, text="only for you")
        assert (await stage.client.conversations_history(channel=GENERAL))["messages"] == []
        assert (await stage.get("history", channel=GENERAL))["messages"] == []

    play(scenario)


def test_the_app_speaks_only_where_it_is_a_member(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        public = (await stage.act("channels", name="Off Topic"))["channel"]
        private = (await stage.act("channels", name="secret", private=True))["channel"]
        assert public["name"] == "off-topic"
        post = stage.client.chat_postMessage
        assert await stage.refusal(post(channel=public["id"], text="x")) == "not_in_channel"
        assert await stage.refusal(post(channel=private["id"], text="x")) == "channel_not_found"
        await stage.act("invite", channel=private["id"], user="U0ODYSSEY")
        await post(channel=private["id"], text="hello")
        hidden = await stage.http.get("/people/history", params={"person": GRACE, "channel": private["id"]})
        assert (hidden.status_code, hidden.json()["error"]) == (404, "channel_not_found")

    play(scenario)


def test_a_user_id_means_the_dm_with_them(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        posted = await stage.client.chat_postMessage(channel=ADA, text="psst")
        opened = await stage.client.conversations_open(users=[ADA])
        assert posted["channel"] == opened["channel"]["id"] == "D000000ADA"

    play(scenario)


@pytest.mark.parametrize("add", [True, False])
def test_reactions_count_people(play: Play, add: bool) -> None:
    async def scenario(stage: Any) -> None:
        said = await stage.say("nice")
        await stage.act("react", GRACE, channel=GENERAL, ts=said["ts"], name="eyes", add=True)
        await stage.client.reactions_add(channel=GENERAL, timestamp=said["ts"], name="eyes")
        again = stage.client.reactions_add(channel=GENERAL, timestamp=said["ts"], name="eyes")
        assert await stage.refusal(again) == "already_reacted"
        if not add:
            await stage.client.reactions_remove(channel=GENERAL, timestamp=said["ts"], name="eyes")
        shown = (await stage.get("history", channel=GENERAL))["messages"][0]["reactions"]
        assert shown == [{"name": "eyes", "users": [GRACE, "U0ODYSSEY"][: 1 + add], "count": 1 + add}]

    play(scenario)


def test_deleting_a_root_with_replies_leaves_a_tombstone(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.client.chat_postMessage(channel=GENERAL, text="root")
        reply = await stage.say("reply", thread_ts=root["ts"])
        await stage.client.chat_delete(channel=GENERAL, ts=root["ts"])
        shown = (await stage.client.conversations_replies(channel=GENERAL, ts=root["ts"]))["messages"]
        assert [each.get("subtype") for each in shown] == ["tombstone", None]
        await stage.act("delete", channel=GENERAL, ts=reply["ts"])
        assert len((await stage.get("thread", channel=GENERAL, ts=root["ts"]))["messages"]) == 1

    play(scenario)


def test_what_a_person_types_is_escaped_and_names_become_references(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        said = await stage.say(
            "@Odyssey compare a<b & c>d in #support-desk, not #nowhere; <!channel> <@U000000ADA> @nobody"
        )
        assert said["text"] == (
            "<@U0ODYSSEY> compare a&lt;b &amp; c&gt;d in <#C00SUPPORT|support-desk>, not #nowhere; "
            "&lt;!channel&gt; <@U000000ADA> @nobody"
        )

    play(scenario)
