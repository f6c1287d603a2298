"""Filling a charter in conversation: one plain question a field, several answers at once, or a file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from agent.errors import Mendable
from agent.graph.session import Session
from agent.lifecycle.events import SetCharter
from agent.lifecycle.gates import missing_fields
from agent.lifecycle.project import Project, TaskKind
from tools.contract import DataKind

QUESTIONS: dict[str, str] = {
    "description": "What is built, in a sentence? For example: answers tickets with a label and a polite reply.",
    "task": "Which kind of task is it? Extraction (such as named entities), generation, summarisation, dialogue,"
    " classification or retrieval (which text answers a question).",
    "users": "Who will use it? For example: the twelve agents of our support desk.",
    "metric": "Which number decides? exact_match, token_f1, rougeL (summarisation), accuracy (classification),"
    " entity_f1 (named entities) or recall@1 (retrieval).",
    "target": "Which value must it reach on the test set? For example 0.9 or 90 %. The interval's lower end has to.",
    "test_set": "Which registered data decides, by name? Its test split is used by the gates alone.",
    "latency_ms": "How fast must an answer be, at the 95th percentile? For example 500 ms or 2 s.",
    "memory_mb": "How much memory may the served model take? For example 800 MB or 2 GB.",
    "cost": "What may it cost, in words? For example: nothing beyond this machine.",
    "risks": "What can go wrong, and for whom? For example: a wrong label sends a ticket to the wrong team.",
}
FREE = frozenset({"description", "users", "cost", "risks"})  # fields whose answer is any sentence
_TASKS = {
    TaskKind.EXTRACTION: r"extract|entit|\bner\b|parse|structured|抽取|实体",
    TaskKind.SUMMARISATION: r"summar|摘要|总结",
    TaskKind.DIALOGUE: r"dialog|chat|conversation|对话",
    TaskKind.CLASSIFICATION: r"classif|categor|label|rout|triage|intent|分类",
    TaskKind.RETRIEVAL: r"retriev|embed|semantic search|find\w* (?:the |a )?(?:right |fitting )?(?:text|passage|answer)"
    r"|检索|向量|嵌入",
    TaskKind.GENERATION: r"generat|writ|answer|open|生成",
}
_METRIC = {
    "exact_match": r"exact|完全匹配",
    "entity_f1": r"entit|seqeval|\bner\b|实体",
    "token_f1": r"f1|overlap",
    "accuracy": r"accura|准确",
    "rouge1": r"rouge[-_ ]?1",
    "rouge2": r"rouge[-_ ]?2",
    "rougeL": r"rouge",
    "recall@5": r"recall[@ ]*5|召回率?[@ ]*5",
    "recall@1": r"recall|召回",
    "mrr": r"\bmrr\b|reciprocal",
    "ndcg@10": r"ndcg",
}
_MAX_FILE = 1 << 20


def begin(session: Session, project: Project) -> str:
    """The first question, or what follows when nothing is missing."""
    session.asking = _following(session, project, None)
    if session.asking is None:
        return ""
    return question(session, project)


def question(session: Session, project: Project) -> str:
    """The question that is asked now, with how many are left."""
    name = session.asking or ""
    left = len([f for f in missing_fields(project) if f not in session.draft])
    choice = ""
    if name == "test_set":
        choice = " There is " + ", ".join(_testable(project)) + "."
    return f"**{name}** ({left} left): {QUESTIONS[name]}{choice} (`later` stops asking.)"


def settle(session: Session, project: Project, text: str) -> str | None:
    """Take `text` as the answer to the question asked; None if it is no value for that field."""
    name = session.asking or ""
    value = parse(name, text, project)
    if value is None:
        return None
    session.draft = {**session.draft, name: value}
    session.asking = _following(session, project, name)
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{name} = {shown}."


def parse(name: str, text: str, project: Project | None = None) -> JsonValue | None:
    """A field's value as people write it; None if it is none."""
    plain = " ".join(text.split()).strip()
    lower = plain.lower()
    if not plain:
        return None
    match name:
        case "task":
            return next((k.value for k, cue in _TASKS.items() if lower == k or re.search(cue, lower)), None)
        case "metric":
            found = next((m for m, cue in _METRIC.items() if lower == m or re.search(cue, lower)), None)
            plain_f1 = found == "token_f1" and not re.search(r"token|overlap", lower)
            return "entity_f1" if plain_f1 and project is not None and _tagged(project) else found
        case "target" | "margin":
            return _share(lower)
        case "latency_ms":
            return _scaled(lower, {"ms": 1, "millisecond": 1, "毫秒": 1, "s": 1000, "second": 1000, "秒": 1000}, 1)
        case "memory_mb":
            return _scaled(lower, {"mb": 1, "gb": 1000, "megabyte": 1, "gigabyte": 1000, "kb": 0.001}, 1)
        case "test_set":
            known = project.datasets if project else {}
            return next((d for d in known if re.search(rf"(?<![\w-]){re.escape(d.lower())}(?![\w-])", lower)), None)
        case _:
            return plain


