import pytest

from knowledge.denial import denied_alone, denied_by_edit

SHIFT = "A shift in the inputs is a reason to look, not yet a fault."


@pytest.mark.parametrize(
    ("claim", "source", "differs"),
    [
        ("DPO can be used with pairs.", "DPO cannot be used with pairs.", True),
        ("Pairs need no reward model.", "Pairs need a reward model.", True),
        ("It does not need no new part at all.", "It needs no new part at all.", True),
        ("In short, pairs need a reward model.", "Pairs need a reward model.", False),
        ("A shift in the inputs is a reason to look but not a fault yet.", SHIFT, False),
        ("A placeholder often helps.", "A placeholder often helps, since it learns the form and not the name.", False),
        ("这种方法不需要奖励模型。", "这种方法需要奖励模型。", True),
        ("Something else is never told.", "Pairs need a reward model.", False),
    ],
)
def test_a_denial_put_into_a_copy_or_left_out_of_it(claim: str, source: str, differs: bool) -> None:
    assert denied_by_edit(claim, source) is differs


def test_what_the_source_denies_may_not_be_affirmed() -> None:
    source = "No prompt prevents an injection reliably."
    assert denied_alone("A good prompt prevents an injection reliably.", source, source) == 1.0
    assert denied_alone("An injection cannot be prevented by any prompt.", source, source) == 0.0
    assert denied_alone("Injection is never possible.", "Injection is possible.", "Injection is possible.") == 1.0
    assert denied_alone("Pairs help.", "Pairs help.", "Pairs help.") == 0.0


def test_what_is_denied_and_what_is_affirmed_do_not_change_places() -> None:
    source = "The law holds for the loss on held-out text, not for the score on a task."
    turned = "The law holds for the score on a task, not for the loss on held-out text."
    assert denied_alone(turned, source, source) == 1.0
    assert denied_alone("It holds for the loss on text, not for the score.", source, source) == 0.0


def test_words_that_only_look_like_denials() -> None:
    source = "两个模型不同。"
    assert denied_alone("两个模型不同，不过都可用。", source, source) == 0.0
    assert denied_alone("两个模型都没有用。", source, source) == 1.0
