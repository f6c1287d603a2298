"""Who the workspace and its app are: ids that never change, credentials made once for a folder."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

TEAM = "T000LOCAL"
TEAM_NAME = "Local workspace"
APP = "A0ODYSSEY"
BOT = "B0ODYSSEY"
BOT_USER = "U0ODYSSEY"
BOT_NAME = "Odyssey"
NOTICE = "This is not Slack: a local workspace on this machine that behaves like it. Nothing leaves it."
COMMANDS = (
    {"command": "/odyssey", "description": "Ask Odyssey or tell it what to do", "usage_hint": "status | help | …"},
)
SHORTCUTS = ({"callback_id": "ask_odyssey", "name": "Ask Odyssey about this"},)


@dataclass(frozen=True)
class Credentials:
    """What the app needs to speak to this workspace; readable by their owner only."""

    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str
    client_id: str
    client_secret: str


def credentials_of(folder: Path) -> Credentials:
    """The folder's credentials; made with `secrets` and kept (mode 0600) the first time."""
    path = folder / "credentials.json"
    if path.exists():
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    made = Credentials(
        bot_token=f"xoxb-local-{secrets.token_hex(16)}",
        app_token=f"xapp-1-{APP}-{secrets.token_hex(16)}",
        signing_secret=secrets.token_hex(16),
        verification_token=secrets.token_hex(12),
        client_id=f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}",
        client_secret=secrets.token_hex(16),
    )
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        json.dump(asdict(made), file, indent=1)
    return made
