"""The terminal: lines from a pipe, scripts that are played, progress and notices, and what it never prints."""

import io
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agent.errors import OwnedElsewhere
from agent.graph.conversation import Conversation, Turn
from agent.graph.replies import Reply
from agent.lifecycle.stages import Stage
from agent.status import JobView, Notice
from agent.terminal import Terminal, clean, located, plain
from tests.agent.graph.desk import MemoryDesk
from tests.walk import Walk

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Owner:
    """A client on a desk in memory; `progress` is what running jobs say at each look."""

    def __init__(self, desk: MemoryDesk) -> None:
        self.desk = desk
        self.conversation = Conversation(desk, InMemorySaver())
        self.progress: list[tuple[JobView, ...]] = []

    def say(self, actor: str, thread: str, text: str, project: str | None = None) -> Reply:
        return self.conversation.say(Turn(actor=actor, thread=thread, text=text, project=project))

    def jobs(self, project_id: str) -> tuple[JobView, ...]:
        return self.progress.pop(0) if self.progress else ()

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]:
        return self.desk.notices(project_id, after, wait)


def view(step: str, done: int, total: int = 100, phase: str = "active", job: str = "j12") -> JobView:
    return JobView(
        id=job, tool="finetune", title="Fine-tune", project="desk", phase=phase, attempt=1, requested_by="ana",
        step=step, done=done, total=total, metrics={"loss": 0.83}, seconds=3,
    )  # fmt: skip


@pytest.fixture
def owner() -> Owner:
    return Owner(MemoryDesk.holding(Walk().to(Stage.ASSESS).project))


def read(owner: Owner, text: str, **more: str) -> tuple[int, str]:
    """What a pipe prints, and the exit status."""
    output = io.StringIO()
    terminal = Terminal(owner, actor="ana", thread="t", source=io.StringIO(text), output=output, **more)
    return terminal.run(), output.getvalue()


def test_a_pipe_reads_like_a_transcript(owner: Owner) -> None:
    status, shown = read(owner, "where are we\n\nwhat is LoRA?\n")
    assert status == 0
    assert "ana> where are we\n" in shown
    assert "support-desk is at 3 Assess and train" in shown
    assert "[1] LoRA › What it is (lora.md)" in shown
    assert "\x1b" not in shown


def test_a_pipe_confirms_as_a_person_does(owner: Owner) -> None:
    _, shown = read(owner, "rules approvers=2\nyes\n")
    assert next(iter(owner.desk.held.values())).rules.approvers == 2
    assert shown.index("Proposal 1") < shown.index("ana> yes") < shown.index("approvers = 2")


def test_the_named_project_is_used(owner: Owner) -> None:
    project = next(iter(owner.desk.held.values()))
    owner.desk.held["p2"] = project.model_copy(update={"id": "p2", "name": "other"})
    _, shown = read(owner, "status\nstatus\n", project="other")
    assert shown.count("other is at") == 2


@pytest.mark.parametrize("word", ["exit", "quit", "Bye"])
def test_leaving_ends_the_reading(owner: Owner, word: str) -> None:
    status, shown = read(owner, f"{word}\nwhere are we\n")
    assert (status, "support-desk" in shown) == (0, False)


def test_playing_shows_the_line_and_gives_the_reply(owner: Owner) -> None:
    output = io.StringIO()
    terminal = Terminal(owner, actor="ana", thread="t", output=output)
    terminal.heading("3 Assess and train")
    reply = terminal.play("rules approvers=2")
    assert reply.proposal == 1
    assert "ana> rules approvers=2" in output.getvalue()
    assert "=== 3 Assess and train ===" in output.getvalue()


def test_following_shows_a_line_a_quarter_and_the_news_at_the_end(owner: Owner) -> None:
    output = io.StringIO()
    terminal = Terminal(owner, actor="ana", thread="t", output=output)
    terminal.play("status")
    owner.desk.told.append(Notice(id=999, project="p1", at=AT, text="Job j12 (finetune) succeeded after 12 s."))
    owner.progress = [*((view("training", done),) for done in range(0, 101, 5)), (view("", 0, phase="succeeded"),)]
    terminal.follow()
    shown = output.getvalue()
    assert shown.count("j12 finetune: training") == 5  # at the beginning and after each quarter
    assert "loss 0.83" in shown
    assert shown.count("succeeded after 12 s") == 1
    terminal.follow()
    assert output.getvalue().count("succeeded after 12 s") == 1


def test_following_one_job_leaves_the_others(owner: Owner) -> None:
    output = io.StringIO()
    terminal = Terminal(owner, actor="ana", thread="t", output=output)
    terminal.play("status")
    owner.progress = [
        (view("a", 1, job="j1"), view("b", 1, job="j2")),
        (view("a", 2, job="j1"),),
        (view("a", 3, job="j1"),),
    ]
    terminal.follow("j2")
    assert len(owner.progress) == 1
    assert "j1" not in output.getvalue()


def test_wait_in_a_pipe_follows(owner: Owner) -> None:
    running = view("training", 50)
    owner.progress = [(running,), (running,), (view("", 0, phase="succeeded"),)]
    _, shown = read(owner, "finetune data=tickets\nyes\nwait\n")
    assert "j12 finetune: training" in shown


