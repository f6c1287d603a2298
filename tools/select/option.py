"""A model that could be chosen: what is known of it before anything is measured."""

from dataclasses import dataclass
from pathlib import Path

from tools import models
from tools.contract import Candidate
from tools.errors import UserFault
from tools.select.arithmetic import Shape, Weights
from tools.select.shape import shape_of, weights_of

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Option:
    """`model` has no digest where the project has not taken it in; `shape` is None where the folder does not say."""

    model: Candidate
    origin: str  # "project", "folder", "packaged", "hub"
    weights: Weights
    shape: Shape | None
    quantized: bool = False  # stored in fewer bits on purpose: it is served, not trained
    tokenizer: bool = True  # tokenizer.json lies beside it, which every tool here reads
    template: bool = True  # the tokenizer knows how turns of a conversation are written

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def architecture(self) -> str:
        return str(self.model.facts.get("architecture") or UNKNOWN)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes as the card gives them; empty where it does not."""
        said = str(self.model.facts.get("language") or "")
        return tuple(part.strip().casefold() for part in said.split(",") if part.strip())

    @property
    def context(self) -> int:
        return self.model.context or (self.shape.context if self.shape else 0)


@dataclass(frozen=True)
class LeftOut:
    """Something that was looked at and cannot be chosen, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Found:
    options: tuple[Option, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def __add__(self, other: "Found") -> "Found":
        return Found(self.options + other.options, self.left_out + other.left_out)


def of_folder(folder: Path, name: str, origin: str) -> Option:
    """A model on this disk, by its headers. Raises `UserFault` where it cannot be used."""
    try:
        model = models.describe(folder, name, digested=False)
        config = models.read_config(folder)
        return Option(
            model=model,
            origin=origin,
            weights=weights_of(models.tensors(folder)),
            shape=shape_of(config, model.kind),
            quantized="quantization_config" in config,
            tokenizer=(folder / "tokenizer.json").is_file(),
            template=_has_template(folder),
        )
    except OSError as error:
        raise UserFault(f"{folder} cannot be read: {error.strerror}.") from error


def of_project(model: Candidate) -> Option:
    """A candidate of the project: by its record, with what its folder says beside it."""
    try:
        seen = of_folder(Path(model.path), model.name, "project")
    except UserFault:
        weights = Weights(count=model.parameters, bytes=model.bytes, dtype="", linear=0, sides=0)
        return Option(model=model, origin="project", weights=weights, shape=None, quantized=_fewer_bits(model))
    facts = {**seen.model.facts, **model.facts}
    return Option(
        model=model.model_copy(update={"facts": facts}),
        origin="project",
        weights=seen.weights,
        shape=seen.shape,
        quantized=seen.quantized or _fewer_bits(model),
        tokenizer=seen.tokenizer,
        template=seen.template,
    )


def _has_template(folder: Path) -> bool:
    settings = folder / "tokenizer_config.json"
    if (folder / "chat_template.jinja").is_file() or not settings.is_file():
        return (folder / "chat_template.jinja").is_file()
    return '"chat_template"' in settings.read_text(encoding="utf-8", errors="replace")


def _fewer_bits(model: Candidate) -> bool:
    return model.method.startswith(("int8", "int4", "nf4"))
