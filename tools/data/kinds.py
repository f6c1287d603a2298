"""What rows are: read off their columns, checked, and brought into the field names of their kind."""

from collections.abc import Mapping
from typing import Any

from tools.contract import DataKind
from tools.data import dialogues
from tools.data.formats import Table
from tools.errors import UserFault

# Names in use for each field, the field's own first.
_ALIASES: dict[str, tuple[str, ...]] = {
    "text": ("text", "utterance", "sentence", "message", "question", "query", "content", "body", "ticket", "review",
             "document", "input", "prompt"),
    "label": ("label", "category", "intent", "class", "target", "tag", "queue", "topic", "label_text"),
    "prompt": ("prompt", "instruction", "input", "question", "source"),
    "completion": ("completion", "response", "output", "answer", "reply", "target"),
    "messages": ("messages", "conversation", "conversations", "dialogue", "turns"),
    "tokens": ("tokens", "words"),
    "tags": ("tags", "ner_tags", "labels"),
}  # fmt: skip
FIELDS: dict[DataKind, tuple[str, ...]] = {  # in the order in which kinds are recognised
    DataKind.CONVERSATION: ("messages",),
    DataKind.TAGGED: ("tokens", "tags"),
    DataKind.PREFERENCE: ("prompt", "chosen", "rejected"),
    DataKind.CHECKLIST: ("prompt", "must"),
    DataKind.FACTS: ("question", "answer"),
    DataKind.LABELLED: ("text", "label"),
    DataKind.THUMBS: ("prompt", "completion", "label"),
    DataKind.TASK: ("prompt", "completion"),
    DataKind.CORPUS: ("text",),
}
_LISTS = ("must", "must_not")
_JSON = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}
_OPTIONAL = {DataKind.CHECKLIST: ("must_not",)}


def infer(table: Table, mapped: Mapping[str, str]) -> DataKind:
    """The kind whose fields the columns cover, by their own names first, then by usual ones."""
    own = {column.strip().casefold() for column in table.columns} | set(mapped)
    for kind, fields in FIELDS.items():
        if kind is not DataKind.CORPUS and own.issuperset(fields):
            return kind
    for kind in (DataKind.CONVERSATION, DataKind.TAGGED, DataKind.TASK, DataKind.LABELLED, DataKind.CORPUS):
        found = [_column(table, field, mapped) for field in FIELDS[kind]]
        if all(found) and len(set(found)) == len(found):
            return kind
    raise UserFault(
        f"{table.path} has the columns {_named(table)}, from which its kind cannot be told; say which column is what"
        " (text_column, label_column, prompt_column, completion_column) or give `kind`."
    )


def normalise(
    table: Table, kind: DataKind, mapped: Mapping[str, str], group: str | None = None
) -> list[dict[str, Any]]:
    """Rows with exactly the fields of their kind (a category and a group, where there are), every value checked."""
    columns = _columns(table, kind, mapped)
    if group is not None and group not in table.columns:
        raise UserFault(f"{table.path} has no column {group} to group by; it has {_named(table)}.")
    category = _column(table, "category", {}) if "label" not in columns else None
    rows = []
    for number, row in zip(table.lines, table.rows, strict=True):
        clean = _row(f"Row {number} of {table.path}", kind, {field: row.get(c) for field, c in columns.items()})
        if group is not None:
            clean["group"] = _group(f"Row {number} of {table.path}", group, row.get(group))
        if category is not None and isinstance(row.get(category), str):
            clean["category"] = row[category].strip()
        rows.append(clean)
    return rows


def _group(where: str, column: str, value: Any) -> str:
    """What keeps rows together: without it a row would stand with all others that lack it."""
    if value is None or value != value or not str(value).strip():
        raise UserFault(f"{where} has no {column} to group by; fill it in or remove the row.")
    return str(value).strip()


def _row(where: str, kind: DataKind, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of one row, checked."""
    match kind:
        case DataKind.CONVERSATION:
            return {"messages": dialogues.messages(where, given["messages"])}
        case DataKind.TAGGED:
            tokens = dialogues.words(where, given["tokens"])
            return {"tokens": tokens, "tags": dialogues.tags(where, given["tags"], len(tokens))}
        case DataKind.THUMBS:
            texts = {field: _value(where, field, given[field]) for field in ("prompt", "completion")}
            return {**texts, "label": dialogues.thumb(where, given["label"])}
    clean = {field: _value(where, field, value) for field, value in given.items()}
    if kind is DataKind.CHECKLIST and not clean["must"] and not clean.get("must_not"):
        raise UserFault(f"{where} has no phrase in must or must_not, so every answer passes; name some.")
    if kind is DataKind.PREFERENCE and clean["chosen"] == clean["rejected"]:
        raise UserFault(
            f"{where}: chosen and rejected are the same, which shows no preference; mend or remove the row."
        )
    return clean


def _columns(table: Table, kind: DataKind, mapped: Mapping[str, str]) -> dict[str, str]:
    """Which column holds which field."""
    for column in mapped.values():
        if column not in table.columns:
            raise UserFault(f"{table.path} has no column {column}; it has {_named(table)}.")
    twice = [column for column in mapped.values() if list(mapped.values()).count(column) > 1]
    if twice:
        named = " and ".join(f"{field}_column" for field, column in mapped.items() if column == twice[0])
        raise UserFault(f"{named} both name {twice[0]}; say which column holds which.")
    columns = {field: _column(table, field, mapped) for field in (*FIELDS[kind], *_OPTIONAL.get(kind, ()))}
    missing = [field for field in FIELDS[kind] if columns[field] is None]
    if missing:
        raise UserFault(
            f"{table.path} has no column for {' and '.join(missing)}, which {kind} data needs; it has {_named(table)}."
        )
    return {field: column for field, column in columns.items() if column is not None}


def _column(table: Table, field: str, mapped: Mapping[str, str]) -> str | None:
    if field in mapped:
        return mapped[field]
    named = {column.strip().casefold(): column for column in reversed(table.columns)}
    taken = set(mapped.values())
    usual = (named[alias] for alias in _ALIASES.get(field, (field,)) if alias in named)
    return next((column for column in usual if column not in taken), None)


def _value(where: str, field: str, value: Any) -> Any:
    if field in _LISTS:
        return _phrases(where, field, value)
    if isinstance(value, float) and value != value:
        value = None  # NaN is how tables write that nothing is there
    if isinstance(value, int | float) and field in ("label", "completion", "answer"):
        value = str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise UserFault(f"{where} has no {field}; fill it in or remove the row.")
    if not isinstance(value, str):
        raise UserFault(f"{where}: {field} is {_JSON.get(type(value), 'no text')}; mend or remove the row.")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UserFault(f"{where}: {field} holds half of a character (a lone surrogate); mend or remove the row.")
    return value.strip()


def _phrases(where: str, field: str, value: Any) -> list[str]:
    if value is None and field == "must_not":
        return []
    if isinstance(value, list) and all(isinstance(phrase, str) and phrase.strip() for phrase in value):
        return value
    raise UserFault(f'{where}: {field} has to be a list of phrases such as ["thank you|thanks", "sorry"].')


def _named(table: Table) -> str:
    return ", ".join(column or '""' for column in table.columns) or "none"
