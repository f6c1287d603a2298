"""The local workspace for everybody's tests: a server on a thread of its own, people who act in it over real sockets.

with Workspace(tmp_path) as workspace:
    ada = workspace.person("ada")
    said = ada.say("general", "@odyssey status")
    reply = ada.wait_for(lambda message: message.get("thread_ts") == said["ts"] and "bot_id" in message)
    ada.click(reply, "say:1")
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from websockets.sync.client import ClientConnection, connect

from agent.workspace.limits import SLACK, Limits
from agent.workspace.server import LocalWorkspace

Doc = dict[str, Any]
Result = TypeVar("Result")
PATIENCE = 20.0  # seconds for anything awaited, on a loaded machine too
FAST = replace(SLACK.faster(1000), refresh_after_s=3600.0)  # no rate limit in the way; retries after milliseconds


class Refusal(AssertionError):
    """The workspace refused what a person did."""

    def __init__(self, status: int, body: Doc) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.code = body.get("error")
        self.sentence = body.get("message")


class Workspace:
    """A running LocalWorkspace. `server` has its tokens and addresses; `close` and `open` again is a restart."""

    def __init__(self, folder: Path, *, limits: Limits = FAST, events_url: str | None = None, port: int = 0) -> None:
        self._arguments: Doc = {"limits": limits, "events_url": events_url, "testing": True}
        self._folder = folder
        self._port = port
        self._people: list[Person] = []
        self.server = LocalWorkspace(folder, port=port, **self._arguments)
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-workspace", daemon=True)
        self._thread.start()
        self.run(self.server.start())

    def close(self) -> None:
        if self._thread is None:
            return
        for person in self._people:
            person.close()
        self._people = []
        self.run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
        self._thread = None

    def restart(self) -> None:
        """The same folder on the same port, as after a crash of the machine; people have to be asked for again."""
        port = int(self.server.url.rpartition(":")[2])
        self.close()
        self.server = LocalWorkspace(self._folder, port=port, **self._arguments)
        self.open()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    # faults, as `agent.workspace.faults` describes them

    def weather(self, **forecast: float) -> None:
        """lose_acks=, duplicate=, shuffle_s=, seed=; nothing is fair weather."""
        self._fault("weather", **forecast)

    def fail(self, method: str, kind: str = "ratelimited", times: int = 1, **more: Any) -> None:
        """The next calls of an API method: "ratelimited", "error", "lost" (done, no answer) or "slow"."""
        self._fault("method", method=method, kind=kind, times=times, **more)

    def cut(self, how_many: int = 10) -> int:
        """End the app's connections without a word; how many there were."""
        return int(self._fault("cut", how_many=how_many)["cut"])

    def refresh(self) -> None:
        """Ask every connection of the app for a new one."""
        self._fault("refresh")

    def emit(self, event: Doc) -> None:
        """Send the app an event as it is given."""
        self._fault("emit", event=event)

    def calls(self, method: str = "", since: int = 0) -> list[Doc]:
        """Every API call so far: n, method, arguments, status, error, at."""
        query = {"method": method, "since": since}
        return list(httpx.get(f"{self.server.url}/faults/calls", params=query, trust_env=False).json()["calls"])

    def settle(self) -> None:
        """Wait until no event is on its way to the app any more."""
        deadline = time.monotonic() + 3 * PATIENCE
        while httpx.get(f"{self.server.url}/faults/events", trust_env=False).json()["unacknowledged"]:
            assert time.monotonic() < deadline, "events are still on their way"
            time.sleep(0.02)

    def _fault(self, what: str, **body: Any) -> Doc:
        answer = httpx.post(f"{self.server.url}/faults/{what}", json=body, timeout=PATIENCE, trust_env=False).json()
        assert answer["ok"], answer
        return dict(answer)

    def person(self, name: str) -> "Person":
        """Somebody by name: ada, grace, alan, lin, or one who was added."""
        with httpx.Client(base_url=self.server.url, trust_env=False) as client:
            people = client.get("/people/state").json()["people"]
        found = next(each["id"] for each in people if each["name"] == name)
        person = Person(self.server.url, found)
        self._people.append(person)
        return person