def complete(fields: Mapping[str, Any], project: Project) -> SetCharter:
    """The event for fields as people wrote them. Raises `Mendable` naming the field and what would do."""
    values: dict[str, Any] = {}
    for name, given in fields.items():
        if name not in (*QUESTIONS, "margin"):
            raise Mendable(f"The charter has no field {name}; it has {', '.join((*QUESTIONS, 'margin'))}.")
        value = parse(name, str(given), project) if isinstance(given, str) and name not in FREE else given
        if value is None and name == "test_set":
            known = ", ".join(_testable(project)) or "none yet: `register data PATH as NAME`"
            raise Mendable(f"test_set={given} is no registered data of {project.name} ({known}).")
        if value is None and given is not None:
            raise Mendable(f"{name}={given} will not do. {QUESTIONS.get(name, 'A share such as 0.03.')}")
        values[name] = value
    try:
        return SetCharter.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0]) if fault["loc"] else "charter"
        raise Mendable(
            f"{name}={fault['input']} will not do: {fault['msg'].lower()}. {QUESTIONS.get(name, '')}"
        ) from None


def read(path: str) -> dict[str, Any]:
    """A charter file: one JSON object with the charter's fields. Raises `Mendable`."""
    file = Path(path).expanduser()
    try:
        if file.stat().st_size > _MAX_FILE:
            raise Mendable(f"{file} is too large for a charter.")
        fields = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mendable(f"{file} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None
    except ValueError as error:
        raise Mendable(f"{file} is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise Mendable(f"{file} must hold one JSON object with the charter's fields: {', '.join(QUESTIONS)}.")
    return {str(name): value for name, value in fields.items()}


def _following(session: Session, project: Project, after: str | None) -> str | None:
    """The next field to ask for; the test set only once there is data to choose from."""
    missing = [f for f in missing_fields(project) if f not in session.draft and f != after]
    return next((f for f in missing if f != "test_set" or _testable(project)), None)


def _testable(project: Project) -> list[str]:
    return [data.name for data in project.datasets.values() if "test" in data.splits]


def _tagged(project: Project) -> bool:
    """Whether all that could decide is tagged data, so that an F1 is one of entities."""
    return {project.datasets[name].kind for name in _testable(project)} == {DataKind.TAGGED}


def _share(lower: str) -> float | None:
    match = re.search(r"(\d+(?:[.,]\d+)?)\s*(%|percent|百分)?", lower)
    if match is None:
        return None
    value = float(match[1].replace(",", "."))
    return value / 100 if match[2] or value > 1 else value


def _scaled(lower: str, units: Mapping[str, float], default: float) -> float | None:
    match = re.search(r"(\d+(?:[.,]\d+)?)\s*([a-z\u4e00-\u9fff]*)", lower)
    if match is None:
        return None
    unit = match[2].removesuffix("s") if len(match[2]) > 2 else match[2]
    return float(match[1].replace(",", ".")) * units.get(unit, default)
