"""Examples that resemble a question, by the packaged sentence encoder."""

from collections.abc import Callable, Sequence

import torch

from tools.models import packaged_encoder
from tools.prompt.template import Item
from tools.training.encoder import load_encoder

POOL = 5000  # training rows to choose among: their embedding takes about a minute on two cores


def nearest(
    pool: Sequence[Item], questions: Sequence[Item], count: int, on_batch: Callable[[int], None] = lambda done: None
) -> list[list[Item]]:
    """For each question the `count` nearest items by cosine, the nearest last, where it stands beside the question.

    Placing the nearest last follows Liu et al. (2022), section 3. An item that asks the very same is left out: it would
    give the answer away.
    """
    encoder = load_encoder(packaged_encoder())
    held = encoder.embed(encoder.tokens([item.question for item in pool]), on_batch)
    asked = encoder.embed(encoder.tokens([item.question for item in questions]), on_batch)
    order = torch.argsort(asked @ held.T, dim=1, descending=True)
    found = []
    for question, row in zip(questions, order.tolist(), strict=True):
        fitting = [pool[i] for i in row if pool[i].question.strip() != question.question.strip()]
        found.append(fitting[:count][::-1])
    return found
