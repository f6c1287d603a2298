"""Fine-tuning an encoder into a tagger of words (named entities), with LoRA or in full."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, Dataset, JobContext, Metric, Result
from tools.finetune.refusals import refuse_for_encoder, require_dev
from tools.training import classify_plots
from tools.training.classify_checkpoint import Notes
from tools.training.classify_rows import DEV_ROWS, held_back
from tools.training.classify_train import Recipe, Trainer, merge, trainable
from tools.training.encoder_settings import (
    CHECK_ROWS,
    JUDGING,
    Trial,
    facts_of,
    recipe_of,
    settings_of,
)
from tools.training.headed import load_trainable
from tools.training.settings_search import told_choice
from tools.training.tagger_answers import TaggedAnswers, answer, quality, untrained, warn
from tools.training.tagger_model import Tagger, pieces, save_tagger
from tools.training.tagger_rows import TaggedRow, kinds_of, read_rows, tags_of

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

_ALIKE_ROWS = 16  # rows on which the merged model is compared


def finetune_tagged(context: JobContext, params: "FinetuneParameters", model: Candidate, data: Dataset) -> Result:
    """Train encoder and head on all training rows, merge them, and measure on the dev split.

    Goes on from the newest whole checkpoint in the job's folder. Raises `Cancelled` with a checkpoint kept.
    """
    refuse_for_encoder(params, data)
    require_dev(params, data)
    encoder = load_trainable(model)
    rows = read_rows(data, "train")
    dev = read_rows(data, "dev", DEV_ROWS) if "dev" in data.splits else []
    tags = tags_of(rows, data.name)
    warnings = warn(context, model, encoder, rows)
    tagger, read, targets = untrained(context, encoder, rows, tags)
    params, found = _settings(context, params, tagger, rows, dev)
    before = answer(context, "measuring before training", tagger, dev) if dev else None
    recipe = recipe_of(params, len(rows))
    trainer = Trainer(
        context,
        trainable(tagger, recipe),
        recipe,
        read,
        targets,
        identity=digest.of_json([vars(recipe), model.digest, data.digest, len(rows)]),
        score="entity_f1",
    )
    notes = trainer.run(_looking(context, tagger, dev if recipe.patience else dev[:CHECK_ROWS]))
    _merge(tagger, (dev or rows)[:_ALIKE_ROWS])
    after = answer(context, "measuring on the development split", tagger, dev) if dev else None
    facts: dict[str, JsonValue] = {
        "kinds": list(kinds_of(tags)),
        "rows": len(rows),
        "words": sum(len(row.tokens) for row in rows),
        **facts_of(params, recipe, notes),
        **found,
    }
    candidate = save_tagger(
        context,
        tagger,
        name=params.name or f"{model.name}-{recipe.method}",
        method=recipe.method,
        parent=model,
        facts=facts,
    )
    return _result(context, candidate, notes, before, after, {**facts, "warnings": list(warnings)})


def _settings(
    context: JobContext, params: "FinetuneParameters", tagger: Tagger, rows: list[TaggedRow], dev: list[TaggedRow]
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The parameters to train with, and what was tried: short runs are judged by how far entity F1 falls short of one.

    Where there are few development rows, training rows with every mixture of kinds are held back to judge by as well.
    """
    if not params.tries:
        return params, {}
    mixtures = [" ".join(kinds_of(row.tags)) for row in rows]
    learnt, kept_back = held_back(mixtures, len(dev), 0, params.seed)
    held = [*dev, *(rows[index] for index in kept_back)]
    start, read, targets = untrained(context, tagger.encoder, [rows[index] for index in learnt], tagger.tags)

    def begin(tried: "FinetuneParameters", recipe: Recipe, what: str) -> Trial:
        one = Tagger(start.encoder.copy(), copy.deepcopy(start.linear), start.head)
        trainer = Trainer(context, trainable(one, recipe), recipe, read, targets, what=what)
        return Trial(trainer, lambda: 1 - answer(context, JUDGING, one, held).f1)

    return settings_of(params, context, len(rows), len(learnt), len(held), begin)


def _looking(context: JobContext, tagger: Tagger, rows: list[TaggedRow]) -> Callable[[], tuple[float, float] | None]:
    """What looks at these rows: entity F1, and how far it falls short of one."""

    def look() -> tuple[float, float] | None:
        if not rows:
            return None
        found = answer(context, "checking", tagger, rows).f1
        return found, 1 - found

    return look


def _merge(tagger: Tagger, rows: list[TaggedRow]) -> None:
    read = pieces(tagger.encoder, [row.tokens for row in rows])
    merge(tagger, lambda: np.concatenate(tagger.probabilities(read)))


def _result(
    context: JobContext,
    candidate: Candidate,
    notes: Notes,
    before: TaggedAnswers | None,
    after: TaggedAnswers | None,
    facts: dict[str, JsonValue],
) -> Result:
    metrics = [Metric(name="train_loss", value=notes.losses[-1][1])] if notes.losses else []
    kinds = candidate.facts["kinds"]
    number = len(kinds) if isinstance(kinds, list) else 0
    said = (
        f"{candidate.name} learned to find {number} {'kind' if number == 1 else 'kinds'} of entities"
        f" from {facts['rows']:,} rows"
    )
    at_start: list[tuple[int, float]] = []
    if after is not None and before is not None:
        found = quality(after, "dev")
        main = found[0]
        metrics = [main, *found[1:], Metric(name="entity_f1_before", value=before.f1, n=main.n, split="dev"), *metrics]
        said += (
            f": entity F1 {main.value:.3f} [{main.low:.3f}, {main.high:.3f}] on {main.n} development rows,"
            f" {before.f1:.3f} before training"
        )
        at_start = [(0, before.f1)]
    plot = classify_plots.learning(
        context, notes.losses, [*at_start, *((look.step, look.score) for look in notes.looks)], "entity F1"
    )
    return Result(
        summary=f"{said}.{told_choice(facts)}",
        metrics=tuple(metrics),
        artefacts=(context.artefact("model", "model", context.folder / "model"), plot),
        candidate=candidate,
        split="dev" if after is not None else "",
        facts=facts,
    )
