"""Registering data: read, check, drop repeats, split, hash. Nothing is registered unless all of it succeeds."""

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from pydantic import JsonValue

from tools import digest
from tools.contract import Artefact, DataKind, Dataset, JobContext, Metric, Result, Split
from tools.data import checks, formats, kinds, personal, splits
from tools.data.card import card
from tools.data.checks import Row
from tools.data.overlaps import Overlaps, look_for_overlaps
from tools.data.spec import SCHEME, DataParameters
from tools.errors import UserFault

_SHOWN = 5  # labels or texts of each sort in the facts


@dataclass(frozen=True)
class Checked:
    """Rows by split, ready to be written, and what had to be said about them."""

    kind: DataKind
    parts: dict[str, list[Row]]
    repeated: int
    conflicting: list[str] = field(default_factory=list)
    overlaps: Overlaps = field(default_factory=Overlaps)
    personal: dict[str, int] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)


def run(params: DataParameters, context: JobContext) -> Result:
    context.progress("reading", 0, 3)
    source, files = _files(params, context)
    kind, given = _read(params, files)
    context.progress("checking and splitting", 1, 3)
    checked = _check(params, source, kind, given)
    context.stop_if_cancelled()
    context.progress("writing", 2, 3)
    dataset = _write(params, context, source, checked)
    artefacts = (
        context.artefact(dataset.name, "dataset", context.folder / "data"),
        *_shown(params, context, dataset, checked),
    )
    context.progress("writing", 3, 3)
    return Result(
        summary=_summary(dataset, checked, masked=params.mask),
        metrics=(
            Metric(name="rows", value=dataset.rows, unit="rows"),
            Metric(name="repeated_rows", value=checked.repeated, unit="rows"),
            Metric(name="conflicting_rows", value=len(checked.conflicting), unit="rows"),
        ),
        artefacts=artefacts,
        dataset=dataset,
        facts=dataset.facts,
    )


def _shown(params: DataParameters, context: JobContext, dataset: Dataset, checked: Checked) -> Iterator[Artefact]:
    """The card, and the picture in it."""
    picture = ""
    if splits.is_divided(dataset.kind):
        from tools.data import plot  # here: a second of importing that faults and small sets do not wait for

        drawn = plot.draw(dataset, checked.parts, context.folder / "data.png")
        yield context.artefact("lengths and balance", "plot", drawn)
        picture = drawn.name
    described = context.folder / "card.md"
    described.write_text(card(params, dataset, picture), encoding="utf-8")
    yield context.artefact("card", "report", described)


def _absolute(path: str) -> Path:
    """Who asked made a relative path absolute if there was such a file; the job's own folder is not meant."""
    file = Path(path).expanduser()
    if not file.is_absolute():
        raise UserFault(f"There is no file {path} where it was asked for; give the whole path, from / on.")
    return file


def _files(params: DataParameters, context: JobContext) -> tuple[Path, dict[str, list[Path]]]:
    """What the data is called after, and the files to read: "all", and "dev" and "test" where those have their own."""
    own = {"dev": params.dev_path, "test": params.test_path}
    given = {name: [_absolute(path)] for name, path in own.items() if path}
    if not params.path.startswith(SCHEME):
        source = _absolute(params.path)
        return source, {"all": [source], **given}
    from tools.data import hub  # here: its client takes a third of a second that other data does not wait for

    wanted = params.path.removeprefix(SCHEME)
    return Path(wanted), {**hub.fetch(wanted, context.folder / "hub"), **given}


def _read(params: DataParameters, files: dict[str, list[Path]]) -> tuple[DataKind, dict[str, list[Row]]]:
    """The kind, and rows by the file they were given in: "all", and "dev" and "test" where those have their own."""
    fields = ("text", "label", "prompt", "completion")
    mapped = {name: column for name in fields if (column := getattr(params, f"{name}_column"))}
    tables = {name: [formats.read(path) for path in paths] for name, paths in files.items()}
    kind = params.kind or _kind(tables["all"][0], mapped)
    given = {
        name: [row for table in read for row in kinds.normalise(table, kind, mapped, params.group_column)]
        for name, read in tables.items()
    }
    if params.limit is not None and params.limit < len(given["all"]):
        given["all"] = random.Random(params.seed).sample(given["all"], params.limit)
    return kind, given


def _kind(table: formats.Table, mapped: dict[str, str]) -> DataKind:
    for column in mapped.values():
        if column not in table.columns:
            raise UserFault(f"{table.path} has no column {column}; it has {', '.join(table.columns)}.")
    return kinds.infer(table, mapped)


