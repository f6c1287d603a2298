"""What a model is asked: rows of registered data, bare or behind a prompt the project found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.contract import Candidate, DataKind, Dataset, JobContext, ModelKind
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate import overlap, prompts
from tools.evaluate.plan import new_tokens
from tools.evaluate.prompts import Recorded
from tools.evaluate.spec import EvaluateParameters
from tools.models import require_kind
from tools.prompt.template import Item, item_of
from tools.prompt.variants import draw
from tools.report.snapshot import Project
from tools.training import generation, measure
from tools.training.measure import Answered, Row

_THINKING = 128  # tokens for thinking aloud before an answer, as trying prompts allows by default


@dataclass(frozen=True)
class Questions:
    """What a model is measured on: rows, and how it is asked them, behind a prompt or bare."""

    data: Dataset
    kind: DataKind  # how a row reads; labelled texts behind a prompt read as tasks
    rows: list[Row]
    asked: list[Row]
    prompt: Recorded | None = None

    def read(self, answered: Answered) -> Answered:
        """What the answers say in the form the prompt asked for, scored against what is wanted."""
        if self.prompt is None:
            return answered
        texts = tuple(self.prompt.prompt.read(answer).text for answer in answered.answers)
        score = measure.SCORES[self.kind][1]
        return replace(answered, answers=texts, scores=tuple(map(score, texts, self.rows)))


def put(
    params: EvaluateParameters, context: JobContext, model: Candidate, data: Dataset, project: Project | None
) -> Questions:
    if not params.prompt:
        rows = items(params, data)
        return Questions(data, data.kind, rows, rows)
    require_kind(model, ModelKind.CAUSAL, tool="Reading a prompt")
    prompt = prompts.recorded(params.prompt, project.evidence if project else (), context)
    rows, kind = items(params, data), data.kind
    if kind is DataKind.LABELLED:
        rows = [{**row, "prompt": row["text"], "completion": row["label"]} for row in rows]
        kind = DataKind.TASK

    def similar(questions: Sequence[Item], count: int) -> list[list[Item]]:
        from tools.prompt.run_similar import POOL, nearest  # loads a second model: only where it is asked for

        if "train" not in data.splits:
            raise UserFault(f"{params.prompt} shows similar training rows, and {data.name} has no train split.")
        context.progress("finding similar examples", 0, 1)
        pool = [item_of(row, data.kind) for row in rows_of(data.splits["train"])]
        drawn = draw(pool, min(POOL, len(pool)), balanced=False, seed=params.seed)
        return nearest(drawn, questions, count, lambda done: context.stop_if_cancelled())

    return Questions(data, kind, rows, prompt.asked(rows, kind, similar), prompt)


def check_length(params: EvaluateParameters, model: Candidate, tokenizer: Any, questions: Questions) -> None:
    """Raise `UserFault` where the longest question behind the prompt leaves no room for an answer."""
    if questions.prompt is None or not model.context:
        return
    longest = max(len(generation.encode(tokenizer, measure.asked(row))) for row in questions.asked)
    tokens = answer_tokens(params, questions)
    if longest + tokens > model.context:
        raise UserFault(
            f"{questions.prompt.title} and the longest question make {longest} tokens, and with an answer of {tokens}"
            f" that is more than the {model.context} {model.name} reads; take a prompt with fewer examples."
        )


def answer_tokens(params: EvaluateParameters, questions: Questions) -> int:
    """Longest answer in tokens, with room for the longest wanted text; thinking aloud comes on top."""
    thinks = questions.prompt is not None and questions.prompt.prompt.thinks
    longest = new_tokens(params, questions.kind)
    if params.max_new_tokens is None and questions.kind in (DataKind.TASK, DataKind.CONVERSATION):
        longest = overlap.room([measure.wanted(row) for row in questions.rows], longest)
    return longest + (_THINKING if thinks else 0)


def items(params: EvaluateParameters, data: Dataset) -> list[Row]:
    """The rows to measure on; a sentence where the data cannot be measured on."""
    if data.kind not in measure.SCORES and not (params.prompt and data.kind is DataKind.LABELLED):
        hint = {
            DataKind.FACTS: "; `augment` measures facts with and without retrieval",
            DataKind.PREFERENCE: "; a checklist measures what people prefer",
        }.get(data.kind, "")
        raise UserFault(f"{data.name} is {data.kind} data, on which answers cannot be measured{hint}.")
    if params.split not in data.splits:
        raise UserFault(f"{data.name} has no {params.split} split; it has {', '.join(data.splits)}.")
    return rows_of(data.splits[params.split])[: params.limit]