def test_what_ends_while_it_is_waited_for_is_told_after_the_promise(owner: Owner) -> None:
    answer = owner.say

    def ends_meanwhile(actor: str, thread: str, text: str, project: str | None = None) -> Reply:
        reply = answer(actor, thread, text, project)
        if reply.kind == "wait":
            owner.desk.told.append(Notice(id=999, project="p1", at=AT, text="Job j12 (finetune) succeeded after 12 s."))
        return reply

    owner.say = ends_meanwhile  # type: ignore[method-assign]
    _, shown = read(owner, "finetune data=tickets\nyes\nwait\n")
    assert shown.index("I will tell you when") < shown.index("succeeded after 12 s")


def test_an_interrupt_ends_the_waiting_only(owner: Owner) -> None:
    def interrupted(project_id: str) -> tuple[JobView, ...]:
        raise KeyboardInterrupt

    owner.jobs = interrupted  # type: ignore[method-assign]
    status, shown = read(owner, "finetune data=tickets\nyes\nwait\nwhat is LoRA?\n")
    assert status == 0
    assert shown.index("I stop waiting") < shown.index("two small matrices")


def test_old_notices_are_not_told_again(owner: Owner) -> None:
    owner.desk.told.append(Notice(id=1, project="p1", at=AT, text="an old story"))
    _, shown = read(owner, "status\nstatus\n")
    assert "an old story" not in shown


def test_what_is_told_unasked_is_told_in_the_language_of_who_listens(owner: Owner) -> None:
    told = (
        "Job j30 (evaluate) succeeded after 8 s: tiny on tickets (test): exact match 0.118.\n"
        "  Next: Fine-tune with LoRA. exact_match 0.118 [0.090, 0.146] (e25) against the target 0.9: where prompting"
        " falls short, so training on tickets is next. `finetune model=tiny data=tickets`"
    )
    output = io.StringIO()
    terminal = Terminal(owner, actor="ana", thread="t", output=output)
    terminal.play("我们到哪一步了？")
    owner.desk.told.append(Notice(id=99, project="p1", at=AT, text=told))
    terminal.play("现在呢？")
    shown = output.getvalue()
    assert "任务 j30（evaluate）用 8 s 完成：tiny on tickets (test): exact match 0.118." in shown
    assert "下一步：用 LoRA 微调" in shown and "`finetune model=tiny data=tickets`" in shown
    assert "Next:" not in shown


def test_nothing_shown_steers_the_terminal(owner: Owner) -> None:
    output = io.StringIO()
    Terminal(owner, actor="ana", thread="t", output=output).show("a\x1b[2Jb\x9b31m\u202ec\r\nd")
    assert output.getvalue() == "a[2Jb31mc\nd\n"
    assert clean("tab\tstays") == "tab\tstays"


def test_relative_paths_of_commands_are_found_from_where_the_person_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert located("register data a.csv as a") == f"register data {tmp_path / 'a.csv'} as a"
    assert located("please load the data at a.csv") == f"please load the data at {tmp_path / 'a.csv'}"
    assert located("data path=a.csv test_path=./a.csv") == f"data path={tmp_path}/a.csv test_path={tmp_path}/a.csv"
    for line in (
        "register data b.csv as a",
        "data path=b.csv test=0.2",
        "register data /a.csv",
        "what does a.csv hold?",
        "add documents ~/x",
        "add \0/x",
    ):
        assert located(line) == line


def test_markup_is_not_shown_as_such() -> None:
    assert plain("**bold** and `code`\n_soft_\na_b_c 2**3") == "bold and `code`\nsoft\na_b_c 2**3"


def test_an_owner_that_is_gone_ends_the_terminal(owner: Owner) -> None:
    def gone(*_: object) -> Reply:
        raise OwnedElsewhere("The process that owned this home has ended; run the command again.")

    owner.say = gone  # type: ignore[method-assign, assignment]
    status, shown = read(owner, "status\n")
    assert (status, "run the command again" in shown) == (1, True)


INTERACTIVE = """
import sys
sys.path.insert(0, {root!r})
from tests.agent.test_terminal import Owner, Terminal, MemoryDesk, Walk, Stage
owner = Owner(MemoryDesk.holding(Walk().to(Stage.ASSESS).project))
sys.exit(Terminal(owner, actor="ana", thread="t").run())
"""


def test_a_person_at_a_prompt_sees_where_they_are(tmp_path: object) -> None:
    """A real terminal: the prompt names project and stage, Ctrl-D leaves with status 0."""
    root = os.getcwd()  # noqa: PTH109 - handed to another interpreter
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERACTIVE.format(root=root)], stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(slave)
    shown = b""

    def until(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            shown += os.read(master, 65536)

    until(b"odyssey> ")
    os.write(master, b"where are we\n")
    until(b"support-desk \xc2\xb7 3 Assess and train> ")
    os.write(master, b"\x04")
    assert process.wait(timeout=60) == 0
    os.close(master)
