"""How often a project has looked at a test set. Choosing by what a test set says fits the project to it.

The warning comes from ten looks on: the best of ten equal candidates lies about 1.5 standard errors too high (the
expected largest of ten normal draws), as much as half of a 95 % interval's width. Dwork et al. (2015, "The reusable
holdout") show that what is reused adaptively stops being a test.
"""

from agent.lifecycle.project import Evidence, Project

MANY = 10


def looks(project: Project, digest: str | None = None) -> tuple[Evidence, ...]:
    """Evidence that was measured on a test split, the charter's by default; `digest` names its data.

    Splits are told apart by their own digest, so that data registered again under another name counts as the same.
    """
    wanted = _split(project, digest or project.charter.test_digest)
    return tuple(e for e in project.evidence if wanted and _tested(e) and _split(project, e.data_digest) == wanted)


def _tested(evidence: Evidence) -> bool:
    return evidence.split == "test" or any(metric.split == "test" for metric in evidence.metrics)


def _split(project: Project, digest: str | None) -> str | None:
    data = next((d for d in project.datasets.values() if d.digest == digest), None)
    return data.splits["test"].digest if data is not None and "test" in data.splits else digest


def said(project: Project) -> str:
    """One sentence for the gate; empty where nobody has looked."""
    found = looks(project)
    if not found:
        return ""
    times = "once" if len(found) == 1 else f"{len(found)} times"
    warning = f" {warned(project)}" if len(found) >= MANY else ""
    return f"The test set of {project.charter.test_set} was looked at {times}, last by {found[-1].run}.{warning}"


def warned(project: Project) -> str:
    """What many looks mean; empty while there are few."""
    count = len(looks(project))
    if count < MANY:
        return ""
    return (
        f"After {count} looks the best of them is too high by chance: choose on the development split, and register"
        " fresh test rows for the decision."
    )
