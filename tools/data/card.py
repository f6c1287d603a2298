"""The card of a data set: what it is, where from, how it was divided, and what the checks found."""

from pydantic import JsonValue

from tools.contract import Dataset
from tools.data.spec import DataParameters

_TITLES = {
    "repeated": "repeated rows, dropped",
    "conflicting": "texts with more than one answer; the first was kept",
    "near_duplicates": "near duplicates in the same split or across them",
    "leaked": "test rows that nearly stand in train",
    "dropped": "training rows dropped, so that no test row leaks",
}


def card(params: DataParameters, dataset: Dataset, picture: str = "") -> str:
    """Markdown for people; `picture` is the name of a file beside it."""
    lines = [f"# {dataset.name}", "", f"{dataset.rows:,} rows of {dataset.kind} data from `{dataset.source}`.", ""]
    lines += ["| split | rows | digest |", "|---|---|---|"]
    lines += [f"| {name} | {split.rows:,} | `{split.digest}` |" for name, split in dataset.splits.items()]
    lines += [
        "",
        f"Divided by seed {params.seed}"
        + (f", groups of `{params.group_column}` kept together" if params.group_column else "")
        + ".",
        "",
    ]
    lines += ["| found | |", "|---|---|"]
    facts = dataset.facts
    lengths = (facts.get("characters_median"), facts.get("characters_mean"), facts.get("characters_longest"))
    lines.append(f"| characters of what the model is shown: median, mean, longest | {_listed(lengths)} |")
    lines += [f"| {title} | {facts.get(name, 0)} |" for name, title in _TITLES.items() if name in facts]
    lines.append(f"| personal data, rows of each sort | {_personal(facts.get('personal'), masked=params.mask)} |")
    if dataset.labels:
        most, fewest = _counts(facts, "most_rows"), _counts(facts, "fewest_rows")
        lines.append(f"| labels | {len(dataset.labels)}: most {most}; fewest {fewest} |")
    if picture:
        lines += ["", f"![Lengths{' and labels' if dataset.labels else ''}]({picture})"]
    return "\n".join(lines) + "\n"


def _listed(values: tuple[JsonValue, ...]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _personal(found: JsonValue, *, masked: bool) -> str:
    if not isinstance(found, dict) or not found:
        return "none found by its form"
    told = ", ".join(f"{sort.replace('_', ' ')} {count}" for sort, count in found.items())
    return f"{told}{', masked' if masked else ''}"


def _counts(facts: dict[str, JsonValue], name: str) -> str:
    found = facts.get(name)
    return ", ".join(f"{label} {count}" for label, count in found.items()) if isinstance(found, dict) else ""
