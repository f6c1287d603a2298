"""The candidates side by side: what each is, needs and reached, and whether one of them or pre-training is the way."""

import json
from collections.abc import Sequence
from pathlib import Path

import psutil
from matplotlib.figure import Figure
from pydantic import JsonValue

from tools.compare.rows import lower_is_better
from tools.contract import Artefact, DataKind, Dataset, JobContext, Result
from tools.errors import Defect, UserFault
from tools.models import packaged_encoder
from tools.report import snapshot
from tools.report.snapshot import Project
from tools.select import folder, tables
from tools.select.advice import Advice, Row, advise, ranked
from tools.select.arithmetic import BYTES_A_TOKEN
from tools.select.needs import NOMINAL, Machine, Text, Texts, against, gives_labels, machine_of, needs_of
from tools.select.option import Found, LeftOut, Option, of_folder, of_project
from tools.select.spec import SelectParameters
from tools.training import plots

_DRAWN = 12  # candidates in the picture
_TOLD = 12  # candidates and things left out in the facts, which stay in the project's record
_KEPT = ("name", "would_do", "against", "weights", "bytes", "context", "licence", "inference_bytes", "lora_bytes",
         "fits", "value", "evidence")  # fmt: skip


def run(params: SelectParameters, context: JobContext) -> Result:
    held = context.inputs.files.get("snapshot")
    if held is None:
        raise Defect("The candidates were asked for without the project's record.")
    project = snapshot.read(Path(held.path)).project
    machine = machine_of(params, psutil.virtual_memory().total)
    texts = _texts(context, project)
    found = _look(params, context, project)
    lower = lower_is_better(project.charter.metric or "")
    rows = ranked([_row(option, params, project, machine, texts) for option in found.options], lower)
    advice = advise(rows, params, project.charter, machine, texts)
    context.progress("writing", 3, 3)
    artefacts = (
        *_written(params, context, project, rows, found.left_out, advice, machine),
        _drawn(context, rows, machine),
    )
    return Result(
        summary=_summary(rows, found.left_out, advice),
        artefacts=artefacts,
        facts=_facts(rows, found.left_out, advice, machine),
    )


# --- looking -----------------------------------------------------------------------------------------------------


def _look(params: SelectParameters, context: JobContext, project: Project) -> Found:
    """The project's own first; a model of a folder that the project has taken in already stands once."""
    context.progress("reading headers", 0, 3)
    found = Found(tuple(of_project(model) for model in project.candidates.values()))
    places = {Path(option.model.path).resolve() for option in found.options}
    if params.folder:
        below = folder.look(Path(params.folder))
        fresh = tuple(o for o in below.options if Path(o.model.path).resolve() not in places)
        found += Found(fresh, below.left_out)
        places |= {Path(option.model.path).resolve() for option in fresh}
    found += _packaged(project, places)
    context.stop_if_cancelled()
    if params.hub:
        context.progress("asking the hub", 1, 3)
        from tools.select import hub  # here: half a second of importing that only those who name one wait for

        found += hub.look(params.hub, context.folder / "hub")
    if not found.options:
        _nothing(found.left_out)
    context.progress("working out", 2, 3)
    return found


def _packaged(project: Project, places: set[Path]) -> Found:
    """The encoder that comes with Odyssey, where the project gives labels."""
    if not gives_labels(project.charter):
        return Found()
    packaged = packaged_encoder()
    if Path(packaged.path).resolve() in places:
        return Found()
    return Found((of_folder(Path(packaged.path), packaged.name, "packaged"),))


def _nothing(left_out: Sequence[LeftOut]) -> None:
    if left_out:
        first, others = left_out[0], len(left_out) - 1
        rest = f" (and {others} more)" if others else ""
        raise UserFault(f"None of what was found can be used: {first.reason}{rest}")
    raise UserFault(
        "There is no candidate to compare: name a folder with models (folder=PATH) or ids on the hub"
        " (hub=Qwen/Qwen3-0.6B), or take one into the project (`add model PATH`)."
    )


def _row(option: Option, params: SelectParameters, project: Project, machine: Machine, texts: Texts) -> Row:
    needs = needs_of(option, params, machine, texts.tuning or Text("", NOMINAL))
    return Row(
        option=option,
        needs=needs,
        against=tuple(against(option, needs, params, project.charter, machine)),
        baseline=snapshot.score(project, option.model) if option.model.digest else None,
    )


