"""Fine-tuning an encoder, with LoRA or in full, so that a question finds the text that answers it."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, Dataset, JobContext, Metric, Result
from tools.finetune.refusals import refuse_for_encoder, require_dev
from tools.training import classify_plots
from tools.training.classify_checkpoint import Notes
from tools.training.classify_int8 import Quantization
from tools.training.classify_rows import DEV_ROWS, held_back
from tools.training.classify_train import Recipe, merge, trainable
from tools.training.embedding_rows import Pairs, pairs_of, read_pairs, require_choice
from tools.training.embedding_search import Found, quality, search
from tools.training.embedding_train import Embedder, PairTrainer
from tools.training.encoder import Encoder, unread, warnings_about, write_encoder, write_stored
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

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

_ALIKE_TEXTS = 16  # texts whose vectors are compared before and after merging


def finetune_pairs(context: JobContext, params: "FinetuneParameters", model: Candidate, data: Dataset) -> Result:
    """Train on all pairs, merge the adapters, and measure on the dev split what is found before and after.

    Goes on from the newest whole checkpoint in the job's folder. Raises `Cancelled` with a checkpoint kept.
    """
    refuse_for_encoder(params, data)
    require_dev(params, data)
    encoder = load_trainable(model)
    pairs, dev = read_pairs(data, "train"), _development(data)
    require_choice(pairs, "train", data.name)
    warnings = warnings_about(model, unread(encoder, [*(pair.question for pair in pairs.pairs), *pairs.texts]))
    for sentence in warnings:
        context.log(sentence)
    params, found = _settings(context, params, encoder, pairs, dev)
    before = search(context, "measuring before training", encoder, dev) if dev else None
    recipe = recipe_of(params, len(pairs))
    embedder = trainable(Embedder(encoder), recipe)
    identity = digest.of_json([vars(recipe), model.digest, data.digest, len(pairs)])
    trainer = PairTrainer(context, embedder, recipe, pairs, identity)
    check = pairs_of(dev.pairs[: DEV_ROWS if recipe.patience else CHECK_ROWS]) if dev else None
    notes = trainer.run(_looking(context, encoder, check))
    merge(embedder, lambda: encoder.embed(encoder.tokens(pairs.texts[:_ALIKE_TEXTS])).numpy())
    after = search(context, "measuring on the development split", encoder, dev) if dev else None
    facts: dict[str, JsonValue] = {
        "rows": len(pairs),
        "texts": len(pairs.texts),
        **facts_of(params, recipe, notes),
        **found,
    }
    candidate = save_encoder(
        context,
        encoder,
        name=params.name or f"{model.name}-{recipe.method}",
        method=recipe.method,
        parent=model,
        facts=facts,
    )
    return _result(context, candidate, notes, before, after, {**facts, "warnings": list(warnings)})


def _settings(
    context: JobContext, params: "FinetuneParameters", encoder: Encoder, pairs: Pairs, dev: Pairs | None
) -> tuple["FinetuneParameters", dict[str, JsonValue]]:
    """The parameters to train with, and what was tried: short runs are judged by how far the mean reciprocal rank falls
    short of one. Where there are few development pairs, some of the training pairs are held back to judge as well."""
    if not params.tries:
        return params, {}
    own = dev.pairs if dev else ()
    learnt, kept_back = held_back([""] * len(pairs), len(own), 0, params.seed)
    part = pairs_of([pairs.pairs[index] for index in learnt])
    held = pairs_of([*own, *(pairs.pairs[index] for index in kept_back)])

    def begin(tried: "FinetuneParameters", recipe: Recipe, what: str) -> Trial:
        embedder = trainable(Embedder(encoder.copy()), recipe)
        trainer = PairTrainer(context, embedder, recipe, part, what=what)
        return Trial(trainer, lambda: _short_of_one(search(context, JUDGING, embedder.encoder, held)))

    return settings_of(params, context, len(pairs), len(part), len(held) if len(held.texts) > 1 else 0, begin)


def _short_of_one(found: Found) -> float:
    return 1 - fmean(found.values("mrr"))


def _looking(context: JobContext, encoder: Encoder, check: Pairs | None) -> Callable[[], tuple[float, float] | None]:
    """What looks at these pairs: recall@1, and how far the mean reciprocal rank falls short of one."""

    def look() -> tuple[float, float] | None:
        if check is None:
            return None
        found = search(context, "checking", encoder, check)
        return found.recall, _short_of_one(found)

    return look


def _development(data: Dataset) -> Pairs | None:
    """The development pairs, where there are any with more than one text to choose from."""
    pairs = read_pairs(data, "dev", DEV_ROWS) if "dev" in data.splits else None
    return pairs if pairs is not None and len(pairs.texts) > 1 else None


def save_encoder(
    context: JobContext,
    encoder: Encoder,
    *,
    name: str,
    method: str,
    parent: Candidate,
    facts: dict[str, JsonValue],
    quantization: Quantization = "none",
) -> Candidate:
    """Write an encoder to the job's folder `model`, in the form it was loaded from or in 8 bits, and describe it."""
    folder = context.folder / "model"
    write_encoder(encoder, folder, quantization)
    if quantization != "none":
        write_stored(encoder, folder, quantization)
    reads = {"max_seq_length": encoder.context, "do_lower_case": False}  # the file of sentence-transformers
    (folder / "sentence_bert_config.json").write_text(json.dumps(reads), encoding="utf-8")
    kept = {key: parent.facts[key] for key in ("architecture", "language") if key in parent.facts}
    return parent.model_copy(
        update={
            "name": name,
            "path": str(Path(folder).resolve()),
            "digest": digest.of_path(folder),
            "method": method,
            "parent": parent.name,
            "parent_digest": parent.digest,
            "job": context.spec.job,
            "bytes": digest.size_of(folder),
            "context": encoder.context,
            "facts": {**kept, **facts},
        }
    )


def _result(
    context: JobContext,
    candidate: Candidate,
    notes: Notes,
    before: Found | None,
    after: Found | None,
    facts: dict[str, JsonValue],
) -> Result:
    metrics = [Metric(name="train_loss", value=notes.losses[-1][1])] if notes.losses else []
    said = f"{candidate.name} learned {facts['rows']:,} questions and their {facts['texts']:,} texts"
    at_start: list[tuple[int, float]] = []
    if after is not None and before is not None:
        main, *more = quality(after, "dev")
        earlier = Metric(name="recall@1_before", value=before.recall, n=main.n, split="dev")
        metrics = [main, earlier, *more, *metrics]
        said += (
            f": recall@1 {main.value:.3f} [{main.low:.3f}, {main.high:.3f}] on {main.n:,} development questions, each"
            f" looking for its text among {len(after.pairs.texts):,}; {before.recall:.3f} before training"
        )
        at_start = [(0, before.ranks[:CHECK_ROWS].count(1) / len(before.ranks[:CHECK_ROWS]))]
    seen = [(look.step, look.score) for look in notes.looks]
    plot = classify_plots.learning(context, notes.losses, [*at_start, *seen], "recall@1")
    return Result(
        summary=f"{said}.{told_choice(facts)}",
        metrics=tuple(metrics),
        artefacts=(context.artefact("model", "model", context.folder / "model"), plot),
        candidate=candidate,
        split="dev" if after is not None else "",
        facts=facts,
    )
