from collections.abc import Callable
from pathlib import Path

import pytest

from tools.contract import DataKind, Dataset
from tools.errors import UserFault
from tools.training.embedding_rows import Pair, pairs_of, read_pairs, require_choice


def test_equal_texts_are_one_and_a_question_may_have_several() -> None:
    found = pairs_of([Pair("a", "one"), Pair("b", "one "), Pair("a", "two"), Pair("c", "three")])
    assert found.texts == ("one", "two", "three")
    assert found.right == (0, 0, 1, 2)
    assert found.also == (frozenset({1}), frozenset(), frozenset({0}), frozenset())


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        (DataKind.CORPUS, {"text": "a"}, "An encoder takes labelled data .* or a task .*, and any is of kind corpus"),
        (DataKind.FACTS, {"question": "a", "answer": "b"}, "register it again with kind=task"),
        (DataKind.TASK, {"prompt": "a"}, "row 1 has no prompt or no completion"),
    ],
)
def test_other_data_is_refused_in_a_sentence(
    tmp_path: Path, registered_as: Callable[..., Dataset], kind: DataKind, row: dict[str, str], said: str
) -> None:
    with pytest.raises(UserFault, match=said):
        read_pairs(registered_as(tmp_path / "any", kind, {"train": [row]}), "train")


def test_a_split_needs_two_different_texts(tmp_path: Path, registered_as: Callable[..., Dataset]) -> None:
    rows = [{"prompt": question, "completion": "the same"} for question in "abc"]
    data = registered_as(tmp_path / "faq", DataKind.TASK, {"train": rows, "dev": []})
    with pytest.raises(UserFault, match="All questions of the split train of faq have the same text"):
        require_choice(read_pairs(data, "train"), "train", "faq")
    with pytest.raises(UserFault, match="faq has no split test"):
        read_pairs(data, "test")
    with pytest.raises(UserFault, match="The split dev of faq is empty"):
        read_pairs(data, "dev")
