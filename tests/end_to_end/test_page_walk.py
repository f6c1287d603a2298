"""The sample project from scope to launch by clicking and typing, in the page, with the real application behind it.

Ada writes in a thread and presses what is offered; Grace approves from her own browser. The pictures of the main states
are kept in PICTURES where that names a folder.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.client import RemoteOwner
from agent.demo import APPROVER, Leave, Say, support_desk
from agent.interface import REMOTE, Client
from agent.lifecycle.project import JobPhase, Project
from agent.lifecycle.stages import Stage
from agent.remote import Connection, methods, socket_path
from tools.data.support_desk.sample import write

ADA, GRACE = "U000000ADA", "U0000GRACE"
CHANNEL = "C00SUPPORT"
PATIENCE = 60_000  # ms for anything said
LONGEST_JOB = 900.0  # s


@contextmanager
def served(home: Path) -> Iterator[str]:
    """`odyssey serve` without tokens; the page's address."""
    command = [sys.executable, "-m", "agent", "serve", "--port", "0"]
    environment = {**os.environ, "ODYSSEY_HOME": str(home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "http://" in line)
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found is not None
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


class Visitor:
    """A person at the page."""

    def __init__(self, browser: Any, address: str, person: str) -> None:
        self.page = browser.new_page(viewport={"width": 1360, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(f"{address}/#/{person}/{CHANNEL}")
        self.page.wait_for_selector(".frame")

    @property
    def thread(self) -> Any:
        return self.page.get_by_role("complementary", name="Thread")

    @property
    def messages(self) -> Any:
        return self.thread.locator(".message")

    def begin(self, text: str) -> None:
        """Mention Odyssey in the channel and open the thread that begins."""
        self.page.get_by_label("Write a message").fill(f"@odyssey {text}")
        self.page.keyboard.press("Enter")
        said = self.page.locator(".main .log .message").filter(has_text=text).last
        said.hover()
        said.get_by_role("button", name="Reply in thread").click()
        self.messages.nth(1).wait_for()

    def say(self, text: str) -> None:
        """Write in the thread and wait for something after it: an answer, or a card that came between."""
        before = self.messages.count()
        self.page.get_by_label("Reply in the thread").fill(text)
        self.page.keyboard.press("Enter")
        self.messages.nth(before + 1).wait_for()

    @property
    def proposals(self) -> Any:
        """Messages that propose something; a job's card offers its next step by the same button and is none."""
        return self.messages.filter(has_text=re.compile(r"Proposal \d+:"))

    def offered(self) -> int:
        """How many proposals the thread shows, answered ones too."""
        return int(self.proposals.count())

    def accept(self, number: int) -> None:
        """Press "Do it" below the thread's proposal of this number, counted from 0, once it is there."""
        self.proposals.nth(number).get_by_role("button", name="Do it", exact=True).click()

    def picture(self, name: str) -> None:
        if folder := os.environ.get("PICTURES"):
            self.page.screenshot(path=f"{folder}/{name}.png")


class Walk:
    """The demonstration's own script, played at the page."""

    def __init__(self, client: Client, lead: Visitor, approver: Visitor) -> None:
        self.client, self.lead, self.approver = client, lead, approver
        self.begun = False

    @property
    def project(self) -> Project:
        project = self.client.find_project(ADA, "support-desk")
        assert project is not None
        return project

    def line(self, step: Say) -> None:
        text = step.text.replace(f"role {APPROVER} ", "role @grace ")
        offered = self.lead.offered() if self.begun else 0
        if self.begun:
            self.lead.say(text)
        else:
            self.lead.begin(text)
            self.begun = True
        if step.confirm:
            self.accept(offered)
        if step.follow:
            self.wait()

    def accept(self, offered: int) -> None:
        before = self.seq()
        self.lead.accept(offered)
        self.until(lambda: self.seq() > before)

    def seq(self) -> int:
        """The number of the last event of the project."""
        project = self.client.find_project(ADA, "support-desk")
        return project.seq if project else 0

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the page go on until something holds in the record."""
        for _ in range(PATIENCE // 100):
            if holds():
                return
            self.lead.page.wait_for_timeout(100)
        self.lead.picture("stopped")
        raise AssertionError("nothing came of it")

    def wait(self) -> None:
        """Until no job is at work: each has its card, which says so."""
        project = self.project
        after, waited = 0, 0.0
        while any(job.phase is JobPhase.ACTIVE for job in self.project.active_jobs()):
            after = max([after, *(notice.id for notice in self.client.notices(project.id, after, 10.0))])
            waited += 10.0
            assert waited < LONGEST_JOB
        broken = [job for job in self.project.jobs.values() if job.error]
        assert not broken, broken[0].error

    def leave(self, stage: Stage) -> None:
        offered = self.lead.offered()
        self.lead.say("advance")
        self.accept(offered)
        if (waiting := self.project.approval) is not None:
            card = self.lead.messages.filter(has_text=f"Approval {waiting.number}")
            card.get_by_role("button", name="Approve").last.wait_for()
            self.lead.picture(f"approval-{stage.value}")
            self.approve(waiting.number)
        self.until(lambda: self.project.stage is not stage)
        assert self.project.stage is not stage

    def approve(self, number: int) -> None:
        page = self.approver.page
        root = page.locator(".main .log .message").filter(has_text="create project support-desk").last
        if not self.approver.thread.is_visible():
            root.get_by_role("button", name=re.compile("repl")).first.click()
        card = self.approver.thread.locator(".message").filter(has_text=f"pproval {number}")
        button = card.get_by_role("button", name="Approve").last
        button.click()
        button.wait_for(state="detached")


@pytest.mark.slow
def test_a_project_from_scope_to_launch_at_the_page(browser: Any, tmp_path: Path) -> None:
    write(tmp_path / "sample", 7)
    home = tmp_path / "home"
    with served(home) as address:
        client = RemoteOwner(Connection(socket_path(home), methods(Client, REMOTE)))
        walk = Walk(client, Visitor(browser, address, ADA), Visitor(browser, address, GRACE))
        for stage, steps in support_desk(tmp_path / "sample"):
            for step in steps:
                match step:
                    case Say():
                        walk.line(step)
                    case Leave():
                        walk.leave(stage)
                    case _:
                        walk.line(step(walk.project))
            walk.lead.picture(f"thread-{stage.value}")
        project = walk.project
        assert project.stage is Stage.LAUNCHED
        assert not project.waivers
        walk.lead.page.get_by_role("button", name="Odyssey").or_(
            walk.lead.page.get_by_role("link", name="Odyssey")
        ).first.click()
        walk.lead.page.get_by_text("support-desk").first.wait_for()
        walk.lead.picture("home")
