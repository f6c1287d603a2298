"""Fine-tuning an encoder into a classifier, with LoRA or in full."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tools import digest
from tools.contract import Candidate, Dataset, JobContext, Metric, Result
from tools.evaluate import bootstrap
from tools.finetune.refusals import refuse_for_encoder, require_dev
from tools.training import classify_plots
from tools.training.classify_answers import SAMPLE, Answers, classify, mean_length
from tools.training.classify_checkpoint import Notes
from tools.training.classify_measures import best_temperature, tempered_loss
from tools.training.classify_model import Classifier, save_classifier
from tools.training.classify_rows import DEV_ROWS, LabelledRow, counts_of, draw, labels_of, read_rows, rows_a_label
from tools.training.classify_settings import Material, settings_for
from tools.training.classify_train import Trainer, merge, trainable
from tools.training.encoder import Encoder, unread, warnings_about
from tools.training.encoder_settings import CHECK_ROWS, facts_of, recipe_of
from tools.training.headed import load_trainable
from tools.training.settings_search import told_choice

if TYPE_CHECKING:
    from tools.finetune.spec import FinetuneParameters


def finetune_labelled(context: JobContext, params: "FinetuneParameters", model: Candidate, data: Dataset) -> Result:
    """Train encoder and head on rows of every label, merge them, set the temperature, measure on the dev split.

    Goes on from the newest whole checkpoint in the job's folder. Raises `Cancelled` with a checkpoint kept.
    """
    refuse_for_encoder(params, data)
    require_dev(params, data)
    encoder = load_trainable(model)
    rows, dev = read_rows(data, "train"), _development(data)
    labels = labels_of(rows, data.name)
    chosen = _draw(params, encoder, rows)
    warnings = _warn(context, model, encoder, chosen, labels)
    material = _material(context, encoder, chosen, labels)
    params, found = settings_for(params, context, material, dev)
    classifier, recipe = material.classifier(params), recipe_of(params, len(material.tokens))
    before = classify(context, "measuring before training", classifier, dev) if dev else None
    identity = digest.of_json([vars(recipe), classifier.r_drop, model.digest, data.digest, len(material.tokens)])
    trainer = Trainer(context, trainable(classifier, recipe), recipe, material.tokens, material.targets, identity)
    notes = trainer.run(_looking(context, classifier, dev if recipe.patience else dev[:CHECK_ROWS]))
    merge(classifier, lambda: classifier.probabilities([row.text for row in (dev or chosen)[:16]]))
    after = classify(context, "measuring on the development split", classifier, dev) if dev else None
    if after is not None:
        temperature = best_temperature(after.logits, after.truth)
        classifier.head = classifier.head.model_copy(update={"temperature": temperature})
    facts: dict[str, JsonValue] = {
        "labels": len(labels),
        "rows": len(chosen),
        "rows_a_label": {"fewest": min(counts_of(chosen).values()), "most": max(counts_of(chosen).values())},
        **facts_of(params, recipe, notes),
        "temperature": classifier.head.temperature,
        "label_names_learnt": len(material.tokens) > len(chosen),
        **({"r_drop": classifier.r_drop} if classifier.r_drop else {}),
        **found,
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


def _material(context: JobContext, encoder: Encoder, rows: list[LabelledRow], labels: tuple[str, ...]) -> Material:
    def on_batch(done: int) -> None:
        context.stop_if_cancelled()
        context.progress("reading training rows", done, len(rows))

    place = {label: index for index, label in enumerate(labels)}
    tokens, targets = encoder.tokens([row.text for row in rows]), [place[row.label] for row in rows]
    return Material(encoder, labels, rows, tokens, targets, encoder.embed(tokens, on_batch)).with_names()


def _looking(
    context: JobContext, classifier: Classifier, rows: list[LabelledRow]
) -> Callable[[], tuple[float, float] | None]:
    """What looks at these rows: accuracy and loss; nothing where there are none."""

    def look() -> tuple[float, float] | None:
        if not rows:
            return None
        answers = classify(context, "checking", classifier, rows)
        loss = tempered_loss(answers.logits, answers.truth)
        return None if loss is None else (answers.accuracy, loss)

    return look


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
    seen = [(look.step, look.score) for look in notes.looks]
    plot = classify_plots.learning(context, notes.losses, [*at_start, *seen])
    folder = context.folder / "model"
    return Result(
        summary=f"{said}.{told_choice(facts)}",
        metrics=tuple(metrics),
        artefacts=(context.artefact("model", "model", folder), plot),
        candidate=candidate,
        split="dev" if after is not None else "",
        facts=facts,
    )