class Person:
    """Acts over the people API and watches what they can see. `seen` are all live frames so far, the oldest first."""

    def __init__(self, url: str, person: str) -> None:
        self.id = person
        self.seen: list[Doc] = []
        self._client = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)
        self._news = threading.Condition()
        address = f"{url.replace('http', 'ws', 1)}/people/live?person={person}"
        self._open = ExitStack()
        watching = connect(address, open_timeout=PATIENCE, max_size=None, proxy=None)
        self._socket: ClientConnection = self._open.enter_context(watching)
        self._reader = threading.Thread(target=self._read, name=f"watch-{person}", daemon=True)
        self._reader.start()
        self.wait_frame(lambda frame: frame["type"] == "hello")

    def close(self) -> None:
        self._open.close()
        self._reader.join(PATIENCE)
        self._client.close()

    def _read(self) -> None:
        for text in self._socket:
            with self._news:
                self.seen.append(json.loads(text))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    # reading

    def get(self, what: str, **query: Any) -> Doc:
        return self._answer(self._client.get(f"/people/{what}", params={"person": self.id, **query}))

    def state(self) -> Doc:
        return self.get("state")

    def channel(self, name: str) -> str:
        """A channel's id: of "general", of "dm" (with Odyssey), of "@grace"; an id stays."""
        channels = self.state()["channels"]
        wanted = self.state()["bot"]["user_id"] if name == "dm" else self._id_of(name[1:]) if name[0] == "@" else None
        for each in channels:
            if name in (each["id"], each["name"]) or (wanted and each["kind"] == "dm" and each.get("user") == wanted):
                return str(each["id"])
        raise LookupError(name)

    def _id_of(self, name: str) -> str:
        return next(str(each["id"]) for each in self.state()["people"] if each["name"] == name)

    def history(self, channel: str) -> list[Doc]:
        return list(self.get("history", channel=self.channel(channel), limit=1000)["messages"])

    def thread(self, message: Doc) -> list[Doc]:
        """The thread of a message: its root, then the replies."""
        root = message.get("thread_ts", message["ts"])
        return list(self.get("thread", channel=message["channel"], ts=root)["messages"])

    # acting

    def act(self, what: str, **body: Any) -> Doc:
        """Any act of the people API. Refusal where it is refused."""
        given = {name: value for name, value in body.items() if value is not None}
        return self._answer(self._client.post(f"/people/{what}", json={"person": self.id, **given}))

    def say(self, channel: str, text: str, thread: Doc | None = None, files: list[str] | None = None) -> Doc:
        """Say something in a channel ("general", "dm" for the DM with Odyssey) or a thread. Gives the message."""
        root = thread.get("thread_ts", thread["ts"]) if thread else None
        said = self.act("say", channel=self.channel(channel), text=text, thread_ts=root, files=files)
        return dict(said["message"])

    def upload(self, name: str, data: bytes) -> str:
        """The file's id, for `say`."""
        answer = self._client.post("/people/upload", params={"person": self.id, "name": name}, content=data)
        return str(self._answer(answer)["file"]["id"])

    def command(self, text: str, channel: str = "general", command: str = "/odyssey") -> Doc | None:
        """A slash command; the app's immediate answer."""
        response: Doc | None = self.act("command", channel=self.channel(channel), command=command, text=text)[
            "response"
        ]
        return response

    def click(self, where: Doc, action: str, chosen: Any = None) -> None:
        """Press an element of a message or a view by its action_id, or a button by its text."""
        block_id, action_id = find(where, action)
        at = (
            {"message": {"channel": where["channel"], "ts": where["ts"]}}
            if "channel" in where
            else {"view_id": where["id"]}
        )
        self.act("click", block_id=block_id, action_id=action_id, chosen=chosen, **at)

    def submit(self, view: Doc, **values: Any) -> Doc:
        """Submit a modal; values by action_id."""
        typed: dict[str, Doc] = {}
        for action, value in values.items():
            block_id, action_id = find(view, action)
            typed.setdefault(block_id, {})[action_id] = value
        return self.act("submit", view_id=view["id"], values=typed)

    def shortcut(self, message: Doc, callback_id: str = "ask_odyssey") -> None:
        self.act("shortcut", callback_id=callback_id, channel=message["channel"], ts=message["ts"])

    def stop(self, channel: str, thread: Doc | None = None) -> None:
        root = thread.get("thread_ts", thread["ts"]) if thread else None
        self.act("stop", channel=self.channel(channel), thread_ts=root)

    # waiting

    def wait_frame(self, wanted: Callable[[Doc], object], *, since: int = 0) -> Doc:
        """The first live frame from number `since` on that fits; AssertionError after 20 s."""
        deadline = time.monotonic() + PATIENCE
        with self._news:
            looked = since
            while True:
                for frame in self.seen[looked:]:
                    if wanted(frame):
                        return frame
                looked = max(looked, len(self.seen))
                left = deadline - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    shown = "\n".join(json.dumps(each, ensure_ascii=False)[:300] for each in self.seen[-20:])
                    raise AssertionError(f"Nothing came that was waited for. Last seen:\n{shown}")

    def wait_for(self, wanted: Callable[[Doc], object], *, since: int = 0) -> Doc:
        """The first message that fits, as it was seen: new, changed, streamed or ephemeral."""
        kinds = ("message", "message_changed", "stream", "ephemeral")
        frame = self.wait_frame(lambda each: each["type"] in kinds and wanted(each["message"]), since=since)
        return dict(frame["message"])

    def wait_reply(self, said: Doc, wanted: Callable[[Doc], object] = lambda _: True) -> Doc:
        """Odyssey's first finished reply in the thread of what was said."""
        root = said.get("thread_ts", said["ts"])

        def fits(message: Doc) -> bool:
            ours = message.get("thread_ts") == root and "bot_id" in message and not message.get("streaming")
            return ours and bool(wanted(message))

        return self.wait_for(fits)

    def wait_view(self, *, since: int = 0) -> Doc:
        """The first modal that opened."""
        return dict(self.wait_frame(lambda frame: frame["type"] == "view", since=since)["view"])

    def _answer(self, response: httpx.Response) -> Doc:
        body = dict(response.json())
        if not body.get("ok"):
            raise Refusal(response.status_code, body)
        return body


def find(where: Doc, action: str) -> tuple[str, str]:
    """Block and action id of an element, by its action_id or the text of a button. LookupError."""
    for block in where.get("blocks", []):
        found = [*block.get("elements", []), block.get("accessory"), block.get("element"), *block.get("actions", [])]
        for element in found:
            if not isinstance(element, dict) or "action_id" not in element:
                continue
            text = element.get("text")
            if element["action_id"] == action or (isinstance(text, dict) and text.get("text") == action):
                return str(block["block_id"]), str(element["action_id"])
    raise LookupError(action)


def text_of(message: Doc) -> str:
    """Everything a message shows, for assertions: its text and that of its blocks."""
    return "\n".join([message.get("text", ""), *_texts(message.get("blocks", []))])


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        named = [value["title"]] if isinstance(value.get("title"), str) else []
        return [*named, *own, *(text for name, each in value.items() for text in _texts(each) if name != "value")]
    return []
