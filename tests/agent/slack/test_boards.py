"""What stands in Slack about jobs and approvals: what, where, how often it changes, and what a restart does to it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from agent.ledger.database import open_database
from agent.ledger.messages import MessageRow
from agent.lifecycle.events import Advance, Approve, ChooseModel, GoBack, Reject, SetRole, SetRules
from agent.lifecycle.project import Role
from agent.lifecycle.stages import Stage
from agent.slack.boards import OFTEN, SELDOM, Boards
from agent.slack.model import Delivery, Message, Place
from agent.slack.store import SlackStore
from tests.agent.slack.office import AT, HERE, Office
from tests.walk import ALIGNED, INT8, TICKETS, Walk, difference

THREAD = Place(team="T1", channel="C1", thread_ts="1700000000.000100")
CHANNEL = Place(team="T1", channel="C9")


class Wall:
    """The store as a test looks at it: what is wanted by key, and how often something was changed."""

    def __init__(self, folder: Path) -> None:
        self.store = SlackStore(open_database(folder / "odyssey.db"), lambda: AT)
        self.changes = 0
        self.store.on_wanted(self._note)

    def _note(self) -> None:
        self.changes += 1

    def row(self, key: str) -> MessageRow:
        found = self.store.outbox.get(key)
        assert found is not None, key
        return found

    def message(self, key: str) -> Message:
        return Message.model_validate_json(self.row(key).body)

    def text(self, key: str) -> str:
        """Everything a card says, with what its buttons do."""
        body = self.message(key).body
        return f"{body.text}\n{json.dumps([*body.blocks], ensure_ascii=False)}"

    def wanted(self, begin: str = "") -> list[str]:
        """Keys of what does not stand yet as it is wanted, in the order of the first wish."""
        return [row.key for row in self.store.outbox.pending() if row.key.startswith(begin)]

    def post(self, ts: str = "1700000009.000100") -> None:
        """Everything wanted stands in Slack."""
        for key in self.wanted():
            self.store.outbox.posted(key, self.row(key).digest, ts)

    def bind(self, place: Place, project: str = "p1") -> None:
        said = Delivery(
            id=f"bind-{place.channel}", thread=place.key, place=place, actor="U1", at=AT, way="command", text="use"
        )
        self.store.accept([said])
        [waiting] = self.store.waiting()
        self.store.done(waiting.seq, [], (place, project))


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    return Wall(tmp_path)


@pytest.fixture
def office() -> Office:
    return Office(Walk().to(Stage.ASSESS))


@pytest.fixture
def boards(office: Office, wall: Wall) -> Boards:
    return Boards(office, wall.store)


# --- a job's card ------------------------------------------------------------------------------------------------


def test_a_job_has_one_card_where_it_was_asked_for(office: Office, wall: Wall, boards: Boards) -> None:
    job = office.start()
    boards.refresh()
    [key] = wall.wanted("job:")
    assert key == f"job:p1:{job}"
    assert (wall.message(key).place, wall.row(key).rank) == (THREAD, "progress")
    assert f"cancel {job}" in wall.text(key)

    office.moves(job, "evaluating", 3, 10, loss=0.5)
    boards.refresh()
    assert "evaluating" in wall.text(key) and "3 of 10" in wall.text(key) and "loss 0.5" in wall.text(key)
    office.moves(job, "measuring latency", 1, 2)
    boards.refresh()
    assert "evaluating" in wall.text(key) and "measuring latency" in wall.text(key)

    office.ends(job)
    boards.refresh()
    assert wall.row(key).rank == "final"
    assert "exact_match 0.400" in wall.text(key) and f"cancel {job}" not in wall.text(key)
    assert "*Next: Try prompts and examples first*" in wall.text(key) and "against the target 0.9" in wall.text(key)
    assert wall.wanted() == [key]


def test_a_card_speaks_the_language_of_who_asked(office: Office, wall: Wall, boards: Boards) -> None:
    office.languages["cai"] = "zh"
    job, other = office.start(), office.start(actor="ana")
    boards.refresh()
    office.ends(other)
    office.ends(job)
    boards.refresh()
    assert "下一步：先尝试提示和示例" in wall.text(f"job:p1:{job}")
    assert "Evaluate a model: done" in wall.text(f"job:p1:{other}")


@pytest.mark.parametrize(
    ("conversation", "place"),
    [
        (HERE, THREAD),
        ("slack:T1:D5", Place(team="T1", channel="D5")),
        ("slack:T1:D5:1.2", Place(team="T1", channel="D5", thread_ts="1.2")),
        ("slack:T1:C1:/:U7", Place(team="T1", channel="C1")),
    ],
)
def test_it_stands_in_its_conversation(
    office: Office, wall: Wall, boards: Boards, conversation: str, place: Place
) -> None:
    job = office.start(conversation)
    boards.refresh()
    assert wall.message(f"job:p1:{job}").place == place


def test_what_was_asked_elsewhere_stands_in_the_projects_channels_or_nowhere(
    office: Office, wall: Wall, boards: Boards
) -> None:
    office.start("terminal-1")
    boards.refresh()
    assert wall.wanted() == []
    wall.bind(CHANNEL)
    wall.bind(Place(team="T1", channel="C8"))
    wall.bind(Place(team="T1", channel="C7"), "p-other")
    job = office.start(None)
    boards.refresh()
    assert {key for key in wall.wanted() if job in key} == {f"job:p1:{job}@C8", f"job:p1:{job}@C9"}
    assert wall.message(f"job:p1:{job}@C9").place == CHANNEL


def test_a_channel_is_not_told_of_what_was_over_before(office: Office, wall: Wall, boards: Boards) -> None:
    old = office.start(None)
    office.ends(old)
    office.later = timedelta(hours=2)
    wall.bind(CHANNEL)
    boards.refresh()
    assert wall.wanted() == []
    office.later = timedelta(minutes=5)  # but of what just ended while nobody listened
    Boards(office, wall.store).refresh()
    assert f"job:p1:{old}@C9" in wall.wanted()


def test_a_card_that_stood_there_is_brought_up_to_date_however_late(office: Office, wall: Wall) -> None:
    wall.bind(CHANNEL)
    job = office.start(None)
    Boards(office, wall.store).refresh()
    wall.post()
    office.ends(job)
    office.later = timedelta(days=3)
    Boards(office, wall.store).refresh()
    assert wall.row(f"job:p1:{job}@C9").rank == "final"


def test_a_resumed_job_goes_on_in_its_card(office: Office, wall: Wall, boards: Boards) -> None:
    job = office.start()
    office.ends(job, "cancelled")
    boards.refresh()
    wall.post()
    assert f"resume {job}" in wall.text(f"job:p1:{job}")
    office.resume(job)
    boards.refresh()
    assert "attempt 2" in wall.text(f"job:p1:{job}") and wall.row(f"job:p1:{job}").rank == "progress"
    office.ends(job, attempt=2)
    boards.refresh()
    assert wall.row(f"job:p1:{job}").rank == "final"


# --- how often ---------------------------------------------------------------------------------------------------


def test_nothing_new_costs_nothing_and_changes_nothing(office: Office, wall: Wall, boards: Boards) -> None:
    office.more = [
        project.model_copy(update={"id": f"p{number}"}) for number, project in enumerate([office.walk.project] * 50, 2)
    ]
    job = office.start()
    office.moves(job)
    boards.refresh()
    office.asks.clear()
    changes = wall.changes
    for second in range(4):  # the clock alone is no news
        office.later = timedelta(seconds=second)
        assert boards.refresh() == OFTEN
    assert wall.changes == changes
    assert set(office.asks) == {"all_projects", "jobs"} and office.asks["jobs"] == 4


def test_a_clock_that_runs_shows_in_coarser_steps(office: Office, wall: Wall, boards: Boards) -> None:
    job = office.start()
    office.moves(job)
    boards.refresh()
    changes = wall.changes
    for second in range(120):
        office.later = timedelta(seconds=second)
        boards.refresh()
    assert 8 <= wall.changes - changes <= 20


def test_a_service_does_not_tick(office: Office, wall: Wall, boards: Boards) -> None:
    job = office.start()
    office.ends(job, "ready")
    boards.refresh()
    changes = wall.changes
    for hours in range(5):
        office.later = timedelta(hours=hours)
        assert boards.refresh() == SELDOM
    assert wall.changes == changes
    office.ends(job, "crashed", error="The service ended by itself.")
    boards.refresh()
    assert "ended by itself" in wall.text(f"job:p1:{job}")


def test_a_restart_changes_nothing(office: Office, wall: Wall, boards: Boards) -> None:
    office.pictures = {}
    for outcome in ("succeeded", "failed", "cancelled", "crashed"):
        office.ends(office.start(), outcome, error=None if outcome == "succeeded" else "Something was wrong.")
    office.ends(office.start(), "ready")
    office.moves(office.start())
    office.walk.ok(GoBack(stage=Stage.SCOPE, reason="another target"))
    number = office.ask(Advance())
    office.ask(Reject(number=number, reason="not yet"), actor="ben")
    office.ask(Advance())
    boards.refresh()
    before = {key: wall.row(key) for key in wall.wanted()}
    assert len(before) == 6 + 2 + 2  # cards of jobs, lines of those that went wrong, cards of approvals
    wall.post()
    changes = wall.changes
    Boards(office, wall.store, lambda text: text.replace("cai", "Cai Li")).refresh()  # names are known by now
    still = wall.wanted()
    assert all(wall.row(key).rank in ("progress", "card") for key in still), still
    for key in still:  # what is not over yet has the new name, and nothing else
        assert wall.message(key).body != Message.model_validate_json(before[key].body).body
    wall.post()
    changes = wall.changes
    Boards(office, wall.store, lambda text: text.replace("cai", "Cai Li")).refresh()
    assert wall.changes == changes


def test_a_state_read_between_two_events_is_not_mixed(office: Office, wall: Wall, boards: Boards) -> None:
    """The project was read before the job ended, its jobs after: the next look has both."""
    job = office.start()
    boards.refresh()
    before = office.walk.project
    office.ends(job)
    after, office.walk.project = office.walk.project, before

    views = office.jobs
    office.jobs = lambda project: tuple(  # type: ignore[method-assign]
        view.model_copy(update={"phase": "succeeded"}) if view.id == job else view for view in views(project)
    )
    boards.refresh()
    assert wall.row(f"job:p1:{job}").rank == "progress"
    office.walk.project = after
    boards.refresh()
    assert "exact_match 0.400" in wall.text(f"job:p1:{job}")


# --- a job's end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "seconds", "said"),
    [
        ("succeeded", 8.0, False),
        ("succeeded", 61.0, True),
        ("ready", 75.0, True),
        ("failed", 1.0, True),
        ("crashed", 1.0, True),
        ("lost", 1.0, True),
        ("cancelled", 500.0, False),
    ],
)
def test_an_end_is_noticed_where_somebody_has_to_know(
    office: Office, wall: Wall, boards: Boards, outcome: str, seconds: float, said: bool
) -> None:
    job = office.start()
    boards.refresh()
    office.ends(job, outcome, seconds, error="It went wrong." if outcome == "failed" else None)
    boards.refresh()
    lines = wall.wanted("ended:")
    assert bool(lines) is said
    assert [wall.message(key).place for key in lines] == [THREAD] * len(lines)


def test_who_waits_is_told_where_they_asked(office: Office, wall: Wall, boards: Boards) -> None:
    job, elsewhere = office.start(), Place(team="T1", channel="D7")
    boards.waits("p1", job, THREAD)
    boards.waits("p1", None, elsewhere)
    office.ends(job)
    boards.refresh()
    assert {wall.message(key).place for key in wall.wanted("ended:")} == {THREAD, elsewhere}
    boards.refresh()
    assert len(wall.wanted("ended:")) == 2


def test_a_picture_of_the_curves_is_posted_once_below(
    office: Office, wall: Wall, boards: Boards, tmp_path: Path
) -> None:
    picture = tmp_path / "curve.png"
    picture.write_bytes(b"\x89PNG")
    picture.with_suffix(".txt").write_text("Loss fell from 2.31 to 0.42 over 400 steps.\n")
    job = office.start()
    office.pictures[job] = picture
    office.ends(job, seconds=300)
    boards.refresh()
    message = wall.message(f"curve:p1:{job}:1")
    assert (message.place, message.upload) == (THREAD, picture)
    assert message.body.text == "Loss fell from 2.31 to 0.42 over 400 steps."
    assert wall.wanted("ended:") == []  # the picture tells of the end
    wall.post()
    changes = wall.changes
    Boards(office, wall.store).refresh()
    assert wall.changes == changes


def test_below_a_card_in_a_channel_means_in_its_thread_and_calls_the_person(
    office: Office, wall: Wall, boards: Boards
) -> None:
    wall.bind(CHANNEL)
    office.walk.ok(SetRole(person="U024BE7LH", role=Role.MEMBER))
    job = office.start(None, actor="U024BE7LH")
    office.ends(job, "failed", error="The data is gone.", error_id="E-1")
    assert boards.refresh() == OFTEN  # the card does not stand yet
    assert wall.wanted("ended:") == []
    wall.post("1700000042.000200")
    assert boards.refresh() == SELDOM
    [key] = wall.wanted("ended:")
    assert wall.message(key).place == Place(team="T1", channel="C9", thread_ts="1700000042.000200")
    assert wall.message(key).body.text.startswith("<@U024BE7LH>")
    assert "<@U024BE7LH>" in wall.text(key)


def test_a_card_that_slack_refuses_is_waited_for_no_longer(office: Office, wall: Wall, boards: Boards) -> None:
    wall.bind(CHANNEL)
    office.ends(office.start(None), "failed", error="The data is gone.")
    assert boards.refresh() == OFTEN
    for key in wall.wanted():
        wall.store.outbox.failed(key)
    assert boards.refresh() == SELDOM


# --- approvals ---------------------------------------------------------------------------------------------------


@pytest.fixture
def asked() -> tuple[Office, int]:
    """An approval that waits before leaving `deploy`."""
    office = Office(Walk().to(Stage.DEPLOY, work=True))
    return office, office.ask(Advance())


def card(office: Office, number: int) -> str:
    return f"approval:{office.walk.project.id}:{number}"


def test_an_approval_has_a_card_that_later_tells_its_decision(asked: tuple[Office, int], wall: Wall) -> None:
    office, number = asked
    boards, key = Boards(office, wall.store), card(*asked)
    boards.refresh()
    assert (wall.message(key).place, wall.row(key).rank) == (THREAD, "card")
    assert f"approve {number}" in wall.text(key)
    office.ask(Approve(number=number), actor="ben")
    boards.refresh()
    assert "Approved" in wall.text(key) and "ben" in wall.text(key) and f"approve {number}" not in wall.text(key)


def test_a_vote_of_two_shows(wall: Wall) -> None:
    office = Office(Walk().to(Stage.DEPLOY, work=True))
    office.ask(SetRules(approvers=2))
    number = office.ask(Advance())
    boards = Boards(office, wall.store)
    boards.refresh()
    office.ask(Approve(number=number), actor="ben")
    boards.refresh()
    assert "1 of 2: ben" in wall.text(card(office, number))


def test_a_stale_card_says_what_changed(asked: tuple[Office, int], wall: Wall) -> None:
    office, number = asked
    boards, key = Boards(office, wall.store), card(*asked)
    boards.refresh()
    office.ask(ChooseModel(model="aligned", reason="the larger one after all"))
    boards.refresh()
    assert "has changed" in wall.text(key) and "the model is aligned now" in wall.text(key)
    assert f"approve {number}" not in wall.text(key)


def test_expiry_is_noticed_without_an_event(asked: tuple[Office, int], wall: Wall) -> None:
    office, number = asked
    boards, key = Boards(office, wall.store), card(*asked)
    assert boards.refresh() == SELDOM
    office.later = timedelta(hours=72, seconds=-30)
    assert 25 < boards.refresh() <= 30
    office.later = timedelta(hours=72)
    boards.refresh()
    assert "Expired" in wall.text(key) and f"approve {number}" not in wall.text(key)


def test_a_side_question_and_a_side_job_leave_the_card_as_it_is(asked: tuple[Office, int], wall: Wall) -> None:
    office, number = asked
    boards, key = Boards(office, wall.store), card(*asked)
    boards.refresh()
    office.ends(office.start())
    boards.refresh()
    assert f"approve {number}" in wall.text(key) and "has changed" not in wall.text(key)
    assert office.walk.project.approval is not None and office.walk.project.approval.digest in wall.text(key)


def test_new_evidence_makes_the_card_stale(asked: tuple[Office, int], wall: Wall) -> None:
    office, number = asked
    boards, key = Boards(office, wall.store), card(*asked)
    worse = difference("exact_match", ALIGNED, -0.1, -0.2)
    office.walk.measure(INT8, TICKETS, 0.9, 0.6, comparisons=(worse,))
    boards.refresh()
    assert "no worse than the model it was made from" in wall.text(key)
    assert f"approve {number}" not in wall.text(key)


def test_one_asked_in_a_direct_message_also_stands_where_approvers_are(wall: Wall) -> None:
    office = Office(Walk().to(Stage.DEPLOY, work=True))
    wall.bind(CHANNEL)
    number = office.ask(Advance(), "slack:T1:D5")
    Boards(office, wall.store).refresh()
    places = {wall.message(key).place for key in wall.wanted(card(office, number))}
    assert places == {Place(team="T1", channel="D5"), CHANNEL}


def test_boards_hold_when_many_threads_refresh(office: Office, wall: Wall, boards: Boards) -> None:
    jobs = [office.start() for _ in range(5)]
    with ThreadPoolExecutor(8) as pool:
        refreshed: list[Callable[[], float]] = [boards.refresh] * 40
        list(pool.map(lambda refresh: refresh(), refreshed))
    assert wall.wanted("job:") == [f"job:p1:{job}" for job in reversed(jobs)]
