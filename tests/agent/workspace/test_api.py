"""The Web API's door: tokens, methods, arguments, tiers."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent.workspace.errors import RateLimited
from agent.workspace.limits import SLACK
from agent.workspace.rates import Rates

Play = Callable[..., None]
GENERAL, ADA = "C00GENERAL", "U000000ADA"


def test_tokens_open_what_they_are_for(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        who = await stage.client.auth_test()
        assert (who["team_id"], who["user_id"], who["bot_id"]) == ("T000LOCAL", "U0ODYSSEY", "B0ODYSSEY")
        stranger = AsyncWebClient(token="xoxb-stranger", base_url=stage.workspace.api_url)
        assert await stage.refusal(stranger.auth_test()) == "invalid_auth"
        assert await stage.refusal(stage.client.apps_connections_open(app_token=stage.workspace.bot_token)) == (
            "not_allowed_token_type"
        )
        nobody = AsyncWebClient(base_url=stage.workspace.api_url)
        assert await stage.refusal(nobody.auth_test()) == "not_authed"

    play(scenario)


def test_what_is_not_modelled_is_an_unknown_method(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        assert await stage.refusal(stage.client.admin_users_list()) == "unknown_method"

    play(scenario)


def test_arguments_come_as_form_query_or_json(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        headers = {"Authorization": f"Bearer {stage.workspace.bot_token}"}
        for sent in (
            {"json": {"channel": GENERAL, "text": "as json"}},
            {"data": {"channel": GENERAL, "text": "as form"}},
            {"params": {"channel": GENERAL, "text": "as query"}},
        ):
            answer = await stage.http.post("/api/chat.postMessage", headers=headers, **sent)
            assert answer.json()["ok"], answer.text
        blocks = '[{"type":"section","text":{"type":"mrkdwn","text":"in a form"}}]'
        form = {"channel": GENERAL, "blocks": blocks, "text": "t", "token": stage.workspace.bot_token}
        assert (await stage.http.post("/api/chat.postMessage", data=form)).json()["message"]["blocks"]

    play(scenario)


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("chat.postMessage", {"text": "no channel"}, "invalid_arguments"),
    ("chat.postMessage", {"channel": "CNOWHERE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": GENERAL}, "no_text"),
    ("chat.postMessage", {"channel": GENERAL, "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
    ("chat.postMessage", {"channel": GENERAL, "text": "x" * 40_001}, "msg_too_long"),
    (
        "chat.postMessage",
        {"channel": GENERAL, "text": "x", "metadata": {"event_type": 1}},
        "invalid_metadata_format",
    ),
    ("chat.update", {"channel": GENERAL, "ts": "1.0", "text": "x"}, "message_not_found"),
    ("chat.postEphemeral", {"channel": GENERAL, "user": "UNOBODY", "text": "x"}, "user_not_in_channel"),
    ("conversations.replies", {"channel": GENERAL, "ts": "1.0"}, "thread_not_found"),
    ("conversations.history", {"channel": GENERAL, "cursor": "rubbish"}, "invalid_cursor"),
    ("conversations.history", {"channel": GENERAL, "oldest": "yesterday"}, "invalid_ts_oldest"),
    ("conversations.history", {"channel": GENERAL, "limit": 5000}, "invalid_limit"),
    ("users.info", {"user": "UNOBODY"}, "user_not_found"),
    ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}, "invalid_arguments"),
    ("reactions.add", {"channel": GENERAL, "timestamp": "1.0", "name": "eyes"}, "message_not_found"),
    ("files.info", {"file": "../../etc/passwd"}, "file_not_found"),
    ("oauth.v2.access", {"client_id": "x", "client_secret": "y", "code": "z"}, "invalid_client_id"),
]


def test_refusals_have_slacks_own_names(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        for method, given, error in REFUSALS:
            assert await stage.refusal(stage.client.api_call(method, json=given)) == error, (method, given)

    play(scenario)


def test_calls_above_a_tier_are_429_with_retry_after(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        posted = await stage.client.chat_postMessage(channel=GENERAL, text="x")
        for number in range(SLACK.tier_3):
            await stage.client.chat_update(channel=GENERAL, ts=posted["ts"], text=str(number))
        with pytest.raises(SlackApiError) as caught:
            await stage.client.chat_update(channel=GENERAL, ts=posted["ts"], text="one too many")
        answer = caught.value.response
        assert (answer.status_code, answer["error"]) == (429, "ratelimited")
        assert int(answer.headers["Retry-After"]) >= 1

    play(scenario, limits=SLACK)


def test_posting_has_a_limit_of_its_own_in_each_channel(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        for number in range(SLACK.post_burst):
            await stage.client.chat_postMessage(channel=GENERAL, text=str(number))
        assert await stage.refusal(stage.client.chat_postMessage(channel=GENERAL, text="x")) == "ratelimited"
        await stage.client.chat_postMessage(channel="C00SUPPORT", text="elsewhere")

    play(scenario, limits=SLACK)


def test_a_bucket_refills_at_its_rate() -> None:
    now = [0.0]
    rates = Rates(SLACK, lambda: now[0])
    for _ in range(SLACK.post_burst):
        rates.post("C")
    with pytest.raises(RateLimited) as caught:
        rates.post("C")
    now[0] += caught.value.retry_after
    rates.post("C")


def test_oauth_gives_the_token_for_a_code_once_and_only_to_this_machine(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        workspace = stage.workspace
        asked = {"client_id": workspace.client_id, "scope": "chat:write", "state": "s1"}
        away = {**asked, "redirect_uri": "https://evil.example/steal"}
        assert (await stage.http.get("/oauth/v2/authorize", params=away)).status_code == 404
        answer = await stage.http.get(
            "/oauth/v2/authorize", params={**asked, "redirect_uri": "http://127.0.0.1:1/done"}
        )
        code = dict(item.split("=") for item in answer.headers["location"].partition("?")[2].split("&"))["code"]
        given = {"client_id": workspace.client_id, "client_secret": workspace.client_secret, "code": code}
        access = await stage.client.oauth_v2_access(**given)
        assert (access["access_token"], access["team"]["id"]) == (workspace.bot_token, "T000LOCAL")
        assert await stage.refusal(stage.client.oauth_v2_access(**given)) == "invalid_code"

    play(scenario)
