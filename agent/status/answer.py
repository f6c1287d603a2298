"""The answer to each of the fixed questions, as Markdown and as data."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import JsonValue

from agent.lifecycle.gates import gate
from agent.lifecycle.project import Project
from agent.lifecycle.stages import label
from agent.markdown import moment
from agent.measured import best, compare, evidence_table, latest, metric_table, of_models, score
from agent.price import Price
from agent.status.decisions import approvals, decisions, history, members
from agent.status.jobs import jobs_by_state
from agent.status.material import charter, data, models
from agent.status.model import AuditLine, JobView, Narrowed, StatusQuery
from agent.status.spent import spent
from agent.status.where import gate_card, where

_PLAIN: dict[StatusQuery, Callable[[Project], str]] = {
    StatusQuery.GATE: gate_card,
    StatusQuery.LATEST: latest,
    StatusQuery.BEST: best,
    StatusQuery.APPROVALS: approvals,
    StatusQuery.MEMBERS: members,
    StatusQuery.EVIDENCE: evidence_table,
    StatusQuery.CHARTER: charter,
    StatusQuery.DATA: data,
    StatusQuery.MODELS: models,
    StatusQuery.COMPARE: compare,
}


def answer_status(
    query: StatusQuery,
    project: Project,
    jobs: Sequence[JobView] = (),
    audit: Sequence[AuditLine] = (),
    now: datetime | None = None,
    wanted: Narrowed | None = None,
    price: Price | None = None,
) -> str:
    """The answer to one of the fixed questions, as Markdown. `jobs` adds live progress, `audit` the full record.

    `wanted` narrows it to jobs of a state, a period, a round, or what a decision is about.
    `now` is when the state was read; without it the answer names the last event only. `price`, where one is set,
    turns machine time into costs.
    """
    match query:
        case StatusQuery.WHERE:
            text = where(project, jobs)
        case StatusQuery.JOBS:
            text = jobs_by_state(project, jobs, wanted)
        case StatusQuery.SPENT:
            text = spent(project, jobs, now, wanted, price)
        case StatusQuery.DECISIONS:
            text = decisions(project, wanted)
        case StatusQuery.HISTORY:
            text = history(project, audit)
        case _:
            text = _plain(query, project, wanted or Narrowed())
    at = f" {moment(now)}," if now else ""
    return f"{text}\n\n_{project.name} as of{at} event {project.seq}._"


_MEASURED = (StatusQuery.LATEST, StatusQuery.BEST, StatusQuery.EVIDENCE, StatusQuery.COMPARE)


def _plain(query: StatusQuery, project: Project, wanted: Narrowed) -> str:
    """A question on the state alone; what was measured can be that of one round, of some models, of one metric."""
    if query not in _MEASURED:
        return _PLAIN[query](project)
    if wanted.models:
        project = of_models(project, wanted.models)
    head = ""
    if wanted.round is not None:
        held = tuple(item for item in project.evidence if item.round == wanted.round)
        if not held:
            return f"Nothing was measured in round {wanted.round}; {project.name} is in round {project.round}."
        measured = {item.model for item in held}
        candidates = {name: model for name, model in project.candidates.items() if name in measured}
        project = project.model_copy(update={"evidence": held, "candidates": candidates})
        head = f"In round {wanted.round}:\n\n"
    shown = metric_table(project, wanted.metric) if wanted.metric else ""
    return head + (shown or _PLAIN[query](project))


def as_json(project: Project, jobs: Sequence[JobView], now: datetime) -> dict[str, JsonValue]:
    """Everything the renderings say, as data: the whole project, its gate, the current score and the jobs."""
    found, model = gate(project), project.model
    scored = score(project, model)
    return {
        "as_of": now.isoformat(),
        "event": project.seq,
        "stage": project.stage.value,
        "label": label(project.stage),
        "round": project.round,
        "model": model.name if model else None,
        "score": {**scored[1].model_dump(mode="json"), "evidence": scored[0].id, "run": scored[0].run}
        if scored
        else None,
        "gate": {"open": found.open, **found.model_dump(mode="json")},
        "approval": project.approval.model_dump(mode="json") if project.approval else None,
        "jobs": [job.model_dump(mode="json") for job in jobs],
        "project": project.model_dump(mode="json"),
    }
