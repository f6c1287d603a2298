"""Malformed requests of every kind: always an answer, never a 5xx, and the workspace goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workspace_case import Workspace

from agent.workspace.checks import checked_blocks
from agent.workspace.errors import Refused
from agent.workspace.limits import SLACK
from agent.workspace.typed import encoded
from agent.workspace.views import checked_view

METHODS = [
    "auth.test",
    "apps.connections.open",
    "chat.postMessage",
    "chat.update",
    "chat.delete",
    "chat.postEphemeral",
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "chat.getPermalink",
    "conversations.replies",
    "conversations.history",
    "conversations.info",
    "conversations.open",
    "conversations.list",
    "conversations.members",
    "users.info",
    "users.list",
    "views.open",
    "views.push",
    "views.update",
    "views.publish",
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "assistant.threads.setTitle",
    "agents.sessions.setStatus",
    "agents.sessions.rename",
    "reactions.add",
    "reactions.remove",
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
    "files.info",
    "oauth.v2.access",
    "no.such.method",
]
ACTS = [
    "say",
    "edit",
    "delete",
    "react",
    "typing",
    "read",
    "command",
    "click",
    "options",
    "submit",
    "close",
    "shortcut",
    "home",
    "open",
    "stop",
    "prompt",
    "channels",
    "join",
    "leave",
    "invite",
    "people",
    "nonsense",
]
FIELDS = [
    "channel",
    "text",
    "blocks",
    "ts",
    "thread_ts",
    "user",
    "metadata",
    "view",
    "trigger_id",
    "view_id",
    "user_id",
    "hash",
    "channel_id",
    "status",
    "prompts",
    "title",
    "name",
    "timestamp",
    "files",
    "filename",
    "length",
    "file",
    "cursor",
    "limit",
    "oldest",
    "latest",
    "types",
    "users",
    "chunks",
    "markdown_text",
    "message",
    "block_id",
    "action_id",
    "chosen",
    "values",
    "callback_id",
    "tab",
    "person",
    "command",
    "token",
    "attachments",
]
KNOWN = st.sampled_from(
    ["C00GENERAL", "D000000ADA", "U000000ADA", "U0ODYSSEY", "U0000GRACE", "modal", "home", "/odyssey"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | KNOWN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*FIELDS, "type"]), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON | KNOWN, max_size=8)
TYPES = st.sampled_from(
    [
        "section",
        "divider",
        "header",
        "image",
        "actions",
        "context",
        "context_actions",
        "markdown",
        "input",
        "video",
        "table",
        "task_card",
        "plan",
        "alert",
        "card",
        "carousel",
        "container",
        "rich_text",
        "rich_text_section",
        "button",
        "static_select",
        "plain_text",
        "mrkdwn",
        "raw_text",
        "checkboxes",
        "plain_text_input",
        "feedback_buttons",
        "text",
    ]
)
BLOCKY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "elements",
                    "element",
                    "accessory",
                    "fields",
                    "rows",
                    "tasks",
                    "label",
                    "options",
                    "title",
                    "child_blocks",
                    "value",
                    "action_id",
                    "block_id",
                    "placeholder",
                    "status",
                    "task_id",
                    "details",
                    "alt_text",
                    "image_url",
                    "positive_button",
                ]
            ),
            inner,
            max_size=5,
        ).flatmap(lambda made: TYPES.map(lambda kind: {**made, "type": kind}))
    ),
    max_leaves=15,
)
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "derandomize": True}


class Fuzzed:
    """One workspace for many requests."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._client = httpx.Client(base_url=workspace.server.url, trust_env=False, timeout=20)
        self._real = self.real()

    def real(self) -> dict[str, Any]:
        """Arguments that most methods take, so that rubbish reaches deeper."""
        said = self._client.post("/people/say", json={"person": "U000000ADA", "channel": "C00GENERAL", "text": "real"})
        ts = said.json()["message"]["ts"]
        where = {"channel": "C00GENERAL", "channel_id": "C00GENERAL", "ts": ts, "thread_ts": ts, "timestamp": ts}
        who = {"user": "U000000ADA", "user_id": "U000000ADA", "recipient_user_id": "U000000ADA"}
        modal = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
        rest = {
            "text": "t",
            "name": "eyes",
            "status": "active",
            "title": "t",
            "view": modal,
            "filename": "f",
            "length": 3,
        }
        return where | who | rest | {"recipient_team_id": "T000LOCAL", "message_ts": ts, "prompts": []}

    def api(self, method: str, body: dict[str, Any], raw: bytes, how: str) -> None:
        body = self._real | body
        headers = {"Authorization": f"Bearer {self._workspace.server.bot_token}"}
        path = f"/api/{method}"
        if how == "json":
            sent = self._client.post(
                path, content=json.dumps(body), headers=headers | {"Content-Type": "application/json"}
            )
        elif how == "form":
            flat = {name: each if isinstance(each, str) else json.dumps(each) for name, each in body.items()}
            sent = self._client.post(path, data=flat, headers=headers)
        else:
            sent = self._client.post(path, content=raw, headers=headers | {"Content-Type": how})
        assert sent.status_code == 200, (sent.status_code, sent.text)
        assert isinstance(sent.json()["ok"], bool)

    def act(self, act: str, body: dict[str, Any], raw: bytes) -> None:
        for content in (json.dumps({"person": "U000000ADA", **body}).encode(), raw):
            sent = self._client.post(f"/people/{act}", content=content)
            # 504 says that there is no app here; nothing else of the kind may come
            assert sent.status_code in (200, 400, 404, 413, 504), (sent.status_code, sent.text)

    def read(self, what: str, query: dict[str, str]) -> None:
        sent = self._client.get(f"/people/{what}", params=query)
        assert sent.status_code in (200, 400, 404), (sent.status_code, sent.text)

    def raw_address(self, path: str, body: bytes) -> None:
        for verb in ("GET", "POST"):
            sent = self._client.request(verb, path, content=body)
            assert sent.status_code < 500, (path, sent.status_code, sent.text)


