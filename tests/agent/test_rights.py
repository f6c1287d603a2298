"""Who may do what: every role with every kind of event through every way in, on a real owner.

The table is `permissions.LEAST`. Whatever is refused changes nothing, and says who could; whatever is allowed is in the
record under the name of who did it.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.client import RemoteOwner
from agent.errors import Mendable
from agent.graph.conversation import Conversation, Turn
from agent.graph.replies import Reply
from agent.interface import REMOTE, Client
from agent.lifecycle.events import (
    SYSTEM,
    AddCandidate,
    AddDocument,
    Advance,
    Approve,
    Body,
    CancelJob,
    ChooseModel,
    CorrectAnswer,
    CreateProject,
    FinishJob,
    GoBack,
    PinAnswer,
    Reject,
    RejectCorrection,
    RemoveDocument,
    ResumeJob,
    SetCharter,
    SetRole,
    SetRules,
    SkipTechnique,
    StartJob,
    Waive,
)
from agent.lifecycle.gates import gate
from agent.lifecycle.permissions import LEAST, at_least
from agent.lifecycle.project import JobPhase, JobState, Project, Role
from agent.lifecycle.stages import ORDER, Stage
from agent.remote import Connection, Server, methods
from tests.estate import Estate
from tests.tools.test_models import a_model
from tests.walk import MINILM, Walk
from tools import digest

KINDS = [body.model_fields["kind"].default for body in get_args(get_args(Body)[0])]
PEOPLE: dict[str, Role | None] = {
    "zoe": None, "dee": Role.VIEWER, "cai": Role.MEMBER, "ben": Role.APPROVER, "ana": Role.OWNER
}  # fmt: skip
BY_PERSON_ONLY = ("approve", "reject")  # a model has no such call, and no sentence reads as one


class Puppet(BaseChatModel):
    """A chat model that makes the call it is told to, then repeats what came of it, or claims that it is done."""

    calls: tuple[dict[str, Any], ...] = ()
    honest: bool = True

    @property
    def _llm_type(self) -> str:
        return "puppet"

    def bind_tools(self, tools: Any, **more: Any) -> Any:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **more: Any,
    ) -> ChatResult:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            said = AIMessage(content=last.content if self.honest else "It is done.")
        else:
            said = AIMessage(content="", tool_calls=[*self.calls])
        return ChatResult(generations=[ChatGeneration(message=said)])


@dataclass
class World:
    """An estate with every way into it."""

    estate: Estate
    puppet: Puppet
    remote: RemoteOwner
    rules: Conversation  # the same desk, without a chat model
    model_folder: Path
    document: Path
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def fresh(self, what: str = "n") -> str:
        return f"{what}{next(self.numbers)}"

    @property
    def project(self) -> Project:
        return self.estate.project

    @property
    def number(self) -> int:
        """Of the approval that waits."""
        assert self.project.approval is not None
        return self.project.approval.number

    def be_at(self, stage: Stage) -> None:
        """Let the owner bring the project there."""
        while ORDER.index(self.project.stage) > ORDER.index(stage):
            self.estate.ok(GoBack(stage=stage, reason="for the next try"))
        while ORDER.index(self.project.stage) < ORDER.index(stage):
            self.estate.ok(Advance())
            if self.project.approval is not None:
                self.estate.ok(Approve(number=self.number))

    def job(self, *phases: JobPhase) -> JobState:
        """A job in one of these phases; a new one that is active, or has just failed, where there is none."""
        found = next((job for job in self.project.jobs.values() if job.phase in phases), None)
        if found is not None:
            return found
        seq = self.estate.ok(StartJob(tool="evaluate", params={"model": "tiny", "data": "tickets"}))
        if JobPhase.ACTIVE not in phases:
            self.estate.ends(self.project.jobs[f"j{seq}"], "failed")
        return self.project.jobs[f"j{seq}"]

    def missing(self) -> str:
        """A requirement of the gate that can be waived."""
        self.be_at(Stage.ASSESS)
        if not gate(self.project).missing:
            self.be_at(Stage.SELECT)
            self.be_at(Stage.ASSESS)
        return gate(self.project).missing[0].id


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    puppet = Puppet()
    walk = Walk().to(Stage.ASSESS)
    document = home / "handbook.md"
    document.write_text("# Handbook\n\nOrders leave within two days.\n")
    with Estate(home, walk, puppet) as estate:
        estate.owner.confine(None)  # who may name which file is another test
        server = Server(home / "s.sock", estate.owner, methods(Client, REMOTE))
        server.start()
        remote = RemoteOwner(Connection(home / "s.sock", methods(Client, REMOTE)))
        rules = Conversation(estate.owner, estate.saver)
        yield World(estate, puppet, remote, rules, a_model(home / "mine"), document)
        server.stop()


# --- what is tried -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Try:
    """One event as a command, as a plain sentence, as a model's call and as it crosses the socket."""

    command: str
    sentence: str
    call: tuple[str, dict[str, Any]]
    body: Body

    @property
    def project(self) -> str | None:
        """The project it is about, by id."""
        return None if isinstance(self.body, CreateProject) else "p1"


