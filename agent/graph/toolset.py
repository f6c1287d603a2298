"""The calls that a chat model, the rules or a command can make. What has an effect only ever makes a proposal."""

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.errors import OdysseyError
from agent.graph import answering, corrections, reading, requests
from agent.graph.session import Call, Said, Session
from agent.lifecycle.resolve import Unresolved
from knowledge.errors import KnowledgeError
from tools.contract import Parameters, Tool
from tools.errors import Defect, ToolError

log = logging.getLogger(__name__)

Do = Callable[[Session, Any], Said]


@dataclass(frozen=True)
class Capability:
    """One call: what it is for, its arguments, and what it does in a session."""

    name: str
    description: str
    arguments: type[BaseModel]
    do: Do
    hidden: bool = False  # not offered to a chat model: it would only repeat what the model can say itself

    def schema(self) -> dict[str, Any]:
        """As chat models are told of it. A copy: whoever sends it may change it."""
        return copy.deepcopy(self._schema)

    @cached_property
    def _schema(self) -> dict[str, Any]:
        parameters = self.arguments.model_json_schema()
        parameters.pop("title", None)
        parameters.pop("description", None)
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }


def capabilities(catalogue: Mapping[str, Tool]) -> dict[str, Capability]:
    """Everything that can be called, by name."""
    known = [*_READING, *_REQUESTS, *(_of_tool(tool) for tool in catalogue.values())]
    return {capability.name: capability for capability in known}


def perform(known: Mapping[str, Capability], session: Session, call: Call) -> Said:
    """Make a call. What a person can mend comes back as a sentence, so that the conversation goes on."""
    capability = known.get(call.name)
    if capability is None:
        return Said(text=f"There is no call {call.name}; there are {', '.join(known)}.", kind="refused")
    if call.name in _ELSEWHERE:
        session.asked = None
    try:
        return capability.do(session, _arguments(capability, call))
    except Defect:
        raise
    except (OdysseyError, Unresolved, ToolError, KnowledgeError) as error:
        return Said(text=str(error), kind="refused")


def _arguments(capability: Capability, call: Call) -> Any:
    given = {name: value for name, value in call.arguments.items() if value is not None}
    if issubclass(capability.arguments, Parameters):
        return given  # a tool's parameters are checked against the project, where defaults are known
    try:
        return capability.arguments.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            fields = ", ".join(capability.arguments.model_fields) or "no arguments"
            raise Unresolved(f"{call.name} does not take {name}; it takes {fields}.") from None
        shown = str(fault.get("input", ""))[:60]
        raise Unresolved(f"{name}={shown!r} will not do: {fault['msg'].lower()}.") from None


def _of_tool(tool: Tool) -> Capability:
    def run(session: Session, given: Any) -> Said:
        return requests.run_tool(session, tool, given)

    return Capability(
        name=f"run_{tool.name}",
        description=f"Propose the job: {tool.title} (stage {tool.stage}). The person has to confirm it.",
        arguments=tool.parameters,
        do=run,
    )


_READING = (
    Capability(
        "show_help", "Show what Odyssey understands, or one tool's parameters.", reading.Topic, reading.show_help
    ),
    Capability("greet", "Return a greeting.", reading.Nothing, reading.greet, hidden=True),
    Capability("list_projects", "List the projects the person may see.", reading.Nothing, reading.list_projects),
    Capability("use_project", "Turn the conversation to another project.", reading.Named, reading.use_project),
    Capability(
        "show_status", "Answer a question about the project from its state.", reading.Query, reading.show_status
    ),
    Capability(
        "show_job",
        "Show one job in full: its inputs, plan, time, numbers, what it made, its error; or the end of its log.",
        reading.JobDetails,
        reading.show_job,
    ),
    Capability("show_audit", "Show the record of every request.", reading.Nothing, reading.show_audit),
    Capability(
        "recommend_next", "Say what to do next, and why, with the commands.", reading.Nothing, reading.recommend_next
    ),
    Capability(
        "ask_knowledge",
        "Answer a question about methods, or about what the team's documents say, with citations.",
        answering.Question,
        answering.ask_knowledge,
    ),
    Capability("look_up", "Answer, or offer what else was meant.", answering.Lookup, answering.look_up, hidden=True),
    Capability(
        "ask_alone",
        "Answer with what others in the channel may not see, for the person alone.",
        answering.Question,
        answering.ask_alone,
        hidden=True,
    ),
    Capability("wait_for_job", "Tell the person when a job has ended.", reading.Job, reading.wait_for_job),
    Capability(
        "fill_charter", "Ask for the charter's missing fields one by one.", reading.Nothing, reading.fill_charter
    ),
    Capability("offer_choices", "Let the person pick.", reading.Options, reading.offer_choices, hidden=True),
    Capability("explain_approval", "Say how the waiting approval is given.", reading.Nothing, reading.explain_approval),
    Capability("type_it", "Name a command to be typed.", reading.Command, reading.type_it, hidden=True),
    Capability("acknowledge_no", "Leave everything as it is.", reading.Nothing, reading.acknowledge_no, hidden=True),
    Capability("not_understood", "Say what can be asked.", reading.Nothing, reading.not_understood, hidden=True),
)

# What turns to something else: a follow-up question after it does not mean the question before it.
_ELSEWHERE = frozenset(
    ["show_help", "list_projects", "use_project", "show_job", "show_audit", "recommend_next", "fill_charter"]
)

_propose = partial("Propose to {}. The person has to confirm it.".format)

_REQUESTS = (
    Capability("create_project", _propose("create a project"), requests.Creation, requests.create_project),
    Capability("set_charter", _propose("set fields of the charter"), requests.CharterFields, requests.set_charter),
    Capability(
        "add_documents",
        _propose("take documents into the project's knowledge"),
        requests.DocumentPath,
        requests.add_documents,
    ),
    Capability(
        "remove_document",
        _propose("take a document out of the project's knowledge"),
        requests.DocumentName,
        requests.remove_document,
    ),
    Capability("add_model", _propose("add an existing model as a candidate"), requests.ModelName, requests.add_model),
    Capability("choose_model", _propose("go on with a model"), requests.ModelName, requests.choose_model),
    Capability("cancel_job", _propose("cancel a job"), requests.JobName, requests.cancel_job),
    Capability(
        "resume_job", _propose("resume a job that was cancelled or crashed"), requests.JobName, requests.resume_job
    ),
    Capability("advance", _propose("leave the stage through its gate"), requests.Nothing, requests.advance),
    Capability("go_back", _propose("go back to an earlier stage"), requests.Return, requests.go_back),
    Capability("skip", _propose("go without a technique"), requests.Omission, requests.skip),
    Capability("waive", _propose("set a requirement of the gate aside"), requests.Exemption, requests.waive),
    Capability(
        "correct_answer",
        _propose("record that an answer is wrong, and why"),
        corrections.Wrong,
        corrections.correct_answer,
    ),
    Capability("pin_answer", _propose("pin the right answer"), corrections.Right, corrections.pin_answer),
    Capability(
        "dismiss_correction",
        _propose("reject the correction of an answer"),
        corrections.Refusal,
        corrections.reject_correction,
    ),
    Capability("set_role", _propose("change a person's role"), requests.Appointment, requests.set_role),
    Capability("set_rules", _propose("change the rules of approvals"), requests.ApprovalRules, requests.set_rules),
)
