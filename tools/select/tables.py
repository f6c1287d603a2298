"""The candidates as a table for people, and as one for programs."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools.evaluate.slices import cell_of
from tools.report.snapshot import Charter
from tools.select.advice import Advice, Row
from tools.select.arithmetic import hours
from tools.select.needs import NEED_A_GPU, TRAINING, Machine, Way
from tools.select.option import UNKNOWN, LeftOut
from tools.select.show import count, duration, money, operations, size
from tools.training.cost import LIBRARIES

if TYPE_CHECKING:
    from tools.select.spec import SelectParameters

HEAD = (
    "name", "would_do", "against", "from", "path", "kind", "architecture", "weights", "bytes", "dtype", "context",
    "vocabulary", "licence", "languages", *(f"{way}_bytes" for way in Way), "fits", "optimal_tokens",
    "pretraining_flops", "pretraining_hours", "pretraining_cost", "lora_flops", "full_flops", "lora_hours",
    "lora_cost", "metric", "value", "low", "high", "items", "evidence",
)  # fmt: skip
_WAYS = {
    Way.INFERENCE: "inference",
    Way.INFERENCE_32: "inference, 32 bit",
    Way.FULL: "full, 32 bit",
    Way.FULL_MIXED: "full, bf16",
    Way.LORA: "LoRA",
    Way.QLORA: "QLoRA",
    Way.PROMPT_TUNING: "prompt tuning",
}


def cells(row: Row, machine: Machine) -> dict[str, JsonValue]:
    """One candidate in numbers: bytes, operations, hours; None where something is not known."""
    option, needs, model = row.option, row.needs, row.option.model
    measured: tuple[JsonValue, ...] = (None,) * 6
    if row.baseline is not None:
        evidence, metric = row.baseline
        measured = (metric.name, metric.value, metric.low, metric.high, metric.n, evidence.id)
    values: tuple[JsonValue, ...] = (
        row.name, row.does, "; ".join(row.against), option.origin, model.path, model.kind.value, option.architecture,
        model.parameters, model.bytes, option.weights.dtype or None, option.context or None,
        option.shape.vocabulary if option.shape else None, model.licence, ", ".join(option.languages) or None,
        *(needs.memory[way] for way in Way), " ".join(way for way in Way if needs.fits(way, machine)),
        needs.optimal_tokens, needs.pretraining, hours(needs.pretraining, machine.flops),
        machine.cost(needs.pretraining), needs.adapter_tuning, needs.full_tuning,
        hours(needs.adapter_tuning, machine.flops), machine.cost(needs.adapter_tuning), *measured,
    )  # fmt: skip
    return dict(zip(HEAD, values, strict=True))


def write_csv(path: Path, rows: Sequence[Row], machine: Machine) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows(cells(row, machine) for row in rows)


def markdown(
    rows: Sequence[Row],
    left_out: Sequence[LeftOut],
    advice: Advice,
    machine: Machine,
    charter: Charter,
    params: "SelectParameters",
) -> str:
    parts = [
        "# Candidate models",
        f"**{advice.verdict}**",
        "\n".join(f"- {reason}" for reason in advice.reasons),
        "## The candidates, the first to try first",
        _table(("candidate", "from", "kind", "weights", "on disk", "dtype", "context", "vocabulary", "licence",
                "languages", "would do"), map(_known, rows)),
        f"## Baselines: {charter.metric or 'the charter names no metric'}",
        _baselines(rows, charter),
        "## Memory",
        _table(("candidate", *_WAYS.values()), ((row.name, *_memory(row, machine)) for row in rows)),
        _legend(machine, params),
        "## Existing or pre-trained",
        _table(("candidate", "tokens to pre-train as many weights", "operations", "time", "cost", "LoRA: operations",
                "time", "cost"), (_compute(row, machine) for row in rows)),
        _RATES.format(rate=operations(machine.flops)),
    ]  # fmt: skip
    if left_out:
        parts += ["## Left out", _table(("what", "why"), ((each.name, each.reason) for each in left_out))]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(cell_of(cell) for cell in row) + " |" for row in rows)])


def _known(row: Row) -> tuple[str, ...]:
    option, model = row.option, row.option.model
    vocabulary = option.shape.vocabulary if option.shape else 0
    return (
        row.name,
        option.origin,
        f"{model.kind.value}, {option.architecture}",
        count(model.parameters),
        size(model.bytes),
        option.weights.dtype or UNKNOWN,
        f"{option.context:,}" if option.context else UNKNOWN,
        f"{vocabulary:,}" if vocabulary else UNKNOWN,
        model.licence,
        ", ".join(option.languages) or UNKNOWN,
        "yes" if row.does else f"no: {'; '.join(row.against)}",
    )


def _baselines(rows: Sequence[Row], charter: Charter) -> str:
    lines = ["| candidate | measured |", "|---|---|"]
    return "\n".join([*lines, *(f"| {cell_of(row.name)} | {_baseline(row, charter)} |" for row in rows)])


def _baseline(row: Row, charter: Charter) -> str:
    """What was measured, or the commands that measure it."""
    if row.baseline is not None:
        evidence, metric = row.baseline
        span = "" if metric.low is None or metric.high is None else f" [{metric.low:.3f}, {metric.high:.3f}]"
        return f"{metric.value:.3f}{span} on {metric.n or '?'} items ({evidence.id}, run {evidence.run})"
    if row.against:
        return "not measured"
    measure = _code(f"evaluate model={_taken_as(row)} data={charter.test_set or 'DATA'} split=test")
    match row.option.origin:
        case "project":
            return f"not measured yet: {measure}"
        case "hub":
            fetch = _code(f"hf download {row.name} --local-dir FOLDER")
            return f"not measured yet: {fetch}, then `add model FOLDER`, then {measure}"
        case "packaged":
            return f"not measured yet: {_code(f'add model {row.name}')}, then {measure}"
        case _:
            return f"not measured yet: {_code(f'add model {row.option.model.path}')}, then {measure}"


def _code(command: str) -> str:
    """A command as it is typed, in a cell."""
    return f"`{command.replace('`', '').replace('|', chr(92) + '|')}`"


def _taken_as(row: Row) -> str:
    """The name it has once the project takes it in: its folder's."""
    if row.option.origin == "hub":
        return "FOLDER"
    return row.name if row.option.origin in ("project", "packaged") else Path(row.option.model.path).resolve().name


