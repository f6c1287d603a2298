from collections.abc import Iterator

import httpx
import pytest

from tools.contract import Candidate
from tools.serve.classify import classify_application
from tools.serve.web import answering

PATH = "/v1/classify"


def by_length(texts: list[str]) -> list[tuple[str, float]]:
    return [("long", 0.9) if len(text) > 5 else ("short", 0.4) for text in texts]


@pytest.fixture(scope="module")
def url(taught: Candidate) -> Iterator[str]:
    with answering(classify_application(by_length, taught), 0) as url:
        yield url


def test_one_text(url: str) -> None:
    found = httpx.post(url + PATH, json={"text": "hi"}).json()
    assert found == {"model": "taught", "label": "short", "confidence": 0.4}


def test_several_texts_in_their_order(url: str) -> None:
    found = httpx.post(url + PATH, json={"texts": ["a long one", "hi"]}).json()["results"]
    assert [answer["label"] for answer in found] == ["long", "short"]


def test_below_a_threshold_it_abstains(url: str, taught: Candidate) -> None:
    found = httpx.post(url + PATH, json={"texts": ["a long one", "hi"], "threshold": 0.5}).json()["results"]
    assert [answer["abstained"] for answer in found] == [False, True]
    with answering(classify_application(by_length, taught, threshold=0.95), 0) as strict:
        assert httpx.post(strict + PATH, json={"text": "a long one"}).json()["abstained"] is True


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"{}", 422, 'give either "text" or "texts"'),
        (b'{"text": "a", "texts": ["b"]}', 422, 'give either "text" or "texts"'),
        (b'{"text": ""}', 422, "text"),
        (b'{"text": "  "}', 422, "nothing in it but spaces"),
        (b'{"text": 5}', 422, "valid string"),
        (b'{"texts": []}', 422, "texts"),
        (b'{"texts": ["a", null]}', 422, "texts.1"),
        (b'{"text": "a", "threshold": 2}', 422, "threshold"),
        (b'{"txt": "a"}', 422, "txt"),
        (b'{"text": "' + b"a" * 1_100_000 + b'"}', 413, "larger than"),
    ],
)
def test_rubbish_is_refused_in_a_sentence(url: str, body: bytes, status: int, said: str) -> None:
    response = httpx.post(url + PATH, content=body)
    assert response.status_code == status
    assert said in response.json()["error"]["message"]
