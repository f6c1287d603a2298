"""Odyssey in Slack when things go wrong: restarts, cut connections, slow turns, forged requests, uninstallation."""

import html
import re
import socket
import threading
import time
from urllib.parse import parse_qsl

import httpx
import pytest
import slack_payloads as slack
from cryptography.fernet import Fernet
from slack_app import App, Office, http_settings, serve_on_thread, signed
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from workspace_case import PATIENCE, Workspace, text_of

from agent.errors import Configuration, Unreachable
from agent.graph.replies import Reply
from agent.settings import load_slack


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace


def ours(message):
    return "bot_id" in message and not message.get("streaming")


def answers(person, said):
    return [text_of(message) for message in person.thread(said) if ours(message)]


class Gate:
    """An answer that waits: `asked` counts those that came to it, `open` lets them go."""

    def __init__(self):
        self.asked = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, text, *, stop, **more):
        self.asked.release()
        while not self.open.is_set() and not stop.is_set():
            stop.wait(0.02)
        return "Stopped." if stop.is_set() else f"You said {text}."

    def wait_asked(self, number=1):
        for _ in range(number):
            assert self.asked.acquire(timeout=PATIENCE)


def test_a_restart_in_the_middle_of_a_turn_answers_once(workspace, tmp_path):
    gate = Gate()
    app = App.of(tmp_path / "home", workspace.server, Office(gate))
    with app:
        ada = workspace.person("ada")
        said = ada.say("general", "@odyssey hello there")
        gate.wait_asked()
        later = ada.say("general", "and this", said)
    gate.open.set()
    assert answers(ada, said) == []
    with app:
        ada.wait_reply(said, lambda message: "and this" in text_of(message))
    told = answers(ada, said)
    assert [sum(word in text for text in told) for word in ("hello there", "and this")] == [1, 1]
    assert later["ts"] > said["ts"]


def test_what_is_said_while_the_app_is_away_is_answered_when_it_is_back(workspace, tmp_path):
    app = App.of(tmp_path / "home", workspace.server, Office())
    with app:
        ada = workspace.person("ada")
    said = [ada.say("general", f"@odyssey line {number}") for number in range(3)]
    with app:
        for number, each in enumerate(said):
            assert f"line {number}" in text_of(ada.wait_reply(each))


def test_a_cut_connection_comes_back_and_loses_nothing(workspace, tmp_path):
    with App.of(tmp_path / "home", workspace.server, Office()) as app:
        ada = workspace.person("ada")
        clients = app.serving.service.connections.clients
        assert len(clients) == 2

        def cut():
            """As a network does: no closing frame."""
            for client in clients:
                transport = client.current_session._conn.transport if client.current_session._conn else None
                if transport is not None:
                    transport.abort()

        app.call(cut)
        said = [ada.say("general", f"@odyssey line {number}") for number in range(5)]
        for number, each in enumerate(said):
            assert f"line {number}" in text_of(ada.wait_reply(each))
        assert [len(answers(ada, each)) for each in said] == [1] * 5


def test_twenty_slow_turns_and_a_button(workspace, tmp_path):
    gate = Gate()
    votes = Office(lambda text, **more: gate(text, **more) if "slow" in text else Reply(text="Quick.", proposal=1))
    with App.of(tmp_path / "home", workspace.server, votes):
        ada = workspace.person("ada")
        said = ada.say("general", "@odyssey offer")
        offer = ada.wait_reply(said)
        slow = [ada.say("general", f"@odyssey slow {number}") for number in range(20)]
        gate.wait_asked(16)
        seen = len(ada.seen)
        ada.click(offer, "Do it")
        pressed = ada.wait_for(
            lambda message: message.get("thread_ts") == said["ts"] and ours(message) and message["ts"] > offer["ts"],
            since=seen,
        )
        assert "Quick." in text_of(pressed)
        assert sum(len(answers(ada, each)) for each in slow) == 0
        gate.open.set()
        for each in slow:
            ada.wait_reply(each)


