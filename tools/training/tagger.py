"""Tagging words from a pre-trained encoder: what the tools call."""

from collections.abc import Callable, Sequence

from tools.contract import Candidate
from tools.training.tagger_abstain import calibrate_tagging
from tools.training.tagger_finetune import finetune_tagged
from tools.training.tagger_model import Tagged, load_tagger
from tools.training.tagger_quantize import quantize_tagged

__all__ = ["calibrate_tagging", "finetune_tagged", "load_word_predictor", "quantize_tagged"]


def load_word_predictor(candidate: Candidate) -> Callable[[Sequence[Sequence[str]]], list[Tagged]]:
    """A function from rows of words to the tags of each, for a server."""
    return load_tagger(candidate).tag
