"""The demonstration: a project from scope to launch, in the terminal, through the real application.

It only says what people would say and reads what they could read. It ends well only if the project is launched and
every gate was passed on its own evidence: nothing waived.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.client import open_client
from agent.errors import Mendable, OdysseyError
from agent.interface import Client
from agent.lifecycle.evidence import show_metric
from agent.lifecycle.gates import gate
from agent.lifecycle.project import Evidence, JobPhase, Project
from agent.lifecycle.stages import Stage, label
from agent.markdown import duration, table
from agent.measured import main_metric
from agent.settings import Settings
from agent.terminal import Terminal
from tools.data.support_desk.sample import write

LEAD, APPROVER = "mei", "omar"  # who does the work, and who answers for the steps


class NotLaunched(OdysseyError):
    """A step of the demonstration did not do what it shows."""


@dataclass(frozen=True)
class Say:
    """A line of the lead's. `confirm` answers yes to what is proposed, `follow` watches the jobs to their end."""

    text: str
    confirm: bool = False
    follow: bool = False


@dataclass(frozen=True)
class Leave:
    """Ask to leave the stage; somebody approves where a person must."""


Choose = Callable[[Project], Say]  # a line that depends on what was measured
Step = Say | Leave | Choose


def do(text: str) -> Say:
    """A request with an effect, done at once."""
    return Say(text, confirm=True)


def work(text: str) -> Say:
    """A request that starts a job."""
    return Say(text, confirm=True, follow=True)


# --- the two projects --------------------------------------------------------------------------------------------


def support_desk(folder: Path) -> tuple[tuple[Stage, tuple[Step, ...]], ...]:
    """The bundled sample: sort tickets, answer courteously, know the facts of the documents."""
    parts = ("corpus", "tickets", "preferences", "helpfulness", "safety", "facts")
    return (
        (
            Stage.SCOPE,
            (
                do("create project support-desk"),
                do(f"role {APPROVER} approver"),
                *(do(f"register data {folder / part}.jsonl as {part}") for part in parts[:-1]),
                work(f"register data {folder / 'facts.jsonl'} as facts"),
                do(f"charter from {folder / 'charter.json'}"),
                do(f"add documents {folder / 'documents'}"),
                Say("where are we?"),
                Leave(),
            ),
        ),
        (
            Stage.SELECT,
            (
                Say("should we use an existing model or pre-train one?"),
                work("pretrain data=corpus name=tiny"),
                work("evaluate model=tiny data=tickets split=test"),
                do("choose model tiny because it runs on this machine, is ours to license, and knows our tickets"),
                Leave(),
            ),
        ),
        (
            Stage.ASSESS,
            (
                Say("what should we do next, and why?"),
                work("prompt model=tiny data=tickets"),
                Say("what is LoRA?"),
                work("fine-tune the current model with LoRA on tickets, batch=8, epochs=3, name=tickets-lora"),
                work("evaluate model=tickets-lora data=tickets split=test compare_to=tiny"),
                Leave(),
            ),
        ),
        (
            Stage.ALIGN,
            (
                Say("why GRPO and not PPO?"),
                *_aligned("grpo"),
                *_aligned("dpo"),
                _better_of("aligned-grpo", "aligned-dpo"),
                Say("show the evidence"),
                Leave(),
            ),
        ),
        (
            Stage.DEPLOY,
            (
                work("quantize model=current data=tickets name=desk-int8"),
                work("evaluate model=desk-int8 data=tickets split=test compare_to=parent"),
                work("serve model=desk-int8 data=tickets"),
                Say("what blocks the gate?"),
                Leave(),
            ),
        ),
        (Stage.INTEGRATE, (work("augment kind=retrieval data=facts"), work("report"), Leave())),
    )


def _aligned(method: str) -> tuple[Step, ...]:
    name = f"aligned-{method}"
    return (
        work(f"rlhf model=tickets-lora preferences=preferences method={method} task=tickets name={name}"),
        work(f"evaluate model={name} data=helpfulness compare_to=tickets-lora"),
        work(f"evaluate model={name} data=safety compare_to=tickets-lora"),
        work(f"evaluate model={name} data=tickets split=test compare_to=tickets-lora"),
    )


