"""The six stages of a project's life cycle, and `launched`."""

from enum import StrEnum


class Stage(StrEnum):
    SCOPE = "scope"  # what is built, for whom, measured how
    SELECT = "select"  # an existing model or pre-training; which one
    ASSESS = "assess"  # prompts first, then training, until the target is cleared
    ALIGN = "align"  # what people prefer: helpful, honest, harmless
    DEPLOY = "deploy"  # small and fast enough, and it answers at an endpoint
    INTEGRATE = "integrate"  # what the model alone cannot do
    LAUNCHED = "launched"  # live; a regression or a new need leads back


ORDER: tuple[Stage, ...] = tuple(Stage)

TITLES: dict[Stage, tuple[str, str]] = {
    Stage.SCOPE: ("Define the scope", "定义范围"),
    Stage.SELECT: ("Choose the model", "选择模型"),
    Stage.ASSESS: ("Assess and train", "评估和训练"),
    Stage.ALIGN: ("Adapt and align", "适应和对齐"),
    Stage.DEPLOY: ("Deploy and optimise", "部署和优化"),
    Stage.INTEGRATE: ("Infrastructure integration", "基础设施集成"),
    Stage.LAUNCHED: ("Launched", "已上线"),
}

_ALIASES: dict[Stage, tuple[str, ...]] = {
    Stage.SCOPE: ("scoping", "define scope", "范围"),
    Stage.SELECT: ("selection", "choose", "model choice", "choose model", "select model", "选型"),
    Stage.ASSESS: ("assessment", "train", "training", "assess & train", "fine-tuning", "训练", "评估"),
    Stage.ALIGN: ("alignment", "adapt", "rlhf", "对齐"),
    Stage.DEPLOY: ("deployment", "optimise", "optimize", "optimization", "部署", "优化"),
    Stage.INTEGRATE: ("integration", "infrastructure", "application", "集成"),
    Stage.LAUNCHED: ("launch", "live", "上线"),
}


def number(stage: Stage) -> int:
    """1 to 6; 7 for `launched`."""
    return ORDER.index(stage) + 1


def label(stage: Stage) -> str:
    """The shown name, as in "3 Assess and train"."""
    return TITLES[stage][0] if stage is Stage.LAUNCHED else f"{number(stage)} {TITLES[stage][0]}"


def following(stage: Stage) -> Stage:
    """The stage after this one; `launched` follows itself."""
    return ORDER[min(ORDER.index(stage) + 1, len(ORDER) - 1)]


def find(text: str) -> Stage | None:
    """The stage a person means by an id, number, title or alias; None if it is none of them."""
    wanted = text.strip().lower().removeprefix("stage").strip()
    for stage in ORDER:
        names = (stage.value, *(title.lower() for title in TITLES[stage]), *_ALIASES[stage])
        if wanted in names or (stage is not Stage.LAUNCHED and wanted == str(number(stage))):
            return stage
    return None
