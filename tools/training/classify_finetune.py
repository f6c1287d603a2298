"""Fine-tuning an encoder into a classifier, with LoRA or in full."""

from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, Dataset, JobContext, Metric, ModelKind, Result
from tools.errors import UserFault
from tools.evaluate import bootstrap
from tools.finetune.plan import steps_of
from tools.training import classify_plots
from tools.training.classify_answers import SAMPLE, Answers, classify, mean_length
from tools.training.classify_checkpoint import Notes
from tools.training.classify_measures import best_temperature
from tools.training.classify_model import Classifier, load_classifier, nearest_centroid, save_classifier
from tools.training.classify_rows import LabelledRow, counts_of, draw, labels_of, passes, read_rows, rows_a_label
from tools.training.classify_train import Recipe, Trainer, merge, trainable
from tools.training.encoder import Encoder, load_encoder, unread, warnings_about

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters

LR = {"lora": 1e-3, "full": 2e-4}  # of the encoder
DEV_ROWS = 500  # development rows behind the temperature and the last accuracy
CHECK_ROWS = 200  # development rows looked at after each pass


def finetune_labelled(context: JobContext, params: "FinetuneParameters", model: Candidate, data: Dataset) -> Result:
    """Train encoder and head on rows of every label, merge them, set the temperature, measure on the dev split.

    Goes on from the newest whole checkpoint in the job's folder. Raises `Cancelled` with a checkpoint kept.
    """
    refuse_what_is_not_for_encoders(params)
    encoder = _encoder(model)
    rows, dev = read_rows(data, "train"), _development(data)
    labels = labels_of(rows, data.name)
    chosen = _draw(params, encoder, rows)
    warnings = _warn(context, model, encoder, chosen, labels)
    classifier, tokens, targets = _start(context, encoder, chosen, labels)
    before = classify(context, "measuring before training", classifier, dev) if dev else None
    recipe = recipe_of(params, len(chosen))
    trainer = Trainer(
        context,
        trainable(classifier, recipe),
        recipe,
        tokens,
        targets,
        identity=digest.of_json([vars(recipe), model.digest, data.digest, len(chosen)]),
    )
    check = dev[:CHECK_ROWS]
    notes = trainer.run(lambda: classify(context, "checking", classifier, check).accuracy if check else None)
    merge(classifier, lambda: classifier.probabilities([row.text for row in (dev or chosen)[:16]]))
    after = classify(context, "measuring on the development split", classifier, dev) if dev else None
    if after is not None:
        temperature = best_temperature(after.logits, after.truth)
        classifier.head = classifier.head.model_copy(update={"temperature": temperature})
    facts: dict[str, JsonValue] = {
        "labels": len(labels),
        "rows": len(chosen),
        "rows_a_label": {"fewest": min(counts_of(chosen).values()), "most": max(counts_of(chosen).values())},
        "steps": recipe.steps,
        "lr": recipe.lr,
        **({"rank": recipe.rank} if recipe.method == "lora" else {}),
        "temperature": classifier.head.temperature,
    }
    candidate = save_classifier(
        context,
        classifier,
        name=params.name or f"{model.name}-{recipe.method}",
        method=recipe.method,
        parent=model,
        facts=facts,
    )
    return _result(context, candidate, notes, before, after, {**facts, "warnings": list(warnings)})


def _encoder(model: Candidate) -> Encoder:
    if model.kind is ModelKind.CLASSIFIER and load_classifier(model).head.quantization != "none":
        raise UserFault(f"{model.name} is in 8 bits and cannot be trained; train the model it was made from.")
    return load_encoder(model)


def _development(data: Dataset) -> list[LabelledRow]:
    return read_rows(data, "dev", DEV_ROWS) if "dev" in data.splits else []