def _better_of(*names: str) -> Choose:
    """The candidate that wins more, among those that do the task no worse."""

    def choose(project: Project) -> Say:
        won = {name: _comparison(project, name, "win_rate") for name in names}
        kept = {name: _comparison(project, name, "difference", project.charter.test_set) for name in names}
        allowed = [name for name in names if kept[name] >= -project.charter.margin] or list(names)
        best = max(allowed, key=lambda name: won[name])
        other = next(name for name in names if name != best)
        wins = f"its win rate starts at {won[best]:.2f}, that of {other} at {won[other]:.2f}"
        return do(f"choose model {best} because {wins}, and it does the task no worse")

    return choose


def _comparison(project: Project, model: str, kind: str, data: str | None = None) -> float:
    """The lower end of the latest comparison of this kind; minus one if there is none."""
    found = [
        c.low
        for e in project.evidence
        if e.model == model and (data is None or e.data == data)
        for c in e.comparisons
        if c.kind == kind
    ]
    return found[-1] if found else -1.0


def classification(path: Path, target: float, columns: str) -> tuple[tuple[Stage, tuple[Step, ...]], ...]:
    """A team's own labelled texts and the packaged encoder."""
    charter = (
        f'charter description="sort texts into the labels of {path.name}" task=classification'
        ' users="the team that answers them" metric=accuracy'
        f' target={target} test_set=questions latency_ms=300 memory_mb=2000 cost="this machine alone"'
        ' risks="a text sorted wrongly is answered late; texts unlike the training data"'
    )
    return (
        (
            Stage.SCOPE,
            (
                do("create project questions"),
                do(f"role {APPROVER} approver"),
                work(f"register data {path} as questions kind=labelled test_rows=1000{columns}"),
                do(charter),
                Leave(),
            ),
        ),
        (
            Stage.SELECT,
            (
                Say("should we use an existing model or pre-train one?"),
                do("choose model minilm because it is small, reads English well and is free to use"),
                work("evaluate model=minilm data=questions split=test"),
                Leave(),
            ),
        ),
        (
            Stage.ASSESS,
            (
                Say("what should we do next, and why?"),
                work("finetune model=minilm data=questions name=classifier"),
                work("evaluate model=classifier data=questions split=test compare_to=minilm"),
                Leave(),
            ),
        ),
        (Stage.ALIGN, (do("skip align because a label has no tone that people could prefer"), Leave())),
        (
            Stage.DEPLOY,
            (
                work("quantize model=classifier data=questions activations=dynamic name=classifier-int8"),
                work("evaluate model=classifier-int8 data=questions split=test compare_to=parent"),
                work("serve model=classifier-int8 data=questions"),
                Leave(),
            ),
        ),
        (Stage.INTEGRATE, (work("augment kind=abstain data=questions"), work("report"), Leave())),
    )


# --- playing it --------------------------------------------------------------------------------------------------


class Play:
    """Plays the steps of a project in a terminal and checks after each that it did what it shows."""

    def __init__(self, client: Client, terminal: Terminal, project: str) -> None:
        self._client = client
        self._terminal = terminal
        self._name = project

    @property
    def project(self) -> Project:
        project = self._client.find_project(LEAD, self._name)
        if project is None:
            raise NotLaunched(f"There is no project {self._name}.")
        return project

    def stage(self, stage: Stage, steps: Iterable[Step]) -> None:
        self._terminal.heading(label(stage))
        for step in steps:
            match step:
                case Say():
                    self._say(step)
                case Leave():
                    self._leave(stage)
                case _:
                    self._say(step(self.project))

    def _say(self, step: Say) -> None:
        reply = self._terminal.play(step.text)
        if step.confirm:
            if reply.proposal is None:
                raise NotLaunched(f"“{step.text}” was not understood as a request.")
            self._terminal.play("yes")
        if step.follow:
            self._terminal.follow()
            self._check_jobs()

    def _check_jobs(self) -> None:
        failed = [job for job in self.project.jobs.values() if job.phase in _BROKEN]
        if failed:
            raise NotLaunched(f"Job {failed[0].id} ({failed[0].tool}) {failed[0].phase}: {failed[0].error}")

    def _leave(self, stage: Stage) -> None:
        self._terminal.play("gate")
        if self._terminal.play("advance").proposal is not None:
            self._terminal.play("yes")
        waiting = self.project.approval
        if waiting is not None:
            approver = Terminal(self._client, actor=APPROVER, thread="demo-approvals", project=self._name)
            approver.play(f"approve {waiting.number}")
        project = self.project
        if project.stage is stage:
            lacking = "; ".join(f"{r.title}: {r.found}" for r in gate(project).missing)
            raise NotLaunched(f"{label(stage)} was not left: {lacking or 'nobody approved'}")


