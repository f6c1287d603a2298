"""What a person can mean, and which call of the toolset does it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, JsonValue

from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project
from agent.lifecycle.stages import Stage
from agent.status import StatusQuery
from tools.contract import Frozen, Tool


class Intent(StrEnum):
    # asking
    HELP = "help"
    GREET = "greet"
    PROJECTS = "projects"
    USE_PROJECT = "use_project"
    WHERE = "where"
    GATE = "gate"
    EVIDENCE = "evidence"
    BEST = "best"
    JOBS = "jobs"
    JOB = "job"  # one of them, by its id
    LOGS = "logs"  # the last lines one printed
    APPROVALS = "approvals"
    MEMBERS = "members"
    HISTORY = "history"
    DECISIONS = "decisions"
    SPENT = "spent"
    AUDIT = "audit"
    CHARTER = "charter"
    DATA = "data"
    MODELS = "models"
    COMPARE = "compare"
    NEXT = "next"
    ASK_KNOWLEDGE = "ask_knowledge"
    WAIT = "wait"
    FILL_CHARTER = "fill_charter"
    # doing: each is shown with its arguments and confirmed first
    CREATE_PROJECT = "create_project"
    SET_CHARTER = "set_charter"
    REGISTER_DATA = "register_data"
    ADD_DOCUMENTS = "add_documents"
    REMOVE_DOCUMENT = "remove_document"
    ADD_MODEL = "add_model"
    CHOOSE_MODEL = "choose_model"
    CANDIDATES = "candidates"  # models that could be taken, side by side, by a job
    PRETRAIN = "pretrain"
    PROMPT = "prompt"
    FINETUNE = "finetune"
    EVALUATE = "evaluate"
    COMPARE_RUNS = "compare_runs"  # tested and drawn, by a job
    RLHF = "rlhf"
    QUANTIZE = "quantize"
    SERVE = "serve"
    AUGMENT = "augment"
    REPORT = "report"
    CANCEL = "cancel"
    RESUME = "resume"
    ADVANCE = "advance"
    GO_BACK = "go_back"
    SKIP = "skip"
    WAIVE = "waive"
    SET_ROLE = "set_role"
    SET_RULES = "set_rules"
    CORRECT_ANSWER = "correct_answer"
    PIN_ANSWER = "pin_answer"
    REJECT_CORRECTION = "reject_correction"
    # answering: decided by the conversation, never by a model
    APPROVE = "approve"  # the exact command with its number
    REJECT = "reject"  # the exact command with its number
    APPROVAL_WORDS = "approval_words"  # sounds like an approval; only the exact command is one
    YES = "yes"
    NO = "no"
    CHOICE = "choice"
    UNKNOWN = "unknown"


class Meaning(Frozen):
    """How an intent is carried out and shown among choices."""

    call: str  # name of a call of the toolset
    title: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)  # what the intent itself settles
    effect: bool = False


def _status(query: StatusQuery, title: str) -> Meaning:
    return Meaning(call="show_status", title=title, arguments={"query": query.value})


def _tool(tool: str, title: str) -> Meaning:
    return Meaning(call=f"run_{tool}", title=title, effect=True)


def _effect(call: str, title: str) -> Meaning:
    return Meaning(call=call, title=title, effect=True)


MEANINGS: dict[Intent, Meaning] = {
    Intent.HELP: Meaning(call="show_help", title="say what I can do"),
    Intent.GREET: Meaning(call="greet", title="say hello"),
    Intent.PROJECTS: Meaning(call="list_projects", title="list the projects"),
    Intent.USE_PROJECT: Meaning(call="use_project", title="go to a project"),
    Intent.WHERE: _status(StatusQuery.WHERE, "say where the project is"),
    Intent.GATE: _status(StatusQuery.GATE, "show what the gate still asks for"),
    Intent.EVIDENCE: _status(StatusQuery.EVIDENCE, "show what was measured"),
    Intent.BEST: _status(StatusQuery.BEST, "show the best score so far"),
    Intent.JOBS: _status(StatusQuery.JOBS, "list the jobs"),
    Intent.JOB: Meaning(call="show_job", title="show one job in full"),
    Intent.LOGS: Meaning(call="show_job", title="show the last lines of a job's log", arguments={"log": True}),
    Intent.APPROVALS: _status(StatusQuery.APPROVALS, "show the approvals"),
    Intent.MEMBERS: _status(StatusQuery.MEMBERS, "show who has which role"),
    Intent.HISTORY: _status(StatusQuery.HISTORY, "tell the project's history"),
    Intent.DECISIONS: _status(StatusQuery.DECISIONS, "show who decided what, and why"),
    Intent.SPENT: _status(StatusQuery.SPENT, "say how much time it has taken"),
    Intent.AUDIT: Meaning(call="show_audit", title="show the record of every request"),
    Intent.CHARTER: _status(StatusQuery.CHARTER, "show the charter"),
    Intent.DATA: _status(StatusQuery.DATA, "show the data"),
    Intent.MODELS: _status(StatusQuery.MODELS, "show the models"),
    Intent.COMPARE: _status(StatusQuery.COMPARE, "compare the models"),
    Intent.NEXT: Meaning(call="recommend_next", title="say what to do next, and why"),
    Intent.ASK_KNOWLEDGE: Meaning(call="ask_knowledge", title="look it up in the guides and documents"),
    Intent.WAIT: Meaning(call="wait_for_job", title="wait for a job"),
    Intent.FILL_CHARTER: Meaning(call="fill_charter", title="fill the charter, field by field"),
    Intent.CREATE_PROJECT: _effect("create_project", "create a project"),
    Intent.SET_CHARTER: _effect("set_charter", "change the charter"),
    Intent.REGISTER_DATA: _tool("data", "register data"),
    Intent.ADD_DOCUMENTS: _effect("add_documents", "take documents into the project's knowledge"),
    Intent.REMOVE_DOCUMENT: _effect("remove_document", "take a document out of the project's knowledge"),
    Intent.ADD_MODEL: _effect("add_model", "add an existing model as a candidate"),
    Intent.CHOOSE_MODEL: _effect("choose_model", "choose the model"),
    Intent.CANDIDATES: _tool("select", "compare candidate models by size, memory and cost"),
    Intent.PRETRAIN: _tool("pretrain", "pre-train a model"),
    Intent.PROMPT: _tool("prompt", "try prompts"),
    Intent.FINETUNE: _tool("finetune", "fine-tune the model"),
    Intent.EVALUATE: _tool("evaluate", "evaluate a model"),
    Intent.COMPARE_RUNS: _tool("compare", "compare runs with tests and a picture"),
    Intent.RLHF: _tool("rlhf", "align the model with preferences"),
    Intent.QUANTIZE: _tool("quantize", "quantize the model"),
    Intent.SERVE: _tool("serve", "serve the model"),
    Intent.AUGMENT: _tool("augment", "add what the model lacks (retrieval, abstaining)"),
    Intent.REPORT: _tool("report", "write the launch report"),
    Intent.CANCEL: _effect("cancel_job", "cancel a job"),
    Intent.RESUME: _effect("resume_job", "resume a job"),
    Intent.ADVANCE: _effect("advance", "ask to leave the stage"),
    Intent.GO_BACK: _effect("go_back", "go back to an earlier stage"),
    Intent.SKIP: _effect("skip", "go without a technique"),
    Intent.WAIVE: _effect("waive", "waive a requirement of the gate"),
    Intent.SET_ROLE: _effect("set_role", "change a person's role"),
    Intent.SET_RULES: _effect("set_rules", "change the rules of approvals"),
    Intent.CORRECT_ANSWER: _effect("correct_answer", "say that an answer is wrong, and why"),
    Intent.PIN_ANSWER: _effect("pin_answer", "pin the right answer to a question"),
    Intent.REJECT_CORRECTION: _effect("dismiss_correction", "reject the correction of an answer"),
    Intent.APPROVAL_WORDS: Meaning(call="explain_approval", title="say how an approval is given"),
    Intent.NO: Meaning(call="acknowledge_no", title="leave everything as it is"),
    Intent.UNKNOWN: Meaning(call="not_understood", title="say what I can do"),
}

TOOL_OF: dict[Intent, str] = {i: m.call.removeprefix("run_") for i, m in MEANINGS.items() if m.call.startswith("run_")}


class Context(Frozen):
    """What is known where a sentence is said: names it may mention."""

    projects: tuple[str, ...] = ()
    project: str | None = None
    stage: Stage | None = None
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()  # ids, newest last
    tools: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # the parameters of each tool; empty: not known
    requirements: tuple[str, ...] = ()  # what the gate asks for
    approval: int | None = None  # number of the approval that waits

    @classmethod
    def of(
        cls, project: Project | None, projects: Iterable[str] = (), catalogue: Mapping[str, Tool] | None = None
    ) -> Self:
        """The names that may be mentioned in a conversation about `project`."""
        tools = {name: tuple(tool.parameters.model_fields) for name, tool in (catalogue or {}).items()}
        if project is None:
            return cls(projects=tuple(projects), tools=tools)
        return cls(
            projects=tuple(projects) or (project.name,),
            project=project.name,
            stage=project.stage,
            models=tuple(project.candidates),
            datasets=tuple(project.datasets),
            documents=tuple(project.documents),
            jobs=tuple(job.id for job in project.jobs.values()),
            tools=tools,
            requirements=tuple(r.id for r in gate(project).requirements),
            approval=project.approval.number if project.approval else None,
        )


class Reading(Frozen):
    """One way to understand a sentence."""

    intent: Intent
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    confidence: float = 1.0

    @property
    def effect(self) -> bool:
        meaning = MEANINGS.get(self.intent)
        return self.intent in (Intent.APPROVE, Intent.REJECT) or (meaning is not None and meaning.effect)


class Understanding(Frozen):
    """What a sentence means. `alternatives` are the most likely readings, the best first, at most three.

    `exact` is true for a command of the grammar; everything else was read by likeness and can be wrong, so nothing
    with an effect follows from it without a person's yes, and no approval ever.
    """

    intent: Intent
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    confidence: float
    exact: bool = False
    effect: bool = False
    alternatives: tuple[Reading, ...] = ()

    def shown(self) -> str:
        """For people: the readings with their arguments, one a line."""
        if self.intent is Intent.UNKNOWN:
            return "not understood"
        first, *others = (r for r in self.alternatives if r.intent is not Intent.UNKNOWN)
        lines = [f"{'command' if self.exact else 'likely'}: {_line(first)}"]
        return "\n".join(lines + [f"or: {_line(other)}" for other in others])


def _line(reading: Reading) -> str:
    return f"{reading.intent} {' '.join(_arguments(reading))}".rstrip() + f" ({reading.confidence:.2f})"


def _arguments(reading: Reading) -> list[str]:
    """`name=value` each, a charter's fields one by one; what is empty or the whole sentence is left out."""
    given = {**reading.arguments, **(fields if isinstance(fields := reading.arguments.get("fields"), dict) else {})}
    return [f"{name}={value}" for name, value in given.items() if name not in ("question", "fields")]


def of_reading(reading: Reading, *, exact: bool = False, alternatives: tuple[Reading, ...] = ()) -> Understanding:
    return Understanding(
        intent=reading.intent,
        arguments=reading.arguments,
        confidence=reading.confidence,
        exact=exact,
        effect=reading.effect,
        alternatives=alternatives or (reading,),
    )


def call_of(intent: Intent, arguments: dict[str, JsonValue]) -> tuple[str, dict[str, JsonValue]] | None:
    """The toolset's call for an intent; None for what the conversation itself decides."""
    meaning = MEANINGS.get(_one(intent, arguments))
    return None if meaning is None else (meaning.call, {**meaning.arguments, **arguments})


def _one(intent: Intent, arguments: dict[str, JsonValue]) -> Intent:
    """A question about jobs, or what happened, that names one is about that one."""
    return Intent.JOB if intent in (Intent.JOBS, Intent.HISTORY) and "job" in arguments else intent


def describe(reading: Reading) -> str:
    """How a reading is offered among choices: what it does, and with which arguments."""
    meaning = MEANINGS[_one(reading.intent, reading.arguments)]
    shown = ", ".join(_arguments(reading))
    return f"{meaning.title} ({shown})" if shown else meaning.title
