"""Files: a person's uploads, the app's uploads in three steps, who may fetch what."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workspace_case import FAST

Play = Callable[..., None]
GENERAL, ADA, GRACE = "C00GENERAL", "U000000ADA", "U0000GRACE"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


async def upload(stage: Any, name: str, data: bytes, person: str = ADA) -> Any:
    return await stage.http.post("/people/upload", params={"person": person, "name": name}, content=data)


def test_the_app_uploads_a_picture_into_a_thread(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        root = await stage.say("show me the curve")
        answer = await stage.client.files_upload_v2(
            content=PICTURE,
            filename="curve.png",
            title="Loss",
            alt_txt="Loss falls from 5 to 1.",
            channel=GENERAL,
            thread_ts=root["ts"],
            initial_comment="Here it is.",
        )
        assert answer["file"]["alt_txt"] == "Loss falls from 5 to 1."
        message = (await stage.get("thread", channel=GENERAL, ts=root["ts"]))["messages"][1]
        file = message["files"][0]
        assert (message["subtype"], message["text"], file["mimetype"]) == ("file_share", "Here it is.", "image/png")
        shown = await stage.http.get(file["url"], params={"person": GRACE})
        assert (shown.content, shown.headers["content-type"]) == (PICTURE, "image/png")
        assert (await stage.client.files_info(file=file["id"]))["file"]["size"] == len(PICTURE)

    play(scenario)


def test_a_persons_file_reaches_the_app_with_its_token_only(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        file = (await upload(stage, "../../rows 1.jsonl", b'{"a": 1}\n')).json()["file"]
        assert file["name"] == "rows 1.jsonl"
        assert await stage.refusal(stage.client.files_info(file=file["id"])) == "file_not_found"
        said = await stage.say("my data", files=[file["id"]])
        assert (said["subtype"], said["files"][0]["id"]) == ("file_share", file["id"])
        url = (await stage.client.files_info(file=file["id"]))["file"]["url_private"]
        assert (await stage.http.get(url)).status_code == 403
        right = {"Authorization": f"Bearer {stage.workspace.bot_token}"}
        assert (await stage.http.get(url, headers=right)).content == b'{"a": 1}\n'

    play(scenario)


def test_a_file_is_its_owners_until_it_is_shared(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        file = (await upload(stage, "page.html", b"<script>alert(1)</script>")).json()["file"]
        assert (await stage.http.get(file["url"], params={"person": GRACE})).status_code == 404
        own = await stage.http.get(file["url"], params={"person": ADA})
        assert own.headers["content-type"] == "application/octet-stream"
        assert own.headers["content-disposition"].startswith("attachment")
        stolen = await stage.act("say", GRACE, channel=GENERAL, text="mine!", files=[file["id"]])
        assert (stolen["status"], stolen["error"]) == (404, "file_not_found")

    play(scenario)


def test_what_is_too_large_or_unfinished_is_refused(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        answer = await upload(stage, "big.bin", b"x" * 1001)
        assert (answer.status_code, answer.json()["error"]) == (413, "request_too_large")
        begin = stage.client.files_getUploadURLExternal
        assert await stage.refusal(begin(filename="big.bin", length=1001)) == "file_upload_size_restricted"
        begun = await begin(filename="a.bin", length=3)
        complete = stage.client.files_completeUploadExternal
        assert await stage.refusal(complete(files=[{"id": begun["file_id"]}])) == "file_not_found"
        assert (await stage.http.post(begun["upload_url"], content=b"four")).status_code == 413
        assert (await stage.http.post(begun["upload_url"], content=b"abc")).status_code == 404

    play(scenario, limits=replace(FAST, upload_bytes=1000))


def test_paths_never_leave_the_folder(play: Play) -> None:
    async def scenario(stage: Any) -> None:
        for path in (
            "/people/files/..%2F..%2Fcredentials.json/x",
            "/people/files/credentials.json/x",
            "/files-pri/..%2Fcredentials.json/x",
            "/..%2Fserver.py",
            "/%2e%2e/server.py",
            "/server.py",
            "/.hidden.js",
        ):
            right = {"Authorization": f"Bearer {stage.workspace.bot_token}"}
            answer = await stage.http.get(path, params={"person": ADA}, headers=right)
            assert answer.status_code == 404, path

    play(scenario)
