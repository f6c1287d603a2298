"""Scope and material: the charter, documents, candidates, the choice of a model."""

from agent.lifecycle.decision import Decision, Effect, Refused, accept
from agent.lifecycle.events import AddCandidate, AddDocument, ChooseModel, Event, SetCharter
from agent.lifecycle.project import Charter, Choice, DocumentRef, Project, TaskKind
from agent.lifecycle.resolve import find_data, find_model
from agent.lifecycle.stages import Stage
from tools.contract import DataKind, Dataset

# Fields of the charter that gates decide by: changing one later would move the goal under what was measured.
DECISIVE = frozenset({"task", "metric", "target", "test_set", "latency_ms", "memory_mb", "margin"})


def set_charter(project: Project, body: SetCharter) -> Decision:
    given = {k: v for k, v in body if k != "kind" and v is not None}
    if not given:
        raise Refused("Nothing to change: name a field of the charter and its value, as in `charter target=0.9`.")
    settled = [name for name in given if name in DECISIVE and project.stage is not Stage.SCOPE]
    if settled:
        raise Refused(
            f"{', '.join(settled)} was settled with the scope, and everything since is measured against it;"
            " `go back to scope because …` opens it again."
        )
    if body.test_set is not None:
        given["test_digest"] = _test_data(project, body.test_set).digest
    charter = project.charter.model_copy(update=given)
    _measurable(project, charter)
    shown = ", ".join(f"{k} = {v}" for k, v in given.items() if k != "test_digest")
    return accept(project, f"Charter of {project.name}: {shown}.", charter=charter)


RETRIEVAL_METRICS = ("recall@1", "recall@5", "mrr", "ndcg@10")  # of an encoder, on a task
# The metrics an evaluation gives an interval for, by the kind of data that decides.
METRICS: dict[DataKind, tuple[str, ...]] = {
    DataKind.TASK: ("exact_match", "token_f1", "rougeL", "rouge1", "rouge2", *RETRIEVAL_METRICS),
    DataKind.LABELLED: ("accuracy",),
    DataKind.TAGGED: ("entity_f1", "exact_match"),
}


def _measurable(project: Project, charter: Charter) -> None:
    """A metric nobody measures on this data would keep every later gate closed for ever."""
    data = project.datasets.get(charter.test_set or "")
    every = dict.fromkeys(name for names in METRICS.values() for name in names)
    known = METRICS.get(data.kind, ()) if data else tuple(every)
    if charter.task is not None:
        finds = charter.task is TaskKind.RETRIEVAL
        known = tuple(name for name in known if (name in RETRIEVAL_METRICS) is finds)
    if charter.metric is None or charter.metric in known:
        return
    where = f" on {data.name}, which is {data.kind} data" if data else ""
    if charter.metric in METRICS[DataKind.TASK] and (data is None or data.kind is DataKind.TASK):
        where = f" for {charter.task}{where}"
    can = f"the primary metric can be {' or '.join(known)}" if known else f"{charter.task} is measured on task data"
    raise Refused(f"{charter.metric} is not measured{where}; {can}.")


def _test_data(project: Project, name: str) -> Dataset:
    """The data whose test split is to decide, if it can."""
    data = find_data(project, name)
    if "test" not in data.splits:
        raise Refused(f"{data.name} has no test split, so it cannot decide; register data that is split.")
    if data.kind not in METRICS:
        raise Refused(
            f"{data.name} is {data.kind} data: it has no answers to measure against;"
            " the test set has to be task, labelled or tagged data."
        )
    return data


def add_document(project: Project, event: Event, body: AddDocument) -> Decision:
    document = DocumentRef(
        name=body.name, path=body.path, digest=body.digest, by=event.actor, at=event.at, audience=body.audience
    )
    before = project.documents.get(body.name)
    return accept(
        project,
        f"Document {body.name} is taken into the knowledge of {project.name}.",
        Effect(kind="ingest", document=document),
        *([Effect(kind="discard", document=before)] if before is not None else []),
        documents={**project.documents, body.name: document},
    )


def remove_document(project: Project, name: str) -> Decision:
    document = project.documents.get(name)
    if document is None:
        raise Refused(f"{project.name} has no document {name}; `data` lists what it has.")
    return accept(
        project,
        f"Document {name} is taken out of the knowledge of {project.name}.",
        Effect(kind="forget", document=document),
        documents={key: kept for key, kept in project.documents.items() if key != name},
    )


def add_candidate(project: Project, body: AddCandidate) -> Decision:
    candidate = body.candidate
    held = project.candidates.get(candidate.name)
    if held is not None and held.digest != candidate.digest:
        raise Refused(f"{project.name} has another model called {candidate.name} already; give this one another name.")
    return accept(
        project,
        f"{candidate.name} ({candidate.kind}, {candidate.parameters / 1e6:.1f} M weights, licence {candidate.licence})"
        " is a candidate now.",
        candidates={**project.candidates, candidate.name: candidate},
    )


def choose(project: Project, event: Event, body: ChooseModel) -> Decision:
    candidate = find_model(project, body.model)
    choice = Choice(model=candidate.name, digest=candidate.digest, reason=body.reason, by=event.actor, at=event.at)
    said = f"{project.name} goes on with {candidate.name}: {body.reason}"
    return accept(project, said, choice=choice, current=candidate.name)
