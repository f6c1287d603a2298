import pytest

from tools.contract import DataKind
from tools.data import checks
from tools.data.checks import Row
from tools.errors import UserFault


def task(prompt: str, completion: str = "x") -> Row:
    return {"prompt": prompt, "completion": completion}


@pytest.mark.parametrize("other", ["where is it?", "  Where   is it ", "WHERE IS IT?!", "Ｗhere is it？"])
def test_case_spacing_and_final_marks_do_not_tell_texts_apart(other: str) -> None:
    assert checks.key(task(other), DataKind.TASK) == checks.key(task("Where is it"), DataKind.TASK)


@pytest.mark.parametrize(("one", "other"), [("3+4", "3-4"), ("C", "C++"), ("...", "?!"), ("it's", "its")])
def test_other_signs_do(one: str, other: str) -> None:
    assert checks.key(task(one), DataKind.TASK) != checks.key(task(other), DataKind.TASK)


def test_the_first_of_repeated_rows_stays_and_contradictions_are_told() -> None:
    rows = [task("a", "1"), task("A ", "1"), task("b", "1"), task("B", "2"), task("b?", "3")]
    found = checks.unique(rows, DataKind.TASK)
    assert found.rows == [task("a", "1"), task("b", "1")]
    assert found.repeated == 3
    assert len(found.conflicting) == 1


def test_pairs_of_answers_may_share_a_prompt() -> None:
    pair = {"prompt": "a", "chosen": "good", "rejected": "bad"}
    found = checks.unique([pair, {**pair, "rejected": "worse"}, pair], DataKind.PREFERENCE)
    assert (len(found.rows), found.repeated) == (2, 1)
    assert checks.grouped(found.rows, DataKind.PREFERENCE) == [found.rows]


def test_a_text_in_two_files_is_refused() -> None:
    parts = {"all": ("train.jsonl", [task("a"), task("b")]), "test": ("test.jsonl", [task("c"), task("B!")])}
    with pytest.raises(UserFault, match=r'1 text stands in rows of test\.jsonl also in train\.jsonl, .* "B!"'):
        checks.refuse_overlap(parts, DataKind.TASK)
    checks.refuse_overlap({"all": parts["all"], "test": ("test.jsonl", [task("c")])}, DataKind.TASK)


def test_labels_that_training_does_not_see() -> None:
    def rows(*labels: str) -> list[Row]:
        return [{"text": "t", "label": label} for label in labels]

    assert checks.unseen_labels({"train": rows("a", "b"), "test": rows("b", "d", "c")}) == ["c", "d"]
    with pytest.raises(UserFault, match="No label of the held-out rows"):
        checks.unseen_labels({"train": rows("a"), "test": rows("b")})


def test_labels_too_rare_or_alone() -> None:
    rows = [{"text": str(i), "label": label} for i, label in enumerate("aaaabbc")]
    with pytest.raises(UserFault, match=r"2 labels have fewer than 3 different rows \(b, c\)"):
        checks.check_labels(rows)
    with pytest.raises(UserFault, match="only one label, a"):
        checks.check_labels(rows[:4])
