"""People of several workspaces are named with theirs; Slack hears their ids."""

import asyncio

from agent.slack.gateway import Limits, web_client
from agent.slack.service import TeamGateway


class Heard(TeamGateway):
    """Notes what would be sent."""

    def __init__(self):
        super().__init__(lambda team: web_client("", "http://127.0.0.1:9/api/"), Limits(retries=0))
        self.arguments = None

    async def _try(self, client, method, arguments):
        self.arguments = dict(arguments)
        return await super()._try(client, method, arguments)


def test_ids_lose_their_workspace_but_not_in_what_comes_back():
    async def go():
        gateway = Heard()
        button = {"type": "button", "value": '{"say":"role T0ONE.U0ADA approver"}', "text": {"text": "T0ONE.U0ADA"}}
        await gateway.call(
            "T0ONE",
            "chat.postEphemeral",
            channel="T0ONE.U0ADA",
            user="T0ONE.U0ADA",
            text="<@T0ONE.U0ADA> and E0ORG.W0GRACE, not a.T0ONE.U0ADA or T0ONE.csv",
            blocks=[{"elements": [button]}],
            metadata={"event_payload": {"key": "T0ONE.U0ADA"}},
        )
        return gateway.arguments

    sent = asyncio.run(go())
    assert (sent["channel"], sent["user"]) == ("U0ADA", "U0ADA")
    assert sent["text"] == "<@U0ADA> and W0GRACE, not a.T0ONE.U0ADA or T0ONE.csv"
    button = sent["blocks"][0]["elements"][0]
    assert "T0ONE.U0ADA" in button["value"] and button["text"]["text"] == "U0ADA"
    assert sent["metadata"]["event_payload"]["key"] == "T0ONE.U0ADA"
