import pytest

from knowledge.order import inverted, miscounted, roles_swapped, turned

PROPOSES = "A small model proposes several tokens, the large one checks them in one pass."
SPARSITY = "The match was 0.98 at 20 % removed, 0.87 at 50 % removed and 0 at 70 % removed."


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("In distillation the large model learns.", "In distillation the small model learns."),
        ("The score rises before training.", "The score falls after training."),
        ("A large model proposes several tokens, the small one checks them.", PROPOSES),
    ],
)
def test_a_word_in_the_place_of_its_opposite(claim: str, source: str) -> None:
    assert turned(claim, source) > 0
    assert turned(source, source) == 0


def test_both_of_two_opposites_may_be_named() -> None:
    assert turned("The small model suggests several tokens, the large one verifies them.", PROPOSES) == 0


def test_a_number_of_another_case() -> None:
    assert miscounted("The match was 0.98 when 70 % were removed.", SPARSITY) > 0
    assert miscounted("The match was 0.98 at 20 % removed.", SPARSITY) == 0
    assert miscounted("No number here.", SPARSITY) == 0


def test_doer_and_done_to() -> None:
    source = "A small student imitates a large teacher."
    assert roles_swapped("The teacher imitates the student.", source)
    assert not roles_swapped("The student imitates the teacher.", source)
    assert not roles_swapped("The teacher is imitated by the student.", source)
    assert not roles_swapped(
        "The classical four are latency and traffic.", "Latency and traffic are the classical four."
    )


def test_the_order_of_words() -> None:
    source = "Merge the adapter, quantize the model, measure the score."
    assert inverted(source, source) == 0
    assert inverted("Measure the score, quantize the model, merge the adapter.", source) > 0.3
    assert inverted("Merge.", source) == 0