def _draw(params: "FinetuneParameters", encoder: Encoder, rows: list[LabelledRow]) -> list[LabelledRow]:
    """The rows to learn from: as many a label as was asked, else as many as a few minutes allow."""
    length = mean_length(encoder.tokens([row.text for row in rows[:SAMPLE]]))
    return draw(rows, params.per_class or rows_a_label(counts_of(rows), length), params.seed)


def _warn(
    context: JobContext, model: Candidate, encoder: Encoder, rows: list[LabelledRow], labels: tuple[str, ...]
) -> list[str]:
    warnings = warnings_about(model, unread(encoder, [row.text for row in rows]))
    few = sorted(label for label, count in counts_of(rows).items() if count < 5)
    if few:
        warnings.append(f"{len(few)} of {len(labels)} labels have fewer than 5 rows ({', '.join(few[:5])}).")
    for sentence in warnings:
        context.log(sentence)
    return warnings


def _start(
    context: JobContext, encoder: Encoder, rows: list[LabelledRow], labels: tuple[str, ...]
) -> tuple[Classifier, list[list[int]], list[int]]:
    """A classifier whose head points at the centroids of its rows, their token ids, their labels' indices."""

    def on_batch(done: int) -> None:
        context.stop_if_cancelled()
        context.progress("reading training rows", done, len(rows))

    place = {label: index for index, label in enumerate(labels)}
    tokens, targets = encoder.tokens([row.text for row in rows]), [place[row.label] for row in rows]
    return nearest_centroid(encoder, encoder.embed(tokens, on_batch), targets, labels), tokens, targets


def recipe_of(params: "FinetuneParameters", rows: int) -> Recipe:
    return Recipe(
        steps=steps_of(params, rows, passes(rows, params.batch)),
        batch=params.batch,
        lr=params.lr or LR[method_of(params)],
        rank=params.rank,
        alpha=params.alpha or 2.0 * params.rank,
        seed=params.seed,
        save_every=params.save_every,
        method=method_of(params),
    )


_NOT_HERE = ("targets", "dropout", "rslora", "dora", "packing", "evaluate_every", "early_stopping", "probe", "search")


def refuse_what_is_not_for_encoders(params: "FinetuneParameters") -> None:
    method_of(params)
    given = [name for name in (*_NOT_HERE, "replay") if getattr(params, name)]
    if given:
        raise UserFault(f"{', '.join(given)}: only for models that generate; leave it out to train an encoder.")


def method_of(params: "FinetuneParameters") -> Literal["lora", "full"]:
    match params.method.value:
        case "lora":
            return "lora"
        case "full":
            return "full"
    raise UserFault(f"method={params.method} is for models that generate; an encoder takes lora or full.")


def _result(
    context: JobContext,
    candidate: Candidate,
    notes: Notes,
    before: Answers | None,
    after: Answers | None,
    facts: dict[str, JsonValue],
) -> Result:
    metrics = [Metric(name="train_loss", value=notes.losses[-1][1])] if notes.losses else []
    said = f"{candidate.name} learned {facts['labels']} labels from {facts['rows']:,} rows"
    if after is not None and before is not None:
        found = bootstrap.mean(after.correct.tolist())
        metrics += [
            Metric(name="accuracy", value=found.value, low=found.low, high=found.high, n=found.n, split="dev"),
            Metric(name="accuracy_before", value=before.accuracy, n=found.n, split="dev"),
        ]
        said += f": accuracy {found.value:.3f} [{found.low:.3f}, {found.high:.3f}] on the development split, "
        said += f"{before.accuracy:.3f} before training"
    at_start = [(0, float(before.correct[:CHECK_ROWS].mean()))] if before is not None else []
    plot = classify_plots.learning(context, notes.losses, [*at_start, *notes.scores])
    folder = context.folder / "model"
    return Result(
        summary=said + ".",
        metrics=tuple(metrics),
        artefacts=(context.artefact("model", "model", folder), plot),
        candidate=candidate,
        split="dev" if after is not None else "",
        facts=facts,
    )
