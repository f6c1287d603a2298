"""Who may do what. Decided here, where an event is applied, for every way in alike."""

from agent.lifecycle.events import SYSTEM, Body
from agent.lifecycle.project import Project, Role

_RANK = {Role.VIEWER: 0, Role.MEMBER: 1, Role.APPROVER: 2, Role.OWNER: 3}

# The least role each kind of event asks for. `create_project` is open to everybody; `finish_job` is Odyssey's own.
LEAST: dict[str, Role] = {
    "set_charter": Role.MEMBER,
    "add_document": Role.MEMBER,
    "remove_document": Role.MEMBER,
    "add_candidate": Role.MEMBER,
    "choose_model": Role.MEMBER,
    "start_job": Role.MEMBER,
    "cancel_job": Role.MEMBER,
    "resume_job": Role.MEMBER,
    "skip": Role.MEMBER,
    "advance": Role.MEMBER,
    "go_back": Role.MEMBER,
    "correct_answer": Role.MEMBER,
    "pin_answer": Role.MEMBER,  # who gave the source; anybody else needs to be an approver: see `answers`
    "reject_correction": Role.MEMBER,  # the same
    "approve": Role.APPROVER,
    "reject": Role.APPROVER,
    "waive": Role.OWNER,
    "set_role": Role.OWNER,
    "set_rules": Role.OWNER,
}


def at_least(role: Role | None, least: Role) -> bool:
    return role is not None and _RANK[role] >= _RANK[least]


def may(project: Project, actor: str, kind: str) -> bool:
    """Whether `actor` may cause an event of this kind in this project."""
    if kind == "create_project":
        return True
    if kind == "finish_job":
        return actor == SYSTEM
    return at_least(project.role(actor), LEAST[kind])


def may_see(project: Project, actor: str) -> bool:
    """Whether `actor` may read the project; every member may."""
    return actor == SYSTEM or project.role(actor) is not None


def refusal(project: Project, actor: str, body: Body) -> str:
    """Why not, and who could."""
    if body.kind == "finish_job":
        return "Only Odyssey reports the end of a job."
    least = LEAST[body.kind]
    able = sorted(person for person, role in project.members.items() if at_least(role, least))
    role = project.role(actor)
    if role is None:
        # Who belongs to a project, and its name, are its members' business.
        return f"{actor} has no role in this project; an owner of it can give one: `role {actor} {least.value}`."
    return (
        f"{actor} is a {role.value} of {project.name}; this needs at least the role {least.value}"
        f" (held by {', '.join(able) or 'nobody'}). An owner can change roles: `role {actor} {least.value}`."
    )
