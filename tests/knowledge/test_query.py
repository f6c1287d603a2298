from collections.abc import Iterable, Mapping

import pytest

from knowledge.bridge import glossary
from knowledge.query import understand
from knowledge.words import stem, terms

WORDS = ["lora", "reward", "hacking", "quantization", "model", "memory", "temperature", "fine", "tuning"]
KNOWN = {stem(word): 3 for word in WORDS}


def frequencies(words: Iterable[str]) -> Mapping[str, int]:
    return {word: KNOWN[word] for word in words if word in KNOWN}


def test_one_slip_of_the_finger_is_mended() -> None:
    query = understand("waht is lroa adn reward hakcing", frequencies)
    assert query.terms == (stem("lora"), stem("reward"), stem("hacking"))


def test_a_word_that_is_not_near_to_any_stays_as_it_is() -> None:
    assert understand("zyzzyva temprature", frequencies).terms == ("zyzzyva", stem("temperature"))


def test_chinese_terms_are_found_under_their_english_names_and_their_own() -> None:
    query = understand("如何防止奖励作弊？", frequencies)
    assert query.language == "zh"
    assert query.dense == "how prevent reward hacking ?"
    reward_hacking = query.units[-1]
    assert reward_hacking.alternatives == (tuple(terms("reward hacking")), tuple(terms("奖励作弊")))


def test_unknown_chinese_is_searched_by_pairs_of_characters() -> None:
    assert understand("红烧肉", frequencies).terms == ("红烧", "烧肉")


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What is the door code in Lisbon?", True),
        ("how many weights does gpt4 have", True),
        ("What does E41 mean?", True),
        ("What is a gate?", False),
        ("WHAT IS A GATE?", False),
        ("", False),
    ],
)
def test_whether_something_is_named(question: str, named: bool) -> None:
    assert understand(question, frequencies).named is named


@pytest.mark.parametrize("question", ["", "   ", "?!", "the of and", '"" OR (', "\x00", "a" * 5000, "🙂"])
def test_rubbish_is_read_without_a_fault(question: str) -> None:
    understand(question, frequencies)


def test_the_glossary_is_of_some_size() -> None:
    assert sum(bool(english) and not english.startswith("~") for english in glossary().values()) >= 90