HOW = st.sampled_from(
    ["json", "form", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "x/y"]
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def fuzz(folder: Path, examples: int) -> None:
    with Workspace(folder) as workspace:
        fuzzed = Fuzzed(workspace)

        def several(test: Callable[..., None], **strategies: Any) -> None:
            settings(max_examples=examples, **QUIET)(given(**strategies)(test))()

        several(fuzzed.api, method=st.sampled_from(METHODS), body=BODIES, raw=st.binary(max_size=200), how=HOW)
        several(fuzzed.act, act=st.sampled_from(ACTS), body=BODIES, raw=st.binary(max_size=100))
        queries = st.dictionaries(st.sampled_from(["person", "channel", "ts", "before", "limit"]), WORDS | KNOWN)
        several(fuzzed.read, what=st.sampled_from(["state", "history", "thread", "home", "views"]), query=queries)
        ends = st.sampled_from(["response", "upload", "files-pri/F1", "people/files/F1", "api", "people", "archives/C"])
        several(
            lambda end, word, body: fuzzed.raw_address(
                f"/{end}/{httpx.URL('', params={'q': word}).query.decode()}", body
            ),
            end=ends,
            word=WORDS,
            body=st.binary(max_size=50),
        )
        assert workspace.person("ada").say("general", "still here")["text"] == "still here"


def test_malformed_requests_get_an_answer(tmp_path: Path) -> None:
    fuzz(tmp_path, 60)


@pytest.mark.parametrize(
    "rubbish", [b'{"text": "\\ud800"}', b'{"text": NaN}', b'{"text": 1e999}', b"[" * 5000, b"\xff", b"[]"]
)
def test_json_that_could_not_be_given_back_is_refused(tmp_path: Path, rubbish: bytes) -> None:
    with Workspace(tmp_path) as workspace, httpx.Client(base_url=workspace.server.url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {workspace.server.bot_token}", "Content-Type": "application/json"}
        answer = client.post("/api/chat.postMessage", content=rubbish, headers=headers).json()
        assert answer["error"] in ("invalid_json", "json_not_object")
        assert client.post("/people/say", content=rubbish).status_code == 400


@pytest.mark.slow
def test_many_malformed_requests_get_an_answer(tmp_path: Path) -> None:
    fuzz(tmp_path, 1250)  # 5,000 requests in all


@given(blocks=st.lists(BLOCKY, max_size=3), view=st.fixed_dictionaries({"type": st.just("modal"), "blocks": BLOCKY}))
@settings(max_examples=300, **QUIET)
def test_any_json_is_taken_or_refused_as_blocks(blocks: list[Any], view: dict[str, Any]) -> None:
    for check in (
        lambda: checked_blocks(blocks, SLACK, most=50),
        lambda: checked_view(view, SLACK, "modal"),
    ):
        try:
            check()
        except Refused as refusal:
            assert refusal.code


@given(text=st.text())
@settings(max_examples=300, **QUIET)
def test_typed_text_never_becomes_markup(text: str) -> None:
    made = encoded(text, [{"id": "U1", "name": "ada"}], [{"id": "C1", "name": "general"}])
    rest = made.replace("<@U1>", "").replace("<#C1|general>", "").replace("<#C1>", "")
    assert "<" not in rest
    assert ">" not in rest
