"""The hub's answers, from a small server on loopback that speaks as much of its API as is asked."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools.contract import ModelKind
from tools.jobs.environment import OFFLINE, job_environment
from tools.select import hub

CONFIG = {
    "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "vocab_size": 50,
    "max_position_embeddings": 4096,
}  # fmt: skip
HEADER = {
    "model.embed_tokens.weight": {"dtype": "BF16", "shape": [50, 8], "data_offsets": [0, 800]},
    "model.layers.0.mlp.up_proj.weight": {"dtype": "BF16", "shape": [16, 8], "data_offsets": [800, 1056]},
}
SHA = "0123456789abcdef0123456789abcdef01234567"


def weights() -> bytes:
    header = json.dumps(HEADER).encode()
    return len(header).to_bytes(8, "little") + header + bytes(1056)


def files(config: dict[str, Any], name: str = "model.safetensors") -> dict[str, bytes]:
    return {"config.json": json.dumps(config).encode(), name: weights(), "tokenizer.json": b"{}"}


MODELS = {
    "maker/good": files(CONFIG),
    "maker/pickled": files(CONFIG, "pytorch_model.bin"),
    "maker/remote": files({**CONFIG, "auto_map": {"AutoModel": "mine.Model"}}),
    "maker/bare": {"README.md": b""},
    "maker/odd": {**files(CONFIG), "config.json": b"{"},
}


class Hub(BaseHTTPRequestHandler):
    """`/api/models/ID` and `/ID/resolve/REVISION/FILE`, with ranges."""

    def do_HEAD(self) -> None:
        self.answer(head=True)

    def do_GET(self) -> None:
        self.answer()

    def answer(self, head: bool = False) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.told("/".join(parts[2:4]))
        held = MODELS.get("/".join(parts[:2]), {}).get("/".join(parts[4:]))
        if held is None:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"}, head)
        ranged = self.headers.get("Range")
        if ranged:
            first, last = ranged.removeprefix("bytes=").split("-")
            held = held[int(first) : int(last) + 1]
        self.send(206 if ranged else 200, held, {"ETag": '"e"', "X-Repo-Commit": SHA}, head)

    def told(self, name: str) -> None:
        if name == "maker/gated":
            return self.send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        if name == "maker/busy":
            return self.send(418, b"{}", {})
        if name not in MODELS:
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": file, "size": len(held)} for file, held in MODELS[name].items()]
        card = {"license": "apache-2.0", "language": ["en", "zh"]}
        told = {"id": name, "modelId": name, "sha": SHA, "siblings": siblings, "cardData": card}
        self.send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

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


def test_a_model_is_described_without_its_weights(endpoint: str, tmp_path: Path) -> None:
    (option,) = hub.look(["maker/good"], tmp_path, endpoint).options
    assert (option.name, option.origin, option.model.kind) == ("maker/good", "hub", ModelKind.CAUSAL)
    assert (option.weights.count, option.weights.bytes, option.weights.dtype) == (528, 1056, "BF16")
    assert (option.weights.linear, option.context, option.model.licence) == (128, 4096, "apache-2.0")
    assert (option.languages, option.tokenizer, option.quantized) == (("en", "zh"), True, False)
    assert option.model.bytes == sum(len(held) for held in MODELS["maker/good"].values())
    assert not list(tmp_path.rglob("*.safetensors"))


def test_each_that_cannot_be_had_is_named_and_the_others_are_listed(endpoint: str, tmp_path: Path) -> None:
    wanted = {
        "maker/pickled": r"pickled weights (pytorch_model.bin)",
        "maker/remote": "auto_map",
        "maker/bare": "no config.json",
        "maker/odd": "is not JSON",
        "maker/gated": "accepted its terms",
        "maker/none": "no model maker/none that may be seen here",
        "maker/busy": "answered 418",
    }
    found = hub.look([*wanted, "maker/good"], tmp_path, endpoint)
    assert [option.name for option in found.options] == ["maker/good"]
    told = {each.name: each.reason for each in found.left_out}
    assert told.keys() == wanted.keys()
    assert {name for name, words in wanted.items() if words not in told[name]} == set()


def test_no_network_is_a_sentence_with_its_mend(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        gone = f"http://127.0.0.1:{server.server_address[1]}"
    found = hub.look(["maker/good"], tmp_path, gone)
    assert not found.options
    assert "could not be reached about maker/good" in found.left_out[0].reason
    assert "HF_ENDPOINT" in found.left_out[0].reason


def test_who_forbids_the_hub_is_obeyed(endpoint: str, tmp_path: Path) -> None:
    found = hub.look(["maker/good"], tmp_path, endpoint, job_environment({}, {"HF_HUB_OFFLINE": "1"}))
    assert "HF_HUB_OFFLINE is set where Odyssey runs" in found.left_out[0].reason
    assert job_environment({}, {})[OFFLINE] == "0"
