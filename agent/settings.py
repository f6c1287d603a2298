"""Every setting, from the environment (`ODYSSEY_…`, `SLACK_…`) or a `.env` file. All faults are reported at once."""

import base64
import getpass
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from agent.errors import Configuration
from agent.price import Price
from tools.jobs.launcher import LauncherKind

NOBODY = "nobody"  # speaks where the system has no name for its user


def _threads() -> int:
    return max(1, min(2, os.cpu_count() or 1))


def _user() -> str:
    """The name of the system's user; a container may run under a number that has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return NOBODY


PERSON = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ODYSSEY_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    home: Path = Field(default=Path(".odyssey"), description="folder for everything Odyssey keeps")
    cache: Path = Field(
        default=Path("~/.cache/odyssey"), description="folder for what every home can share: the encoder, its vectors"
    )
    person: str = Field(
        default_factory=_user,
        pattern=PERSON,
        description="who speaks in the terminal when --as does not say",
    )
    model: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9_]*:\S+$",
        description="chat model as provider:name, e.g. openai:gpt-5; none: commands and plain sentences",
    )
    model_url: str | None = Field(default=None, description="base URL of the chat model's API, for an own server")
    model_timeout: float = Field(default=60, gt=0, le=600, description="seconds to wait for the chat model")
    embeddings: str | None = Field(
        default=None,
        pattern=r"^[a-z_]+:\S+$",
        description="langchain embeddings as provider:name, e.g. openai:text-embedding-3-small; none: packaged encoder",
    )
    embeddings_url: str | None = Field(default=None, description="base URL of the embeddings' API, for an own server")
    chroma_url: str | None = Field(
        default=None,
        description="a Chroma server such as http://127.0.0.1:8000 (`chroma run`); none: a folder in the home",
    )
    folders: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="folders whose files people in Slack may name, : between; what they share is theirs"
    )
    threads: int = Field(default_factory=_threads, ge=1, le=256, description="CPU threads a job may use")
    slots: int = Field(default=1, ge=1, le=64, description="jobs that may run at once on the CPU")
    warm: bool = Field(default=True, description="keep a process with torch loaded, so that jobs start at once")
    warm_idle: float = Field(default=600, ge=1, description="seconds without a job after which that process ends")
    launcher: LauncherKind = Field(
        default=LauncherKind.PROCESS,
        description="what starts the processes of a fine-tuning: process, torchrun or accelerate",
    )
    processes: int = Field(default=1, ge=1, le=64, description="processes that share a fine-tuning, with a launcher")
    tracking: Annotated[tuple[Literal["tensorboard", "mlflow", "trackio"], ...], NoDecode] = Field(
        default=(), description="trackers every ended job is told to, with commas: tensorboard, mlflow, trackio"
    )
    price: Annotated[Price | None, NoDecode] = Field(
        default=None, description="price of an hour of this machine, such as 2.5 EUR; plans and `spent` then show costs"
    )
    durability: Literal["process", "power"] = Field(
        default="process", description="what an accepted event survives: a kill of the process, or a loss of power"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"

    @property
    def encoder(self) -> str | None:
        """The name of the configured embeddings, which tells models of several servers apart."""
        return f"{self.embeddings}@{self.embeddings_url}" if self.embeddings_url else self.embeddings

    @field_validator("chroma_url", mode="after")
    @classmethod
    def _at_a_server(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.username:
                raise ValueError("must be http://HOST:PORT or https://HOST:PORT")
        return url

    @field_validator("price", mode="before")
    @classmethod
    def _priced(cls, given: object) -> object:
        return Price.read(given) if isinstance(given, str) else given

    @field_validator("folders", mode="before")
    @classmethod
    def _several(cls, given: object) -> object:
        return tuple(part for part in given.split(os.pathsep) if part) if isinstance(given, str) else given

    @field_validator("tracking", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given

    @field_validator("folders", mode="after")
    @classmethod
    def _resolved(cls, folders: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(folder.expanduser().resolve() for folder in folders)

    @field_validator("home", "cache", mode="after")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()


def read(**overrides: Any) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and a sentence for every faulty variable; what is faulty counts as not set."""
    try:
        return Settings(**overrides), ()
    except ValidationError as error:
        found = error.errors(include_url=False)
    fields = Settings.model_fields
    defaults = {n: fields[n].get_default(call_default_factory=True, validated_data={}) for n in _named(found)}
    if "person" in defaults:
        defaults["person"] = NOBODY  # the user's name may be the one that is faulty
    return Settings(**{**overrides, **defaults}), tuple(
        f"{(name := f'ODYSSEY_{field.upper()}')}={fault['input']!r}: {_wanted(name, fault)}"
        for field, fault in _named(found).items()
    )


def _named(found: Iterable[Any]) -> dict[str, Any]:
    """The first fault of each field."""
    return {str(fault["loc"][0]): fault for fault in reversed([*found])}


def _wanted(name: str, fault: Any) -> str:
    """What would do, in pydantic's words where they say it."""
    said = _FORMS.get(name) if fault["type"] == "string_pattern_mismatch" else None
    message = str(fault["msg"]).removeprefix("Value error, ")
    return said or message[:1].lower() + message[1:]


_FORMS = {
    "ODYSSEY_PERSON": "a name has letters, digits, dots, dashes and underscores, and begins with a letter or digit",
    "ODYSSEY_MODEL": "give it as provider:name, such as openai:gpt-5",
    "SLACK_PUBLIC_URL": "give an address that begins with https://",
}


def load(**overrides: Any) -> Settings:
    """Read the settings; raises `Configuration` naming every faulty variable and what would do."""
    settings, faults = read(**overrides)
    if faults:
        raise Configuration("These settings cannot be used:\n- " + "\n- ".join(faults))
    return settings


