"""What the workspace's tests share: a running workspace with an app's client beside it, in one event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from workspace_case import FAST

from agent.workspace.limits import Limits
from agent.workspace.server import LocalWorkspace

Doc = dict[str, Any]
ADA, GRACE, BOT = "U000000ADA", "U0000GRACE", "U0ODYSSEY"
GENERAL, SUPPORT, ADA_DM = "C00GENERAL", "C00SUPPORT", "D000000ADA"


@dataclass
class Stage:
    """A running workspace, the app's client, and people over plain HTTP."""

    workspace: LocalWorkspace
    client: AsyncWebClient
    http: httpx.AsyncClient

    async def act(self, what: str, person: str = ADA, **body: Any) -> Doc:
        answer = await self.http.post(f"/people/{what}", json={"person": person, **body})
        return {"status": answer.status_code, **answer.json()}

    async def say(self, text: str, channel: str = GENERAL, person: str = ADA, **more: Any) -> Doc:
        return dict((await self.act("say", person, channel=channel, text=text, **more))["message"])

    async def refusal(self, call: Awaitable[Any]) -> str:
        """The error of a call that must be refused."""
        with pytest.raises(SlackApiError) as caught:
            await call
        return str(caught.value.response["error"])

    async def get(self, what: str, **query: Any) -> Doc:
        answer = await self.http.get(f"/people/{what}", params={"person": ADA, **query})
        return {"status": answer.status_code, **answer.json()}


Scenario = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """Run a scenario on a fresh workspace; `limits` are fast unless given."""

    def run(scenario: Scenario, *, limits: Limits = FAST, folder: Path | None = None, **more: Any) -> None:
        async def main() -> None:
            async with LocalWorkspace(
                folder or tmp_path / "workspace", limits=limits, testing=True, **more
            ) as workspace:
                client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, timeout=10)
                async with httpx.AsyncClient(base_url=workspace.url, trust_env=False, timeout=10) as http:
                    await scenario(Stage(workspace, client, http))

        asyncio.run(main())

    return run
