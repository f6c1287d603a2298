"""What each candidate needs on one machine, and whether it does what the project asks. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tools.contract import ModelKind
from tools.report.snapshot import Charter
from tools.select import arithmetic
from tools.select.arithmetic import GPU_FLOPS, Work
from tools.select.option import UNKNOWN, Option
from tools.select.show import count, size
from tools.training.cost import FLOPS, LIBRARIES

if TYPE_CHECKING:
    from tools.select.spec import SelectParameters

_GB = 1_000_000_000
_MB = 1_000_000
_HALF = 2  # bytes of a value in mixed precision, which a GPU computes in
_WHOLE = 4  # bytes of a value in 32 bit, which Odyssey computes in on a CPU
NOMINAL = 1_000_000  # tokens that fine-tuning is reckoned for where no data is named
_ANY_LANGUAGE = frozenset({"multilingual", "multi"})


class Way(StrEnum):
    """What a model can be in memory for."""

    INFERENCE = "inference"  # weights as stored, and the cache of one sequence
    INFERENCE_32 = "inference_32_bit"  # as Odyssey holds it on a CPU
    FULL = "full"  # AdamW on every weight, in 32 bit
    FULL_MIXED = "full_mixed"  # the same in bf16 with a 32 bit master copy
    LORA = "lora"
    QLORA = "qlora"  # nf4
    PROMPT_TUNING = "prompt_tuning"


NEED_A_GPU = frozenset({Way.FULL_MIXED, Way.QLORA})
TRAINING = (Way.FULL, Way.FULL_MIXED, Way.LORA, Way.QLORA, Way.PROMPT_TUNING)
_CHEAPEST_FIRST = (Way.LORA, Way.QLORA, Way.PROMPT_TUNING)  # what is tried first, in the order it is advised


@dataclass(frozen=True)
class Machine:
    """Where it is to run: bytes of memory, operations a second that training sustains, price of an hour."""

    memory: int
    gpu: int | None
    flops: float
    price: float | None

    @property
    def limit(self) -> int:
        """Bytes for the model: what the libraries take is gone."""
        return max(0, (self.memory if self.gpu is None else self.gpu) - LIBRARIES)

    @property
    def bytes_a_value(self) -> int:
        return _WHOLE if self.gpu is None else _HALF

    def cost(self, flops: float) -> float | None:
        return None if self.price is None else self.price * arithmetic.hours(flops, self.flops)


@dataclass(frozen=True)
class Text:
    """A text to train on, by name; tokens of one pass."""

    name: str
    tokens: float


@dataclass(frozen=True)
class Texts:
    """What fine-tuning would read, and what pre-training would; None where the project has none."""

    tuning: Text | None
    corpus: Text | None


@dataclass(frozen=True)
class Needs:
    """Bytes by way, None where the model's shape is not known or the way is not for it; and work in operations."""

    memory: dict[Way, int | None]
    optimal_tokens: int
    pretraining: float
    full_tuning: float
    adapter_tuning: float

    def fits(self, way: Way, machine: Machine) -> bool | None:
        """None where it is not known, or where the way asks for a GPU and there is none."""
        needed = self.memory[way]
        if needed is None or (way in NEED_A_GPU and machine.gpu is None):
            return None
        return needed <= machine.limit

    def advised(self, machine: Machine) -> Way | None:
        return next((way for way in _CHEAPEST_FIRST if self.fits(way, machine)), None)


def machine_of(params: "SelectParameters", memory: int) -> Machine:
    """`memory`: bytes of this machine, where no other is described."""
    gpu = None if params.gpu_memory_gb is None else round(params.gpu_memory_gb * _GB)
    return Machine(
        memory=memory if params.memory_gb is None else round(params.memory_gb * _GB),
        gpu=gpu,
        flops=params.flops or (FLOPS if gpu is None else GPU_FLOPS),
        price=params.price_per_hour,
    )


def needs_of(option: Option, params: "SelectParameters", machine: Machine, text: Text) -> Needs:
    weights = option.model.parameters or option.weights.count
    read = text.tokens * params.epochs
    optimal = arithmetic.optimal_tokens(weights)
    return Needs(
        memory=_memory(option, params, machine),
        optimal_tokens=optimal,
        pretraining=arithmetic.training_flops(weights, optimal),
        full_tuning=arithmetic.training_flops(weights, read),
        adapter_tuning=arithmetic.adapter_flops(weights, read),
    )


