"""Classification from a pre-trained encoder: what the tools call."""

from collections.abc import Callable

from tools.contract import Candidate
from tools.training.classify_abstain import calibrate_abstention
from tools.training.classify_evaluate import evaluate_labelled
from tools.training.classify_finetune import finetune_labelled
from tools.training.classify_model import load_classifier
from tools.training.classify_quantize import quantize_labelled

__all__ = [
    "calibrate_abstention",
    "evaluate_labelled",
    "finetune_labelled",
    "load_predictor",
    "quantize_labelled",
]


def load_predictor(candidate: Candidate) -> Callable[[list[str]], list[tuple[str, float]]]:
    """A function from texts to (label, confidence) of each, for a server."""
    return load_classifier(candidate).predict