_BROKEN = (JobPhase.FAILED, JobPhase.CRASHED, JobPhase.LOST, JobPhase.CANCELLED)


def demo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit status 0 only if the project was launched through gates that were all met."""
    began = time.monotonic()
    settings = _fresh(settings, arguments)
    name, script = _script(arguments, settings)
    with open_client(settings) as client:
        client.warm_up()
        lead = Terminal(client, actor=LEAD, thread="demo", project=None)
        play = Play(client, lead, name)
        try:
            for stage, steps in script:
                play.stage(stage, steps)
            play.stage(Stage.LAUNCHED, _afterwards(play.project))
        except NotLaunched as fault:
            lead.show(f"The demonstration stops here: {fault}\n{_further(settings, name)}")
            return 1
        except KeyboardInterrupt:
            lead.show(f"\n{_further(settings, name)}")
            raise
        project = play.project
        lead.show(summary(project))
        lead.show(_closing(project, settings, time.monotonic() - began))
    return 0 if project.stage is Stage.LAUNCHED and not project.waivers else 1


def _afterwards(project: Project) -> Iterator[Step]:
    """The final report, and an end to the endpoint: the demonstration serves nobody."""
    yield work("report")
    service = project.service()
    if service is not None:
        yield Say(f"cancel {service.id}", confirm=True, follow=True)


def _fresh(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """A home of its own for each demonstration, unless one was named."""
    if arguments.home or "home" in settings.model_fields_set:
        return settings
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return settings.model_copy(update={"home": settings.home / f"demo-{stamp}"})


def _script(
    arguments: argparse.Namespace, settings: Settings
) -> tuple[str, tuple[tuple[Stage, tuple[Step, ...]], ...]]:
    if arguments.data is None:
        return "support-desk", support_desk(write(settings.home / "sample", arguments.seed).folder)
    path = arguments.data.expanduser().absolute()
    if not path.is_file():
        raise Mendable(f"There is no file {path}; --data takes a CSV or JSONL with a text and a label in each row.")
    named = (("text_column", arguments.text_column), ("label_column", arguments.label_column))
    columns = "".join(f" {key}={value}" for key, value in named if value)
    return "questions", classification(path, arguments.target, columns)


# --- the end -----------------------------------------------------------------------------------------------------


def summary(project: Project) -> str:
    """Stage, tool, metric before and after with its interval, and wall time, one row a job that measured."""
    rows = [_row(project, evidence) for evidence in project.evidence if evidence.tool != "data"]
    return table(("stage", "tool", "model", "before", "after", "seconds"), rows)


def _row(project: Project, evidence: Evidence) -> tuple[str, ...]:
    job = project.jobs[evidence.run]
    metric = main_metric(project, evidence)
    comparison = next((c for c in evidence.comparisons), None)
    after = "" if metric is None else f"{metric.name} {show_metric(metric)}"
    before = ""
    if comparison is not None and evidence.tool == "augment":
        # Its metrics are the application's; what was added is the difference.
        after = f"{comparison.metric} {comparison.value:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"
    elif comparison is not None and comparison.kind == "win_rate":
        after = f"win rate {_interval(comparison.value, comparison.low, comparison.high)}"
        before = f"against {comparison.baseline}"
    elif comparison is not None and metric is not None and comparison.metric == metric.name:
        before = f"{metric.value - comparison.value:.3f} ({comparison.baseline})"
    return (
        evidence.stage.value,
        evidence.tool,
        evidence.model or "",
        before,
        after.rstrip(),
        f"{job.seconds or 0:.1f}",
    )


def _interval(value: float, low: float | None, high: float | None) -> str:
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def program() -> str:
    """How this program is called from here, for a line to be copied."""
    called = Path(sys.argv[0])
    if called.name != "odyssey":
        return f"{sys.executable} -m agent"
    return "odyssey" if shutil.which("odyssey") == str(called.absolute()) else str(called)


def _further(settings: Settings, name: str) -> str:
    return f"Go on with it: {program()} --home {settings.home} chat --as {LEAD} --project {name}"


def _closing(project: Project, settings: Settings, seconds: float) -> str:
    reports = [job for job in project.jobs.values() if job.tool == "report"]
    folder = settings.home / "jobs" / reports[-1].id
    return (
        f"Launched in {duration(seconds)}. Report: {folder / 'report.html'} and {folder / 'report.md'}\n"
        f"{_further(settings, project.name)}"
    )
