"""Texts to vectors from a pre-trained encoder: what the tools call."""

from collections.abc import Callable

from tools.contract import Candidate
from tools.training.embedding_abstain import calibrate_finding
from tools.training.embedding_quantize import quantize_pairs
from tools.training.encoder import load_encoder

__all__ = ["calibrate_finding", "load_embedder", "quantize_pairs"]

Embedded = tuple[list[list[float]], int]  # vectors of length one, and how many tokens were read


def load_embedder(candidate: Candidate) -> Callable[[list[str]], Embedded]:
    """A function from texts to the vector of each, for a server. A text is read up to the encoder's context."""
    encoder = load_encoder(candidate)

    def embed(texts: list[str]) -> Embedded:
        rows = encoder.tokens(texts)
        return encoder.embed(rows).tolist(), sum(map(len, rows))

    return embed