def _set_charter(world: World) -> Try:
    risks = world.fresh("rude-")
    return Try(
        f"charter risks={risks}",
        f"could you change the charter please, risks={risks}",
        ("set_charter", {"fields": {"risks": risks}}),
        SetCharter(risks=risks),
    )


def _add_document(world: World) -> Try:
    path, kept = str(world.document), digest.of_file(world.document)
    return Try(
        f"add documents {path}",
        f"please take our handbook {path} into the knowledge",
        ("add_documents", {"path": path}),
        AddDocument(name="handbook.md", path=path, digest=kept),
    )


def _remove_document(world: World) -> Try:
    name = f"{world.fresh('old-')}.md"
    world.estate.ok(
        AddDocument(name=name, path=str(world.document), digest=digest.of_file(world.document)), actor="cai"
    )
    return Try(
        f"remove document {name}",
        f"please delete the document {name} from the knowledge",
        ("remove_document", {"name": name}),
        RemoveDocument(name=name),
    )


def _add_candidate(world: World) -> Try:
    path = str(world.model_folder)
    return Try(
        f"add model {path}",
        "please add the model minilm to the candidates",
        ("add_model", {"model": path}),
        AddCandidate(candidate=MINILM.model_copy(update={"name": "another"})),
    )


def _choose_model(world: World) -> Try:
    return Try(
        "choose model tiny because it is small",
        "let's go with tiny because it is small",
        ("choose_model", {"model": "tiny", "reason": "it is small"}),
        ChooseModel(model="tiny", reason="it is small"),
    )


def _start_job(world: World) -> Try:
    params = {"model": "tiny", "data": "tickets"}
    return Try(
        "evaluate tiny on tickets",
        "please evaluate tiny on tickets for me",
        ("run_evaluate", params),
        StartJob(tool="evaluate", params=params),
    )


def _cancel_job(world: World) -> Try:
    job = world.job(JobPhase.ACTIVE).id
    return Try(f"cancel {job}", f"please kill job {job}", ("cancel_job", {"job": job}), CancelJob(job=job))


def _resume_job(world: World) -> Try:
    job = world.job(JobPhase.FAILED).id
    return Try(f"resume {job}", f"please get job {job} going again", ("resume_job", {"job": job}), ResumeJob(job=job))


def _skip(world: World) -> Try:
    return Try(
        "skip align because a label has no tone",
        "let's leave out alignment because a label has no tone",
        ("skip", {"what": "align", "reason": "a label has no tone"}),
        SkipTechnique(what="align", reason="a label has no tone"),
    )


def _advance(world: World) -> Try:
    world.be_at(Stage.SELECT)
    return Try("advance", "let's move on to the next stage", ("advance", {}), Advance())


