"""Training an encoder so that a question finds its text: the other texts of a batch are what it must not find
(multiple negatives ranking, Henderson et al. 2017, section 4)."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from tools.contract import JobContext
from tools.training.classify_train import TOKENS_AT_ONCE, Recipe, Trainer
from tools.training.embedding_rows import Pairs
from tools.training.encoder import Encoder
from tools.training.headed import SCALE


class Tokens(NamedTuple):
    """A pair as it is read. Its length is two whatever it holds, so that batches come together by chance: texts of one
    length are often one text, and a batch of one text teaches nothing."""

    question: list[int]
    text: list[int]


class Answers(NamedTuple):
    """What a question is to come to: its own text, and all texts that answer it."""

    own: int
    known: frozenset[int]


def contrast(questions: Tensor, texts: Tensor, answers: Sequence[Answers]) -> Tensor:
    """Cross entropy of each question's own text among the texts of a batch, by cosine times `SCALE`, summed.

    `questions` and `texts` [rows, width] are of length one. The text of another row that answers a question, too,
    counts neither for nor against it.
    """
    right = [row.own for row in answers]
    also = torch.tensor([[text in row.known for text in right] for row in answers]).fill_diagonal_(fill_value=False)
    logits = (SCALE * questions @ texts.T).masked_fill(also, -torch.inf)
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)), reduction="sum")


class Embedder:
    """An encoder that learns from pairs."""

    passes = 1  # over a row in one step

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.linear = torch.nn.Identity()  # nothing is learned beside it

    def loss(self, rows: Sequence[Tokens], targets: Sequence[Answers]) -> Tensor:
        vectors = [self.encoder.vectors(side) for side in sides(rows)]
        return contrast(vectors[0], vectors[1], targets)

    @staticmethod
    def items(targets: Sequence[Answers]) -> int:
        return len(targets)


def sides(rows: Sequence[Tokens]) -> tuple[list[list[int]], list[list[int]]]:
    """Questions and texts."""
    return [row.question for row in rows], [row.text for row in rows]


class PairTrainer(Trainer):
    """Brings questions near to their texts. `at_once` is how many padded tokens one pass may hold."""

    def __init__(
        self,
        context: JobContext,
        embedder: Embedder,
        recipe: Recipe,
        pairs: Pairs,
        identity: str = "",
        at_once: int = TOKENS_AT_ONCE,
        what: str = "training",
    ) -> None:
        self.at_once = at_once
        encoder = embedder.encoder
        questions, texts = encoder.tokens([pair.question for pair in pairs.pairs]), encoder.tokens(pairs.texts)
        rows = [Tokens(question, texts[own]) for question, own in zip(questions, pairs.right, strict=True)]
        answers = [Answers(own, also | {own}) for own, also in zip(pairs.right, pairs.also, strict=True)]
        super().__init__(context, embedder, recipe, rows, answers, identity, what, score="recall@1")
        self.pairs = rows

    def _backward(self, chosen: list[int]) -> float:
        rows = [self.pairs[index] for index in chosen]
        if sum(len(side) * max(map(len, side)) for side in sides(rows)) <= self.at_once:
            return super()._backward(chosen)
        return self._backward_in_parts(rows, [self.targets[index] for index in chosen])

    def _backward_in_parts(self, rows: Sequence[Tokens], answers: Sequence[Answers]) -> float:
        """The same gradients with the memory of one part: vectors first, then each part again with the gradients of
        its vectors (Gao et al. 2021, section 3). Each part drops out the same numbers both times."""
        passes = [part for side in sides(rows) for part in self._parts(side)]
        states, held = [], []
        with torch.no_grad():
            for part in passes:
                states.append(torch.get_rng_state())
                held.append(self.classifier.encoder.vectors(part))
        vectors = torch.cat(held).requires_grad_()
        loss = contrast(vectors[: len(rows)], vectors[len(rows) :], answers) / len(rows)
        (wanted,) = torch.autograd.grad(loss, vectors)
        for part, state, end in zip(passes, states, accumulate(map(len, passes)), strict=True):
            torch.set_rng_state(state)
            self.classifier.encoder.vectors(part).backward(wanted[end - len(part) : end])  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _parts(self, side: list[list[int]]) -> list[list[list[int]]]:
        size = max(1, self.at_once // max(map(len, side)))
        return [side[start : start + size] for start in range(0, len(side), size)]
