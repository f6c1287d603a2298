"""The smallest Bolt app that answers: what an acknowledgement costs without anything being written down."""

import asyncio
import sys

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


async def main(api_url: str) -> None:
    app = AsyncApp(client=AsyncWebClient(token="xoxb-echo", base_url=api_url))

    @app.event("app_mention")
    async def echo(event, say):
        await say(text=event["text"], thread_ts=event["ts"])

    handler = AsyncSocketModeHandler(app, "xapp-1-echo", web_client=app.client)
    await handler.start_async()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