def _go_back(world: World) -> Try:
    world.be_at(Stage.ASSESS)
    return Try(
        "go back to select because another model came out",
        "we have to go back to choosing the model because another one came out",
        ("go_back", {"stage": "select", "reason": "another model came out"}),
        GoBack(stage=Stage.SELECT, reason="another model came out"),
    )


def _approve(world: World) -> Try:
    number = _asked(world)
    return Try(f"approve {number}", "please approve it", ("approve", {"number": number}), Approve(number=number))


def _reject(world: World) -> Try:
    number = _asked(world)
    return Try(
        f"reject {number} because the target is too low",
        "please reject it because the target is too low",
        ("reject", {"number": number, "reason": "the target is too low"}),
        Reject(number=number, reason="the target is too low"),
    )


def _asked(world: World) -> int:
    world.be_at(Stage.SCOPE)
    if world.project.approval is None:
        world.estate.ok(Advance())
    return world.number


def _waive(world: World) -> Try:
    name = world.missing()
    return Try(
        f"waive {name} because it is a pilot",
        f"please waive the requirement {name} because it is a pilot",
        ("waive", {"requirement": name, "reason": "it is a pilot"}),
        Waive(requirement=name, reason="it is a pilot"),
    )


def _correct_answer(world: World) -> Try:
    question = f"how long does parcel {world.fresh()} take?"
    return Try(
        f'correct answer to "{question}" because it is three days',
        f"please correct the answer to “{question}” because it is three days",
        ("correct_answer", {"question": question, "reason": "it is three days"}),
        CorrectAnswer(question=question, reason="it is three days"),
    )


def _correction(world: World) -> int:
    """A correction whose source cai gave, so that a member may decide it."""
    if "rules.md" not in world.project.documents:
        kept = digest.of_file(world.document)
        world.estate.ok(AddDocument(name="rules.md", path=str(world.document), digest=kept), actor="cai")
    body = CorrectAnswer(question=f"what is rule {world.fresh()}?", sources=("rules.md",), reason="it is another")
    return world.estate.ok(body)


def _pin_answer(world: World) -> Try:
    number, text = _correction(world), f"It takes {world.fresh()} days."
    return Try(
        f"pin answer {number} as {text}",
        f"please pin the answer {number} as: {text}",
        ("pin_answer", {"number": number, "text": text}),
        PinAnswer(number=number, text=text),
    )


def _reject_correction(world: World) -> Try:
    number = _correction(world)
    return Try(
        f"reject answer {number} because it is right",
        f"please reject correction {number} because it is right",
        ("dismiss_correction", {"number": number, "reason": "it is right"}),
        RejectCorrection(number=number, reason="it is right"),
    )


def _set_role(world: World) -> Try:
    person = world.fresh("U0GUEST00")
    return Try(
        f"role {person} viewer",
        f"please make {person} a viewer of the project",
        ("set_role", {"person": person, "role": "viewer"}),
        SetRole(person=person, role=Role.VIEWER),
    )


def _set_rules(world: World) -> Try:
    hours = next(world.numbers)
    return Try(
        f"rules hours={hours}",
        f"approvals should expire after {hours} hours please",
        ("set_rules", {"hours": hours}),
        SetRules(hours=hours),
    )


def _create_project(world: World) -> Try:
    name = world.fresh("venture")
    return Try(
        f"create project {name}",
        f"please make a new project called {name}",
        ("create_project", {"name": name}),
        CreateProject(name=name),
    )


TRIES: dict[str, Callable[[World], Try]] = {
    "set_charter": _set_charter, "add_document": _add_document, "remove_document": _remove_document,
    "add_candidate": _add_candidate,
    "choose_model": _choose_model, "start_job": _start_job, "cancel_job": _cancel_job, "resume_job": _resume_job,
    "skip": _skip, "advance": _advance, "go_back": _go_back, "approve": _approve, "reject": _reject, "waive": _waive,
    "correct_answer": _correct_answer, "pin_answer": _pin_answer, "reject_correction": _reject_correction,
    "set_role": _set_role, "set_rules": _set_rules, "create_project": _create_project,
}  # fmt: skip


