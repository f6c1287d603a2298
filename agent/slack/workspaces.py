"""The workspaces the app is in: one, by its token, or several, by their installations. Each has its client."""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from agent.errors import Configuration, Unreachable
from agent.ledger.installations import Installed
from agent.settings import SlackSettings
from agent.slack.app import OneWorkspace, SeveralWorkspaces, oauth_flow
from agent.slack.gateway import web_client
from agent.slack.installations import Installations

log = logging.getLogger(__name__)


class Workspaces:
    """Made with `open`. Belongs to one event loop."""

    def __init__(
        self,
        settings: SlackSettings,
        session: aiohttp.ClientSession,
        *,
        identity: Mapping[str, Any] | None = None,
        installations: Installations | None = None,
    ) -> None:
        self._settings = settings
        self._session = session
        self._token = settings.bot_token.get_secret_value() if settings.bot_token else ""
        self._identity = identity or {}
        self._installations = installations
        self._clients: dict[str, AsyncWebClient] = {}

    @classmethod
    async def open(cls, settings: SlackSettings, session: aiohttp.ClientSession, engine: Engine) -> "Workspaces":
        """Raises `Configuration` where the token is refused or a key does not fit, `Unreachable` without an answer."""
        if settings.several and settings.encryption_key is not None:
            installations = Installations(Installed(engine), settings.encryption_key.get_secret_value())
            installations.check()
            return cls(settings, session, installations=installations)
        token = settings.bot_token.get_secret_value() if settings.bot_token else ""
        identity = await _identify(_client(token, settings, session))
        return cls(settings, session, identity=identity)

    @property
    def only(self) -> str | None:
        """The id of the only workspace; None where there may be several."""
        team = self._identity.get("team_id")
        return team if isinstance(team, str) else None

    @property
    def name(self) -> str:
        """How the workspace calls itself, for people."""
        return str(self._identity.get("team") or self.only or "several workspaces")

    def token(self, team: str) -> str:
        """The bot's token in a workspace; empty where it is not installed (any more): Slack will say so."""
        return (self._installations.token(team) or "") if self._installations is not None else self._token

    def client(self, team: str) -> AsyncWebClient:
        token = self.token(team)
        if token not in self._clients:
            self._clients[token] = self.plain_client(token)
        return self._clients[token]

    def plain_client(self, token: str = "") -> AsyncWebClient:
        """A client for what belongs to no workspace."""
        return _client(token, self._settings, self._session)

    def authorize(self) -> AsyncAuthorize:
        if self._installations is not None:
            return SeveralWorkspaces(self._installations)
        return OneWorkspace(self._token, self._identity)

    def flow(self) -> AsyncOAuthFlow | None:
        """Installing by OAuth; None where the app is in one workspace only."""
        if self._installations is None:
            return None
        return oauth_flow(self._settings, self._installations, self.plain_client())

    def forget(self, team: str, bots: tuple[str, ...] | None = None) -> None:
        """The app was removed from a workspace. Blocks."""
        if self._installations is not None:
            self._installations.forget(team, bots)


def _client(token: str, settings: SlackSettings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The SDK takes a proxy from the environment; what is on this machine is reached without it."""
    client = web_client(token, settings.api_url, session=session)
    client.token = token or None
    if settings.local:
        client.proxy = None
    return client


async def _identify(client: AsyncWebClient) -> Mapping[str, Any]:
    try:
        response = await client.auth_test()
    except SlackApiError as error:
        raise Configuration(
            f"Slack refuses the bot token ({error.response.get('error')}): check SLACK_BOT_TOKEN, or install the app"
            " again and copy its new token."
        ) from None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unreachable(
            f"{client.base_url} does not answer ({type(error).__name__}); check the network and SLACK_API_URL."
        ) from None
    return response.data if isinstance(response.data, dict) else {}
