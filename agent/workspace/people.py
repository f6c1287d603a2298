"""The people API: what a person does in the local workspace, for the page and the tests. Slack has nothing like it.

JSON in and out under `/people`; `person` is the acting person's user id. A fault is HTTP 4xx (504: the app did not
answer) with `{"ok": false, "error": "channel_not_found", "message": "a sentence to show"}`. Ids, timestamps and objects
are Slack's own:

    person   {"id", "name", "real_name", "is_bot", "color": "#rrggbb"}
    channel  {"id", "name", "kind": "channel"|"private"|"dm"|"group", "members": [ids], "user"?: the other one of a DM,
              "topic", "is_member", "unread": n, "latest": ts|null}
    message  Slack's: {"type": "message", "channel", "ts", "user", "text", "subtype"?, "bot_id"?, "blocks"?, "files"?,
              "thread_ts"?, "reply_count"?, "reply_users"?, "latest_reply"?, "edited"?: {"user", "ts"},
              "reactions"?: [{"name", "users", "count"}]} and ours: {"streaming"?: true while its text still grows,
              "ephemeral"?: true (only this person sees it; gone after a reload, as in Slack),
              "also_in_channel"?: true (a thread's reply broadcast to the channel)}.
              A streamed message holds its text in blocks: "markdown", and "plan" or "task_card" for its tasks.
    file     {"id", "name", "title", "mimetype", "size", "user", "url": what the page loads, "alt_txt"?}
    view     Slack's: {"id", "type": "modal"|"home", "callback_id", "title"?, "submit"?, "close"?, "blocks", "hash",
              "state": {"values"}, "root_view_id", "previous_view_id", "notify_on_close"?, "clear_on_close"?}
    agent    {"status": ""|"is thinking…", "loading_messages": [..], "title": str|null,
              "prompts": {"title", "prompts": [{"title", "message"}]}|null, "session": {"status", "title"}|null}:
              of one DM or thread; session's status is "active", "processing" (show a Stop button: act `stop`),
              "suspended" (waits for the person) or "closed"

Reading
    GET  /people/state?person=      {"ok", "team": {"id", "name"}, "you": person, "people": [person],
                                     "channels": [channel], "notice": "This is not Slack…",
                                     "bot": {"user_id", "bot_id", "name", "connected": bool},
                                     "commands": [{"command", "description", "usage_hint"}],
                                     "shortcuts": [{"callback_id", "name"}], "upload_limit": bytes}
                                    (without `person`: only team, people and notice: for the person picker)
    GET  /people/history?person=&channel=&before=ts&limit=50
                                    {"ok", "messages": [oldest first, no thread replies], "has_more",
                                     "agent": of the channel,
                                     "agents": {thread ts: agent} of those threads where something goes on}
                                    (in a DM an answer to a line at the top may be shown at the top: status,
                                     session and streams name that line as their thread)
    GET  /people/thread?person=&channel=&ts=         {"ok", "messages": [the root, then replies], "agent"}
    GET  /people/home?person=       {"ok", "view": view|null, "channel": id of the DM with the bot}
    GET  /people/views?person=      {"ok", "views": [the open modals, lowest first]}
    GET  /people/files/ID/NAME?person=               the file's bytes

Saying and doing (POST; answers {"ok": true, …})
    say        {"person", "channel", "text", "thread_ts"?, "files"?: [file ids], "broadcast"?: true}  -> {"message"}
               `text` is what was typed: "@ada", "@odyssey" and "#general" become Slack's <@U…>, <#C…>; & < > are
               escaped; <@U…> of a known person stays
    edit       {"person", "channel", "ts", "text"}                                                  -> {"message"}
    delete     {"person", "channel", "ts"}
    react      {"person", "channel", "ts", "name": "eyes", "add": true}
    upload     ?person=&name=rows.jsonl, the bytes as the body (413 over the limit)                       -> {"file"}
    typing     {"person", "channel", "thread_ts"?}
    read       {"person", "channel", "ts"}                                                        (unread becomes 0)
    command    {"person", "channel", "command": "/odyssey", "text": "status"}  -> {"response": the app's answer or null}
               (answers also come over live as messages or ephemerals)
    click      {"person", "block_id", "action_id", "chosen"?, and one of
                  "message": {"channel", "ts"}   (an ephemeral's too)      "view_id": "V…"}
               `chosen`, by the element's type:
                 button, workflow_button, icon_button      null
                 feedback_buttons                          the chosen button's value
                 static_select, external_select, radio_buttons, overflow      the option's value (null: cleared)
                 users_select, conversations_select, channels_select          the id
                 multi_* and checkboxes                    a list of those
                 datepicker "2026-08-01" · timepicker "14:30" · datetimepicker seconds
                 plain_text_input, email_text_input, url_text_input, number_input     the text
                 rich_text_input                           a rich_text block
                 file_input                                a list of file ids
    options    {"person", "block_id", "action_id", "value": typed, "message"|"view_id" as above}
               -> {"options", "option_groups"}
    submit     {"person", "view_id", "values": {block_id: {action_id: chosen}}}
               -> {"response_action": null|"errors"|"update"|"push"|"clear", "errors": {block_id: sentence}}
               A missing required input gives "errors" without asking the app. null: the modal is closed
    close      {"person", "view_id"}                           the modal (Slack's X: the whole stack) is dismissed
    shortcut   {"person", "callback_id": "ask_odyssey", "channel", "ts"}
    home       {"person", "tab": "home"|"messages"}        opens the App Home -> {"view", "channel"} (tells the app)
    open       {"person", "users": [ids]}                                          a DM (or a group's) -> {"channel"}
    stop       {"person", "channel", "thread_ts"}     the Stop button of a session that is "processing", its streams end
    prompt     {"person", "channel", "thread_ts"?, "message"}              a suggested prompt is taken; the same as say
    channels   {"person", "name", "private"?: true}                                -> {"channel"}
    join, leave {"person", "channel"}                                              -> {"channel"}
    invite     {"person", "channel", "user"}         (the bot too)                  -> {"channel"}
    people     {"name": "kay", "real_name": "Alan Kay"}                               -> {"person"}

Live: websocket `/people/live?person=`, one JSON object a frame, everything this person can see, in order; "n" counts
from 1. After a lost connection ask for state and history again.
    {"type": "hello", "person"}
    {"type": "message", "channel", "message"}            new (also thread replies: look at thread_ts)
    {"type": "message_changed", "channel", "message"}    the whole (edits, reactions, reply counts, end of a stream)
    {"type": "message_deleted", "channel", "ts", "thread_ts"?}
    {"type": "stream", "channel", "ts", "thread_ts", "markdown": text to append, "message": the whole so far}
    {"type": "ephemeral", "channel", "message"}          "ephemeral_deleted": {"channel", "ts"}
    {"type": "status", "channel", "thread_ts", "status", "loading_messages"}             status "" clears it
    {"type": "prompts", "channel", "thread_ts": ts|null, "title", "prompts"}
    {"type": "title", "channel", "thread_ts", "title"}
    {"type": "session", "channel", "thread_ts": ts|null, "status", "title"}
    {"type": "view", "how": "open"|"push"|"update", "view"}        {"type": "view_closed", "view_id"}
    {"type": "view_errors", "view_id", "errors"}
    {"type": "home", "view"}
    {"type": "channel", "channel"}     created, joined, renamed, members changed      {"type": "person", "person"}
    {"type": "unread", "channel", "unread"}
    {"type": "typing", "channel", "thread_ts"?, "user"}
    {"type": "bot", "connected": bool}
"""

