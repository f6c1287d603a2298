"""Socket Mode: several connections, so that one may be refreshed or cut and nothing waits for it."""

import asyncio
import logging

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from agent.errors import Configuration, Unreachable, new_reference
from agent.slack.payloads import Malformed, check

log = logging.getLogger(__name__)
_USELESS = BoltResponse(status=200, body="")  # acknowledged: to have it again would not help
_sdk = logging.getLogger("agent.slack.socket")


class _OneLine(logging.Filter):
    """A lost connection is tried again every two seconds: that is a line each time, and no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


_ONE_LINE = _OneLine()


class Connections:
    """Keeps the connections open until closed. What arrives on any of them goes to the Bolt app."""

    def __init__(self, app: AsyncApp, app_token: str, client: AsyncWebClient, *, number: int, ping: float) -> None:
        """`ping` in seconds: a connection that does not answer four of them is replaced."""
        _sdk.addFilter(_ONE_LINE)
        self._app = app
        self._token = app_token
        self._client = client
        self._number = number
        self._ping = ping
        self._open: list[SocketModeClient] = []

    async def start(self) -> None:
        """Open all of them. Raises `Configuration` for a token that is refused, `Unreachable` where nobody answers."""
        for _ in range(self._number):
            client = SocketModeClient(
                app_token=self._token, logger=_sdk, web_client=self._client, ping_interval=self._ping
            )
            client.proxy = self._client.proxy  # the SDK would take one from the environment, for this machine, too
            self._open.append(client)
            client.socket_mode_request_listeners.append(self._handle)
            client.wss_uri = await self._address(client)
            await client.connect()  # type: ignore[no-untyped-call]

    async def _address(self, client: SocketModeClient) -> str:
        try:
            return str(await client.issue_new_wss_url())
        except SlackApiError as error:
            raise Configuration(
                f"Slack refuses the app-level token ({error.response.get('error')}): check that SLACK_APP_TOKEN is of"
                " this app, has the scope connections:write, and that Socket Mode is on."
            ) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unreachable(f"Slack does not answer ({type(error).__name__}); check the network.") from None

    async def close(self) -> None:
        """Nothing is taken any more; what is on its way is delivered again after the next start."""
        await asyncio.gather(
            *(client.close() for client in self._open),  # type: ignore[no-untyped-call]
            return_exceptions=True,
        )
        self._open.clear()

    @property
    def clients(self) -> tuple[SocketModeClient, ...]:
        return tuple(self._open)

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Ack what was taken and what is useless; what could not be taken now comes again."""
        try:
            response = await self._dispatch(request) if check(request.payload) else _USELESS
        except Malformed as error:
            log.warning("%s: ignored: %s", error.reference, error)
            response = _USELESS
        await send_async_response(client, request, response, 0.0)

    async def _dispatch(self, request: SocketModeRequest) -> BoltResponse:
        try:
            response: BoltResponse = await run_async_bolt_app(self._app, request)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # Bolt takes a payload apart before its own handling of errors begins.
            log.warning("%s: ignored: a payload that Bolt cannot read", new_reference(), exc_info=error)
            return _USELESS
        return _USELESS if response.status == 404 else response  # 404: nobody listens to it