def test_stop_ends_a_turn_in_a_thread_and_in_direct_messages(workspace, tmp_path):
    gate = Gate()
    with App.of(tmp_path / "home", workspace.server, Office(gate)):
        ada = workspace.person("ada")
        for where in ("general", "dm"):
            said = ada.say(where, "@odyssey take your time")
            gate.wait_asked()
            ada.wait_frame(lambda frame, ts=said["ts"]: frame["type"] == "session" and frame["thread_ts"] == ts)
            ada.stop(where, said)
            found = ada.wait_for(lambda message, ts=said["ts"]: ours(message) and message["ts"] > ts)
            assert "Stopped." in text_of(found)


def test_a_failing_turn_is_a_sentence_with_an_id(workspace, tmp_path):
    def fail(text, **more):
        raise RuntimeError("secret detail")

    with App.of(tmp_path / "home", workspace.server, Office(fail)):
        ada = workspace.person("ada")
        text = text_of(ada.wait_reply(ada.say("general", "@odyssey hello")))
        assert "E-" in text and "secret" not in text


def test_files_too_big_get_a_sentence(workspace, tmp_path):
    with App.of(tmp_path / "home", workspace.server, Office(), upload_limit=100):
        ada = workspace.person("ada")
        said = ada.say("general", "@odyssey look", files=[ada.upload("rows.csv", b"a" * 101)])
        assert ada.wait_reply(said, lambda message: "rows.csv” is too big" in text_of(message))
        assert ada.wait_reply(said, lambda message: "You said look" in text_of(message))


# --- starting ----------------------------------------------------------------------------------------------------


def test_a_bad_token_is_a_sentence(workspace, tmp_path):
    for name, token, sentence in (
        ("bot_token", "xoxb-wrong", "refuses the bot token"),
        ("app_token", "xapp-wrong", "refuses the app-level token"),
    ):
        given = {"bot_token": workspace.server.bot_token, "app_token": workspace.server.app_token, name: token}
        settings = load_slack(api_url=workspace.server.api_url, **given)
        with pytest.raises(Configuration, match=sentence) as caught, App(tmp_path / name, settings, Office()):
            pass
        assert token not in str(caught.value)


def test_nobody_at_the_address_is_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = load_slack(bot_token="xoxb-1", app_token="xapp-1", api_url=f"http://127.0.0.1:{port}/api/")
    with pytest.raises(Unreachable, match="does not answer"), App(tmp_path / "home", settings, Office()):
        pass


# --- HTTP --------------------------------------------------------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_http_mode_hears_signed_requests(tmp_path):
    port = free_port()
    with Workspace(tmp_path / "workspace", events_url=f"http://127.0.0.1:{port}/slack/events") as workspace:
        settings = http_settings(workspace.server, http_port=port)
        with App(tmp_path / "home", settings, Office(lambda text, **_: Reply(text=f"You said {text}.", proposal=1))):
            ada = workspace.person("ada")
            said = ada.say("general", "@odyssey hello")
            offer = ada.wait_reply(said)
            ada.click(offer, "Do it")
            assert ada.wait_reply(said, lambda message: "You said confirm 1" in text_of(message))
            ada.command("status")
            assert ada.wait_for(lambda message: message.get("ephemeral") and "You said status" in text_of(message))


