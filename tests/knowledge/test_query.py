import sqlite3
from collections.abc import Callable, Iterable, Mapping

import pytest

from knowledge import lexical
from knowledge.bridge import glossary
from knowledge.query import Unit, understand
from knowledge.retrieve import coverage, weigh
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


def vocabulary(*occurring: str) -> Callable[[Iterable[str]], Mapping[str, int]]:
    """Words and phrases, in the form of the index, that some text has."""
    return lambda words: {word: 3 for word in words if word in occurring}


@pytest.mark.parametrize(
    ("question", "occurring", "expected"),
    [
        ("7b", ["7", "billion", "7 billion"], ("7", "billion")),
        ("7 billion", ["7b"], ("7b",)),
        ("int8", ["8", "bit", "8 bit"], ("8", "bit")),
        ("8-bit", ["int8"], ("int8",)),
        ("gpt4", ["gpt", "4", "gpt 4"], ("gpt", "4")),
        ("check point", ["checkpoint"], ("checkpoint",)),
        ("checkpoint", ["check", "point", "check point"], ("check", "point")),
    ],
)
def test_another_spelling_that_some_text_has_is_an_alternative(
    question: str, occurring: list[str], expected: tuple[str, ...]
) -> None:
    assert expected in understand(question, vocabulary(*occurring)).units[0].alternatives
    assert expected not in understand(question, vocabulary()).units[0].alternatives


def test_halves_that_never_follow_one_another_are_no_spelling() -> None:
    assert understand("network", vocabulary("net", "work")).units[0].alternatives == (("network",),)


def test_words_of_like_meaning_are_kin_and_not_searched_for() -> None:
    query = understand("refund", vocabulary("money", "back"))
    assert ("money", "back") not in query.units[0].alternatives
    assert any("money" in group for group in query.units[0].kin)
    assert query.terms == ("refund",)
    assert understand("refund", vocabulary()).units[0].kin == ()


def test_a_left_out_letter_is_a_likelier_slip_than_a_wrong_one() -> None:
    assert understand("opning", vocabulary("open", stem("owning"))).terms == ("open",)


def test_pairs_where_two_chinese_words_meet_and_single_characters_are_left_out() -> None:
    assert understand("松涛鲸鱼", vocabulary("松涛", "鲸鱼")).terms == ("松涛", "鲸鱼")
    assert "鲸" not in understand("模型鲸", vocabulary()).terms


def test_a_name_before_chinese_is_named_and_so_is_a_chinese_word_nobody_knows() -> None:
    assert understand("Atlas套餐", frequencies).named
    assert [unit.alternatives[0] for unit in understand("Atlas套餐", frequencies).names] == [(stem("atlas"),)]
    assert understand("赫尔辛基", frequencies).named
    assert not understand("赫尔", vocabulary("赫尔")).named


def test_kin_covers_less_than_the_word_itself() -> None:
    weighed = weigh([Unit((("refund",),), (("money",),))], {"refund": 5.0, "money": 2.0})
    assert coverage(weighed, {"refund"}) == 1
    assert 0 < coverage(weighed, {"money"}) < 1


def test_phrases_are_counted_where_their_words_follow_one_another() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(lexical.SCHEMA)
    lexical.insert(connection, [("a", "p", "", "speed up"), ("b", "p", "", "up to speed")])
    speed = stem("speed")
    assert lexical.frequencies(connection, [speed, f"{speed} up", f"up {speed}"]) == {speed: 2, f"{speed} up": 1}
