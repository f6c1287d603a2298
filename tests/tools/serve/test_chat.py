import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tools.contract import Candidate
from tools.serve.web import LARGEST_BODY

PATH = "/v1/chat/completions"
ROOF = [{"role": "user", "content": "Colour of the roof?"}]


def test_health_and_models(client: httpx.Client, taught: Candidate) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    served = client.get("/v1/models").json()["data"]
    assert [(entry["id"], entry["digest"]) for entry in served] == [("taught", taught.digest)]


def test_an_answer(client: httpx.Client) -> None:
    found = client.post(PATH, json={"model": "taught", "messages": ROOF, "max_tokens": 16}).json()
    choice = found["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "blue"}
    assert choice["finish_reason"] == "stop"
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert found["object"] == "chat.completion"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"temperature": None, "n": 1, "stop": None, "tools": [], "user": "somebody", "top_p": 1},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Colour of "},
                                                   {"type": "text", "text": "the roof?"}]}]},
        {"max_completion_tokens": 8},
    ],
)  # fmt: skip
def test_what_clients_send(client: httpx.Client, more: dict[str, Any]) -> None:
    found = client.post(PATH, json={"messages": ROOF, **more})
    assert found.json()["choices"][0]["message"]["content"] == "blue"


def test_a_stream(client: httpx.Client) -> None:
    body = {"messages": ROOF, "stream": True, "stream_options": {"include_usage": True}}
    with client.stream("POST", PATH, json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == "blue"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def test_many_at_once_get_their_own_answers(client: httpx.Client) -> None:
    wanted = {"door": "red", "roof": "blue", "car": "green", "cup": "yellow"}

    def ask(thing: str) -> str:
        messages = [{"role": "user", "content": f"Colour of the {thing}?"}]
        return str(client.post(PATH, json={"messages": messages}).json()["choices"][0]["message"]["content"])

    things = list(wanted) * 6
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, things)) == [wanted[thing] for thing in things]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 422, "Input should be an object"),
        (b"{}", 422, "messages: Field required"),
        (b'{"messages": []}', 422, "messages"),
        (b'{"messages": [{"role": "king", "content": "x"}]}', 422, "messages.0.role"),
        (b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', 422, "messages.0.content"),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 2}', 422, "n: Input should be 1"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 422, "finite"),
        (b'{"messages": [{"role": "user", "content": "x"}], "tools": [{}]}', 422, "tools"),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}', 422, "max_tokens"),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 999}', 400, "the 128 the model reads"),
        (b'{"messages": [{"role": "user", "content": "' + b"word " * 500 + b'"}]}', 400, "the 128 the model reads"),
        (b'{"messages": [{"role": "user", "content": "x"}], "model": "gpt"}', 404, "gpt is not served here; taught is"),
        (b"x" * (LARGEST_BODY + 1), 413, "larger than"),
    ],
)
def test_rubbish_is_refused_in_a_sentence(client: httpx.Client, body: bytes, status: int, said: str) -> None:
    response = client.post(PATH, content=body)
    assert response.status_code == status
    assert said in response.json()["error"]["message"]
    assert client.get("/health").status_code == 200


def test_other_paths_methods_and_hosts(client: httpx.Client) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.get(PATH).json()["error"]["code"] == "not_found"
    assert client.get("/health", headers={"host": "elsewhere.example"}).status_code == 400


def test_leaving_a_stream_early_does_no_harm(client: httpx.Client) -> None:
    for _ in range(3):
        with client.stream("POST", PATH, json={"messages": ROOF, "stream": True, "temperature": 2}) as response:
            next(response.iter_lines())
    assert client.post(PATH, json={"messages": ROOF}).json()["choices"][0]["message"]["content"] == "blue"
