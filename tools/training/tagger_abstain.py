"""Leaving the texts whose words are least certain to people: a text is decided as a whole."""

from typing import TYPE_CHECKING, Literal

from tools.contract import Candidate, Dataset, JobContext, Result
from tools.training.classify_abstain import Decisions, calibrate, require_rows
from tools.training.tagger_answers import answer, tagger_of
from tools.training.tagger_rows import read_rows

if TYPE_CHECKING:
    from tools.augment.spec import AugmentParameters


def calibrate_tagging(context: JobContext, params: "AugmentParameters", model: Candidate, data: Dataset) -> Result:
    """Exact match on the texts kept against that on all, on test rows, at a threshold chosen on dev rows."""
    rows = {"dev": read_rows(data, "dev"), "test": read_rows(data, "test", params.limit)}
    require_rows(data, len(rows["dev"]))
    tagger = tagger_of(context, model, data)

    def decide(step: str, split: Literal["dev", "test"]) -> Decisions:
        return answer(context, step, tagger, rows[split])

    return calibrate(context, params, model, data, decide, tagger.head.temperature, "exact_match")