def test_forged_stale_and_replayed_requests(workspace, tmp_path):
    office = Office()
    with (
        App(tmp_path / "home", http_settings(workspace.server), office) as app,
        httpx.Client(trust_env=False) as client,
    ):
        url = f"http://127.0.0.1:{app.serving.port}/slack/events"
        secret = workspace.server.signing_secret
        now = time.time()
        payload = slack.said("hello", channel=slack.DIRECT, channel_type="im")
        body, headers = signed(payload, secret, now)
        stamp, good = headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"]
        for change in (
            {"X-Slack-Signature": "v0=" + "0" * 64},
            {"X-Slack-Signature": "nonsense"},
            {"X-Slack-Signature": "ünsinn".encode()},
            {"X-Slack-Request-Timestamp": "soon"},
            {"X-Slack-Request-Timestamp": "٣٤٥"},
            {"X-Slack-Request-Timestamp": "1e9"},
            {"X-Slack-Request-Timestamp": "-5"},
            {"X-Slack-Request-Timestamp": ""},
            {"X-Slack-Request-Timestamp": str(int(stamp) + 1)},
        ):
            given = {k: v if isinstance(v, bytes) else v.encode() for k, v in (headers | change).items()}
            assert client.post(url, content=body, headers=given).status_code == 401, change
        assert client.post(url, content=body).status_code == 401
        assert client.post(url, content=body + b" ", headers=headers).status_code == 401
        old = signed(payload, secret, now - 301)
        assert client.post(url, content=old[0], headers=old[1]).status_code == 401
        assert good and office.asked == []
        for _ in range(5):
            assert client.post(url, content=body, headers=headers).status_code == 200
        follow = signed(
            slack.said("last", channel=slack.DIRECT, channel_type="im", ts="1700000001.0", event_id="Ev2"), secret, now
        )
        assert client.post(url, content=follow[0], headers=follow[1]).status_code == 200
        deadline = time.monotonic() + PATIENCE
        while [each["text"] for each in office.asked] != ["hello", "last"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [each["text"] for each in office.asked] == ["hello", "last"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"payload=%7B", b"payload=5", b"x=1", b"[" * 20_000]
)
def test_signed_rubbish_is_acknowledged(workspace, tmp_path, body):
    with App(tmp_path / "home", http_settings(workspace.server), Office()) as app:
        _, headers = signed(body, workspace.server.signing_secret, time.time())
        url = f"http://127.0.0.1:{app.serving.port}/slack/events"
        assert httpx.post(url, content=body, headers=headers, trust_env=False).status_code == 200
        assert httpx.get(url.replace("slack/events", "health"), trust_env=False).status_code == 200


def test_slacks_question_whether_we_are_there(workspace, tmp_path):
    with App(tmp_path / "home", http_settings(workspace.server), Office()) as app:
        asked = {"type": "url_verification", "challenge": "abc", "token": "t"}
        body, headers = signed(asked, workspace.server.signing_secret, time.time())
        url = f"http://127.0.0.1:{app.serving.port}/slack/events"
        assert httpx.post(url, content=body, headers=headers, trust_env=False).json() == {"challenge": "abc"}


# --- OAuth -------------------------------------------------------------------------------------------------------


