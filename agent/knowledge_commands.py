"""Commands on what is known: search it, take documents in, hold the index against its sources, make it anew."""

import argparse
from dataclasses import asdict
from pathlib import Path

from agent.client import open_client
from agent.commands import person, require_project, say, say_json, sentences
from agent.errors import Mendable
from agent.interface import Client
from agent.settings import Settings
from knowledge.errors import KnowledgeError
from knowledge.model import Hit, Ingested


def search(arguments: argparse.Namespace, settings: Settings) -> int:
    actor = person(arguments, settings)
    with open_client(settings) as client:
        project = require_project(client, actor, arguments.project).id if arguments.project else None
        for text in sentences(arguments):
            hits = client.search(actor, text, project, arguments.k)
            if arguments.json or arguments.jsonl:
                say_json({"passages": [_passage(hit) for hit in hits]})
            else:
                say("\n\n".join(map(_shown, hits)))
    return 0


def _shown(hit: Hit) -> str:
    return f"{hit.heading or hit.title} ({hit.source}, {hit.score:.2f})\n{hit.text}"


def _passage(hit: Hit) -> dict[str, object]:
    return {"source": hit.source, "heading": hit.heading, "text": hit.text, "score": hit.score}


def ingest(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit status 1 where a file was not taken; the others are."""
    actor = person(arguments, settings)
    paths = tuple(str(Path(path).expanduser().absolute()) for path in arguments.paths)
    with open_client(settings) as client:
        project = require_project(client, actor, arguments.project)
        outcomes = client.ingest(actor, project.id, paths, arguments.audience)
    for outcome in outcomes:
        if arguments.json:
            say_json(outcome.model_dump(mode="json"))
        else:
            say(_told(outcome))
    if not outcomes:
        say_json([]) if arguments.json else say("There are no files in there.")
    return 1 if not outcomes or any(outcome.document is None for outcome in outcomes) else 0


def _told(outcome: Ingested) -> str:
    document = outcome.document
    if document is None:
        return f"{outcome.path}: not taken: {outcome.problem}"
    return f"{outcome.path}: {document.name}, version {document.number}, {document.passages} passages"


def knowledge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exit status 1 where the index is not what its sources say."""
    if arguments.what == "calibrate":
        return _calibrate(arguments, settings)
    with open_client(settings) as client:
        return _rebuild(arguments, client) if arguments.what == "rebuild" else _audit(arguments, client)


def _audit(arguments: argparse.Namespace, client: Client) -> int:
    found = client.audit_knowledge()
    if arguments.json:
        say_json({"sound": found.sound, **found.model_dump(mode="json")})
    else:
        for kind in ("missing", "orphan", "stale"):
            for line in getattr(found, kind):
                say(f"{kind}: {line}")
        say("The index is what its sources say." if found.sound else "`odyssey knowledge rebuild` makes it anew.")
    return 0 if found.sound else 1


def _rebuild(arguments: argparse.Namespace, client: Client) -> int:
    documents = client.rebuild_knowledge()
    if arguments.json:
        say_json({"documents": [document.model_dump(mode="json") for document in documents]})
    else:
        say(f"{len(documents)} documents are indexed anew.")
    return 0


def _calibrate(arguments: argparse.Namespace, settings: Settings) -> int:
    """On the questions and sentences that ship, in a folder of its own: no home is opened."""
    from agent.bootstrap import build_embedder, build_reader
    from knowledge.calibrate import calibrated
    from knowledge.fitted import keep

    embedder = build_embedder(settings)
    try:
        made = calibrated(embedder, settings.cache, build_reader(settings))
    except KnowledgeError as error:
        raise Mendable(str(error)) from None
    file = keep(embedder.name, settings.cache, made.fitted)
    if arguments.json:
        search = {kind: asdict(found) for kind, found in made.search.items()}
        say_json({"encoder": embedder.name, "file": str(file), "search": search, "sentences": made.sentences})
    else:
        for line in made.lines():
            say(line)
        say(f"Kept for {embedder.name} in {file}; Odyssey uses it from its next start.")
    return 0
