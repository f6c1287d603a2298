import base64
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tools.contract import Candidate
from tools.serve.embed import embed_application
from tools.serve.web import answering

PATH = "/v1/embeddings"


def by_length(texts: list[str]) -> tuple[list[list[float]], int]:
    """A vector that points up the more, the longer the text; a token a letter."""
    return [[1.0, len(text) / 4] for text in texts], sum(map(len, texts))


@pytest.fixture(scope="module")
def url(taught: Candidate) -> Iterator[str]:
    with answering(embed_application(by_length, taught), 0) as url:
        yield url


def test_one_text_comes_back_as_openai_has_it(url: str) -> None:
    found = httpx.post(url + PATH, json={"model": "taught", "input": "a door", "user": "ada"}).json()
    assert found == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [1.0, 1.5]}],
        "model": "taught",
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }


def test_several_texts_in_their_order(url: str) -> None:
    found = httpx.post(url + PATH, json={"input": ["ab", "abcd"], "dimensions": 2}).json()
    assert [(row["index"], row["embedding"]) for row in found["data"]] == [(0, [1.0, 0.5]), (1, [1.0, 1.0])]


def test_numbers_come_packed_where_a_client_asks_for_that(url: str) -> None:
    found = httpx.post(url + PATH, json={"input": "abcd", "encoding_format": "base64"}).json()
    assert np.frombuffer(base64.b64decode(found["data"][0]["embedding"]), dtype="<f4").tolist() == [1.0, 1.0]


def test_the_model_is_listed(url: str, taught: Candidate) -> None:
    (own,) = httpx.get(url + "/v1/models").json()["data"]
    assert (own["id"], own["digest"]) == ("taught", taught.digest)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{}", 422, "input: Field required"),
        (b'{"input": 7}', 422, "give a text or a list of texts; tokens are not read"),
        (b'{"input": [[1, 2]]}', 422, "tokens are not read"),
        (b'{"input": "  "}', 422, "nothing in it but spaces"),
        (b'{"input": ["a", ""]}', 422, "nothing in it but spaces"),
        (b'{"input": []}', 422, "at least 1 item"),
        (b'{"input": [' + b'"a",' * 256 + b'"a"]}', 422, "at most 256 items"),
        (b'{"input": "' + b"a" * 100_001 + b'"}', 422, "at most 100000 characters"),
        (b'{"input": "a", "encoding_format": "int8"}', 422, "'float' or 'base64'"),
        (b'{"input": "a", "dimensions": 1}', 400, "taught gives 2 numbers a text"),
        (b'{"input": "a", "model": "other"}', 404, "other is not served here; taught is."),
        (b"{", 400, "not JSON"),
        (b'{"input": "' + b"a" * 1_000_000 + b'"}', 413, "larger than 1,000,000 bytes"),
    ],
)
def test_rubbish_is_refused_in_a_sentence(url: str, body: bytes, status: int, said: str) -> None:
    found = httpx.post(url + PATH, content=body)
    assert found.status_code == status
    assert said in found.json()["error"]["message"]
