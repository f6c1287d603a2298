"""What the commands do. Text for people by default, JSON for scripts on request."""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_origin

from pydantic import JsonValue

from agent import status as queries
from agent.client import open_client
from agent.errors import Mendable
from agent.graph.desk import JobView
from agent.graph.grammar import decision
from agent.graph.intents import Context
from agent.graph.replies import Reply
from agent.graph.understand import understand as read
from agent.interface import Client
from agent.language.translation import chinese
from agent.ledger.ledger import chain_fault, dump_audit
from agent.lifecycle.events import StartJob
from agent.lifecycle.project import JobPhase, Project
from agent.lifecycle.stages import ORDER, label
from agent.settings import PERSON, Settings
from agent.terminal import Terminal, clean, plain
from tools import registry

ENDED = frozenset(JobPhase) - {JobPhase.ACTIVE}  # a service that answers is done starting


PARAGRAPH = "\n\n"
ASKING = "`odyssey ask` changes nothing: say it in `odyssey chat` to have it done."


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_markdown(text: str) -> None:
    """For people: as the terminal shows it where it cannot draw."""
    say(plain(clean(text)))


def say_json(value: Any) -> None:
    say(json.dumps(value, ensure_ascii=False, default=str))


def person(arguments: argparse.Namespace, settings: Settings) -> str:
    name = str(arguments.person or settings.person)
    if not re.fullmatch(PERSON, name):
        raise Mendable(f"--as {name} is no name: use letters, digits, dots, dashes and underscores.")
    return name


def require_project(client: Client, actor: str, name: str) -> Project:
    project = client.find_project(actor, name)
    if project is None:
        known = ", ".join(p.name for p in client.projects(actor)) or "none"
        raise Mendable(f"{actor} sees no project called {name} (sees: {known}); check --project and --as.")
    return project


# --- conversation ------------------------------------------------------------------------------------------------


def chat(arguments: argparse.Namespace, settings: Settings) -> int:
    actor = person(arguments, settings)
    with open_client(settings) as client:
        if arguments.project:
            require_project(client, actor, arguments.project)
        client.warm_up()
        terminal = Terminal(client, actor=actor, thread=f"{arguments.thread}:{actor}", project=arguments.project)
        return terminal.run()


def ask(arguments: argparse.Namespace, settings: Settings) -> int:
    """Each question in a conversation of its own, so that nothing said before colours the answer."""
    actor = person(arguments, settings)
    with open_client(settings) as client:
        if arguments.project:
            require_project(client, actor, arguments.project)
        for number, text in enumerate(sentences(arguments)):
            thread = f"ask:{actor}:{datetime.now(UTC).timestamp()}:{number}"
            reply = _asked(client, actor, thread, text, arguments.project)
            if arguments.json or arguments.jsonl:
                say_json(reply.as_answer())
            else:
                say_markdown(reply.as_text())
    return 0


def _asked(client: Client, actor: str, thread: str, text: str, project: str | None) -> Reply:
    """The answer; what would have an effect is shown and left there."""
    if decision(text) is not None:  # the one thing a conversation does without a yes
        return Reply(text=ASKING, kind="refused")
    reply = client.say(actor, thread, text, project)
    if reply.kind != "proposal":
        return reply
    told = chinese().reply(ASKING) if reply.data.get("language") == "zh" else ASKING
    return reply.model_copy(update={"text": f"{reply.text.rpartition(PARAGRAPH)[0]}{PARAGRAPH}{told}"})


def understand(arguments: argparse.Namespace, settings: Settings) -> int:
    """Pure: opens a home only where --project asks for its names."""
    context = Context()
    if arguments.project:
        with open_client(settings) as client:
            context = Context.of(require_project(client, person(arguments, settings), arguments.project))
    for text in sentences(arguments):
        understanding = read(text, context)
        if arguments.json or arguments.jsonl:
            say_json(understanding.model_dump(mode="json"))
        else:
            say(understanding.shown())
    return 0


def sentences(arguments: argparse.Namespace) -> Iterator[str]:
    if (arguments.text is None) == (arguments.jsonl is None):
        raise Mendable(f'Give either a sentence or --jsonl FILE: `odyssey {arguments.command} "what is LoRA"`.')
    if arguments.text is not None:
        yield arguments.text
        return
    stream = sys.stdin if arguments.jsonl == "-" else _open(Path(arguments.jsonl))
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield _text_of(line, number)


def _open(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8")
    except OSError as error:
        raise Mendable(f"{path} cannot be read: {error.strerror}.") from None


def _text_of(line: str, number: int) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError):
        raise Mendable(f'Line {number} is not an object with a "text": {line.strip()[:60]}') from None
    return str(text)


# --- state -------------------------------------------------------------------------------------------------------


