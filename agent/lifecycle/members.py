"""Who belongs to a project, and how it approves."""

from agent.lifecycle.decision import Decision, Refused, accept
from agent.lifecycle.events import SYSTEM, SetRole, SetRules
from agent.lifecycle.project import Project, Role


def set_role(project: Project, body: SetRole) -> Decision:
    if body.person == SYSTEM:
        raise Refused(f"{SYSTEM} is the name of the assistant itself; it has no role.")
    if body.role is None and body.person not in project.members:
        raise Refused(f"{body.person} is not a member of {project.name}.")
    members = {p: r for p, r in project.members.items() if p != body.person}
    if body.role is not None:
        members[body.person] = body.role
    if Role.OWNER not in members.values():
        raise Refused(f"{project.name} needs an owner; make somebody else one first.")
    said = f"{body.person} is {body.role.value if body.role else 'no longer a member'} in {project.name}."
    return accept(project, said, members=members)


def set_rules(project: Project, body: SetRules) -> Decision:
    given = {k: v for k, v in body if k != "kind" and v is not None}
    if not given:
        raise Refused("Nothing to change: name a rule and its value (approvers, self_approval, hours).")
    rules = project.rules.model_copy(update=given)
    shown = ", ".join(f"{k} = {v}" for k, v in given.items())
    return accept(project, f"Rules of {project.name}: {shown}.", rules=rules)
