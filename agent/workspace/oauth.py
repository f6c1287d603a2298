"""Installing the app: a page to allow it, and oauth.v2.access. One workspace, so the token is always the same."""

import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agent.workspace.api import Arguments, Method
from agent.workspace.errors import Refused
from agent.workspace.identity import APP, BOT_USER, TEAM, TEAM_NAME
from agent.workspace.store import Doc
from agent.workspace.world import World

CODE_LIFE_S = 600.0  # docs.slack.dev/authentication/installing-with-oauth
LOCAL = ("127.0.0.1", "localhost")


class Access(Arguments):
    code: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    redirect_uri: str | None = None
    grant_type: str | None = None


class OAuth:
    """Codes given out, each good once."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[float, str, str]] = {}  # code: when, scope, user

    async def authorize(self, world: World, request: Request) -> Response:
        """`/oauth/v2/authorize`: somebody allows the app. It redirects only to this machine.

        Refused: invalid_client_id, bad_redirect_uri.
        """
        asked = request.query_params
        target = urlsplit(asked.get("redirect_uri", ""))
        if asked.get("client_id") != world.credentials.client_id:
            raise Refused("invalid_client_id")
        if target.scheme not in ("http", "https") or target.hostname not in LOCAL:
            raise Refused("bad_redirect_uri")
        user = world.store.every("person")[0]["id"]
        code = secrets.token_urlsafe(24)
        self._codes[code] = (world.transient.now(), asked.get("scope", ""), user)
        answer = {"code": code, "state": asked.get("state", "")}
        query = urlencode([*parse_qsl(target.query), *answer.items()])
        return RedirectResponse(target._replace(query=query).geturl(), status_code=302)

    def methods(self) -> dict[str, Method]:
        return {"oauth.v2.access": Method(Access, self._access, 4, caller="client")}

    async def _access(self, world: World, given: Access) -> Doc:
        credentials = world.credentials
        if (given.client_id, given.client_secret) != (credentials.client_id, credentials.client_secret):
            raise Refused("bad_client_secret" if given.client_id == credentials.client_id else "invalid_client_id")
        made, scope, user = self._codes.pop(given.code or "", (float("-inf"), "", ""))
        if world.transient.now() - made > CODE_LIFE_S:
            raise Refused("invalid_code")
        return {
            "access_token": credentials.bot_token,
            "token_type": "bot",
            "scope": scope,
            "bot_user_id": BOT_USER,
            "app_id": APP,
            "team": {"id": TEAM, "name": TEAM_NAME},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": user},
        }