def _check(params: DataParameters, source: Path, kind: DataKind, given: dict[str, list[Row]]) -> Checked:
    if len(given) > 1 and not splits.is_divided(kind):
        raise UserFault(f"{kind} data is not split: all of it is measured on; leave dev_path and test_path out.")
    held = personal.find(row for rows in given.values() for row in rows)
    if params.mask and held:
        given = {name: [personal.mask(row) for row in rows] for name, rows in given.items()}
    found = {name: checks.unique(rows, kind) for name, rows in given.items()}
    files = {
        "all": str(source),
        "dev": params.dev_path or "its dev files",
        "test": params.test_path or "its test files",
    }
    checks.check_signal(found["all"].rows, kind)
    checks.refuse_overlap({name: (files[name], one.rows) for name, one in found.items()}, kind)
    sizes = splits.Sizes(
        dev=0 if "dev" in found else (params.dev_rows or params.dev),
        test=0 if "test" in found else (params.test_rows or params.test),
    )
    parts = splits.divide(found["all"].rows, kind, sizes, params.seed)
    parts |= {name: one.rows for name, one in found.items() if name != "all"}
    parts, overlaps = look_for_overlaps(parts, kind, drop=params.drop_leaked)
    return Checked(
        kind=kind,
        parts=parts,
        overlaps=overlaps,
        personal=held,
        repeated=sum(one.repeated for one in found.values()),
        conflicting=[text for one in found.values() for text in one.conflicting],
        unseen=checks.unseen_labels(parts) if kind is DataKind.LABELLED else [],
    )


def _write(params: DataParameters, context: JobContext, source: Path, checked: Checked) -> Dataset:
    """Write every split beside its final place and move them there together."""
    folder, draft = context.folder / "data", context.folder / ".data"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    written: dict[str, Split] = {}
    for name, rows in checked.parts.items():
        path = draft / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        final = (folder / path.name).absolute()
        written[name] = Split(path=str(final), digest=digest.of_file(path), rows=len(rows))
    if folder.exists():  # an earlier attempt of this job was cut off after it had written them
        shutil.rmtree(folder)
    draft.rename(folder)
    labelled = checked.kind is DataKind.LABELLED
    return Dataset(
        name=params.name or source.stem,
        kind=checked.kind,
        digest=digest.of_json({"kind": checked.kind, "splits": {n: s.digest for n, s in written.items()}}),
        splits=written,
        labels=tuple(sorted(checks.balance(_rows(checked)))) if labelled else (),
        source=str(source),
        facts=facts_of(checked),
    )


def _rows(checked: Checked) -> list[Row]:
    return [row for part in checked.parts.values() for row in part]


def facts_of(checked: Checked) -> dict[str, JsonValue]:
    """What the checks found, in characters and rows."""
    rows = _rows(checked)
    lengths = [len(checks.asked(row, checked.kind)) for row in rows]
    facts: dict[str, JsonValue] = {
        "characters_mean": round(fmean(lengths), 1),
        "characters_median": median(lengths),
        "characters_longest": max(lengths),
        "repeated": checked.repeated,
        "conflicting": len(checked.conflicting),
        "near_duplicates": checked.overlaps.near,
    }
    if checked.overlaps.leaked:
        facts |= {"leaked": len(checked.overlaps.leaked), "leaked_examples": [*checked.overlaps.leaked[:_SHOWN]]}
    if checked.overlaps.dropped:
        facts["dropped"] = checked.overlaps.dropped
    if checked.personal:
        facts["personal"] = dict(checked.personal)
    if checked.conflicting:
        facts["conflicting_examples"] = [text[:100] for text in checked.conflicting[:_SHOWN]]
    categories = {row.get("category") for row in rows}
    if len(categories) == 1 and (category := categories.pop()):
        facts["category"] = category
    if checked.kind is DataKind.LABELLED:
        counts = list(checks.balance(rows).items())
        facts |= {"labels": len(counts), "most_rows": dict(counts[:_SHOWN]), "fewest_rows": dict(counts[-_SHOWN:])}
        facts["labels_not_in_train"] = [*checked.unseen]
    return facts


def _summary(dataset: Dataset, checked: Checked, *, masked: bool) -> str:
    counts = ", ".join(f"{split.rows:,} {name}" for name, split in dataset.splits.items())
    of = f" of {len(dataset.labels)} labels" if dataset.labels else ""
    said = [f"{dataset.name} is {dataset.kind} data with {dataset.rows:,} rows{of} ({counts})"]
    if checked.repeated:
        said.append(f"{checked.repeated:,} repeated {'row was' if checked.repeated == 1 else 'rows were'} dropped")
    if checked.conflicting:
        number = len(checked.conflicting)
        said.append(f"{number} {'text has' if number == 1 else 'texts have'} more than one answer, the first was kept")
    if checked.overlaps.leaked:
        number, then = (
            len(checked.overlaps.leaked),
            ", whose training rows were dropped" if checked.overlaps.dropped else "",
        )
        stands = "1 held-out text nearly stands" if number == 1 else f"{number:,} held-out texts nearly stand"
        said.append(f"{stands} in the training rows{then}")
    if checked.personal:
        sorts = ", ".join(f"{sort.replace('_', ' ')} in {count:,}" for sort, count in checked.personal.items())
        said.append(f"personal data by its form, rows of each sort: {sorts}{', masked' if masked else ''}")
    if checked.unseen:
        said.append(f"labels that training does not see: {', '.join(checked.unseen[:_SHOWN])}")
    return "; ".join(said) + "."