# --- the ways in -------------------------------------------------------------------------------------------------

Way = Callable[[World, str, Try], str]  # who tries what; what they were told


def _confirmed(reply: Reply, again: Callable[[str], Reply]) -> str:
    """What was said in all, with the yes that a proposal waits for."""
    if reply.kind == "choices":
        reply = again("1")
    return f"{reply.text}\n{again('yes').text}" if reply.kind == "proposal" else reply.text


def _command(world: World, actor: str, tried: Try) -> str:
    thread = world.fresh("t")

    def say(text: str) -> Reply:
        return world.estate.owner.say(actor, thread, text, tried.project)

    return _confirmed(say(tried.command), say)


def _sentence(world: World, actor: str, tried: Try) -> str:
    """In plain words, understood by the rules."""
    thread = world.fresh("t")

    def say(text: str) -> Reply:
        return world.rules.say(Turn(actor=actor, thread=thread, text=text, project=tried.project))

    return _confirmed(say(tried.sentence), say)


def _button(world: World, actor: str, tried: Try) -> str:
    """A button's press is its command with what the card showed, in a thread that others have begun."""
    thread, approval = f"slack:T1:C1:{world.fresh('17')}.1", world.project.approval
    seen = approval.digest if approval else None

    def say(text: str) -> Reply:
        return world.estate.owner.say(actor, thread, text, tried.project, turn=world.fresh("press"), seen=seen)

    return _confirmed(say(tried.command), say)


def _slash(world: World, actor: str, tried: Try) -> str:
    """In a channel that is bound to the project, where nobody has said a word yet."""
    thread = f"slack:T1:{world.fresh('C')}:/:{actor}"

    def say(text: str) -> Reply:
        return world.estate.owner.say(actor, thread, text, fallback="p1", turn=world.fresh("slash"))

    return _confirmed(say(tried.command), say)


def _model(world: World, actor: str, tried: Try) -> str:
    """A chat model makes the call; the person says yes."""
    name, arguments = tried.call
    thread = world.fresh("t")
    world.puppet.calls = ({"name": name, "args": arguments, "id": "c1", "type": "tool_call"},)

    def say(text: str) -> Reply:
        return world.estate.owner.say(actor, thread, text, tried.project)

    return _confirmed(say("do as we discussed this morning"), say)


def _socket(world: World, actor: str, tried: Try) -> str:
    """Another process submits the event itself."""
    return world.remote.submit(actor, tried.project, tried.body).said


WAYS: dict[str, Way] = {
    "command": _command, "sentence": _sentence, "button": _button, "slash": _slash, "model": _model, "socket": _socket
}  # fmt: skip


# --- the table ---------------------------------------------------------------------------------------------------


def test_every_kind_of_event_that_a_person_causes_is_tried() -> None:
    assert set(TRIES) == set(KINDS) - {"finish_job"} == set(LEAST) | {"create_project"}


@pytest.mark.parametrize("kind", TRIES)
def test_every_role_through_every_way_in(world: World, kind: str) -> None:
    for (actor, role), (name, way) in itertools.product(PEOPLE.items(), WAYS.items()):
        tried = TRIES[kind](world)
        before = world.project
        said = way(world, actor, tried)
        done = _done(world, kind, actor, tried, before)
        by_words = kind in BY_PERSON_ONLY and name in ("sentence", "model")
        may = kind == "create_project" or (at_least(role, LEAST.get(kind, Role.OWNER)) and not by_words)
        assert done is may, f"{kind} by {actor} ({role}) through {name}: {said}"
        if not may:
            _nothing_changed(before, world.project)
            assert by_words or _says_who_could(said, kind, role), f"{actor} through {name}: {said}"


