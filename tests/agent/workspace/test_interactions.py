"""Buttons, modals, commands, shortcuts, the App Home: what the app hears and what becomes of its answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from workspace_case import FAST

Play = Callable[..., None]
GENERAL, ADA, GRACE = "C00GENERAL", "U000000ADA", "U0000GRACE"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value), "value": value}


ELEMENTS: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    ({"type": "button", "text": plain("Go"), "value": "v"}, None, {"value": "v"}),
    (
        {"type": "static_select", "options": [option("a"), option("b")]},
        "b",
        {"selected_option": option("b")},
    ),
    ({"type": "overflow", "options": [option("a"), option("b")]}, "a", {"selected_option": option("a")}),
    ({"type": "radio_buttons", "options": [option("a")]}, "a", {"selected_option": option("a")}),
    (
        {"type": "checkboxes", "options": [option("a"), option("b")]},
        ["a", "b"],
        {"selected_options": [option("a"), option("b")]},
    ),
    ({"type": "datepicker"}, "2026-08-01", {"selected_date": "2026-08-01"}),
    ({"type": "timepicker"}, "14:30", {"selected_time": "14:30"}),
    ({"type": "datetimepicker"}, 1_790_000_000, {"selected_date_time": 1_790_000_000}),
    ({"type": "users_select"}, GRACE, {"selected_user": GRACE}),
    ({"type": "multi_users_select"}, [GRACE], {"selected_users": [GRACE]}),
    ({"type": "conversations_select"}, GENERAL, {"selected_conversation": GENERAL}),
]
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "press",
    "positive_button": {"text": plain("Good"), "value": "good"},
    "negative_button": {"text": plain("Bad"), "value": "bad"},
}
MODAL = {
    "type": "modal",
    "callback_id": "reason",
    "private_metadata": "31",
    "title": plain("Reason"),
    "submit": plain("Send"),
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Why"),
            "element": {"type": "plain_text_input", "action_id": "text", "initial_value": "draft", "max_length": 20},
        }
    ],
}


class App:
    """A Bolt app whose answers the test chooses."""

    def __init__(self, stage: Any) -> None:
        app = AsyncApp(token=stage.workspace.bot_token, signing_secret="unused")
        app.client.base_url = stage.workspace.api_url
        self.client = app.client
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.on_press: Callable[[dict[str, Any]], Any] | None = None
        self.view_answer: dict[str, Any] = {}
        app.action("press")(self._press)
        app.view("reason")(self._view)
        app.view_closed("reason")(self._note)
        app.shortcut("ask_odyssey")(self._note)
        app.command("/odyssey")(self._command)
        app.event("app_home_opened")(self._event)
        app.options("find")(self._options)
        self.handler = AsyncSocketModeHandler(app, stage.workspace.app_token)

    async def _press(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        if self.on_press is not None:
            await self.on_press(body)
        await self.heard.put(body)

    async def _view(self, ack: Any, body: dict[str, Any]) -> None:
        await ack(**self.view_answer)
        await self.heard.put(body)

    async def _note(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await self.heard.put(body)

    async def _command(self, ack: Any, body: dict[str, Any]) -> None:
        await ack(f"heard {body['text']}")
        await self.heard.put(body)

    async def _event(self, body: dict[str, Any]) -> None:
        await self.heard.put(body)

    async def _options(self, ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[option(f"{payload['value']}-1")])

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.heard.get(), 10)


@asynccontextmanager
async def connected(stage: Any) -> AsyncIterator[App]:
    app = App(stage)
    await app.handler.connect_async()
    try:
        yield app
    finally:
        await app.handler.close_async()


async def message_with(stage: Any, element: dict[str, Any], block: str = "actions") -> dict[str, Any]:
    blocks = [{"type": block, "block_id": "b", "elements": [{**element, "action_id": "press"}]}]
    posted = await stage.client.chat_postMessage(channel=GENERAL, text="t", blocks=blocks)
    return {"block_id": "b", "action_id": "press", "message": {"channel": GENERAL, "ts": posted["ts"]}}


async def open_modal(stage: Any, app: App, view: dict[str, Any] = MODAL) -> dict[str, Any]:
    async def opens(body: dict[str, Any]) -> None:
        await app.client.views_open(trigger_id=body["trigger_id"], view=view)

    app.on_press = opens
    where = await message_with(stage, {"type": "button", "text": plain("Why")})
    await stage.act("click", **where)
    await app.next()
    return dict((await stage.get("views"))["views"][-1])


def test_every_elements_action_has_slacks_shape(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            for element, chosen, expected in ELEMENTS:
                where = await message_with(stage, element)
                assert (await stage.act("click", **where, chosen=chosen))["ok"]
                body = await app.next()
                action = body["actions"][0]
                assert {name: action[name] for name in expected} == expected
                assert (action["type"], action["action_id"], action["block_id"]) == (element["type"], "press", "b")
                assert body["container"] == {
                    "type": "message",
                    "message_ts": where["message"]["ts"],
                    "channel_id": GENERAL,
                    "is_ephemeral": False,
                }
                assert (body["user"]["id"], body["channel"]["name"], body["message"]["text"]) == (ADA, "general", "t")
            where = await message_with(stage, FEEDBACK, "context_actions")
            await stage.act("click", **where, chosen="bad")
            assert (await app.next())["actions"][0]["value"] == "bad"

    play(scenario)


def test_what_an_element_cannot_hold_is_refused(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        where = await message_with(stage, {"type": "static_select", "options": [option("a")]})
        for chosen in ("c", ["a"], 7, {"a": 1}):
            answer = await stage.act("click", **where, chosen=chosen)
            assert (answer["status"], answer["error"]) == (400, "invalid_choice")
        answer = await stage.act("click", **{**where, "action_id": "gone"})
        assert (answer["status"], answer["error"]) == (404, "element_not_found")

    play(scenario)


def test_without_an_app_a_person_is_told_so(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        where = await message_with(stage, {"type": "button", "text": plain("Go")})
        for what, body in (("click", where), ("command", {"channel": GENERAL, "command": "/odyssey", "text": "x"})):
            answer = await stage.act(what, **body)
            assert (answer["status"], answer["error"]) == (504, "no_answer")
            assert "Odyssey did not answer" in answer["message"]

    play(scenario)


def test_a_trigger_works_once_and_soon(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            where = await message_with(stage, {"type": "button", "text": plain("Go")})
            await stage.act("click", **where)
            trigger = (await app.next())["trigger_id"]
            opening = stage.client.views_open
            await opening(trigger_id=trigger, view=MODAL)
            assert await stage.refusal(opening(trigger_id=trigger, view=MODAL)) == "trigger_exchanged"
            assert await stage.refusal(opening(trigger_id="1.2.3", view=MODAL)) == "invalid_trigger_id"
            await stage.act("click", **where)
            trigger = (await app.next())["trigger_id"]
            await asyncio.sleep(0.25)  # its life is 0.2 s here
            assert await stage.refusal(opening(trigger_id=trigger, view=MODAL)) == "trigger_expired"

    play(scenario, limits=replace(FAST, trigger_life_s=0.2))


def test_a_modal_is_filled_refused_and_sent(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            view = await open_modal(stage, app)
            assert view["state"]["values"]["why"]["text"]["value"] == "draft"
            for text, sentence in (("", "required"), ("x" * 21, "at most 20")):
                answer = await stage.act("submit", view_id=view["id"], values={"why": {"text": text}})
                assert answer["response_action"] == "errors"
                assert sentence in answer["errors"]["why"]
            app.view_answer = {"response_action": "errors", "errors": {"why": "Say more."}}
            answer = await stage.act("submit", view_id=view["id"], values={"why": {"text": "no"}})
            assert answer["errors"] == {"why": "Say more."}
            await app.next()
            app.view_answer = {}
            answer = await stage.act("submit", view_id=view["id"], values={"why": {"text": "too slow"}})
            assert answer["response_action"] is None
            body = await app.next()
            assert body["view"]["state"]["values"]["why"]["text"]["value"] == "too slow"
            assert body["view"]["private_metadata"] == "31"
            assert (await stage.get("views"))["views"] == []
            assert (await stage.act("submit", GRACE, view_id=view["id"], values={}))["error"] == "not_found"

    play(scenario)


def test_an_answer_can_push_update_and_clear(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            view = await open_modal(stage, app)
            for action in ("update", "push", "push"):
                top = (await stage.get("views"))["views"][-1]
                app.view_answer = {"response_action": action, "view": {**MODAL, "title": plain(action)}}
                assert (await stage.act("submit", view_id=top["id"], values={}))["response_action"] == action
            views = (await stage.get("views"))["views"]
            assert [each["title"]["text"] for each in views] == ["update", "push", "push"]
            assert {each["root_view_id"] for each in views} == {view["id"]}
            assert views[2]["previous_view_id"] == views[1]["id"]
            app.view_answer = {"response_action": "clear"}
            await stage.act("submit", view_id=views[2]["id"], values={})
            assert (await stage.get("views"))["views"] == []

    play(scenario)


def test_a_closed_modal_tells_the_app_that_asked_for_it(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            view = await open_modal(stage, app)
            assert (await stage.act("close", view_id=view["id"]))["ok"]
            body = await app.next()
            assert (body["type"], body["is_cleared"], body["view"]["id"]) == ("view_closed", False, view["id"])

    play(scenario)


def test_an_update_against_an_old_hash_is_a_conflict(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            view = await open_modal(stage, app)
            newer = {**MODAL, "title": plain("Newer")}
            updated = await stage.client.views_update(view_id=view["id"], hash=view["hash"], view=newer)
            assert updated["view"]["title"]["text"] == "Newer"
            again = stage.client.views_update(view_id=view["id"], hash=view["hash"], view=newer)
            assert await stage.refusal(again) == "hash_conflict"

    play(scenario)


def test_a_response_url_answers_five_times(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            where = await message_with(stage, {"type": "button", "text": plain("Go")})
            await stage.act("click", **where)
            url = (await app.next())["response_url"]
            replaced = await stage.http.post(url, json={"text": "replaced", "replace_original": True})
            assert replaced.text == "ok"
            history = (await stage.get("history", channel=GENERAL))["messages"]
            assert [each["text"] for each in history] == ["replaced"]
            await stage.http.post(url, json={"text": "to all", "response_type": "in_channel"})
            assert len((await stage.get("history", channel=GENERAL))["messages"]) == 2
            for rubbish in (b"", b"[]", b'{"blocks": 7}'):
                assert (await stage.http.post(url, content=rubbish)).status_code == 404
            spent = await stage.http.post(url, json={"text": "once more"})
            assert (spent.status_code, spent.json()["error"]) == (404, "used_url")

    play(scenario)


def test_a_command_a_shortcut_and_the_home(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            answer = await stage.act("command", channel=GENERAL, command="/odyssey", text="status  of all")
            assert answer["response"] == {"text": "heard status  of all"}
            body = await app.next()
            assert (body["user_id"], body["channel_name"], body["text"]) == (ADA, "general", "status  of all")
            assert (await stage.act("command", channel=GENERAL, command="/other", text=""))[
                "error"
            ] == "unknown_command"
            said = await stage.say("what is this?")
            await stage.act("shortcut", callback_id="ask_odyssey", channel=GENERAL, ts=said["ts"])
            body = await app.next()
            assert (body["type"], body["message"]["text"], body["message_ts"]) == (
                "message_action",
                "what is this?",
                said["ts"],
            )
            assert (await stage.act("home", tab="home"))["view"] is None
            event = (await app.next())["event"]
            assert (event["tab"], event["user"], event["channel"]) == ("home", ADA, "D000000ADA")
            await stage.client.views_publish(user_id=ADA, view={"type": "home", "blocks": [{"type": "divider"}]})
            assert (await stage.act("home", tab="home"))["view"]["blocks"][0]["type"] == "divider"
            assert (await app.next())["event"]["view"]["type"] == "home"

    play(scenario)


def test_an_external_select_asks_the_app_for_its_options(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage):
            element = {"type": "external_select", "action_id": "find"}
            blocks = [{"type": "actions", "block_id": "b", "elements": [element]}]
            posted = await stage.client.chat_postMessage(channel=GENERAL, text="t", blocks=blocks)
            at = {"channel": GENERAL, "ts": posted["ts"]}
            answer = await stage.act("options", block_id="b", action_id="find", value="qwen", message=at)
            assert answer["options"] == [option("qwen-1")]

    play(scenario)


def test_two_people_see_their_own_choices_and_ephemerals(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        async with connected(stage) as app:
            blocks = [
                {
                    "type": "actions",
                    "block_id": "b",
                    "elements": [{"type": "button", "text": plain("Go"), "action_id": "press"}],
                }
            ]
            sent = await stage.client.chat_postEphemeral(channel=GENERAL, user=ADA, text="psst", blocks=blocks)
            where = {"block_id": "b", "action_id": "press", "message": {"channel": GENERAL, "ts": sent["message_ts"]}}
            assert (await stage.act("click", GRACE, **where))["error"] == "message_not_found"
            assert (await stage.act("click", **where))["ok"]
            body = await app.next()
            assert body["container"]["is_ephemeral"] is True
            deleted = await stage.http.post(body["response_url"], json={"delete_original": True})
            assert deleted.text == "ok"
            assert (await stage.act("click", **where))["error"] == "message_not_found"

    play(scenario)