class Elsewhere:
    """As much of Slack as an installation needs, for any number of workspaces, and the messages posted there."""

    def __init__(self):
        self.posted = []
        self.news = threading.Condition()

    def app(self):
        return Starlette(routes=[Route("/api/{method}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request):
        method = request.path_params["method"]
        form = "form" in request.headers.get("content-type", "")
        given = dict(parse_qsl((await request.body()).decode())) if form else {}
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if method == "oauth.v2.access":
            team = given["code"]
            if not team.startswith("T"):
                return JSONResponse({"ok": False, "error": "invalid_code"})
            installed = {"ok": True, "access_token": f"xoxb-{team}", "token_type": "bot", "bot_user_id": slack.BOT}
            whose = {"app_id": "A0APP", "team": {"id": team, "name": team.lower()}, "authed_user": {"id": slack.ADA}}
            return JSONResponse(installed | whose | {"scope": "chat:write"})
        if method == "auth.test":
            return JSONResponse({"ok": True, "bot_id": "B0ODYSSEY", "user_id": slack.BOT, "team_id": token[5:]})
        with self.news:
            self.posted.append((method, token, given or await request.json()))
            self.news.notify_all()
        return JSONResponse({"ok": True, "ts": "1700000009.000100", "user": {"id": slack.ADA, "name": "ada"}})

    def wait_posted(self, token):
        def found():
            return next((m for m in self.posted if m[0] == "chat.postMessage" and m[1] == token), None)

        with self.news:
            assert self.news.wait_for(found, PATIENCE)
            return found()[2]


def installed(base, code):
    """Go through an installation as a browser does."""
    with httpx.Client(base_url=base, trust_env=False) as client:
        page = client.get("/slack/install")
        assert page.status_code == 200
        state = page.cookies.get("slack-app-oauth-state") or page.headers["set-cookie"].split("=")[1].split(";")[0]
        cookie = {"Cookie": f"slack-app-oauth-state={state}"}
        return client.get("/slack/oauth_redirect", params={"code": code, "state": state}, headers=cookie)


def test_workspaces_install_and_uninstall(tmp_path):
    slack_com, office = Elsewhere(), Office()
    key = Fernet.generate_key().decode()
    with serve_on_thread(slack_com.app()) as address:
        settings = load_slack(
            mode="http", http_port=0, client_id="1.2", client_secret="hush", signing_secret="s3cret",
            encryption_key=key, api_url=f"{address}/api/",
        )  # fmt: skip
        with App(tmp_path / "home", settings, office) as app, httpx.Client(trust_env=False) as client:
            base = f"http://127.0.0.1:{app.serving.port}"

            def tell(payload):
                body, headers = signed(payload, "s3cret", time.time())
                return client.post(f"{base}/slack/events", content=body, headers=headers)

            def hello(team, number):
                body = slack.said(f"from {team}", channel=slack.DIRECT, channel_type="im", ts=f"17000000{number}.0")
                return tell(body | {"team_id": team, "event_id": f"Ev{number}", "authorizations": []})

            assert hello("T0ONE", 10).status_code == 200
            assert office.asked == []
            assert installed(base, "T0ONE").status_code == 200
            assert installed(base, "T0TWO").status_code == 200
            assert installed(base, "nonsense").status_code == 401
            forged = client.get(f"{base}/slack/oauth_redirect", params={"code": "T0BAD", "state": "guess"})
            assert forged.status_code in (400, 401)
            for number, team in ((11, "T0ONE"), (12, "T0TWO")):
                assert hello(team, number).status_code == 200
                assert f"from {team}" in str(slack_com.wait_posted(f"xoxb-{team}"))
            assert {each["actor"] for each in office.asked} == {"T0ONE.U0ADA", "T0TWO.U0ADA"}
            kept = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("odyssey.db*"))
            assert b"xoxb-" not in kept
            assert tell(slack.uninstalled() | {"team_id": "T0ONE"}).status_code == 200
            assert tell(slack.revoked(slack.BOT) | {"team_id": "T0TWO", "event_id": "Ev99"}).status_code == 200
            before = len(office.asked)
            for number, team in ((13, "T0ONE"), (14, "T0TWO")):
                assert hello(team, number).status_code == 200
            assert len(office.asked) == before
        other = settings.model_copy(
            update={"encryption_key": type(settings.client_secret)(Fernet.generate_key().decode())}
        )
        with App(tmp_path / "home", other, office):
            pass


def test_the_local_workspace_installs_as_a_browser_would(tmp_path):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with Workspace(tmp_path / "workspace", events_url=f"{base}/slack/events") as workspace:
        server = workspace.server
        settings = http_settings(
            server, bot_token=None, http_port=port, client_id=server.client_id, client_secret=server.client_secret,
            encryption_key=Fernet.generate_key().decode(), public_url=base,
        )  # fmt: skip
        with App(tmp_path / "home", settings, Office()), httpx.Client(base_url=base, trust_env=False) as browser:
            page = browser.get("/slack/install")
            link = html.unescape(re.search(r'href="([^"]+/oauth/v2/authorize[^"]+)"', page.text)[1])
            back = browser.get(link).headers["location"]
            cookie = page.headers["set-cookie"].partition(";")[0]
            assert browser.get(back, headers={"Cookie": cookie}).status_code == 200
            assert browser.get(back, headers={"Cookie": cookie}).status_code == 401
            ada = workspace.person("ada")
            assert "You said hello" in text_of(ada.wait_reply(ada.say("general", "@odyssey hello")))
            asked = ada.say("general", "@odyssey role @grace approver")
            told = text_of(ada.wait_reply(asked))
            assert "T000LOCAL" not in told and "role" in told


def test_a_lost_key_is_said_before_anything_begins(tmp_path):
    slack_com = Elsewhere()
    with serve_on_thread(slack_com.app()) as address:
        given = {"mode": "http", "http_port": 0, "client_id": "1.2", "client_secret": "hush", "signing_secret": "s"}
        given["api_url"] = f"{address}/api/"
        first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        with App(tmp_path / "home", load_slack(**given, encryption_key=first), Office()) as app:
            assert installed(f"http://127.0.0.1:{app.serving.port}", "T0ONE").status_code == 200
        wrong = App(tmp_path / "home", load_slack(**given, encryption_key=second), Office())
        with pytest.raises(Configuration, match="SLACK_ENCRYPTION_KEY does not open"), wrong:
            pass
        with App(tmp_path / "home", load_slack(**given, encryption_key=f"{second},{first}"), Office()):
            pass
