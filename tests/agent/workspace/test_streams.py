"""Streamed messages and an agent's signs: five minutes, chunks, Stop."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from workspace_case import FAST

Play = Callable[..., None]
GENERAL, ADA, DM = "C00GENERAL", "U000000ADA", "D000000ADA"
TO_ADA = {"recipient_team_id": "T000LOCAL", "recipient_user_id": ADA}


def task(status: str) -> dict[str, Any]:
    return {"type": "task_update", "id": "t1", "title": "Train", "status": status, "output": "loss 1.2"}


def test_text_grows_and_ends_with_blocks(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("go", DM)
        stream = await stage.client.chat_stream(channel=DM, thread_ts=root["ts"], buffer_size=1)
        for word in ("**one** ", "two ", "three"):
            await stream.append(markdown_text=word)
        shown = (await stage.get("thread", channel=DM, ts=root["ts"]))["messages"][1]
        assert (shown["text"], shown["streaming"]) == ("**one** two three", True)
        await stream.stop(blocks=[{"type": "divider"}], metadata={"event_type": "e", "event_payload": {}})
        ended = (await stage.client.conversations_replies(channel=DM, ts=root["ts"], include_all_metadata=True))[
            "messages"
        ][1]
        assert [each["type"] for each in ended["blocks"]] == ["markdown", "divider"]
        assert ended["metadata"]["event_type"] == "e"
        late = stage.client.chat_appendStream(channel=DM, ts=ended["ts"], markdown_text="late")
        assert await stage.refusal(late) == "message_not_in_streaming_state"

    play(scenario)


def test_tasks_replace_themselves_in_a_plan_or_a_timeline(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("go")
        for mode, kinds in (("plan", ["plan", "markdown"]), ("timeline", ["markdown", "task_card"])):
            where = {"channel": GENERAL, "thread_ts": root["ts"], "task_display_mode": mode}
            started = await stage.client.chat_startStream(**where, **TO_ADA, markdown_text="Working.")
            for status in ("in_progress", "complete"):
                chunks = [{"type": "plan_update", "title": "The plan"}, task(status)]
                await stage.client.chat_appendStream(channel=GENERAL, ts=started["ts"], chunks=chunks)
            ended = (await stage.client.chat_stopStream(channel=GENERAL, ts=started["ts"]))["message"]
            assert [each["type"] for each in ended["blocks"]] == kinds
            card = ended["blocks"][0]["tasks"][0] if mode == "plan" else ended["blocks"][1]
            assert (card["status"], card["output"]["type"]) == ("complete", "rich_text")

    play(scenario)


def test_a_stream_lives_only_so_long(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("go", DM)
        started = await stage.client.chat_startStream(channel=DM, thread_ts=root["ts"], markdown_text="slow")
        async with asyncio.timeout(10):
            while (await stage.get("thread", channel=DM, ts=root["ts"]))["messages"][1].get("streaming"):
                await asyncio.sleep(0.02)
        append = stage.client.chat_appendStream(channel=DM, ts=started["ts"], markdown_text="late")
        assert await stage.refusal(append) == "message_not_in_streaming_state"
        await stage.client.chat_update(channel=DM, ts=started["ts"], text="slow and late")

    play(scenario, limits=replace(FAST, stream_life_s=0.2))


def test_a_stream_ends_in_time_over_a_restart_too(play: Play, tmp_path: Path) -> None:
    async def before(stage: Any) -> None:
        root = await stage.say("go", DM)
        await stage.client.chat_startStream(channel=DM, thread_ts=root["ts"], markdown_text="half")

    async def after(stage: Any) -> None:
        root = (await stage.get("history", channel=DM))["messages"][0]
        async with asyncio.timeout(10):
            while (await stage.get("thread", channel=DM, ts=root["ts"]))["messages"][1].get("streaming"):
                await asyncio.sleep(0.02)

    play(before, folder=tmp_path / "kept")
    play(after, folder=tmp_path / "kept", limits=replace(FAST, stream_life_s=0.2))


def test_a_stream_refuses_what_slack_refuses(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("go")
        start, append = stage.client.chat_startStream, stage.client.chat_appendStream
        assert await stage.refusal(start(channel=GENERAL, thread_ts=root["ts"])) == "missing_recipient_user_id"
        assert await stage.refusal(start(channel=GENERAL, thread_ts="1.0", **TO_ADA)) == "thread_not_found"
        started = await start(channel=GENERAL, thread_ts=root["ts"], **TO_ADA)
        at = {"channel": GENERAL, "ts": started["ts"]}
        assert await stage.refusal(append(**at, markdown_text="x" * 12_001)) == "msg_too_long"
        assert await stage.refusal(append(**at, chunks=[{"type": "task_update", "id": "1"}])) == "invalid_chunks"
        assert (
            await stage.refusal(append(channel=GENERAL, ts=root["ts"], markdown_text="x")) == "message_not_owned_by_app"
        )
        await append(**at, markdown_text="x" * 12_000)
        assert await stage.refusal(append(**at, markdown_text="x" * 1300)) == "msg_too_long"
        assert await stage.refusal(stage.client.chat_update(**at, text="x")) == "streaming_state_conflict"

    play(scenario)


def test_stop_ends_the_streams_of_a_processing_session(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("go")
        idle = await stage.act("stop", channel=GENERAL, thread_ts=root["ts"])
        assert (idle["status"], idle["error"]) == (400, "session_not_processing")
        where = {"channel_id": GENERAL, "thread_ts": root["ts"]}
        session = await stage.client.agents_sessions_setStatus(**where, status="processing", title="Train")
        assert (session["status"], session["title"]) == ("processing", "Train")
        started = await stage.client.chat_startStream(channel=GENERAL, thread_ts=root["ts"], **TO_ADA)
        assert (await stage.act("stop", channel=GENERAL, thread_ts=root["ts"]))["ok"]
        append = stage.client.chat_appendStream(channel=GENERAL, ts=started["ts"], markdown_text="more")
        assert await stage.refusal(append) == "message_not_in_streaming_state"
        agent = (await stage.get("thread", channel=GENERAL, ts=root["ts"]))["agent"]
        assert agent["session"] == {"status": "processing", "title": "Train"}  # the app changes it, not Slack
        await stage.client.agents_sessions_setStatus(**where, status="active")
        assert (
            await stage.refusal(stage.client.agents_sessions_setStatus(**where, status="busy")) == "invalid_arguments"
        )

    play(scenario)


def test_a_status_goes_with_the_answer_or_by_itself(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("go")
        where = {"channel_id": GENERAL, "thread_ts": root["ts"]}

        async def status() -> str:
            return str((await stage.get("thread", channel=GENERAL, ts=root["ts"]))["agent"]["status"])

        await stage.client.assistant_threads_setStatus(**where, status="is thinking…", loading_messages=["a", "b"])
        assert await status() == "is thinking…"
        assert (await stage.get("history", channel=GENERAL))["agents"][root["ts"]]["loading_messages"] == ["a", "b"]
        await stage.client.chat_postMessage(channel=GENERAL, thread_ts=root["ts"], text="done")
        assert await status() == ""
        await stage.client.assistant_threads_setStatus(**where, status="again")
        async with asyncio.timeout(10):
            while await status():
                await asyncio.sleep(0.02)
        too_many = stage.client.assistant_threads_setStatus(**where, status="x", loading_messages=["m"] * 11)
        assert await stage.refusal(too_many) == "invalid_arguments"

    play(scenario, limits=replace(FAST, status_life_s=0.3))


def test_prompts_stand_in_the_dm_and_not_in_a_thread(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        prompts = [{"title": "Status", "message": "status"}] * 4
        setting = stage.client.assistant_threads_setSuggestedPrompts
        await setting(channel_id=DM, title="Try", prompts=prompts)
        assert (await stage.get("history", channel=DM))["agent"]["prompts"]["prompts"] == prompts
        assert await stage.refusal(setting(channel_id=DM, prompts=prompts * 2)) == "invalid_arguments"
        said = await stage.act("prompt", channel=DM, message="status")
        assert said["message"]["text"] == "status"

    play(scenario)