import asyncio

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.workspace import agents, files, messages, modals
from agent.workspace.acts import ACTS
from agent.workspace.api import body_of, json_of
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT, BOT_NAME, BOT_USER, COMMANDS, NOTICE, SHORTCUTS, TEAM, TEAM_NAME
from agent.workspace.live import Watcher
from agent.workspace.refusals import answered
from agent.workspace.store import LATEST, Doc
from agent.workspace.world import World


class People:
    """The routes of the people API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        reading = {
            "state": self.state,
            "history": self.history,
            "thread": self.thread,
            "home": self.home,
            "views": self.views,
        }
        found: list[BaseRoute] = [WebSocketRoute("/people/live", self.live)]
        found += [Route(f"/people/{name}", answered(ask), methods=["GET"]) for name, ask in reading.items()]
        found += [
            Route("/people/files/{file}/{name}", answered(self.file), methods=["GET"]),
            Route("/people/upload", answered(self.upload), methods=["POST"]),
            Route("/people/{act}", answered(self.act), methods=["POST"]),
        ]
        return found

    async def act(self, request: Request) -> Response:
        known = ACTS.get(request.path_params["act"])
        if known is None:
            raise Refused("unknown_act")
        model, perform = known
        try:
            given = model.model_validate(await json_of(request, self._world.limits.body_bytes))
        except ValidationError as fault:
            first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
            where = "/".join(str(part) for part in first["loc"])
            raise Refused("invalid_arguments", f"{where}: {first['msg']}"[:300]) from None
        return JSONResponse({"ok": True} | await perform(self._world, given))

    async def state(self, request: Request) -> Response:
        world = self._world
        people = world.store.every("person")
        body: Doc = {"ok": True, "team": {"id": TEAM, "name": TEAM_NAME}, "people": people, "notice": NOTICE}
        if not request.query_params.get("person"):
            return JSONResponse(body)
        you = self._person(request)
        channels = [
            each for each in world.store.every("channel") if each["kind"] == "channel" or you in each["members"]
        ]
        return JSONResponse(
            body
            | {
                "you": world.person(you),
                "channels": [world.channel_for(you, each) for each in channels],
                "bot": {"user_id": BOT_USER, "bot_id": BOT, "name": BOT_NAME, "connected": world.courier.connected},
                "commands": COMMANDS,
                "shortcuts": SHORTCUTS,
                "upload_limit": world.limits.upload_bytes,
            }
        )

    async def history(self, request: Request) -> Response:
        channel = self._channel(request)
        before = request.query_params.get("before") or LATEST
        limit = _number(request.query_params.get("limit"), 50)
        found = self._world.store.top_messages(channel["id"], before=before, limit=limit + 1)
        shown = [messages.live_form(each) for each in reversed(found[:limit])]
        agent = agents.agent_of(self._world, channel["id"], None)
        busy = agents.busy_threads(self._world, channel["id"], [each["ts"] for each in found[:limit]])
        answer = {"ok": True, "messages": shown, "has_more": len(found) > limit, "agent": agent, "agents": busy}
        return JSONResponse(answer)

    async def thread(self, request: Request) -> Response:
        channel = self._channel(request)
        ts = request.query_params.get("ts", "")
        root = self._world.store.message(channel["id"], ts)
        if root is None:
            raise Refused("thread_not_found")
        found = [root, *self._world.store.replies(channel["id"], ts)]
        agent = agents.agent_of(self._world, channel["id"], ts)
        return JSONResponse({"ok": True, "messages": [messages.live_form(each) for each in found], "agent": agent})

    async def home(self, request: Request) -> Response:
        person = self._person(request)
        view = modals.home(self._world, person)
        channel = self._world.direct(person, BOT_USER)["id"]
        return JSONResponse({"ok": True, "view": modals.shown(view) if view else None, "channel": channel})

    async def views(self, request: Request) -> Response:
        found = [modals.get(self._world, each) for each in modals.stack(self._world, self._person(request))]
        return JSONResponse({"ok": True, "views": [modals.shown(each) for each in found]})

    async def file(self, request: Request) -> Response:
        person = self._person(request)
        file = files.get(self._world, request.path_params["file"])
        files.require_seen(self._world, file, person)
        return files.download(self._world, file)

    async def upload(self, request: Request) -> Response:
        person = self._person(request)
        data = await body_of(request, self._world.limits.upload_bytes)
        file = files.keep(self._world, request.query_params.get("name", "file"), data, person)
        return JSONResponse({"ok": True, "file": file})

    async def live(self, socket: WebSocket) -> None:
        person = socket.query_params.get("person", "")
        if self._world.store.get("person", person) is None:
            await socket.close(4004)
            return
        await socket.accept()
        watcher = self._world.live.watch(person)
        listening = asyncio.create_task(_until_gone(socket, watcher))
        try:
            while (frame := await watcher.next()) is not None:
                await socket.send_json(frame)
            await socket.close(1013)
        except (WebSocketDisconnect, RuntimeError, OSError):  # the page is gone
            return
        finally:
            self._world.live.leave(watcher)
            listening.cancel()

    def _person(self, request: Request) -> str:
        return str(self._world.person(request.query_params.get("person"))["id"])

    def _channel(self, request: Request) -> Doc:
        return self._world.channel_of(self._person(request), request.query_params.get("channel"))


async def _until_gone(socket: WebSocket, watcher: Watcher) -> None:
    """What a page says is not listened to; only that it went."""
    try:
        while True:
            await socket.receive_bytes()
    except KeyError:  # a text frame
        await _until_gone(socket, watcher)
    except (WebSocketDisconnect, RuntimeError):
        watcher.end()


def _number(text: str | None, otherwise: int) -> int:
    given = int(text) if text and text.isascii() and text.isdecimal() and len(text) < 6 else otherwise
    return min(max(given, 1), 1000)
