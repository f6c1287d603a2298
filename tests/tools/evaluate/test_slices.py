import pytest

from tools.errors import UserFault
from tools.evaluate import bootstrap, slices

ROWS = [
    *({"prompt": "Where is it?", "completion": "there", "queue": "orders"} for _ in range(8)),
    *({"prompt": "密码忘记了", "completion": "重置", "queue": "accounts"} for _ in range(6)),
]
RIGHT = [1.0] * 8 + [0.0] * 6


def test_fields_that_cut_the_rows_are_found() -> None:
    assert slices.fields_of(ROWS, ()) == ("language", "queue")
    assert slices.fields_of(ROWS, ("length",)) == ("length",)
    with pytest.raises(UserFault, match="slices=colour: the rows have no field colour; there are language, length"):
        slices.fields_of(ROWS, ("colour",))


def test_the_weakest_slice_is_named_with_its_interval_and_number() -> None:
    found = slices.cut(ROWS, ("queue",), RIGHT, [0.0] * 14)
    assert [(part.name, part.found.value, part.found.n) for part in found] == [
        ("queue=orders", 1.0, 8),
        ("queue=accounts", 0.0, 6),
    ]
    assert found[0].difference is not None and found[0].difference.value == 1.0
    assert [part.value for part in slices.worst(found, bootstrap.mean(RIGHT))] == ["accounts"]


def test_a_few_items_are_never_the_worst() -> None:
    found = slices.cut(ROWS[:10], ("queue",), RIGHT[:10])
    assert slices.worst(found, bootstrap.mean(RIGHT[:10])) == []


def test_text_of_a_row_stays_in_its_cell() -> None:
    assert slices.cell_of("a | b\n<script> [x](y)") == "a &#124; b &lt;script> &#91;x](y)"
