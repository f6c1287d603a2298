"""A real workspace, an app scripted over Socket Mode, and people in a headless Chromium."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websocket_client import SocketModeClient
from workspace_case import Workspace

Doc = dict[str, Any]
PATIENCE = 10.0  # seconds for anything awaited
SAMPLES: Doc = json.loads(Path(__file__).with_name("samples.json").read_text(encoding="utf-8"))


class ScriptedApp:
    """Stands where the real app would: acknowledges all, keeps what came, answers views as a test says."""

    def __init__(self, workspace: Workspace) -> None:
        server = workspace.server
        self.web = WebClient(token=server.bot_token, base_url=server.api_url)
        self.came: queue.Queue[Doc] = queue.Queue()
        self.answers: dict[str, Doc] = {}  # to a submission, by callback id
        self.on: dict[str, Callable[[Doc], None]] = {}  # by payload type, "slash_commands" or event type
        self._socket = SocketModeClient(app_token=server.app_token, web_client=self.web, ping_interval=1)
        self._socket.socket_mode_request_listeners.append(self._take)  # type: ignore[arg-type]

    def connect(self) -> None:
        self._socket.connect()

    def close(self) -> None:
        """The client may wait ten seconds for its ping thread; the workspace, closed next, ends the line at once."""
        closing = threading.Thread(target=self._socket.close, daemon=True)
        closing.start()
        closing.join(0.5)

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        payload = request.payload
        view = payload.get("view") or {}
        answer = self.answers.get(view.get("callback_id", "")) if payload.get("type") == "view_submission" else None
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=answer))
        event = payload.get("event") or {}
        kind = event.get("type") or payload.get("type") or request.type
        self.came.put({"kind": kind, **payload})
        if kind in self.on:
            self.on[kind](payload)

    def wait(self, kind: str, wanted: Callable[[Doc], object] = lambda _: True) -> Doc:
        """The next payload of this kind that fits; queue.Empty after 10 s."""
        while True:
            found = self.came.get(timeout=PATIENCE)
            if found["kind"] == kind and wanted(found):
                return found

    def post(self, channel: str, text: str = "sample", **body: Any) -> str:
        """Post as the app. Gives the ts."""
        return str(self.web.chat_postMessage(channel=channel, text=text, **body)["ts"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace(tmp_path_factory.mktemp("workspace")) as running:
        yield running


@pytest.fixture(scope="module")
def app(workspace: Workspace) -> Iterator[ScriptedApp]:
    scripted = ScriptedApp(workspace)
    scripted.connect()
    yield scripted
    scripted.close()


@pytest.fixture
def samples() -> Doc:
    """Block Kit samples: `messages` by name, one `modal`, one `home`."""
    return json.loads(json.dumps(SAMPLES))


@pytest.fixture
def open_page(browser: Any, workspace: Workspace, app: ScriptedApp) -> Iterator[Callable[..., Any]]:
    """Opens the page as a person in a browser context of their own; what the page logs as an error fails the test."""
    faults: list[str] = []
    with ExitStack() as contexts:

        def opened(person: str = "U000000ADA", where: str = "C00GENERAL", **settings: Any) -> Any:
            context = browser.new_context(**settings)
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE * 1000)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
            page.on(
                "request", lambda request: faults.append(request.url) if _elsewhere(request.url, workspace) else None
            )
            page.goto(f"{workspace.server.url}/#/{person}/{where}")
            page.wait_for_selector(".frame")
            return page

        yield opened
    assert faults == []


def _elsewhere(url: str, workspace: Workspace) -> bool:
    return not url.startswith((workspace.server.url, "data:", "blob:"))