def _done(world: World, kind: str, actor: str, tried: Try, before: Project) -> bool:
    if isinstance(tried.body, CreateProject):
        made = world.estate.owner.find_project(actor, tried.body.name)
        return made is not None and made.members == {actor: Role.OWNER}
    fresh = [line for line in world.estate.since(before.seq) if line[0] != SYSTEM]
    assert set(fresh) <= {(actor, kind)}, fresh
    return bool(fresh)


def _nothing_changed(before: Project, after: Project) -> None:
    """A refusal that was recorded counts on, and that is all."""
    assert after.model_copy(update={"seq": 0}) == before.model_copy(update={"seq": 0})


def _says_who_could(said: str, kind: str, role: Role | None) -> bool:
    """A member reads the role that is needed and who has it; a stranger not even the project's name."""
    if role is None:
        return "support-desk" not in said and ("sees no project" in said or "an owner of it can give one" in said)
    return f"at least the role {LEAST[kind]}" in said and "ana" in said


def test_nobody_reports_a_jobs_end(world: World) -> None:
    job = world.job(JobPhase.ACTIVE)
    body = FinishJob(job=job.id, attempt=job.attempt, outcome="succeeded")
    for actor in PEOPLE:
        before = world.project
        outcome = world.remote.submit(actor, "p1", body)
        assert not outcome.accepted and "Only Odyssey" in outcome.said
        _nothing_changed(before, world.project)
    for actor in ("odyssey", "Odyssey"):
        with pytest.raises(Mendable, match="Odyssey itself"):
            world.remote.submit(actor, "p1", body)


@pytest.mark.parametrize(("actor", "may"), [("zoe", False), ("dee", False), ("cai", True)])
def test_confirming_what_another_was_shown_takes_the_own_right(world: World, actor: str, may: bool) -> None:
    thread, cost = world.fresh("t"), world.fresh("at-most-")
    owner = world.estate.owner
    shown, seq = owner.say("ana", thread, f"charter cost={cost}", "p1"), world.project.seq
    assert owner.say(actor, thread, "yes").kind == "refused"  # a bare yes is for who was shown it
    owner.say(actor, thread, f"confirm {shown.proposal}")
    assert (world.project.charter.cost == cost) is may
    assert world.estate.since(seq) == ([(actor, "set_charter")] if may else [])


def test_a_role_that_was_lost_meanwhile_does_not_count(world: World) -> None:
    """What was shown to somebody with the right is decided again when they say yes."""
    thread, cost = world.fresh("t"), world.fresh("at-most-")
    owner, estate = world.estate.owner, world.estate
    assert owner.say("cai", thread, f"charter cost={cost}", "p1").kind == "proposal"
    estate.ok(SetRole(person="cai", role=Role.VIEWER))
    try:
        assert "at least the role member" in owner.say("cai", thread, "yes").text
        assert world.project.charter.cost != cost
    finally:
        estate.ok(SetRole(person="cai", role=Role.MEMBER))


@pytest.mark.parametrize("kind", sorted(set(TRIES) - {"create_project", *BY_PERSON_ONLY}))
def test_a_proposal_alone_changes_nothing(world: World, kind: str) -> None:
    tried = TRIES[kind](world)
    before = world.project
    reply = world.estate.owner.say("ana", world.fresh("t"), tried.command, "p1")
    assert reply.kind == "proposal", reply.text
    assert world.project == before


def test_a_project_is_hidden_from_who_has_no_role_in_it(world: World) -> None:
    seen: Mapping[str, bool] = {actor: bool(world.remote.projects(actor)) for actor in ("dee", "cai", "ben", "ana")}
    assert all(seen.values())
    assert "p1" not in {project.id for project in world.remote.projects("zoe")}
    assert world.remote.find_project("zoe", "support-desk") is None


def test_a_model_that_claims_what_was_refused_changes_nothing(world: World) -> None:
    tried, before = _set_rules(world), world.project
    world.puppet.honest = False
    try:
        _model(world, "dee", tried)
    finally:
        world.puppet.honest = True
    _nothing_changed(before, world.project)
