"""Leaving the questions whose text is least certain to people."""

from typing import TYPE_CHECKING, Literal

from tools.contract import Candidate, Dataset, JobContext, Result
from tools.training.classify_abstain import Decisions, calibrate, require_rows
from tools.training.embedding_rows import read_pairs, require_choice
from tools.training.embedding_search import search
from tools.training.encoder import load_encoder
from tools.training.headed import SCALE

if TYPE_CHECKING:
    from tools.augment.spec import AugmentParameters


def calibrate_finding(context: JobContext, params: "AugmentParameters", model: Candidate, data: Dataset) -> Result:
    """Recall@1 on the questions kept against that on all, on test pairs, at a threshold chosen on dev pairs.

    The confidence is the softmax of the cosines divided by the policy's temperature, over all texts of the split: with
    more texts to choose from it is lower, and a threshold is to be chosen again.
    """
    pairs = {"dev": read_pairs(data, "dev"), "test": read_pairs(data, "test", params.limit)}
    for split, found in pairs.items():
        require_choice(found, split, data.name)
    require_rows(data, len(pairs["dev"]))
    encoder = load_encoder(model)

    def decide(step: str, split: Literal["dev", "test"]) -> Decisions:
        return search(context, step, encoder, pairs[split])

    return calibrate(context, params, model, data, decide, 1 / SCALE, "recall@1")
