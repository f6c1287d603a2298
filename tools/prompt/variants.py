"""Which prompts are tried, and the examples every question gets. Pure."""

import random
from collections import defaultdict
from collections.abc import Sequence

from tools.contract import Dataset
from tools.errors import UserFault
from tools.prompt.spec import VARIANTS, PromptParameters, Selection
from tools.prompt.template import Item, Prompt


def variants(params: PromptParameters, data: Dataset, drawn: Sequence[Item]) -> list[Prompt]:
    """The bare question first, then every combination, the plainest first. `drawn` are the fixed examples."""
    found = [Prompt(labels=data.labels)]
    for shots in params.shots:
        for form in params.format:
            for reasoning in params.reasoning:
                for instruction in params.instructions:
                    for selection in params.selection if shots else (Selection.FIXED,):
                        fixed = drawn[:shots] if selection is Selection.FIXED else ()
                        found.append(
                            Prompt(
                                instruction=instruction,
                                labels=data.labels,
                                shots=shots,
                                selection=selection,
                                reasoning=reasoning,
                                format=form,
                                examples=tuple(fixed),
                            )
                        )
    unique = list({prompt.digest: prompt for prompt in found}.values())
    if len(unique) > VARIANTS:
        raise UserFault(
            f"These settings make {len(unique)} prompts, and at most {VARIANTS} are tried at once;"
            " name fewer instructions, shots, selections, reasonings or formats."
        )
    return unique


def draw(items: Sequence[Item], count: int, balanced: bool, seed: int) -> list[Item]:
    """Examples at random, so that more of them include the fewer; balanced: one of every answer in turn."""
    generator = random.Random(seed)
    if not balanced:
        return generator.sample(list(items), count)
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.wanted].append(item)
    queues = [generator.sample(groups[answer], len(groups[answer])) for answer in sorted(groups)]
    generator.shuffle(queues)
    turns = max(len(queue) for queue in queues)
    return [queue[turn] for turn in range(turns) for queue in queues if turn < len(queue)][:count]
