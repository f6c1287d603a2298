import pytest

from agent.lifecycle.stages import ORDER, Stage, find, following, label, number


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("scope", Stage.SCOPE), ("2", Stage.SELECT), ("stage 3", Stage.ASSESS), ("Adapt and align", Stage.ALIGN),
        ("部署和优化", Stage.DEPLOY), (" Integration ", Stage.INTEGRATE), ("launch", Stage.LAUNCHED), ("7", None),
        ("", None), ("nowhere", None),
    ],
)  # fmt: skip
def test_people_name_stages_in_many_ways(text: str, stage: Stage | None) -> None:
    assert find(text) is stage


def test_every_stage_is_found_by_what_is_shown() -> None:
    assert all(find(label(s).removeprefix(f"{number(s)} ")) is s for s in ORDER)


def test_the_stages_follow_one_another() -> None:
    assert [following(s) for s in ORDER] == [*ORDER[1:], Stage.LAUNCHED]
