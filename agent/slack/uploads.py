"""Files that people share: fetched by Odyssey, checked, kept under the home, and turned into a command in words."""

import logging
import re
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

from agent.errors import Mendable, Unreachable
from agent.slack.model import Attachment, Delivery

log = logging.getLogger(__name__)

DATA = frozenset({".csv", ".jsonl", ".json", ".parquet"})
DOCUMENTS = frozenset({".md", ".txt", ".pdf", ".html", ".htm", ".docx"})
LONGEST_NAME = 80  # characters of a kept file's name

Chunks = AsyncIterator[bytes]
Fetch = Callable[[str, str], AbstractAsyncContextManager[Chunks]]  # team and URL; raises `Unreachable`


class Uploads:
    """Takes files in. Nothing a person sends decides where a file comes to lie."""

    def __init__(self, folder: Path, fetch: Fetch, limit: int) -> None:
        """`folder` is `uploads` in the home; `limit` in bytes."""
        self._folder = folder
        self._fetch = fetch
        self._limit = limit
        self._kept = re.compile(re.escape(str(folder)) + r"/[A-Z0-9]+/[A-Z0-9]+/(?=[\w-])")

    def named(self, text: str) -> str:
        """The text with each kept file by its name alone: where it lies is nothing to people in Slack."""
        return self._kept.sub("", text)

    async def command(self, delivery: Delivery) -> str:
        """Fetch the delivery's file, once, and say what to do with it.

        Raises `Mendable` for a file that is not taken, `Unreachable` where Slack does not hand it over.
        """
        file = delivery.files[0]
        kind = suffix(file)
        if file.size > self._limit:
            raise self._too_big(file)
        path = self._folder / _folder_of(delivery, file) / (_stem(file) + kind)
        if not path.exists():
            await self._take(delivery.place.team, file, path)
        return spoken(path, kind)

    async def _take(self, team: str, file: Attachment, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        size = 0
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
            partial = Path(part.name)
            try:
                async with self._fetch(team, file.url) as chunks:
                    async for chunk in chunks:
                        size += len(chunk)
                        if size > self._limit:
                            raise self._too_big(file)
                        part.write(chunk)
                part.flush()
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise

    def _too_big(self, file: Attachment) -> Mendable:
        return Mendable(
            f"{shown(file)} is too big: I take files of up to {self._limit / 1e6:.0f} MB here. Put a larger one where"
            " Odyssey runs and say `register data PATH as NAME`."
        )


def suffix(file: Attachment) -> str:
    """The file's kind. Raises `Mendable` for one that is neither data nor a document."""
    kind = Path(file.name).suffix.lower()
    if kind in DATA or kind in DOCUMENTS:
        return kind
    raise Mendable(
        f"I cannot use {shown(file)}: data comes as CSV, JSONL, JSON or Parquet, documents as Markdown, text, PDF,"
        " HTML or Word (.docx)."
    )


def shown(file: Attachment) -> str:
    """The file's name as it can be said: one line, no markup."""
    name = "".join(character for character in file.name if character.isprintable() and character not in "`*_<>&~")
    return f"“{name[:LONGEST_NAME] or file.id}”"


def spoken(path: Path, kind: str) -> str:
    """The command for a kept file: a data set by its name, or a document."""
    quote = "'" if '"' in str(path) else '"'
    where = f"{quote}{path}{quote}"
    return f"register data {where} as {path.stem}" if kind in DATA else f"add documents {where}"


def _stem(file: Attachment) -> str:
    """The name without its kind: ASCII letters, digits, dashes and dots, beginning with a letter or digit."""
    plain = unicodedata.normalize("NFKD", Path(file.name.replace("\\", "/")).stem).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")
    return safe[:LONGEST_NAME] or f"file-{file.id.lower()}"


def _folder_of(delivery: Delivery, file: Attachment) -> Path:
    """Ids are letters and digits by their pattern; they are checked here again since a path is made of them."""
    for part in (delivery.place.team, file.id):
        if not re.fullmatch(r"[A-Z0-9]{2,40}", part):
            raise Mendable(f"I cannot take {shown(file)}: Slack named it in a way I do not know.")
    return Path(delivery.place.team) / file.id


def same_site(url: str, api_url: str) -> bool:
    """Whether a file's address belongs to Slack (or the workspace in use): only there the token may be sent."""
    file, api = urlsplit(url), urlsplit(api_url)
    if api.hostname not in ("slack.com", "www.slack.com"):
        return (file.scheme, file.netloc) == (api.scheme, api.netloc)
    host = file.hostname or ""
    return file.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com")) and file.port in (None, 443)


def refuse(url: str, api_url: str) -> None:
    """Raise `Unreachable` for an address that may not be fetched."""
    if not same_site(url, api_url):
        raise Unreachable("Slack named an address for the file that is not Slack's; I did not fetch it.")


Taken = Callable[[Delivery], Awaitable[str]]
