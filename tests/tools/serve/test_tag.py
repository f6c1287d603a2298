from collections.abc import Iterator, Sequence

import httpx
import pytest

from tools.contract import Candidate
from tools.serve.tag import tag_application, words
from tools.serve.web import answering
from tools.training.tagger_model import Tagged

PATH = "/v1/tag"


def by_case(rows: Sequence[Sequence[str]]) -> list[Tagged]:
    """Words with a capital are names, one after another a longer one."""
    found = []
    for row in rows:
        tags: list[str] = []
        for word in row:
            inside = bool(tags) and tags[-1] != "O"
            tags.append("O" if not word[0].isupper() else "I-NAME" if inside else "B-NAME")
        found.append(Tagged(tuple(tags), tuple(0.9 if tag[0] == "B" else 0.7 for tag in tags)))
    return found


@pytest.fixture(scope="module")
def url(taught: Candidate) -> Iterator[str]:
    with answering(tag_application(by_case, taught), 0) as url:
        yield url


def test_entities_stand_where_the_text_has_them(url: str) -> None:
    text = "I am  (Ada  Lovelace), of order A-17."
    found = httpx.post(url + PATH, json={"text": text.replace("I am", "we are")}).json()
    text = text.replace("I am", "we are")
    name, order = found["entities"]
    assert (name["kind"], name["text"], name["confidence"]) == ("NAME", "Ada  Lovelace", 0.7)
    assert text[name["start"] : name["end"]] == "Ada  Lovelace"
    assert (order["text"], order["confidence"], found["model"]) == ("A-17", 0.9, "taught")


def test_several_texts_in_their_order(url: str) -> None:
    found = httpx.post(url + PATH, json={"texts": ["nobody here", "ask Ada"]}).json()["results"]
    assert [[entity["text"] for entity in answer["entities"]] for answer in found] == [[], ["Ada"]]


def test_words_come_back_with_their_tags_and_places(url: str) -> None:
    found = httpx.post(url + PATH, json={"tokens": ["ask", "Ada", "Lovelace"]}).json()
    assert found["tags"] == ["O", "B-NAME", "I-NAME"]
    assert [(one["text"], one["start"], one["end"]) for one in found["entities"]] == [("Ada Lovelace", 1, 3)]


def test_the_model_is_listed(url: str, taught: Candidate) -> None:
    (own,) = httpx.get(url + "/v1/models").json()["data"]
    assert (own["id"], own["digest"]) == ("taught", taught.digest)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mr. O'Neil (of A-17) paid $30.50!", ["Mr", ".", "O'Neil", "(", "of", "A-17", ")", "paid", "$", "30.50", "!"]),
        ("我在Berlin很好。", ["我", "在", "Berlin", "很", "好", "。"]),
        ("__ ok 👍", ["__", "ok", "👍"]),
        (" ", []),
    ],
)
def test_words_are_what_stands_between_spaces_and_marks(text: str, found: list[str]) -> None:
    assert [word for word, *_ in words(text)] == found
    assert all(text[begin:end] == word for word, begin, end in words(text))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", 'give one of "text", "texts" and "tokens"'),
        (b'{"text": "a", "tokens": ["b"]}', 'give one of "text", "texts" and "tokens"'),
        (b'{"text": "  "}', "nothing in it but spaces"),
        (b'{"tokens": ["a", " "]}', "nothing in it but spaces"),
        (b'{"tokens": []}', "tokens"),
        (b'{"text": "a", "threshold": 1}', "threshold"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(url: str, body: bytes, said: str) -> None:
    found = httpx.post(url + PATH, content=body)
    assert found.status_code == 422
    assert said in found.json()["error"]["message"]
