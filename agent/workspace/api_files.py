"""files.*: uploads of the app in Slack's three steps, and downloads with its token."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from agent.workspace import files, messages
from agent.workspace.api import Arguments, FromJson, Method, body_of
from agent.workspace.api_chat import thread_root
from agent.workspace.errors import Refused
from agent.workspace.identity import BOT_USER
from agent.workspace.store import Doc
from agent.workspace.world import World

AT_ONCE = 100  # uploads begun and not completed


class Begin(Arguments):
    filename: Annotated[str, Field(min_length=1, max_length=500)]
    length: Annotated[int, Field(gt=0)]
    alt_txt: Annotated[str, Field(max_length=1000)] | None = None


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: str
    title: str | None = None


class Complete(Arguments):
    files: Annotated[list[Part], FromJson, Field(min_length=1, max_length=10)]
    channel_id: str | None = None
    channels: str | None = None
    initial_comment: str | None = None
    thread_ts: str | None = None
    blocks: Annotated[list[Doc] | None, FromJson] = None


class File(Arguments):
    file: str


@dataclass
class Upload:
    """A file on its way: announced, then its bytes, then completed."""

    file_id: str
    name: str
    length: int
    alt_txt: str | None
    arrived: bool = False


class Uploads:
    """Between the three steps; `tickets` lead from an upload address to its file."""

    def __init__(self) -> None:
        self._by_ticket: dict[str, Upload] = {}
        self._by_file: dict[str, Upload] = {}

    def methods(self) -> dict[str, Method]:
        return {
            "files.getUploadURLExternal": Method(Begin, self._begin, 4),
            "files.completeUploadExternal": Method(Complete, self._complete, 4),
            "files.info": Method(File, info, 4),
        }

    async def receive(self, world: World, ticket: str, request: Request) -> Response:
        """The bytes, to the address that `_begin` gave. Refused: upload_not_found, file_upload_size_restricted."""
        upload = self._by_ticket.pop(ticket, None)
        if upload is None:
            raise Refused("upload_not_found")
        data = await body_of(request, upload.length)
        if len(data) != upload.length:
            raise Refused("file_upload_size_restricted")
        files.write(world, upload.file_id, data)
        upload.arrived = True
        return PlainTextResponse(f"OK - {len(data)}")

    async def _begin(self, world: World, given: Begin) -> Doc:
        if given.length > world.limits.upload_bytes:
            raise Refused("file_upload_size_restricted")
        if len(self._by_file) >= AT_ONCE:
            oldest = next(iter(self._by_file))
            self._forget(oldest)
        upload = Upload(files.new_file_id(), files.safe_name(given.filename), given.length, given.alt_txt)
        ticket = secrets.token_urlsafe(24)
        self._by_ticket[ticket] = self._by_file[upload.file_id] = upload
        return {"upload_url": f"{world.base_url}/upload/{ticket}", "file_id": upload.file_id}

    async def _complete(self, world: World, given: Complete) -> Doc:
        uploads = [self._by_file.get(each.id) for each in given.files]
        if not all(each is not None and each.arrived for each in uploads):
            raise Refused("file_not_found")
        names = given.channel_id or given.channels or ""
        channels = [world.bot_channel(each.strip()) for each in names.split(",") if each.strip()]
        roots = [thread_root(world, each, given.thread_ts) if given.thread_ts else None for each in channels]
        described = []
        for part, upload in zip(given.files, uploads, strict=True):
            if upload is None:
                continue
            self._by_file.pop(upload.file_id, None)
            title, alt_txt = part.title, upload.alt_txt
            described.append(
                files.describe(
                    world, upload.file_id, upload.name, upload.length, BOT_USER, title=title, alt_txt=alt_txt
                )
            )
        for channel, root in zip(channels, roots, strict=True):
            _share(world, channel, root, given.initial_comment, described)
        for file in described:
            world.store.put("file", file["id"], file | {"channels": [each["id"] for each in channels]})
        return {"files": [files.shown(world, files.get(world, each["id"])) for each in described]}

    def _forget(self, file_id: str) -> None:
        self._by_file.pop(file_id, None)
        for ticket in [each for each, upload in self._by_ticket.items() if upload.file_id == file_id]:
            del self._by_ticket[ticket]


def _share(world: World, channel: Doc, root: str | None, comment: str | None, described: list[Doc]) -> None:
    body = messages.by_bot() | {"subtype": "file_share", "text": comment or "", "files": described, "upload": True}
    messages.post(world, channel, body | ({"thread_ts": root} if root else {}))


async def info(world: World, given: File) -> Doc:
    file = files.get(world, given.file)
    if file["user"] != BOT_USER:
        files.require_seen(world, file, BOT_USER)
    return {"file": files.shown(world, file)}
