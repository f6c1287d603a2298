"""Several people decide one approval at the same moment: one decision, and everybody is told what became of theirs.

The short form runs 50 races with a fixed seed, the full one 500 (`make test-slow`).
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.client import RemoteOwner
from agent.graph.replies import Reply
from agent.interface import REMOTE, Client
from agent.lifecycle.events import Advance, Approve, ChooseModel, GoBack, Reject, SetRole, SetRules
from agent.lifecycle.project import Approval, Role
from agent.lifecycle.stages import Stage
from agent.remote import Connection, Server, methods
from tests.estate import Estate
from tests.walk import Walk

APPROVERS = ("ana", "ben", "eve", "fay")  # ana asks
STAYS = "is now at"  # what an approval that moves the project says
TOLD = ("is not waiting", "No approval is waiting", "already", "has changed", "may not approve alone")


@dataclass
class Court:
    """An estate in which an approval can be asked for again and again."""

    estate: Estate
    remote: RemoteOwner

    def ask(self) -> Approval:
        """An approval that waits, asked for by ana, at the scope."""
        project = self.estate.project
        if project.stage is not Stage.SCOPE:
            self.estate.ok(GoBack(stage=Stage.SCOPE, reason="another race"))
        elif project.approval is not None:
            self.estate.ok(Reject(number=project.approval.number, reason="another race"))
        self.estate.ok(Advance())
        asked = self.estate.project.approval
        assert asked is not None
        return asked

    def decided(self, number: int) -> Approval:
        return next(each for each in self.estate.project.decided if each.number == number)


@contextmanager
def open_court(home: Path) -> Iterator[Court]:
    walk = Walk().to(Stage.SCOPE, work=True)
    with Estate(home, walk) as estate:
        for person in APPROVERS[2:]:
            estate.ok(SetRole(person=person, role=Role.APPROVER))
        server = Server(home / "s.sock", estate.owner, methods(Client, REMOTE))
        server.start()
        yield Court(estate, RemoteOwner(Connection(home / "s.sock", methods(Client, REMOTE))))
        server.stop()


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with open_court(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def rules(court: Court) -> Iterator[Callable[..., None]]:
    """Changes the rules of approvals for a test."""
    yield lambda **values: court.estate.ok(SetRules(**values)) and None
    court.estate.ok(SetRules(approvers=1, self_approval=True))


# --- clicks ------------------------------------------------------------------------------------------------------

Click = Callable[[], tuple[str, str]]  # who clicked, what they were told


def _press(court: Court, person: str, text: str, asked: Approval, turn: str) -> Click:
    """A button on the card: the command with the digest that the card showed, in the thread of the card."""

    def click() -> tuple[str, str]:
        said = court.estate.owner.say(person, "slack:T1:C1:1.1", text, "p1", turn=turn, seen=asked.digest)
        return person, said.text

    return click


def _alone(court: Court, person: str, text: str, asked: Approval, turn: str) -> Click:
    """The same from a conversation of one's own."""

    def click() -> tuple[str, str]:
        said = court.estate.owner.say(person, f"slack:T1:D{person}", text, "p1", turn=turn, seen=asked.digest)
        return person, said.text

    return click


def _submitted(court: Court, person: str, text: str, asked: Approval, turn: str) -> Click:
    """From another process."""
    approve = text.startswith("approve")
    body = Approve(number=asked.number) if approve else Reject(number=asked.number, reason="not now")
    return lambda: (person, court.remote.submit(person, "p1", body).said)


HOWS = (_press, _alone, _submitted)


def _at_once(clicks: list[Click]) -> list[tuple[str, str]]:
    """All clicks in threads that begin together."""
    barrier = threading.Barrier(len(clicks))

    def one(click: Click) -> tuple[str, str]:
        barrier.wait()
        return click()

    with ThreadPoolExecutor(len(clicks)) as pool:
        return list(pool.map(one, clicks))


def _race(court: Court, chance: random.Random, number: int) -> Counter[str]:
    """One race of two to six clicks; what people were told, by what it meant."""
    asked = court.ask()
    clicks = []
    for place in range(chance.randint(2, 6)):
        text = f"approve {asked.number}" if chance.random() < 0.6 else f"reject {asked.number} because not now"
        how = chance.choice(HOWS)
        clicks.append(how(court, chance.choice(APPROVERS), text, asked, f"race-{number}-{place}"))
    told = _at_once(clicks)
    decided = court.decided(asked.number)
    won = [said for _, said in told if f"approved {asked.number}" in said or f"rejected {asked.number}" in said]
    assert len(won) == 1, told
    kind = "approve" if decided.outcome == "approved" else "reject"
    assert f"{decided.decided_by} {kind.removesuffix('e')}ed {asked.number}" in won[0]
    lost = [said for _, said in told if said not in won]
    assert len(lost) == len(told) - 1
    assert all(any(words in said for words in TOLD) for said in lost), lost
    accepted = [line for line in court.estate.since(asked.number) if line[1] in ("approve", "reject")]
    assert accepted == [(decided.decided_by, kind)]
    assert court.estate.project.stage is (Stage.SELECT if kind == "approve" else Stage.SCOPE)
    return Counter([kind, *("told" for _ in lost)])


