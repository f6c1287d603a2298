"""Fine-tuning an encoder, with LoRA or in full, so that a question finds the text that answers it."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, Dataset, JobContext, Metric, Result
from tools.errors import UserFault
from tools.finetune.plan import require_dev
from tools.training import classify_plots
from tools.training.classify_checkpoint import Notes
from tools.training.classify_finetune import CHECK_ROWS, refuse_what_is_not_for_encoders
from tools.training.classify_rows import DEV_ROWS
from tools.training.classify_settings import recipe_of
from tools.training.classify_train import Recipe, merge, trainable
from tools.training.embedding_rows import Pairs, pairs_of, read_pairs, require_choice
from tools.training.embedding_search import Found, quality, search
from tools.training.embedding_train import Embedder, PairTrainer
from tools.training.encoder import Encoder, load_encoder, unread, warnings_about

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

_ALIKE_TEXTS = 16  # texts whose vectors are compared before and after merging


def finetune_pairs(context: JobContext, params: "FinetuneParameters", model: Candidate, data: Dataset) -> Result:
    """Train on all pairs, merge the adapters, and measure on the dev split what is found before and after.

    Goes on from the newest whole checkpoint in the job's folder. Raises `Cancelled` with a checkpoint kept.
    """
    refuse_what_is_not_for_encoders(params)
    if params.per_class is not None:
        raise UserFault(f"per_class counts rows of a label, and {data.name} has none; register fewer rows with limit=.")
    if params.r_drop:
        raise UserFault("r_drop is for labelled data; leave it out to learn from pairs.")
    if params.probe or params.search:
        raise UserFault("probe and search try settings on labelled data; leave them out to learn from pairs.")
    require_dev(params, data)
    encoder = load_encoder(model)
    pairs, dev = read_pairs(data, "train"), _development(data)
    require_choice(pairs, "train", data.name)
    warnings = warnings_about(model, unread(encoder, [*(pair.question for pair in pairs.pairs), *pairs.texts]))
    for sentence in warnings:
        context.log(sentence)
    before = search(context, "measuring before training", encoder, dev) if dev else None
    recipe = recipe_of(params, len(pairs))
    embedder = trainable(Embedder(encoder), recipe)
    identity = digest.of_json([vars(recipe), model.digest, data.digest, len(pairs)])
    trainer = PairTrainer(context, embedder, recipe, pairs, identity)
    check = pairs_of(dev.pairs[: DEV_ROWS if recipe.patience else CHECK_ROWS]) if dev else None
    notes = trainer.run(_looking(context, encoder, check))
    merge(embedder, lambda: encoder.embed(encoder.tokens(pairs.texts[:_ALIKE_TEXTS])).numpy())
    after = search(context, "measuring on the development split", encoder, dev) if dev else None
    facts = _facts(recipe, notes, pairs)
    candidate = save_encoder(
        context,
        encoder,
        name=params.name or f"{model.name}-{recipe.method}",
        method=recipe.method,
        parent=model,
        facts=facts,
    )
    return _result(context, candidate, notes, before, after, {**facts, "warnings": list(warnings)})


def _looking(context: JobContext, encoder: Encoder, check: Pairs | None) -> Callable[[], tuple[float, float] | None]:
    """What looks at these pairs: recall@1, and how far the mean reciprocal rank falls short of one."""

    def look() -> tuple[float, float] | None:
        if check is None:
            return None
        found = search(context, "checking", encoder, check)
        return found.recall, 1 - fmean(found.values("mrr"))

    return look


def _development(data: Dataset) -> Pairs | None:
    """The development pairs, where there are any with more than one text to choose from."""
    pairs = read_pairs(data, "dev", DEV_ROWS) if "dev" in data.splits else None
    return pairs if pairs is not None and len(pairs.texts) > 1 else None


def _facts(recipe: Recipe, notes: Notes, pairs: Pairs) -> dict[str, JsonValue]:
    return {
        "rows": len(pairs),
        "texts": len(pairs.texts),
        "steps": notes.step,
        "lr": recipe.lr,
        **({"rank": recipe.rank} if recipe.method == "lora" else {}),
    }


def save_encoder(
    context: JobContext, encoder: Encoder, *, name: str, method: str, parent: Candidate, facts: dict[str, JsonValue]
) -> Candidate:
    """Write an encoder to the job's folder `model`, in the form it was loaded from, and describe it."""
    folder = context.folder / "model"
    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
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
        summary=said + ".",
        metrics=tuple(metrics),
        artefacts=(context.artefact("model", "model", context.folder / "model"), plot),
        candidate=candidate,
        split="dev" if after is not None else "",
        facts=facts,
    )
