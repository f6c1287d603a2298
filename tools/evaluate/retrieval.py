"""How well texts are found: the rank of the right one for each question. Numbers alone, no model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def ranks(scores: Array, right: Sequence[int], also: Sequence[frozenset[int]]) -> Array:
    """The place of each question's right text, 1 for the first: [questions] of scores [questions, texts].

    Other texts that answer the same question (`also`) are set aside, as Bordes et al. 2013 (section 4.2) filter them.
    A text that scores the same comes before the right one: what cannot be told apart is not found.
    """
    own = scores[np.arange(len(right)), list(right)]
    ahead = scores >= own[:, None]
    for row, others in enumerate(also):
        ahead[row, [*others, right[row]]] = False
    return np.asarray(1 + ahead.sum(axis=1))


def values(found: Array, name: str) -> list[float]:
    """Each question's score from the ranks found, 0 to 1, by "recall@K", "ndcg@K" or "mrr".

    With one right text to find, recall@K is whether it stands among the first K; mrr takes 1 / rank (Voorhees 1999) and
    ndcg@K takes 1 / log2(rank + 1) among the first K (Järvelin and Kekäläinen 2002).
    """
    measure, _, most = name.partition("@")
    inside = found <= int(most) if most else np.ones(len(found), dtype=bool)
    scored = {"recall": np.ones(len(found)), "ndcg": 1 / np.log2(found + 1), "mrr": 1 / found}[measure]
    return [float(value) for value in scored * inside]
