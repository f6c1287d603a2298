"""The Bolt app: who a request is from, and that it is acknowledged only after its listener has ended."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from agent.errors import new_reference
from agent.settings import SlackSettings
from agent.slack.installations import Installations
from agent.slack.intake import NotAccepted
from agent.slack.listeners import Listeners
from agent.slack.manifest import INSTALL_PATH, REDIRECT_PATH, scopes
from agent.slack.payloads import Malformed
from agent.slack.states import States

log = logging.getLogger(__name__)
_bolt = logging.getLogger("agent.slack.bolt")

NOT_INSTALLED = "Odyssey is not installed in this workspace (any more); whoever looks after it can install it again."
FAILED = "Something went wrong in Odyssey and this was not done; its log has the details under {reference}."


def build_app(
    listeners: Listeners, authorize: AsyncAuthorize, client: AsyncWebClient, flow: AsyncOAuthFlow | None = None
) -> AsyncApp:
    """The app with all its listeners. `client` is used for nothing but Bolt's own needs; it has no token.

    `process_before_response`: Bolt would acknowledge an event before its listener begins, and lose it in a crash.
    Signatures are checked before Bolt sees a request, which takes a timestamp that is no number for its own fault.
    """
    app = AsyncApp(
        name="odyssey",
        logger=_bolt,
        client=client,
        authorize=authorize,  # type: ignore[arg-type]  # takes an AsyncAuthorize, too
        oauth_flow=flow,
        process_before_response=True,
        request_verification_enabled=False,
        user_facing_authorize_error_message=NOT_INSTALLED,
    )
    app.error(_failures(listeners))
    listeners.register(app)
    return app


def _failures(listeners: Listeners) -> Callable[..., Awaitable[BoltResponse]]:
    async def failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
        """What Slack is told of a listener that failed: 200 that it was useless, else to send it again.

        Who pressed or commanded is told a sentence; what was said comes again by itself.
        """
        if isinstance(error, Malformed):
            log.warning("%s: ignored: %s", error.reference, error)
            return BoltResponse(status=200, body="")
        known = isinstance(error, NotAccepted)
        reference = error.reference if isinstance(error, NotAccepted) else new_reference()
        if not known:
            log.error("%s: a listener failed", reference, exc_info=error)
        sentence = FAILED.format(reference=reference)
        if "command" in body:
            return BoltResponse(status=200, body=sentence)
        listeners.tell_who_pressed(body, sentence)
        return BoltResponse(status=503 if known else 500, body="")

    return failed


class OneWorkspace(AsyncAuthorize):
    """Everything comes from the workspace of `identity`, an answer of auth.test: nothing is asked for again."""

    def __init__(self, token: str, identity: Mapping[str, Any]) -> None:
        self._result = AuthorizeResult(
            enterprise_id=identity.get("enterprise_id"),
            team_id=identity.get("team_id"),
            bot_id=identity.get("bot_id"),
            bot_user_id=identity.get("user_id"),
            bot_token=token,
        )

    async def __call__(self, **given: Any) -> AuthorizeResult | None:
        return self._result


class SeveralWorkspaces(AsyncAuthorize):
    """Each request by its workspace's installation; none of a workspace that has none."""

    def __init__(self, installations: Installations) -> None:
        self._installations = installations

    async def __call__(self, *, enterprise_id: str | None, team_id: str | None, **given: Any) -> AuthorizeResult | None:
        found = await self._installations.async_find_installation(enterprise_id=enterprise_id, team_id=team_id)
        if found is None:
            return None
        return AuthorizeResult(
            enterprise_id=found.enterprise_id,
            team_id=found.team_id,
            bot_id=found.bot_id,
            bot_user_id=found.bot_user_id,
            bot_token=found.bot_token,
        )


def oauth_flow(
    settings: SlackSettings,
    installations: Installations,
    client: AsyncWebClient,
    states: AsyncOAuthStateStore | None = None,
) -> AsyncOAuthFlow:
    """Installing into a workspace: Slack's pages where the API is Slack's, the local workspace's where it is that."""
    secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
    return AsyncOAuthFlow(
        client=client,
        logger=_bolt,
        settings=AsyncOAuthSettings(
            client_id=settings.client_id or "",
            client_secret=secret,
            scopes=list(scopes()),
            user_scopes=[],
            redirect_uri=settings.public_url.rstrip("/") + REDIRECT_PATH if settings.public_url else None,
            install_path=INSTALL_PATH,
            redirect_uri_path=REDIRECT_PATH,
            authorization_url=settings.api_url.removesuffix("api/") + "oauth/v2/authorize",
            installation_store=installations,
            installation_store_bot_only=False,
            state_store=states or States(),
            logger=_bolt,
        ),
    )