def _memory(option: Option, params: "SelectParameters", machine: Machine) -> dict[Way, int | None]:
    found: dict[Way, int | None] = dict.fromkeys(Way)
    shape, weights = option.shape, option.weights
    if shape is None:
        return found
    tokens = params.context or option.context
    found[Way.INFERENCE] = arithmetic.inference(weights, shape, tokens)
    if option.quantized:
        return found
    length = min(params.length, option.context or params.length)  # no row is longer than what the model reads
    work = Work(params.batch, length, machine.bytes_a_value)
    found[Way.INFERENCE_32] = arithmetic.inference_32_bit(weights, shape, tokens)
    found[Way.FULL] = arithmetic.full_training(weights, shape, Work(params.batch, length, _WHOLE))
    found[Way.FULL_MIXED] = arithmetic.full_training(weights, shape, Work(params.batch, length, _HALF))
    found[Way.LORA] = arithmetic.lora(weights, shape, work, params.rank)
    if option.model.kind is ModelKind.CAUSAL:
        half = Work(params.batch, length, _HALF)
        found[Way.QLORA] = arithmetic.qlora(weights, shape, half, params.rank)
        found[Way.PROMPT_TUNING] = arithmetic.prompt_tuning(weights, shape, work, params.virtual_tokens)
    return found


def against(option: Option, needs: Needs, params: "SelectParameters", charter: Charter, machine: Machine) -> list[str]:
    """What speaks against a candidate, each in a few words with its numbers; nothing where it does."""
    return [*_purpose(option, params, charter), *_size(option, needs, params, charter, machine)]


def _purpose(option: Option, params: "SelectParameters", charter: Charter) -> list[str]:
    found = []
    generates = option.model.kind is ModelKind.CAUSAL
    if option.model.kind is ModelKind.REWARD:
        found.append("it scores answers and gives none")
    elif charter.task is not None and not generates and not gives_labels(charter):
        found.append(f"it does not generate text, which {charter.task} asks for")
    if not option.tokenizer:
        found.append("there is no tokenizer.json beside its weights")
    accepted = {licence.casefold() for licence in params.licences}
    if accepted and option.model.licence.casefold() not in accepted:
        found.append(f"its licence is {option.model.licence}, not {' or '.join(params.licences)}")
    if params.language and option.languages and not _speaks(option.languages, params.language.casefold()):
        found.append(f"its languages are {', '.join(option.languages)}, without {params.language}")
    return found


def gives_labels(charter: Charter) -> bool:
    """Whether texts or their words are given labels, which an encoder does."""
    return charter.task == "classification" or charter.metric == "entity_f1"


def _speaks(languages: tuple[str, ...], wanted: str) -> bool:
    short = wanted.split("-")[0]
    return any(said == wanted or said.split("-")[0] == short or said in _ANY_LANGUAGE for said in languages)


def _size(option: Option, needs: Needs, params: "SelectParameters", charter: Charter, machine: Machine) -> list[str]:
    found = []
    if params.context and option.context and option.context < params.context:
        found.append(f"it reads {option.context:,} tokens, not {params.context:,}")
    held = needs.memory[Way.INFERENCE]
    if held is None:
        return found
    allowed = None if charter.memory_mb is None else charter.memory_mb * _MB
    if allowed is not None and held > allowed:
        found.append(f"it takes {size(held)} to run, and the charter allows {size(allowed)}")
    elif held > machine.limit:
        where = "the machine" if machine.gpu is None else "the GPU"
        found.append(f"it takes {size(held)} to run, and {where} has {size(machine.limit)} for it")
    return found


def unsaid(option: Option, params: "SelectParameters") -> list[str]:
    """What is asked for and the candidate does not say: a person has to find out."""
    found = []
    if option.model.licence == UNKNOWN:
        found.append(f"no licence is said of {option.name}")
    if params.language and not option.languages:
        found.append(f"no languages are said of {option.name}")
    if option.model.kind is ModelKind.CAUSAL and not option.template:
        found.append(f"{option.name} has no chat template: it needs a chat_template.jinja")
    if option.quantized:
        found.append(f"{option.name} is stored in fewer bits ({count(option.weights.count)} numbers): not for training")
    return found
