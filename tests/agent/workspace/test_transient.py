"""What lives for seconds or minutes, with a clock that the test turns."""

import pytest

from agent.workspace.errors import Refused
from agent.workspace.limits import SLACK
from agent.workspace.transient import KEPT, Hook, Kept, Transient


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_trigger_lives_three_seconds_and_works_once() -> None:
    clock = Clock()
    transient = Transient(SLACK, clock)
    key = transient.trigger("U1", view="V1")
    clock.now = 3.0
    assert transient.use_trigger(key).person == "U1"
    with pytest.raises(Refused, match="trigger_exchanged"):
        transient.use_trigger(key)
    late = transient.trigger("U1")
    clock.now = 6.1
    with pytest.raises(Refused, match="trigger_expired"):
        transient.use_trigger(late)


def test_a_response_url_lives_thirty_minutes_and_answers_five_times() -> None:
    clock = Clock()
    transient = Transient(SLACK, clock)
    key = transient.hook(Hook("U1", "C1", made=0.0))
    for _ in range(5):
        transient.use_hook(key)
    with pytest.raises(Refused, match="used_url"):
        transient.use_hook(key)
    late = transient.hook(Hook("U1", "C1", made=0.0))
    clock.now = 1800.1
    with pytest.raises(Refused, match="expired_url"):
        transient.use_hook(late)
    with pytest.raises(Refused, match="invalid_url"):
        transient.use_hook("no such key")


def test_the_oldest_go_when_there_are_too_many() -> None:
    kept: Kept[int] = Kept()
    for number in range(KEPT + 1):
        kept.add(str(number), number)
    assert (kept.get("0"), kept.get("1")) == (None, 1)
