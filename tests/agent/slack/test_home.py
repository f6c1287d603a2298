"""App Homes: whose they are, and when one that is open is shown again."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from agent.ledger.database import open_database
from agent.lifecycle.events import Advance, SetRole
from agent.lifecycle.project import Role
from agent.lifecycle.stages import Stage
from agent.slack.boards import OFTEN, SELDOM, Boards
from agent.slack.homes import LOOKING, MOST, Homes, View
from agent.slack.store import SlackStore
from tests.agent.slack.office import AT, Office
from tests.walk import Walk


class Screen:
    """Boards of an office, and what was published since the last look."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.published: list[tuple[str, str]] = []
        self.boards = Boards(office, SlackStore(open_database(folder / "odyssey.db")), publish=self._publish)

    def _publish(self, actor: str, view: View) -> None:
        self.published.append((actor, json.dumps(view, ensure_ascii=False)))

    def refresh(self, after: float = 0.0) -> list[tuple[str, str]]:
        self.published.clear()
        self.office.later += timedelta(seconds=after)
        self.boards.refresh()
        return self.published


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return Screen(Office(Walk().to(Stage.ASSESS)), tmp_path)


def shown(view: View) -> str:
    return json.dumps(view, ensure_ascii=False)


def test_it_shows_the_persons_projects_only(screen: Screen) -> None:
    other = screen.office.walk.project.model_copy(
        update={"id": "p2", "name": "secret-plan", "members": {"zoe": Role.OWNER}}
    )
    screen.office.more = [other]
    job = screen.office.start()
    assert "support-desk" in shown(screen.boards.home("cai")) and job in shown(screen.boards.home("cai"))
    assert "secret-plan" not in shown(screen.boards.home("cai"))
    assert "secret-plan" in shown(screen.boards.home("zoe")) and "support-desk" not in shown(screen.boards.home("zoe"))
    assert "in no project yet" in shown(screen.boards.home("stranger"))


def test_an_approval_shows_to_whom_it_waits_for(tmp_path: Path) -> None:
    screen = Screen(Office(Walk().to(Stage.DEPLOY, work=True)), tmp_path)
    number = screen.office.ask(Advance())
    assert f"approve {number}" in shown(screen.boards.home("ben"))
    assert f"approve {number}" not in shown(screen.boards.home("dee"))


def test_an_open_one_is_shown_again_when_something_changed(screen: Screen) -> None:
    screen.boards.refresh()
    screen.boards.home("cai")
    assert screen.refresh(after=10) == []  # nothing changed
    job = screen.office.start()
    [(actor, view)] = screen.refresh(after=1)
    assert actor == "cai" and job in view


def test_it_is_shown_again_at_most_every_few_seconds_and_the_last_state_arrives(screen: Screen) -> None:
    job = screen.office.start()
    screen.boards.refresh()
    screen.boards.home("cai")
    published = 0
    for done in range(10):
        screen.office.moves(job, "evaluating", done, 10)
        published += len(screen.refresh(after=0.5))
    assert 1 <= published <= 2
    assert screen.boards.refresh() == OFTEN
    [(_, view)] = screen.refresh(after=3)
    assert "9 of 10" in view


def test_who_loses_a_project_sees_it_go(screen: Screen) -> None:
    screen.boards.refresh()
    screen.boards.home("cai")
    screen.office.walk.ok(SetRole(person="cai", role=None))
    [(actor, view)] = screen.refresh(after=5)
    assert actor == "cai" and "in no project yet" in view


def test_who_has_long_left_is_not_written_to(screen: Screen) -> None:
    screen.boards.refresh()
    screen.boards.home("cai")
    screen.office.start()
    assert screen.refresh(after=LOOKING.total_seconds()) == []
    assert screen.boards.refresh() == OFTEN  # for the job
    assert not screen.boards._homes.waiting()


def test_a_view_that_fits_no_more_people_forgets_the_first() -> None:
    homes = Homes()
    for number in range(MOST + 5):
        homes.opened(f"u{number}", {"type": "home"}, ["p1"], AT)
    homes.touched("p1", [])
    later = AT + timedelta(minutes=1)
    found = homes.due(lambda actor: ({"type": "home", "blocks": [{"type": actor}, {}]}, ["p1"]), later)
    assert [actor for actor, _ in found] == [f"u{number}" for number in range(5, MOST + 5)]


def test_the_same_board_is_not_sent_twice(screen: Screen) -> None:
    screen.boards.refresh()
    screen.boards.home("cai")
    screen.office.walk.ok(SetRole(person="xia", role=Role.VIEWER), after=0)  # nothing cai sees there
    assert screen.refresh(after=65) == []  # a board that only got older is the same board
    assert screen.boards.refresh() == SELDOM
