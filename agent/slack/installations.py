"""Who installed the app: each workspace's token, encrypted at rest, forgotten when the app is removed."""

import asyncio
import logging
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import ValidationError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore

from agent.errors import Configuration
from agent.ledger.installations import Installed
from tools.contract import Frozen

log = logging.getLogger(__name__)


class Kept(Frozen):
    """What is kept of an installation: what the bot needs, and nothing of the person who installed it but the id."""

    team: str  # the row's key; inside, so that rows cannot be exchanged
    app_id: str | None = None
    enterprise_id: str | None = None
    team_id: str | None = None
    team_name: str | None = None
    bot_token: str
    bot_id: str | None = None
    bot_user_id: str | None = None
    bot_scopes: tuple[str, ...] = ()
    user_id: str
    is_enterprise_install: bool = False
    installed_at: float

    def installation(self) -> Installation:
        return Installation(**self.model_dump(exclude={"team"}))


class Installations(AsyncInstallationStore):
    """Bolt's store of installations. A workspace has one, the last; an organisation's stands for all."""

    def __init__(self, rows: Installed, keys: str) -> None:
        """`keys`: Fernet keys with commas between them; the first encrypts, all decrypt."""
        self._rows = rows
        self._box = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
        self._open: dict[str, Kept] = {}

    @property
    def logger(self) -> logging.Logger:
        return log

    def check(self) -> None:
        """Raises `Configuration` where something kept cannot be opened with these keys."""
        closed = [team for team, body in self._rows.all().items() if self._read(team, body) is None]
        if closed:
            raise Configuration(
                f"SLACK_ENCRYPTION_KEY does not open the installations of {', '.join(closed)}: add the key they were"
                " kept with behind the new one, with a comma."
            )

    def find(self, team: str) -> Kept | None:
        """A workspace's (or organisation's) installation. Blocks; what was found once is remembered."""
        if (known := self._open.get(team)) is not None:
            return known
        body = self._rows.find(team)
        kept = self._read(team, body) if body is not None else None
        if kept is not None:
            self._open[team] = kept
        return kept

    def token(self, team: str) -> str | None:
        """The bot's token in a workspace. Blocks."""
        kept = self.find(team)
        return kept.bot_token if kept else None

    def forget(self, team: str, bots: tuple[str, ...] | None = None) -> None:
        """Drop a workspace's installation; with `bots`, only if its bot user is one of them. Blocks."""
        kept = self.find(team)
        if bots is None or (kept is not None and kept.bot_user_id in bots):
            self._rows.delete(team)
            self._open.pop(team, None)

    def _read(self, team: str, body: str) -> Kept | None:
        try:
            kept = Kept.model_validate_json(self._box.decrypt(body.encode()))
        except (InvalidToken, ValidationError):
            log.error("The installation of %s cannot be opened with SLACK_ENCRYPTION_KEY.", team)
            return None
        return kept if kept.team == team else None

    # --- as Bolt asks --------------------------------------------------------------------------------------------

    async def async_save(self, installation: Installation) -> None:
        team = installation.team_id or installation.enterprise_id
        if not team or not installation.bot_token:
            raise ValueError("An installation without a workspace or a bot token cannot be kept.")
        kept = Kept(
            team=team,
            app_id=installation.app_id,
            enterprise_id=installation.enterprise_id,
            team_id=installation.team_id,
            team_name=installation.team_name,
            bot_token=installation.bot_token,
            bot_id=installation.bot_id,
            bot_user_id=installation.bot_user_id,
            bot_scopes=tuple(installation.bot_scopes or ()),
            user_id=installation.user_id or "",
            is_enterprise_install=installation.is_enterprise_install,
            installed_at=installation.installed_at,
        )
        await asyncio.to_thread(self._save, kept)
        log.warning("The app was installed into %s.", installation.team_name or team)

    def _save(self, kept: Kept) -> None:
        body = self._box.encrypt(kept.model_dump_json().encode()).decode()
        self._rows.save(kept.team, body, datetime.now(UTC))
        self._open[kept.team] = kept

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        for team in (team_id, enterprise_id):
            if team and (kept := await asyncio.to_thread(self.find, team)) is not None:
                return kept.installation()
        return None

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        found = await self.async_find_installation(enterprise_id=enterprise_id, team_id=team_id)
        return found.to_bot() if found is not None else None

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """One person's part of an installation: nothing of it is kept."""

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        team = team_id or enterprise_id
        if team:
            await asyncio.to_thread(self.forget, team)
