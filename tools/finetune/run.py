"""Fine-tuning: a model learns a task, conversations or text, by adapters, virtual tokens or with every weight."""

from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tools.contract import Artefact, Candidate, DataKind, Dataset, JobContext, Metric, ModelKind, Result
from tools.data.formats import rows_of
from tools.errors import UserFault
from tools.evaluate import bootstrap, overlap
from tools.finetune.plan import TRYING, steps_of
from tools.finetune.settings import for_generator, rate_of
from tools.finetune.spec import FinetuneParameters, Method
from tools.models import PREFIX
from tools.training import adapters, generation, measure, models, plots, supervised, trainers
from tools.training.advice import advise
from tools.training.progress import Follow, Watch
from tools.training.settings_search import choose, told_choice
from tools.training.supervised import Lesson

_NEW_TOKENS = 40
_PROMPTS = 8  # conversations on which a merged model is compared
_TITLES = {"exact_match": "exact match", "rougeL": "ROUGE-L"}
_SUFFIX = {Method.PROMPT_TUNING: "prompt", Method.PREFIX_TUNING: "prefix"}  # the others' own names


def run(params: FinetuneParameters, context: JobContext) -> Result:
    model, data = context.inputs.models["model"], context.inputs.data["data"]
    if data.kind is DataKind.TAGGED:
        from tools.training.tagger import finetune_tagged

        context.shared_work_done()  # an encoder is small: one process trains it
        return finetune_tagged(context, params, model, data)
    if model.kind is ModelKind.ENCODER and data.kind is not DataKind.LABELLED:
        from tools.training.embedding_finetune import finetune_pairs

        context.shared_work_done()  # the same
        return finetune_pairs(context, params, model, data)
    if model.kind.encodes or data.kind is DataKind.LABELLED:
        from tools.training.classify import finetune_labelled

        context.shared_work_done()  # the same
        return finetune_labelled(context, params, model, data)
    if params.method is Method.QLORA:
        adapters.require_gpu(model)
    lesson = supervised.lesson_of(params, data, context.inputs.data.get("replay"))
    steps = steps_of(params, len(lesson.train))
    params, tried = _settings(params, context, model, lesson, steps)
    tokenizer, trainer = _train(params, context, model, lesson, steps)
    context.shared_work_done()
    return _result(params, context, trainer, tokenizer, model, data, {"rows": len(lesson.train), **tried})


def _train(
    params: FinetuneParameters, context: JobContext, model: Candidate, lesson: Lesson, steps: int
) -> tuple[Any, Any]:
    loaded = _load(params, model)
    follow = Follow(Watch(context, "fine-tuning", steps))
    trainer = supervised.trainer_of(params, context, loaded, lesson, steps, follow)
    trainers.train(trainer, follow, trainers.newest_complete(context.checkpoints))
    return loaded[1], trainer


def _load(params: FinetuneParameters, model: Candidate) -> tuple[Any, Any]:
    models.require_whole(model, "fine-tuning")
    return models.load_causal(model, adapters.four_bits() if params.method is Method.QLORA else None)


# --- settings found by short runs -------------------------------------------------------------------------------


def _settings(
    params: FinetuneParameters, context: JobContext, model: Candidate, lesson: Lesson, steps: int
) -> tuple[FinetuneParameters, dict[str, JsonValue]]:
    """The parameters to train with, and what was tried."""
    if not params.tries:
        return params, {}

    def short_run(tried: FinetuneParameters, share: float) -> float:
        return _short(tried, context, model, lesson, max(5, round(share * steps)))

    return choose(params, context, for_generator(params, model.parameters), short_run)


def _short(params: FinetuneParameters, context: JobContext, model: Candidate, lesson: Lesson, steps: int) -> float:
    """Development loss (else the training loss at the end) after a short run; infinite where it diverged."""
    quiet = params.model_copy(update={"early_stopping": 0, "evaluate_every": steps, "save_every": steps + 1})
    follow = Follow(Watch(context, f"{TRYING}: lr {params.lr:.2g}, rank {params.rank}", steps))
    trainer = supervised.trainer_of(quiet, context, _load(params, model), lesson, steps, follow, keep=False)
    try:
        trainers.train(trainer, follow)
    except UserFault:  # it diverged: an answer, too
        return float("inf")
    seen = supervised.looks(trainer.state.log_history)
    return seen[-1][1] if seen else plots.smooth([loss for _, loss in supervised.losses(trainer.state.log_history)])[-1]


# --- the result ---------------------------------------------------------------------------------------------------


