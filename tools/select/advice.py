"""An existing model or pre-training: the arithmetic, and the reasons in sentences. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.contract import Metric
from tools.report.snapshot import Charter, Evidence
from tools.select import arithmetic
from tools.select.needs import Machine, Needs, Text, Texts, Way, unsaid
from tools.select.option import Option
from tools.select.show import count, duration, money, operations, size
from tools.training.cost import TINY

if TYPE_CHECKING:
    from tools.select.spec import SelectParameters

_NAMED = 3  # candidates named in a sentence
_WORDS = {Way.LORA: "LoRA", Way.QLORA: "QLoRA", Way.PROMPT_TUNING: "prompt tuning"}


@dataclass(frozen=True)
class Row:
    """A candidate with everything that was worked out or measured of it."""

    option: Option
    needs: Needs
    against: tuple[str, ...]
    baseline: tuple[Evidence, Metric] | None

    @property
    def name(self) -> str:
        return self.option.name

    @property
    def does(self) -> bool:
        return not self.against


@dataclass(frozen=True)
class Advice:
    """`choice`: "existing", "pretrain", or "neither" where no model does and the text is too little for one."""

    choice: str
    verdict: str
    reasons: tuple[str, ...]


def ranked(rows: Sequence[Row], lower_is_better: bool = False) -> list[Row]:
    """Those that do first, among them the best measured, then the smallest; after these what does not do."""

    def key(row: Row) -> tuple[bool, bool, float, int]:
        value = row.baseline[1].value if row.baseline else 0.0
        return (not row.does, row.baseline is None, value if lower_is_better else -value, row.option.model.parameters)

    return sorted(rows, key=key)


def advise(rows: Sequence[Row], params: "SelectParameters", charter: Charter, machine: Machine, texts: Texts) -> Advice:
    """`rows` as `ranked` gives them."""
    fitting = [row for row in rows if row.does]
    if fitting:
        return _existing(fitting, rows, params, charter, machine, texts)
    text = texts.corpus
    reasons = [f"{row.name}: {'; '.join(row.against)}." for row in rows]
    if text is None:
        needed = f"20 tokens for each weight of it: {count(arithmetic.optimal_tokens(TINY))} for the tiny model"
        verdict = "No candidate would do, and no text is named to pre-train one on: register a corpus, or look further."
        return Advice("neither", verdict, (*reasons, f"Pre-training a model wants {needed}."))
    largest = arithmetic.largest_model(text.tokens)
    reasons.append(_text(text))
    if largest < TINY:
        verdict = (
            "No candidate would do, and there is too little text to pre-train one: look for other models, or more text."
        )
        wanted = arithmetic.optimal_tokens(TINY) / arithmetic.PASSES
        reasons.append(f"The tiny model ({count(TINY)} weights) wants {count(wanted)} different tokens.")
        return Advice("neither", verdict, tuple(reasons))
    reasons.append(_pretraining(f"A model of {count(largest)} weights", largest, machine))
    verdict = f"Pre-train, with up to {count(largest)} weights: no candidate would do, and the text is enough for that."
    return Advice("pretrain", verdict, tuple(reasons))


def _existing(
    fitting: Sequence[Row],
    rows: Sequence[Row],
    params: "SelectParameters",
    charter: Charter,
    machine: Machine,
    texts: Texts,
) -> Advice:
    first = fitting[0]
    others = len(rows) - len(fitting)
    rest = f" ({others} other{'s do' if others > 1 else ' does'} not)" if others else ""
    verdict = f"Take an existing model: {len(fitting)} of {len(rows)} would do{rest}; begin with {first.name}."
    reasons = [
        _standing(fitting, charter),
        _way(first, machine),
        _work(first, params, machine, texts.tuning),
        _pretraining(f"Pre-training as many weights as {first.name} has", first.option.model.parameters, machine),
    ]
    if texts.corpus is not None:
        reasons.append(_text(texts.corpus))
    missing = [said for row in fitting[:_NAMED] for said in unsaid(row.option, params)]
    if missing:
        reasons.append(f"To be found out: {'; '.join(missing)}.")
    return Advice("existing", verdict, tuple(reasons))


def _standing(fitting: Sequence[Row], charter: Charter) -> str:
    """Where the candidates stand by what was measured, and what to measure."""
    best = fitting[0]
    if best.baseline is None:
        named = ", ".join(row.name for row in fitting[:_NAMED])
        several = ", the smallest first" if len(fitting) > 1 else ""
        return f"Nothing of that is measured on the test set yet: measure {named} before choosing{several}."
    evidence, metric = best.baseline
    said = f"{best.name} has the best {metric.name} of those measured, {metric.value:.3f}"
    if metric.low is not None and metric.high is not None:
        said += f" [{metric.low:.3f}, {metric.high:.3f}]"
    said += f" ({evidence.id})"
    if charter.target is not None and metric.low is not None:
        met = metric.low >= charter.target
        said += f"; the target {charter.target:g} is {'met as it is' if met else 'not met yet, so tune it'}"
    return f"{said}."


def _way(row: Row, machine: Machine) -> str:
    way = row.needs.advised(machine)
    if way is not None:
        needed = f"{size(row.needs.memory[way] or 0)} of the {size(machine.limit)} that the libraries leave"
        return f"{row.name} can be tuned here with {_WORDS[way]}: {needed}. Prompts come first: they need no training."
    least = row.needs.memory[Way.LORA]
    if least is None:
        return (
            f"How it could be trained is not known: the shape of {row.name} is not said, or it is stored in few bits."
        )
    return (
        f"{row.name} cannot be tuned here: LoRA takes {size(least)}, and the libraries leave {size(machine.limit)};"
        " a smaller batch or length may do."
    )


def _work(row: Row, params: "SelectParameters", machine: Machine, text: Text | None) -> str:
    flops, whole = row.needs.adapter_tuning, row.needs.full_tuning
    on = f"{text.name} (about {count(text.tokens)} tokens)" if text else "a million tokens"
    times = "once" if params.epochs == 1 else f"{params.epochs:g} times"
    return (
        f"Reading {on} {times} with LoRA is {operations(flops)} operations ({_spent(flops, machine)}), in full"
        f" {operations(whole)}; pre-training is {row.needs.pretraining / whole:,.0f} times that."
    )


def _pretraining(what: str, weights: int, machine: Machine) -> str:
    tokens = arithmetic.optimal_tokens(weights)
    flops = arithmetic.training_flops(weights, tokens)
    return (
        f"{what} wants {count(tokens)} tokens (20 a weight) and {operations(flops)} operations (6 a weight and token):"
        f" {_spent(flops, machine)}."
    )


def _spent(flops: float, machine: Machine) -> str:
    cost = machine.cost(flops)
    said = f"{duration(arithmetic.hours(flops, machine.flops))} at {operations(machine.flops)} a second"
    return said if cost is None else f"{said}, {money(cost)} at {machine.price:g} an hour"


def _text(text: Text) -> str:
    largest = arithmetic.largest_model(text.tokens)
    return (
        f"{text.name} holds about {count(text.tokens)} tokens; read up to four times, that is compute-optimal for a"
        f" model of {count(largest)} weights."
    )
