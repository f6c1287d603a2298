import pytest

from tools.evaluate import overlap


def test_rouge_by_hand() -> None:
    scores = overlap.rouge("the cat sat", "the cat sat down")
    assert scores["rouge1"] == pytest.approx(2 * 1.0 * 0.75 / 1.75)
    assert scores["rouge2"] == pytest.approx(2 * 1.0 * (2 / 3) / (1 + 2 / 3))
    assert overlap.rouge("sat cat the", "the cat sat")["rougeL"] == pytest.approx(1 / 3)


def test_chinese_is_counted_by_its_characters() -> None:
    assert overlap.rouge("退款已经发出", "退款已经发出。")["rougeL"] == 1.0
    assert overlap.rouge("退款", "密码")["rouge1"] == 0.0
    assert overlap.language("请给我退款 order 12") == "zh"
    assert overlap.language("Order 退 of the new laptop") == "en"


def test_bleu_and_chrf_come_together() -> None:
    answers = ["The order was sent to you on Monday."]
    assert overlap.corpus(answers, answers) == pytest.approx({"bleu": 100.0, "chrf": 100.0})
    assert overlap.corpus(["所有订单今天都已经发出了"], ["所有订单今天都已经发出了"])["bleu"] == pytest.approx(100.0)
    assert overlap.corpus(["Nothing of it"], answers)["bleu"] < 5


def test_names_are_not_long_and_sentences_are() -> None:
    assert not overlap.is_long(["red", "queue=billing; priority=low"])
    assert overlap.is_long(["Your order was sent to you on Monday morning."])


def test_there_is_room_for_the_longest_wanted_text() -> None:
    assert overlap.room(["red", "blue"], 32) == 32
    assert overlap.room(["red", " ".join(["word"] * 50)], 32) == 100
    assert overlap.room(["退款已经发出。" * 10], 32) == 120
    assert overlap.room(["word " * 9000], 32) == 512
