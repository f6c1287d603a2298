"""The conversation in a terminal: the same for a person at a prompt, for a pipe, and for a script that is played.

It knows the owner through `Client` alone, in this process or over a socket, and shows nothing it was not told.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from agent.errors import OdysseyError
from agent.graph.replies import Reply
from agent.language.translation import chinese
from agent.lifecycle.project import JobPhase
from agent.markdown import duration
from agent.status import JobView, Notice

GLANCE = 0.5  # seconds between two looks at running jobs
QUARTERS = 4  # lines of progress a step, where no bar can be drawn
LEAVE = frozenset({"exit", "quit", "bye", ":q", "退出", "再见"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_FILE_COMMAND = re.compile(
    r"^/?(?:please |(?:can|could) you (?:please )?)?"
    r"(?:register|add|charter|load|import|ingest|data|select|evaluate|choose)\b",
    re.IGNORECASE,
)
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_SOFT = re.compile(r"^_(.+)_$", re.MULTILINE)


class Client(Protocol):
    """What a terminal asks of the owner."""

    def say(self, actor: str, thread: str, text: str, project: str | None = None) -> Reply: ...

    def jobs(self, project_id: str) -> tuple[JobView, ...]: ...

    def notices(self, project_id: str, after: int, wait: float) -> tuple[Notice, ...]: ...


def clean(text: str) -> str:
    """Without characters that would steer a terminal: what is shown can come from documents and models."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def plain(markdown: str) -> str:
    """Markdown as it reads best without markup: emphasis gone, everything else as it is."""
    return _SOFT.sub(r"\1", _STRONG.sub(r"\1", markdown))


def located(line: str) -> str:
    """A command's relative paths made absolute where they exist: the owner may run in another folder."""
    if not _FILE_COMMAND.match(line):
        return line
    return " ".join(map(_absolute, line.split(" ")))


def _absolute(word: str) -> str:
    """A path, or the value of `key=path`, made absolute where it exists from here."""
    key, equals, value = word.rpartition("=")
    known = value[:1] not in ("", "/", "~") and _exists(value)
    return f"{key}{equals}{Path(value).absolute()}" if known else word


def _exists(word: str) -> bool:
    return ("/" in word or "." in word) and len(word) < 4096 and os.path.exists(word)  # noqa: PTH110 - takes any word