# --- the text there is to train on -------------------------------------------------------------------------------


def _texts(context: JobContext, project: Project) -> Texts:
    """What was named is meant for both; else the charter's own data to tune on, and the largest corpus beside it."""
    if named := context.inputs.data.get("data"):
        return Texts(_text(named), _text(named))
    own = project.datasets.get(project.charter.test_set or "")
    corpora = [_text(data) for data in project.datasets.values() if data.kind is DataKind.CORPUS and data.splits]
    tuning = _text(own) if own is not None and own.splits else None
    return Texts(tuning, max(corpora, key=lambda text: text.tokens, default=tuning))


def _text(data: Dataset) -> Text:
    """Tokens of the rows that are trained on, by the size of what stands in them."""
    split = data.splits.get("train") or next(iter(data.splits.values()))
    try:
        with Path(split.path).open(encoding="utf-8") as lines:
            held = sum(_bytes(json.loads(line)) for line in lines if line.strip())
    except OSError as error:
        raise UserFault(f"The data {data.name} cannot be read at {split.path}: {error.strerror}.") from error
    return Text(data.name, held / BYTES_A_TOKEN)


def _bytes(value: JsonValue) -> int:
    """Of all the text in a row, as UTF-8."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, dict):
        return sum(_bytes(each) for each in value.values())
    return sum(_bytes(each) for each in value) if isinstance(value, list) else 0


# --- writing -----------------------------------------------------------------------------------------------------


def _written(
    params: SelectParameters,
    context: JobContext,
    project: Project,
    rows: Sequence[Row],
    left_out: Sequence[LeftOut],
    advice: Advice,
    machine: Machine,
) -> tuple[Artefact, Artefact]:
    shown, plain = context.folder / "candidates.md", context.folder / "candidates.csv"
    shown.write_text(tables.markdown(rows, left_out, advice, machine, project.charter, params), encoding="utf-8")
    tables.write_csv(plain, rows, machine)
    return context.artefact("candidates", "table", shown), context.artefact("candidates as CSV", "table", plain)


def _drawn(context: JobContext, rows: Sequence[Row], machine: Machine) -> Artefact:
    """Memory by way for each candidate, on a scale of powers of ten; a line where this machine ends."""
    drawn = rows[:_DRAWN]
    figure = Figure(figsize=(7.5, 1.6 + 0.75 * len(drawn)), layout="constrained")
    axes = figure.add_subplot()
    ways = list(tables.memory_by_way(drawn))
    places = {row.name: len(drawn) - 1 - place for place, row in enumerate(drawn)}
    height = 0.8 / max(1, len(ways))
    for number, (label, known) in enumerate(ways):
        offset = 0.4 - height * (number + 0.5)
        axes.barh(
            [places[name] + offset for name, _ in known],
            [needed / 1e9 for _, needed in known],
            height=height,
            label=label,
            color=_COLOURS[number % len(_COLOURS)],
        )
    axes.axvline(machine.limit / 1e9, color="#444444", linestyle="--", linewidth=1, label="what fits here")
    axes.set_yticks(list(places.values()), list(places))
    axes.set_xscale("log")
    axes.set(xlabel="GB of memory", title="Memory by what is done with a candidate")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return plots.save(context, figure, "memory of the candidates")


_COLOURS = (*plots.COLOURS, "#7a7a52", "#5a5f9f")


def _summary(rows: Sequence[Row], left_out: Sequence[LeftOut], advice: Advice) -> str:
    said = f"{advice.verdict} {sum(row.baseline is not None for row in rows)} of {len(rows)} measured on the test set"
    return f"{said}; {len(left_out)} left out, with their reasons." if left_out else f"{said}."


def _facts(rows: Sequence[Row], left_out: Sequence[LeftOut], advice: Advice, machine: Machine) -> dict[str, JsonValue]:
    return {
        "recommendation": advice.choice,
        "verdict": advice.verdict,
        "reasons": list(advice.reasons),
        "candidates": [_told(tables.cells(row, machine)) for row in rows[:_TOLD]],
        "left_out": [f"{each.name}: {each.reason}" for each in left_out[:_TOLD]],
        "memory_bytes": machine.memory,
        "gpu_memory_bytes": machine.gpu,
        "flops_a_second": machine.flops,
    }


def _told(cells: dict[str, JsonValue]) -> JsonValue:
    return {name: cells[name] for name in _KEPT}
