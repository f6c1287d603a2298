"""A tagger: an encoder and a linear head that gives every word a tag, by the state of the word's first piece.

As in Devlin et al. 2019, section 5.3: a word is read in pieces, its first one is tagged, the others are not counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tools.contract import Candidate, JobContext, ModelKind
from tools.errors import UserFault
from tools.evaluate.tagging import OUTSIDE
from tools.training.classify_measures import softmax
from tools.training.encoder import Encoder
from tools.training.headed import Head, centroids, load_headed, save_headed

Quiet = Callable[[int], None]


@dataclass(frozen=True)
class Pieces:
    """A row of words as the encoder reads it."""

    ids: list[int]
    first: list[int]  # place among `ids` of the first piece of each word that is read
    words: list[int]  # which words those are; the others lie beyond the context, or are nothing the encoder can read

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Tagged:
    """What a tagger says of a row: a tag for every word and its probability, 1 for a word that was not read."""

    tags: tuple[str, ...]
    confidences: tuple[float, ...]


class Tagger:
    """Words to tags."""

    passes = 1  # over a row in one step of training

    def __init__(self, encoder: Encoder, linear: torch.nn.Linear, head: Head) -> None:
        self.encoder = encoder
        self.linear = linear
        self.head = head

    @property
    def tags(self) -> tuple[str, ...]:
        return self.head.labels

    def forward(self, rows: Sequence[Pieces]) -> Tensor:
        """Logits [words read in all rows, tags], row after row; gradients flow."""
        logits: Tensor = self.linear(word_vectors(self.encoder, rows) * self.head.scale)
        return logits

    def loss(self, rows: Sequence[Pieces], targets: Sequence[Sequence[int]]) -> Tensor:
        """Cross entropy of the words that are read with the indices of their tags, summed; gradients flow."""
        wanted = torch.tensor([tag for row in targets for tag in row])
        return torch.nn.functional.cross_entropy(self.forward(rows), wanted, reduction="sum")

    @staticmethod
    def items(targets: Sequence[Sequence[int]]) -> int:
        """Words a loss is summed over."""
        return sum(len(row) for row in targets)

    @torch.inference_mode()
    def probabilities(self, rows: Sequence[Pieces], on_batch: Quiet = lambda done: None) -> list[NDArray[Any]]:
        """[words read, tags] of each row."""
        self.encoder.model.eval()
        found: list[NDArray[Any]] = [np.zeros((0, len(self.tags)))] * len(rows)
        done = 0
        for chosen in self.encoder.by_length(rows):
            logits = self.forward([rows[index] for index in chosen]).double().numpy()
            ends = np.cumsum([len(rows[index].first) for index in chosen])
            for index, part in zip(chosen, np.split(logits, ends[:-1]), strict=True):
                found[index] = softmax(part)
            done += len(chosen)
            on_batch(done)
        return found

    def tag(self, rows: Sequence[Sequence[str]], on_batch: Quiet = lambda done: None) -> list[Tagged]:
        """Tags of rows of words; a word that is not read belongs to no entity."""
        read = pieces(self.encoder, rows)
        return [
            self._tagged(len(words), row, shares)
            for words, row, shares in zip(rows, read, self.probabilities(read, on_batch), strict=True)
        ]

    def _tagged(self, words: int, row: Pieces, shares: NDArray[Any]) -> Tagged:
        tags, confidences = [OUTSIDE] * words, [1.0] * words
        for word, share in zip(row.words, shares, strict=True):
            tags[word], confidences[word] = self.tags[share.argmax()], float(share.max())
        return Tagged(tuple(tags), tuple(confidences))


def pieces(encoder: Encoder, rows: Sequence[Sequence[str]]) -> list[Pieces]:
    """Rows of words in pieces, cut at the context. Raises `UserFault` where the tokenizer does not tell whose."""
    if not rows:
        return []
    if not encoder.tokenizer.is_fast:
        raise UserFault(
            "The encoder's tokenizer does not tell which word a piece is of; take an encoder with a tokenizer.json."
        )
    # A tokenizer that marks the space before a word has to see it, or reads every word as the rest of another one.
    before = " " if "Ġ" in "".join(encoder.tokenizer.tokenize("a a")) else ""
    read = encoder.tokenizer(
        [[before + word for word in words] for words in rows],
        is_split_into_words=True,
        truncation=True,
        max_length=encoder.context,
    )
    return [_pieces(ids, read.word_ids(number)) for number, ids in enumerate(read["input_ids"])]


def _pieces(ids: list[int], words: Sequence[int | None]) -> Pieces:
    first: dict[int, int] = {}
    for place, word in enumerate(words):
        if word is not None:
            first.setdefault(word, place)
    return Pieces(ids, list(first.values()), list(first))


def word_vectors(encoder: Encoder, rows: Sequence[Pieces]) -> Tensor:
    """[words read in all rows, width], row after row, each of length one; gradients flow."""
    states, _ = encoder.states([row.ids for row in rows])
    chosen = torch.cat([states[number, row.first] for number, row in enumerate(rows)])
    return torch.nn.functional.normalize(chosen, dim=-1)


@torch.no_grad()  # and no inference mode: the head goes on to be trained
def nearest_centroid(
    encoder: Encoder,
    rows: Sequence[Pieces],
    targets: Sequence[Sequence[int]],
    tags: tuple[str, ...],
    on_batch: Quiet = lambda done: None,
) -> Tagger:
    """A tagger that needs no training: each tag's weights are the mean direction of its words' states.

    `targets` are the indices of the tags of the words read in each row. Also a good start for training the head.
    """
    encoder.model.eval()
    vectors, wanted, done = [], [], 0
    for chosen in encoder.by_length(rows):
        vectors.append(word_vectors(encoder, [rows[index] for index in chosen]))
        wanted += [tag for index in chosen for tag in targets[index]]
        done += len(chosen)
        on_batch(done)
    linear = centroids(torch.cat(vectors), torch.tensor(wanted), len(tags))
    return Tagger(encoder, linear, Head(labels=tags, context=encoder.context))


def save_tagger(
    context: JobContext, tagger: Tagger, *, name: str, method: str, parent: Candidate, facts: dict[str, Any]
) -> Candidate:
    """Write a tagger to the job's folder `model` and describe it."""
    return save_headed(context, tagger, ModelKind.TAGGER, name=name, method=method, parent=parent, facts=facts)


def load_tagger(candidate: Candidate) -> Tagger:
    """The tagger of a folder saved here. Raises `UserFault` where the folder is not whole."""
    found = load_headed(candidate, ModelKind.TAGGER, "Tagging")
    return Tagger(found.encoder, found.linear, found.head)
