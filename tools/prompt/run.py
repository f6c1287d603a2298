"""Trying prompts: the same questions in other words on the development split, the winner once on the test split.

Development numbers choose the winner, so its own is a little too high; the test split, which chose nothing, says what
it is worth against the bare question.
"""

from collections.abc import Sequence

from tools.contract import Candidate, DataKind, Dataset, JobContext, ModelKind, Result
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.models import require_kind
from tools.prompt import findings
from tools.prompt.findings import Found, Tried
from tools.prompt.spec import PromptParameters, Selection
from tools.prompt.template import Item, Message, Prompt, item_of
from tools.prompt.variants import draw, variants
from tools.prompt.version import version_of
from tools.training import generation, models

KINDS = (DataKind.TASK, DataKind.CONVERSATION, DataKind.LABELLED)


def run(params: PromptParameters, context: JobContext) -> Result:
    model, data = context.inputs.models["model"], context.inputs.data["data"]
    require_kind(model, ModelKind.CAUSAL, tool="Prompting")
    rows, pool = _items(params, data)
    balanced = data.kind is DataKind.LABELLED
    tries = variants(params, data, draw(pool, max(params.shots), balanced, params.seed) if pool else [])
    desk = _Desk(params, context, model, data, pool)
    left_out: list[str] = []
    tried: list[Tried] = []
    for number, prompt in enumerate(tries):
        found = desk.attempt(prompt, rows, "dev", f"prompt {number + 1} of {len(tries)}: {prompt.title}")
        if isinstance(found, str):
            left_out.append(found)
            continue
        tried.append(found)
    if not tried:
        raise UserFault(f"No prompt fits: {left_out[0]}; try fewer examples or a smaller max_new_tokens.")
    best = max(tried, key=lambda one: one.rank)
    whole = Found(params, model, data, tuple(tried), best, tuple(left_out), *_test(desk, params, tried, best))
    return findings.result(context, whole, version_of(context, params.name, best.prompt.digest))


def _items(params: PromptParameters, data: Dataset) -> tuple[list[Item], list[Item]]:
    """Development questions to answer, and the training rows that examples are chosen from."""
    if data.kind not in KINDS:
        raise UserFault(
            f"Prompts are tried on task data (prompt, completion), conversations or labelled texts, and {data.name} is"
            f" {data.kind} data."
        )
    most = max(params.shots)
    for split in ("dev", "train") if most else ("dev",):
        if split not in data.splits:
            raise UserFault(f"{data.name} has no {split} split, which trying prompts needs; register it with one.")
    questions = [item_of(row, data.kind) for row in rows_of(data.splits["dev"])[: params.limit]]
    if not questions:
        raise UserFault(f"The dev split of {data.name} has no rows; register the data again with more.")
    if not most:
        return questions, []
    pool = [item_of(row, data.kind) for row in rows_of(data.splits["train"])]
    if most > len(pool):
        raise UserFault(f"{data.name} has {len(pool)} training rows, too few for {most} examples; ask for fewer.")
    return questions, pool


def _test(
    desk: "_Desk", params: PromptParameters, tried: Sequence[Tried], best: Tried
) -> tuple[Tried | None, Tried | None, str]:
    """The winner and the bare question on the test split, or why it was not looked at."""
    if not params.test:
        return None, None, "test=false was asked for"
    if best.prompt.plain:
        return None, None, "the bare question is best, and an evaluation of the model measures that"
    if any(one.prompt.plain and one.score.value >= best.score.value for one in tried):
        return None, None, "the bare question scores as high on the development split"
    split = desk.data.splits.get("test")
    if split is None:
        return None, None, f"{desk.data.name} has no test split"
    items = [item_of(row, desk.data.kind) for row in rows_of(split)]
    won = desk.attempt(best.prompt, items, "test", "the winner on the test split")
    if isinstance(won, str):
        return None, None, won
    bare = desk.attempt(Prompt(labels=desk.data.labels), items, "test", "the bare question on the test split")
    return won, None if isinstance(bare, str) else bare, ""


class _Desk:
    """One model that answers questions behind prompts."""

    def __init__(
        self, params: PromptParameters, context: JobContext, model: Candidate, data: Dataset, pool: Sequence[Item]
    ) -> None:
        self.params, self.context, self.candidate, self.data, self.pool = params, context, model, data, pool
        self.model, self.tokenizer = models.load_causal(model)
        self._similar: dict[str, list[list[Item]]] = {}

    def attempt(self, prompt: Prompt, items: list[Item], split: str, step: str) -> Tried | str:
        """How a prompt does on a split's items, or why it cannot be tried."""
        chosen = self._examples(prompt, items, split)
        conversations = [prompt.messages(item, few) for item, few in zip(items, chosen, strict=True)]
        lengths = [len(generation.encode(self.tokenizer, conversation)) for conversation in conversations]
        tokens = self.params.max_new_tokens + (self.params.reasoning_tokens if prompt.thinks else 0)
        if self.candidate.context and max(lengths) + tokens > self.candidate.context:
            return (
                f"{prompt.title}: {prompt.shots} examples make {max(lengths)} tokens, and with an answer of {tokens}"
                f" that is more than the {self.candidate.context} {self.candidate.name} reads"
            )
        answers = self._answer(conversations, tokens, step)
        read = tuple(prompt.read(answer.text) for answer in answers)
        return Tried(
            prompt=prompt,
            split=split,
            kind=self.data.kind,
            seed=self.params.seed,
            items=tuple(items),
            read=read,
            prompt_tokens=tuple(lengths),
            answer_tokens=tuple(answer.tokens for answer in answers),
        )

    def _answer(self, conversations: list[list[Message]], tokens: int, step: str) -> list[generation.Answer]:
        def told(done: int) -> None:
            self.context.stop_if_cancelled()
            self.context.progress(step, done, len(conversations))

        told(0)
        return generation.answer(self.model, self.tokenizer, conversations, tokens, on_batch=told)

    def _examples(self, prompt: Prompt, items: list[Item], split: str) -> list[list[Item]]:
        if not prompt.shots or prompt.selection != Selection.SIMILAR:
            return [[] for _ in items]
        if split not in self._similar:
            from tools.prompt.run_similar import POOL, nearest  # loads a second model: only where it is asked for

            self.context.progress("finding similar examples", 0, 1)
            pool = draw(self.pool, min(POOL, len(self.pool)), balanced=False, seed=self.params.seed)
            self._similar[split] = nearest(
                pool, items, max(self.params.shots), lambda done: self.context.stop_if_cancelled()
            )
        return [few[-prompt.shots :] for few in self._similar[split]]
