"""A project's charter, data and models."""

from agent.lifecycle import looks
from agent.lifecycle.evidence import lineage
from agent.lifecycle.gates import CHARTER_FIELDS, missing_fields
from agent.lifecycle.project import Project
from agent.markdown import short, size, table
from agent.measured import show_score


def charter(project: Project) -> str:
    held = project.charter
    rows = [(name, asked, _field(getattr(held, name))) for name, asked in CHARTER_FIELDS.items()]
    rows.append(("margin", "how much worse an optimised model may be", _field(held.margin)))
    missing = missing_fields(project)
    state = f"{len(missing)} fields missing: {', '.join(missing)}" if missing else "complete"
    return f"**Charter: {state}**\n\n{table(('Field', 'Says', 'Value'), rows)}"


def _field(value: object) -> str:
    if value is None:
        return "(missing)"
    return f"{value:g}" if isinstance(value, float) else str(value)


def data(project: Project) -> str:
    rows = [
        (
            d.name,
            d.kind.value,
            ", ".join(f"{name} {split.rows}" for name, split in d.splits.items()),
            len(d.labels) or "",
            short(d.digest),
            "the test set" if d.digest == project.charter.test_digest else "",
        )
        for d in project.datasets.values()
    ]
    shown = table(("Data", "Kind", "Rows", "Labels", "Digest", ""), rows)
    documents = [f"- document {d.name} ({short(d.digest)}, by {d.by})" for d in project.documents.values()]
    if not shown and not documents:
        return "No data is registered yet: `register data PATH as NAME`."
    return "\n\n".join(part for part in ("**Data**", shown, looks.said(project), "\n".join(documents)) if part)


def models(project: Project) -> str:
    rows = [
        (
            ("→ " if c.name == project.current else "") + c.name,
            c.method,
            " ← ".join(step.name for step in lineage(project, c.name)),
            f"{c.parameters / 1e6:.2f} M",
            size(c.bytes),
            c.licence,
            show_score(project, c),
            c.job or "",
        )
        for c in project.candidates.values()
    ]
    shown = table(("Model", "Method", "Lineage", "Weights", "Size", "Licence", "Test set", "Made by"), rows)
    return f"**Models** (→ is the current one)\n\n{shown}" if shown else "There is no model yet."
