from knowledge.thesaurus import likeness, opposites, synonyms, weight
from knowledge.words import stem


def test_words_of_like_and_of_opposite_meaning() -> None:
    assert stem("select") in synonyms(stem("choose"))
    assert stem("smaller") in opposites(stem("larger"))
    assert not synonyms("") and not opposites("")


def test_no_word_means_the_opposite_of_itself() -> None:
    for word in ("small", "large", "rise", "fall", "before", "after", "keep", "remove"):
        assert not synonyms(stem(word)) & opposites(stem(word))


def test_how_far_known_words_say_the_same() -> None:
    known = {stem("probability"), stem("choose"), "权重"}
    assert likeness(stem("choose"), known) == 1.0
    assert 0 < likeness(stem("select"), known) < 1
    assert 0 < likeness(stem("probable"), known) < 1
    assert 0 < likeness("重权", known) < 1
    assert likeness(stem("salary"), known) == 0


def test_light_words_weigh_less() -> None:
    assert weight(stem("example")) < weight(stem("distillation"))