class Terminal:
    """One person's side of one conversation."""

    def __init__(
        self,
        client: Client,
        *,
        actor: str,
        thread: str,
        project: str | None = None,
        source: TextIO | None = None,
        output: TextIO | None = None,
    ) -> None:
        self._client = client
        self._actor = actor
        self._thread = thread
        self._wanted = project  # bound by the first line; afterwards the conversation knows
        self._source = source or sys.stdin
        self._console = Console(
            file=output or sys.stdout, highlight=False, soft_wrap=not (output or sys.stdout).isatty()
        )
        self._pretty = self._console.is_terminal and "NO_COLOR" not in os.environ
        self._project: str | None = None
        self._place = "odyssey"
        self._seen = 0  # the newest notice shown
        self._language = "en"  # of the last reply: what is told unasked is told in it, too
        self._lock = threading.Lock()
        self._prompting = threading.Event()  # a person is typing

    # --- for people ----------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Talk until the end of input; its exit status is 0, or 1 where the owner is gone."""
        try:
            if self._source.isatty():
                self._interact()
            else:
                self._read()
        except OdysseyError as error:
            self.show(str(error))
            return 1
        return 0

    def _interact(self) -> None:
        with suppress(ImportError):
            import readline  # noqa: F401 - its import gives `input` editing and history
        self.show("Odyssey is here. `help` shows what I understand; Ctrl-D leaves.")
        with self._watching():
            while True:
                self._console.print()
                self._prompting.set()
                try:
                    line = input(f"{self._place}> ").strip()
                except (EOFError, KeyboardInterrupt):
                    self._console.print()
                    return
                finally:
                    self._prompting.clear()
                if line.lower() in LEAVE:
                    return
                if line:
                    self._turn(line)

    def _read(self) -> None:
        for raw in self._source:
            line = raw.strip()
            if line.lower() in LEAVE:
                return
            if line:
                self._echo(line)
                self._turn(line)
        self._tell()

    def _turn(self, line: str) -> None:
        reply = self._send(line)
        if reply.kind == "wait":
            try:
                self.follow(str(reply.data["job"]) if "job" in reply.data else None)
            except KeyboardInterrupt:
                self.show("I stop waiting; the job goes on. `jobs` shows it, `cancel` ends it.")

    # --- for scripts ---------------------------------------------------------------------------------------------

    def play(self, line: str) -> Reply:
        """Say a line as the person and show it with its answer."""
        self._echo(line)
        return self._send(line)

    def follow(self, job: str | None = None) -> None:
        """Show live progress until no job of the project, or not the named one, is at work; then what was news."""
        if self._project is None:
            return
        with _Bars(self._console) if self._pretty else _Lines(self) as display:
            while True:
                views = self._client.jobs(self._project)
                active = [v for v in views if v.phase == JobPhase.ACTIVE and job in (None, v.id)]
                display.update(active)
                if not active:
                    break
                self._tell(GLANCE)
        self._tell()

    def heading(self, text: str) -> None:
        if self._pretty:
            self._console.rule(Text(clean(text), style="bold"))
        else:
            self._console.print(Text(f"\n=== {clean(text)} ===\n"))

    def show(self, markdown: str) -> None:
        """Print Markdown, drawn where the terminal can."""
        text = clean(markdown)
        with self._lock:
            self._console.print(Markdown(text) if self._pretty else Text(plain(text)))

    # --- inside --------------------------------------------------------------------------------------------------

    def _echo(self, line: str) -> None:
        said = Text(f"\n{self._actor}> ", style="bold cyan")
        said.append(clean(line), style="bold")
        self._console.print(said)

    def _send(self, line: str) -> Reply:
        reply = self._client.say(self._actor, self._thread, located(line), self._wanted)
        self._language = str(reply.data.get("language", self._language))
        if reply.project is not None:
            self._wanted = None
            self._bind(reply)
        if reply.kind != "wait":  # what ends meanwhile is told after the promise to tell it
            self._tell()
        self.show(reply.text)
        if reply.citations:
            self._console.print(Text("\n" + clean("\n".join(reply.sources())), style="dim"))
        return reply

    def _bind(self, reply: Reply) -> None:
        self._place = clean(reply.place) or "odyssey"
        if reply.project != self._project and reply.project is not None:
            self._project = reply.project
            old = self._client.notices(reply.project, 0, 0)
            self._seen = max((notice.id for notice in old), default=0)

    def _tell(self, wait: float = 0) -> None:
        """Show notices that came since."""
        if self._project is None:
            return
        for notice in self._fresh(self._client.notices(self._project, self._seen, wait)):
            self.show(self._told(notice))

    def _told(self, notice: Notice) -> str:
        return f"• {chinese().reply(notice.text) if self._language == 'zh' else notice.text}"

    def _fresh(self, notices: Sequence[Notice]) -> list[Notice]:
        """Those not shown yet; from now on they count as shown."""
        with self._lock:
            fresh = [notice for notice in notices if notice.id > self._seen]
            self._seen = max((notice.id for notice in fresh), default=self._seen)
        return fresh

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """While a person thinks at the prompt, notices appear above what is being typed."""
        stopped = threading.Event()

        def watch() -> None:
            while not stopped.wait(GLANCE):
                if self._project is None or not self._prompting.is_set():
                    continue
                with suppress(OdysseyError):
                    notices = self._client.notices(self._project, self._seen, 2 * GLANCE)
                    if self._prompting.is_set():
                        self._interject(self._fresh(notices))

        thread = threading.Thread(target=watch, name="notices", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()

    def _interject(self, fresh: Sequence[Notice]) -> None:
        if not fresh:
            return
        self._console.file.write("\r\x1b[K")
        for notice in fresh:
            self.show(self._told(notice))
        with suppress(ImportError):
            import readline

            self._console.file.write(f"{self._place}> {readline.get_line_buffer()}")
        self._console.file.flush()


# --- progress ----------------------------------------------------------------------------------------------------


def _measured(view: JobView) -> str:
    shown = [f"{name} {value:.3g}" for name, value in list(view.metrics.items())[:3]]
    return f" {', '.join(shown)}" if shown else ""


class _Bars:
    """A moving bar a job."""

    def __init__(self, console: Console) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn(),
            console=console, transient=True,
        )  # fmt: skip

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def update(self, active: Sequence[JobView]) -> None:
        for view in active:
            if view.id not in self._tasks:
                self._tasks[view.id] = self._progress.add_task("", total=None, note="")
            note = f"{view.done}/{view.total}{_measured(view)}" if view.total else "starting"
            self._progress.update(
                self._tasks[view.id],
                description=clean(f"{view.id} {view.title}: {view.step or 'queued'}").replace("[", "("),
                total=view.total or None,
                completed=view.done,
                note=note,
            )
        for gone in set(self._tasks) - {view.id for view in active}:
            self._progress.remove_task(self._tasks.pop(gone))


class _Lines:
    """A line whenever a job begins a step or has done another quarter of it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *failure: object) -> None:
        return None

    def update(self, active: Sequence[JobView]) -> None:
        for view in active:
            mark = (view.step, QUARTERS * view.done // view.total if view.total else 0)
            if view.step and self._shown.get(view.id) != mark:
                self._shown[view.id] = mark
                share = f" {view.done}/{view.total}" if view.total else ""
                took = f" ({duration(view.seconds)})" if view.seconds is not None else ""
                self._terminal.show(f"  {view.id} {view.tool}: {view.step}{share}{_measured(view)}{took}")