def _memory(row: Row, machine: Machine) -> Iterator[str]:
    for way in _WAYS:
        needed = row.needs.memory[way]
        if needed is None:
            yield "–"
        elif machine.gpu is None and way in NEED_A_GPU:
            yield f"{size(needed)}, needs a GPU"
        else:
            yield f"{size(needed)} {'✓' if row.needs.fits(way, machine) else '✗'}"


def _compute(row: Row, machine: Machine) -> tuple[str, ...]:
    needs = row.needs
    return (row.name, count(needs.optimal_tokens), *_work(needs.pretraining, machine),
            *_work(needs.adapter_tuning, machine))  # fmt: skip


def _work(flops: float, machine: Machine) -> tuple[str, str, str]:
    cost = machine.cost(flops)
    return operations(flops), duration(hours(flops, machine.flops)), "–" if cost is None else money(cost)


def _legend(machine: Machine, params: "SelectParameters") -> str:
    where = f"{size(machine.memory)} of memory" if machine.gpu is None else f"a GPU of {size(machine.gpu)}"
    cached = f"{params.context:,} tokens" if params.context else "the whole context"
    held = "in 32 bit on a CPU" if machine.gpu is None else "in 16 bit on a GPU"
    return (
        f"✓ fits {where} beside {size(LIBRARIES)} for the libraries, ✗ does not, – not for this model or not known."
        f" Inference: the weights as stored and keys and values of {cached} for one request (2 x layers x heads x width"
        " x tokens); in 32 bit as Odyssey computes on a CPU."
        f" Training, {params.batch} rows of {params.length} tokens (or what it reads) a step: 16 bytes a trained weight"
        f" with AdamW (Rajbhandari et al. 2019); LoRA of rank {params.rank} and {params.virtual_tokens} virtual tokens"
        f" beside weights held {held}, QLoRA beside NF4 at 0.52 bytes (Dettmers et al. 2023); activations of 34 bytes"
        " a token, layer and unit in 16 bit (Korthikanti et al. 2022), an encoder's attention maps, and the logits"
        " with their gradient."
    )


_RATES = (
    "Tokens: 20 a weight (Hoffmann et al. 2022). Operations: 6 a weight and token, 4 where only adapters are trained"
    " (Kaplan et al. 2020). Time: at {rate} operations a second, which `flops=` changes; cost by `price_per_hour=`."
)


def memory_by_way(rows: Sequence[Row]) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """For the picture: each way's name with the bytes of the candidates it is known of."""
    for way in (Way.INFERENCE, *TRAINING):
        known = [(row.name, float(needed)) for row in rows if (needed := row.needs.memory[way]) is not None]
        if known:
            yield _WAYS[way], known