def _races(court: Court, count: int, seed: int = 7) -> None:
    chance = random.Random(seed)
    counted: Counter[str] = Counter()
    for number in range(count):
        counted += _race(court, chance, number)
    assert counted["approve"] + counted["reject"] == count
    assert min(counted["approve"], counted["reject"]) > count // 10


def test_fifty_races_have_one_winner_each(court: Court) -> None:
    _races(court, 50)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_five_hundred_races_have_one_winner_each(tmp_path: Path, seed: int) -> None:
    with open_court(tmp_path) as court:
        _races(court, 50, seed)


# --- rules -------------------------------------------------------------------------------------------------------


def test_of_two_approvers_each_counts_once_however_often_they_click(court: Court, rules: Callable[..., None]) -> None:
    rules(approvers=2)
    for number in range(5):
        asked = court.ask()
        text = f"approve {asked.number}"
        clicks = [_alone(court, p, text, asked, f"two-{number}-{p}-{n}") for p in ("ben", "eve") for n in range(3)]
        told = [said for _, said in _at_once(clicks)]
        votes = court.decided(asked.number).votes
        assert sorted(vote.by for vote in votes) == ["ben", "eve"]
        assert sum("1 more needed" in said for said in told) == 1
        assert sum(STAYS in said for said in told) == 1


def test_three_race_for_two_places(court: Court, rules: Callable[..., None]) -> None:
    rules(approvers=2)
    asked = court.ask()
    clicks = [_press(court, p, f"approve {asked.number}", asked, f"three-{p}") for p in ("ana", "ben", "eve")]
    told = [said for _, said in _at_once(clicks)]
    assert len(court.decided(asked.number).votes) == 2
    assert sum(any(words in said for words in TOLD) for said in told) == 1


def test_who_asked_does_not_win_where_they_may_not_approve_alone(court: Court, rules: Callable[..., None]) -> None:
    rules(self_approval=False)
    for number in range(5):
        asked = court.ask()
        text = f"approve {asked.number}"
        clicks = [_alone(court, person, text, asked, f"self-{number}-{person}") for person in ("ana", "ben")]
        told = dict(_at_once(clicks))
        assert court.decided(asked.number).decided_by == "ben"
        assert "may not approve alone" in told["ana"] or "No approval is waiting" in told["ana"]


def test_a_double_click_acts_once_and_says_the_same(court: Court) -> None:
    """The same press delivered again, at once and later: Slack repeats what it is not sure about."""
    asked = court.ask()
    click = _press(court, "ben", f"approve {asked.number}", asked, "double")
    told = [said for _, said in _at_once([click] * 4)] + [click()[1]]
    assert len(set(told)) == 1 and STAYS in told[0]
    assert court.estate.since(asked.number) == [("ben", "approve")]


def test_a_stale_card_says_what_changed_and_decides_nothing(court: Court) -> None:
    asked = court.ask()
    old = asked.model_copy(update={"digest": "sha256:" + "0" * 64})
    told = _at_once([_alone(court, p, f"approve {asked.number}", old, f"stale-{p}") for p in ("ben", "eve")])
    assert all("has changed since" in said and "advance" in said for _, said in told)
    assert court.estate.project.approval == asked


def test_a_change_in_the_middle_makes_every_later_click_stale(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Estate(tmp_path_factory.mktemp("home"), Walk().to(Stage.DEPLOY, work=True)) as estate:
        estate.ok(Advance())
        asked = estate.project.approval
        assert asked is not None
        estate.ok(ChooseModel(model="aligned", reason="the larger one after all"))
        said = estate.owner.say("ben", "t", f"approve {asked.number}", "p1", seen=asked.digest).text
        assert "has changed since" in said
        assert "the model is aligned now" in said
        assert estate.project.stage is Stage.DEPLOY


def test_a_side_question_leaves_proposal_and_approval_as_they_are(court: Court) -> None:
    asked = court.ask()
    owner, thread = court.estate.owner, "slack:T1:C1:7.7"

    def say(person: str, text: str) -> Reply:
        return owner.say(person, thread, text, "p1")

    shown = say("ana", "charter cost=nothing")
    for person, text in (("ben", "where are we?"), ("eve", "gate"), ("ana", "jobs"), ("dee", "what is missing?")):
        assert say(person, text).proposal == shown.proposal
    assert court.estate.project.approval == asked
    assert say("ana", "yes").kind == "done"
    # The charter is what was asked about: its change, and no question, made the card stale.
    assert "the charter's cost was" in say("ben", f"approve {asked.number}").text
