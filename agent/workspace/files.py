"""Files: bytes in a folder under their ids, what is known of them in the store."""

import mimetypes
import re
from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse, Response

from agent.workspace.errors import Refused
from agent.workspace.events import new_id
from agent.workspace.store import Doc
from agent.workspace.world import World

FILE_ID = re.compile(r"F[0-9A-F]{16}")


def safe_name(name: str) -> str:
    """A name for people and headers: the last part of a path, no control characters, at most 200 characters."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(each for each in last if each.isprintable() and each not in '"<>|?*:').strip(". ")[:200] or "file"


def path_of(world: World, file_id: str) -> Path:
    """Where the bytes are. Refused: file_not_found for anything that is no id of this workspace."""
    if not FILE_ID.fullmatch(file_id):
        raise Refused("file_not_found")
    return world.folder / "files" / file_id


def keep(
    world: World, name: str, data: bytes, user: str, *, title: str | None = None, alt_txt: str | None = None
) -> Doc:
    """Store a file. Gives Slack's file object."""
    file = describe(world, new_id("F"), safe_name(name), len(data), user, title=title, alt_txt=alt_txt)
    write(world, file["id"], data)
    world.store.put("file", file["id"], file)
    return file


def new_file_id() -> str:
    return new_id("F")


def write(world: World, file_id: str, data: bytes) -> None:
    """The bytes, whole or not at all."""
    path = path_of(world, file_id)
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)


def shown(world: World, file: Doc) -> Doc:
    """Slack's file object for the app, its addresses as they are now."""
    private = f"{world.base_url}/files-pri/{file['id']}/{quote(file['name'])}"
    addresses = {"url_private": private, "url_private_download": private, "permalink": private}
    return {name: value for name, value in file.items() if name != "url"} | addresses


def describe(
    world: World, file_id: str, name: str, size: int, user: str, *, title: str | None = None, alt_txt: str | None = None
) -> Doc:
    """Slack's file object."""
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    private = f"{world.base_url}/files-pri/{file_id}/{quote(name)}"
    at = int(world.clock())
    file: Doc = {
        "id": file_id,
        "created": at,
        "timestamp": at,
        "name": name,
        "title": title or name,
        "mimetype": mimetype,
        "filetype": name.rpartition(".")[2].lower() if "." in name else "binary",
        "pretty_type": mimetype,
        "user": user,
        "size": size,
        "mode": "hosted",
        "is_external": False,
        "is_public": False,
        "url_private": private,
        "url_private_download": private,
        "permalink": private,
        "url": f"/people/files/{file_id}/{quote(name)}",  # the page's own way to it
    }
    return file | ({"alt_txt": alt_txt} if alt_txt else {})


def get(world: World, file_id: str) -> Doc:
    """Refused: file_not_found."""
    found = world.store.get("file", file_id)
    if found is None:
        raise Refused("file_not_found")
    return found


def shared(world: World, file_id: str, person: str) -> Doc:
    """A file that a person may put into a message: their own. Refused: file_not_found."""
    found = get(world, file_id)
    if found["user"] != person:
        raise Refused("file_not_found")
    return found


def share(world: World, file: Doc, channel: str) -> None:
    """Remember that the file stands in a channel: its people may see it."""
    world.store.put("file", file["id"], file | {"channels": sorted({*file.get("channels", []), channel})})


def require_seen(world: World, file: Doc, person: str) -> None:
    """A person sees their own files and those in channels they see. Refused: file_not_found."""
    if file["user"] == person:
        return
    for channel in file.get("channels", []):
        found = world.channel(channel)
        if found["kind"] == "channel" or person in found["members"]:
            return
    raise Refused("file_not_found")


def download(world: World, file: Doc) -> Response:
    """The bytes; only pictures may be shown by a browser, everything else is saved."""
    shows = file["mimetype"] in ("image/png", "image/jpeg", "image/gif", "image/webp")
    return FileResponse(
        path_of(world, file["id"]),
        media_type=file["mimetype"] if shows else "application/octet-stream",
        filename=file["name"],
        content_disposition_type="inline" if shows else "attachment",
    )