def status(arguments: argparse.Namespace, settings: Settings) -> int:
    actor = person(arguments, settings)
    with open_client(settings) as client:
        project = require_project(client, actor, arguments.project)
        views, now = client.jobs(project.id), datetime.now(UTC)
    if arguments.json:
        say_json(queries.as_json(project, views, now))
    else:
        say_markdown(queries.answer_status(queries.StatusQuery.WHERE, project, now=now, jobs=views))
    return 0


def jobs(arguments: argparse.Namespace, settings: Settings) -> int:
    actor = person(arguments, settings)
    with open_client(settings) as client:
        project = require_project(client, actor, arguments.project)
        views, now = client.jobs(project.id), datetime.now(UTC)
    if arguments.json:
        say_json([view.model_dump(mode="json") for view in views])
    else:
        say_markdown(queries.answer_status(queries.StatusQuery.JOBS, project, now=now, jobs=views))
    return 0


def audit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit status 1 where the chain of hashes does not hold."""
    actor = person(arguments, settings)
    with open_client(settings) as client:
        rows = client.audit(require_project(client, actor, arguments.project).id)
    fault = chain_fault(rows)
    if arguments.json:
        say_json({"holds": fault is None, "fault": fault, "events": dump_audit(rows)})
    else:
        for row in rows:
            refused = "" if row.accepted else "refused: "
            say(f"{row.seq:>5} {row.at[:19]} {row.actor:<12} {row.kind:<15} {refused}{row.said}")
        say(fault or f"The chain of {len(rows)} events holds.")
    return 0 if fault is None else 1


def prepare(arguments: argparse.Namespace, settings: Settings) -> int:
    """What every home shares is made once: the encoder and the reader without torch, and the vectors of the guides."""
    from agent.bootstrap import LazyKnowledge, build_reader

    build_reader(settings).prepare()
    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"chroma_url": None})  # nothing of the trial is left at a server
        door = LazyKnowledge(Path(folder), own)
        door.open()
        door.close()
    return 0


def lifecycle(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.mermaid:
        from agent.graph.lifecycle import mermaid

        say(mermaid())
    else:
        say("\n".join(label(stage) for stage in ORDER))
    return 0


def slack(arguments: argparse.Namespace, settings: Settings) -> int:
    """The manifest as JSON: https://api.slack.com/apps → Create New App → From a manifest."""
    from agent.slack.manifest import manifest

    if arguments.url is not None and not arguments.url.startswith("https://"):
        raise Mendable(f"Slack reaches nothing at {arguments.url}: give --url as https://….")
    say(json.dumps(manifest(arguments.url), indent=2, ensure_ascii=False))
    return 0


# --- jobs --------------------------------------------------------------------------------------------------------


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    actor, params = person(arguments, settings), _from_here(arguments.tool, _parameters(arguments.set))
    with open_client(settings) as client:
        project = require_project(client, actor, arguments.project)
        outcome = client.submit(actor, project.id, StartJob(tool=arguments.tool, params=params))
        if not outcome.accepted:
            raise Mendable(outcome.said)
        job = f"j{outcome.seq}"
        view = _await(client, project, job) if arguments.wait else _view(client, project, job)
        after = client.find_project(actor, project.id) or project
    found = next((e.model_dump(mode="json") for e in reversed(after.evidence) if e.run == job), None)
    if arguments.json:
        say_json({"job": view.model_dump(mode="json"), "evidence": found})
    else:
        say(outcome.said if not arguments.wait else _told(view, found))
    return 0 if view.phase in ("active", "serving", "succeeded") else 1


def _await(client: Client, project: Project, job: str) -> JobView:
    """Wait for notices until the job has ended: each ending makes one."""
    seen = 0
    while (view := _view(client, project, job)).phase not in ENDED:
        for notice in client.notices(project.id, seen, 5.0):
            seen = notice.id
    return view


def _view(client: Client, project: Project, job: str) -> JobView:
    return next(view for view in client.jobs(project.id) if view.id == job)


def _told(view: JobView, evidence: dict[str, Any] | None) -> str:
    return evidence["summary"] if evidence else f"{view.title} ({view.id}): {view.error or view.phase}"


def _parameters(settings: list[str]) -> dict[str, JsonValue]:
    """`key=value` pairs; a value that is JSON is read as such, anything else is text."""
    found: dict[str, JsonValue] = {}
    for pair in settings:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise Mendable(f"--set {pair} is not KEY=VALUE, as in --set steps=100.")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _from_here(tool: str, params: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Paths as they are meant in this folder: the job runs in another."""
    declared = registry.load().get(tool)
    for name in declared.paths if declared else ():
        value = params.get(name)
        if isinstance(value, str) and value and ":" not in value:  # not hub:ORG/NAME, nor an address
            several = declared is not None and get_origin(declared.parameters.model_fields[name].annotation) is tuple
            paths = value.split(",") if several else [value]
            params[name] = ",".join(str(Path(path.strip()).expanduser().absolute()) for path in paths)
    return params