def _finish(
    params: FinetuneParameters, context: JobContext, trainer: Any, tokenizer: Any, parent: Candidate, data: Dataset
) -> tuple[Any, list[Artefact], dict[str, JsonValue]]:
    """The model as it will be used, what was kept of its making, and how alike it answers to what was trained."""
    if params.method is Method.FULL:
        return trainer.model.eval(), [], {}
    conversations = [_asked(data.kind, row) for row in rows_of(data.splits["train"])[:_PROMPTS]]
    context.progress("merging", 0, 1)
    if params.method is Method.PREFIX_TUNING:
        folder = context.folder / "model" / PREFIX
        model, gap = adapters.keep_prefix(trainer.model, tokenizer, conversations, folder)
        kept = [context.artefact("prefix", "adapter", folder)]
        return model, kept, {"virtual_tokens": params.virtual_tokens, "merge_gap": gap}
    folder = context.folder / "adapter"
    trainer.model.save_pretrained(folder)
    kept = [context.artefact("adapter", "adapter", folder)]
    if params.method is Method.PROMPT_TUNING:
        model, gap = adapters.bake(trainer.model, tokenizer, conversations)
        return model, kept, {"virtual_tokens": params.virtual_tokens, "merge_gap": gap}
    adapted = trainer.model
    if params.method is Method.QLORA:
        adapted = models.with_adapter(models.load_causal(parent)[0], folder)
    prompts = [tokenizer.decode(generation.encode(tokenizer, one)) for one in conversations]
    model, gap = adapters.merge(adapted, tokenizer, prompts)
    return model, kept, {"rank": params.rank, "merge_gap": gap}


def _asked(kind: DataKind, row: dict[str, Any]) -> list[generation.Message]:
    if kind is DataKind.CONVERSATION:
        return list(row["messages"][:-1])
    return generation.user(row["prompt"] if kind is DataKind.TASK else row["text"][:200])


def _result(
    params: FinetuneParameters,
    context: JobContext,
    trainer: Any,
    tokenizer: Any,
    parent: Candidate,
    data: Dataset,
    found: dict[str, JsonValue],
) -> Result:
    history = trainer.state.log_history
    losses, looks = supervised.losses(history), supervised.looks(history)
    model, kept, about = _finish(params, context, trainer, tokenizer, parent, data)
    model.config.use_cache = True
    name = params.name or f"{parent.name}-{_SUFFIX.get(params.method, params.method)}"
    facts: dict[str, JsonValue] = {
        "data": data.name,
        "data_digest": data.digest,
        "lr": rate_of(params, parent.parameters),
        "steps": trainer.state.global_step,
        **about,
        **found,
    }
    if looks:
        facts["dev_losses"] = [[step, round(loss, 4)] for step, loss in looks]
    if params.early_stopping and trainer.state.best_global_step:
        facts["best_step"] = trainer.state.best_global_step
    if advice := advise(losses, looks):
        facts["advice"] = advice
    candidate = models.save_candidate(
        context, model, tokenizer, name=name, method=params.method, parent=parent, facts=facts
    )
    metrics = [Metric(name="loss", value=plots.smooth([loss for _, loss in losses])[-1])]
    said = f"loss {metrics[0].value:.3f}"
    if looks:
        metrics.append(Metric(name="dev_loss", value=min(loss for _, loss in looks), split="dev"))
        said += f", development loss {metrics[-1].value:.3f}"
    dev = _on_dev(context, candidate, data)
    for main in dev[:1]:
        said = f"{_TITLES[main.name]} {main.value:.3f} [{main.low:.3f}, {main.high:.3f}] on {main.n} development rows"
    metrics += dev
    series = {"training": losses} | ({"development": looks} if looks else {})
    picture = plots.curve(context, "loss", f"Fine-tuning {name}", series, "step", "loss (nats a token)")
    return Result(
        summary=f"{name} learned {data.name} in {trainer.state.global_step} steps: {said}.{told_choice(facts)}",
        metrics=tuple(metrics),
        artefacts=(context.artefact(name, "model", Path(candidate.path)), *kept, picture),
        candidate=candidate,
        split="dev" if dev or looks else "",
        facts=facts,
    )


def _on_dev(context: JobContext, candidate: Candidate, data: Dataset) -> list[Metric]:
    """Exact match on the development split, and ROUGE-L before it where long texts are wanted, as they were saved."""
    if "dev" not in data.splits or data.kind not in measure.SCORES:
        return []
    rows = rows_of(data.splits["dev"])
    context.progress("measuring on dev", 0, len(rows))
    wanted = [measure.wanted(row) for row in rows]
    longest = overlap.room(wanted, _NEW_TOKENS)
    answered = measure.answer_rows(*models.load_causal(candidate), rows, data.kind, longest)
    values = {"exact_match": answered.passes}
    if overlap.is_long(wanted):
        shared = [overlap.rouge(*pair)["rougeL"] for pair in zip(answered.answers, wanted, strict=True)]
        values = {"rougeL": shared, **values}
    found = {name: bootstrap.mean(scores) for name, scores in values.items()}
    return [Metric(name=name, value=i.value, low=i.low, high=i.high, n=i.n, split="dev") for name, i in found.items()]
