"""Data sets on the hub: which of their files are read, and fetching them from a small hub on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.data import hub
from tools.errors import UserFault

SHA = "0123456789abcdef0123456789abcdef01234567"
SETS = {
    "team/tickets": {
        "README.md": b"# Tickets",
        "data/train-00000-of-00002.csv": b"text,label\nfirst,a\n",
        "data/train-00001-of-00002.csv": b"text,label\nsecond,b\n",
        "data/test-00000-of-00001.csv": b"text,label\nthird,a\n",
    }
}


class Hub(BaseHTTPRequestHandler):
    """`/api/datasets/ID` and `/datasets/ID/resolve/REVISION/FILE`."""

    def do_HEAD(self) -> None:
        self.answer(head=True)

    def do_GET(self) -> None:
        self.answer()

    def answer(self, head: bool = False) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "datasets"]:
            return self.told("/".join(parts[2:4]))
        held = SETS["/".join(parts[1:3])]["/".join(parts[5:])]
        self.send(200, held, {"ETag": f'"{hashlib.sha256(held).hexdigest()}"', "X-Repo-Commit": SHA}, head)

    def told(self, name: str) -> None:
        if name not in SETS:
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": file, "size": len(held)} for file, held in SETS[name].items()]
        body = json.dumps({"id": name, "sha": SHA, "siblings": siblings}).encode()
        self.send(200, body, {"Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str], head: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_data_set_comes_with_its_splits_and_all_their_shards(endpoint: str, tmp_path: Path) -> None:
    found = hub.fetch("team/tickets", tmp_path, endpoint)
    assert {part: [file.read_text().splitlines()[1] for file in files] for part, files in found.items()} == {
        "all": ["first,a", "second,b"], "test": ["third,a"],
    }  # fmt: skip


def test_one_file_of_it_can_be_named(endpoint: str, tmp_path: Path) -> None:
    found = hub.fetch("team/tickets/data/test-00000-of-00001.csv", tmp_path, endpoint)
    assert [file.name for file in found["all"]] == ["test-00000-of-00001.csv"]


def test_a_missing_one_and_a_hub_that_is_gone_are_sentences(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="has no data set team/none"):
        hub.fetch("team/none", tmp_path, endpoint)
    with pytest.raises(UserFault, match=r"hub:tickets is no data set of the hub; it is written hub:ORG/NAME"):
        hub.fetch("tickets", tmp_path, endpoint)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        gone = f"http://127.0.0.1:{server.server_address[1]}"
    with pytest.raises(UserFault, match=r"could not be reached about team/tickets.*name its file"):
        hub.fetch("team/tickets", tmp_path, gone)


@pytest.mark.parametrize(
    ("files", "within", "chosen"),
    [
        (["a/train.jsonl", "a/dev.jsonl"], None, {"all": ["a/train.jsonl"], "dev": ["a/dev.jsonl"]}),
        (["rows.csv", "README.md"], None, {"all": ["rows.csv"]}),
        (["en/train.csv", "zh/train.csv"], "zh", {"all": ["zh/train.csv"]}),
        (["train/0.pq", "validation/0.pq"], None, {"all": ["train/0.pq"], "dev": ["validation/0.pq"]}),
    ],
)  # fmt: skip
def test_files_are_told_by_their_names(files: list[str], within: str | None, chosen: dict[str, list[str]]) -> None:
    assert hub.choose("team/set", files, within) == chosen


@pytest.mark.parametrize(
    ("files", "within", "said"),
    [
        (["set.py", "README.md"], None, r"loading script \(set.py\), which is code and not run"),
        (["weights.bin"], None, "no CSV, JSONL or Parquet files"),
        (["en/train.csv", "zh/train.csv"], None, "several subsets; name a folder or a file"),
        (["one.csv", "two.csv"], None, "no file called train"),
        (["train.csv", "x.csv"], "gone.csv", "has no file or folder gone.csv of rows; it has train.csv, x.csv"),
    ],
)
def test_what_cannot_be_told_is_asked_for(files: list[str], within: str | None, said: str) -> None:
    with pytest.raises(UserFault, match=said):
        hub.choose("team/set", files, within)
