"""Dialogues, tagged words and thumbs: rows whose fields are more than a text."""

from typing import Any

from tools.errors import UserFault

_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "customer": "user", "agent": "assistant"}
_THUMBS = {"true": True, "false": False, "1": True, "0": False, "up": True, "down": False, "👍": True, "👎": False}


def messages(where: str, value: Any) -> list[dict[str, str]]:
    """Turns with a role and content: an optional system turn, then user and assistant in turn, the assistant last."""
    if not isinstance(value, list) or not value:
        raise UserFault(f'{where}: messages has to be a list of turns such as {{"role": "user", "content": "…"}}.')
    turns = [_turn(f"{where}, turn {number}", turn) for number, turn in enumerate(value, 1)]
    spoken = turns[1:] if turns[0]["role"] == "system" else turns
    for number, turn in enumerate(spoken):
        wanted = ("user", "assistant")[number % 2]
        if turn["role"] != wanted:
            place = number + 1 + len(turns) - len(spoken)
            raise UserFault(
                f"{where}, turn {place} is the {turn['role']}'s where the {wanted}'s belongs; mend the order."
            )
    if not spoken or spoken[-1]["role"] != "assistant":
        raise UserFault(f"{where} does not end with an answer of the assistant; add one or remove the last turn.")
    return turns


def _turn(where: str, turn: Any) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise UserFault(f"{where} is no object with role and content; mend it.")
    role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
    known = _ROLES.get(role, role) if isinstance(role, str) else role
    if known not in ("system", "user", "assistant"):
        raise UserFault(f"{where} has the role {role!r}; use system, user or assistant.")
    if not isinstance(content, str) or not content.strip():
        raise UserFault(f"{where} says nothing; fill in its content or remove the turn.")
    return {"role": known, "content": content.strip()}


def words(where: str, value: Any) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(word, str) and word.strip() for word in value):
        return value
    raise UserFault(f'{where}: tokens has to be a list of words such as ["Ada", "lives", "here"].')


def tags(where: str, value: Any, count: int) -> list[str]:
    """Tags in the BIO scheme (Ramshaw and Marcus 1995): I-X only goes on from B-X or I-X."""
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise UserFault(f'{where}: tags has to be a list of names such as ["B-PER", "O"], one for each token.')
    if len(value) != count:
        raise UserFault(f"{where} has {count} tokens and {len(value)} tags; give every token one.")
    before = "O"
    for number, tag in enumerate(value, 1):
        prefix, _, name = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not name):
            raise UserFault(f"{where}, tag {number} is {tag!r}; use O, B-NAME and I-NAME.")
        if prefix == "I" and before[2:] != name:
            raise UserFault(f"{where}, tag {number}: {tag} follows {before}; an entity begins with B-{name}.")
        before = tag
    return value


def thumb(where: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = _THUMBS.get(str(value).strip().casefold()) if isinstance(value, str | int) else None
    if known is None:
        raise UserFault(f"{where}: label is {value!r}; a thumb is true or false.")
    return known