class SlackSettings(BaseSettings):
    """How Odyssey is in Slack, from `SLACK_…` variables or the `.env` file. With no token it is not in Slack at all."""

    model_config = SettingsConfigDict(
        env_prefix="SLACK_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    mode: Literal["socket", "http"] = Field(default="socket", description="Socket Mode, or signed HTTP requests")
    bot_token: SecretStr | None = Field(default=None, description="xoxb-…, of one workspace")
    app_token: SecretStr | None = Field(default=None, description="xapp-…, for Socket Mode")
    signing_secret: SecretStr | None = Field(default=None, description="checks that HTTP requests come from Slack")
    client_id: str | None = Field(default=None, description="with the secret: several workspaces, by OAuth")
    client_secret: SecretStr | None = None
    encryption_key: SecretStr | None = Field(
        default=None, description="Fernet key of the kept tokens; several with commas, the newest first"
    )
    api_url: str = Field(default="https://slack.com/api/", description="base URL of the Web API")
    http_host: str = Field(default="127.0.0.1", description="where HTTP mode listens; a proxy with TLS stands in front")
    http_port: int = Field(default=3000, ge=0, le=65535)
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="where Slack reaches HTTP mode; for OAuth",
    )
    connections: int = Field(default=2, ge=1, le=10, description="Socket Mode connections; Slack allows ten")
    ping_interval: float = Field(default=2.0, gt=0, le=60, description="seconds; a dead connection is found in a few")
    upload_limit: int = Field(default=50_000_000, gt=0, description="bytes of the largest file taken from a message")

    @field_validator("api_url", mode="after")
    @classmethod
    def _safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in (("https", "http") if _is_local(url) else ("https",)):
            raise ValueError("must begin with https:// (http:// only on this machine), for tokens are sent there")
        return url if url.endswith("/") else url + "/"

    @property
    def local(self) -> bool:
        """Whether the Web API is on this machine."""
        return _is_local(self.api_url)

    @property
    def configured(self) -> bool:
        """Whether Slack is meant at all; without, `serve` offers the local workspace."""
        return any((self.bot_token, self.app_token, self.client_id, self.client_secret))

    @property
    def several(self) -> bool:
        """Whether the app is installed by OAuth into any number of workspaces."""
        return self.client_id is not None

    def faults(self) -> Iterator[str]:
        """What does not fit together, a sentence each; no secret is shown."""
        if not self.configured:
            return
        yield from self._shapes()
        if self.several:
            yield from self._oauth()
        elif self.bot_token is None:
            yield "SLACK_BOT_TOKEN is not set: copy the Bot User OAuth Token (xoxb-…) from the app's page."
        if self.mode == "socket" and self.app_token is None and not self.several:
            yield "SLACK_APP_TOKEN is not set: Socket Mode needs an app-level token (xapp-…) with connections:write."
        if self.mode == "http" and self.signing_secret is None:
            yield "SLACK_SIGNING_SECRET is not set: without it anybody could send requests in Slack's name."

    def _shapes(self) -> Iterator[str]:
        for name, token, prefix in (
            ("SLACK_BOT_TOKEN", self.bot_token, "xoxb-"),
            ("SLACK_APP_TOKEN", self.app_token, "xapp-"),
        ):
            if token is not None and not token.get_secret_value().startswith(prefix):
                yield f"{name} does not begin with {prefix}; it may have been confused with another token."

    def _oauth(self) -> Iterator[str]:
        if self.bot_token is not None:
            yield "SLACK_BOT_TOKEN and SLACK_CLIENT_ID are both set: one workspace has a token, several have OAuth."
        if self.mode == "socket":
            yield "SLACK_MODE=socket cannot install into several workspaces; set SLACK_MODE=http."
        if self.client_secret is None:
            yield "SLACK_CLIENT_SECRET is not set: OAuth needs it beside SLACK_CLIENT_ID."
        keys = self.encryption_key.get_secret_value().split(",") if self.encryption_key else []
        if not keys or not all(_is_fernet_key(key.strip()) for key in keys):
            yield (
                "SLACK_ENCRYPTION_KEY is no Fernet key (32 bytes in URL-safe base64): make one with `python -c "
                '"from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"` and keep it safe.'
            )


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text.encode())) == 32
    except ValueError:
        return False


def read_slack(**overrides: Any) -> tuple[SlackSettings, tuple[str, ...]]:
    """The Slack settings, and a sentence for every fault, without any secret; what is faulty counts as not set."""
    try:
        settings, found = SlackSettings(**overrides), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        defaults = {name: SlackSettings.model_fields[name].get_default() for name in _named(found)}
        settings = SlackSettings(**{**overrides, **defaults})
    faults = (f"{(name := f'SLACK_{field.upper()}')}: {_wanted(name, fault)}" for field, fault in _named(found).items())
    return settings, (*faults, *settings.faults())


def load_slack(**overrides: Any) -> SlackSettings:
    """Read the Slack settings; raises `Configuration` naming every fault at once, and no secret."""
    settings, faults = read_slack(**overrides)
    if faults:
        raise Configuration("These Slack settings cannot be used:\n- " + "\n- ".join(faults))
    return settings


def unknown_variables() -> Iterator[str]:
    """Names in the environment and the `.env` file that look like settings and are none."""
    known = {f"ODYSSEY_{name.upper()}" for name in Settings.model_fields} | {"ODYSSEY_REQUIRE"}
    known |= {f"SLACK_{name.upper()}" for name in SlackSettings.model_fields}
    given = {*os.environ, *DotEnvSettingsSource(Settings, case_sensitive=True).env_vars}
    yield from sorted(name for name in given - known if name.startswith(("ODYSSEY_", "SLACK_")))
