"""The whole path on the real encoder: baseline, fine-tuning, evaluation, 8 bits; and stopping, going on, refusals."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from results import made, value

from tools import digest
from tools.contract import Candidate, Dataset, ModelKind, Result
from tools.errors import Cancelled, UserFault
from tools.finetune.spec import FinetuneParameters, Method
from tools.models import known_model
from tools.quantize.spec import QuantizeParameters
from tools.training import tiny
from tools.training.encoder import load_encoder
from tools.training.tagger import finetune_tagged, load_word_predictor, quantize_tagged
from tools.training.tagger_answers import answer, tagger_of
from tools.training.tagger_model import pieces
from tools.training.tagger_rows import read_rows, tags_of

QUICK = FinetuneParameters(data="names", steps=12, batch=8, rank=2, save_every=5)
ROW = {"tokens": ["Ada", "is", "here"], "tags": ["B-PER", "O", "O"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def tuned(folder: Path, job, encoder: Candidate, names: Dataset) -> Result:
    params = FinetuneParameters(data="names", name="ner", epochs=4, rank=8)
    return finetune_tagged(job(folder / "tuned"), params, encoder, names)


def test_fine_tuning_tells_apart_what_the_encoder_alone_does_not(
    tmp_path: Path, job, tuned: Result, encoder: Candidate, names: Dataset
) -> None:
    model, main = made(tuned), tuned.metrics[0]
    assert (model.name, model.kind, model.method) == ("ner", ModelKind.TAGGER, "lora")
    assert (model.parent, model.parent_digest, model.licence) == ("minilm", encoder.digest, "apache-2.0")
    assert model.digest == digest.of_path(Path(model.path))
    assert not list(Path(model.path).glob("*.bin"))
    assert (main.name, main.n, main.split) == ("entity_f1", 50, "dev")
    assert main.low is not None and main.high is not None
    assert value(tuned, "entity_f1_before") < 0.6
    assert 0.8 < main.low <= main.value <= main.high <= 1
    assert "learned to find 2 kinds of entities from 210 rows: entity F1 " in tuned.summary
    assert [artefact.kind for artefact in tuned.artefacts] == ["model", "plot"]
    rows = read_rows(names, "test")
    made_of_it = answer(job(tmp_path / "tuned"), "x", tagger_of(job(tmp_path / "a"), model, names), rows)
    frozen = answer(job(tmp_path / "frozen"), "x", tagger_of(job(tmp_path / "b"), encoder, names), rows)
    assert made_of_it.f1 > 0.8 > 0.6 > frozen.f1


def test_a_saved_tagger_is_known_by_its_folder(tuned: Result) -> None:
    found = known_model(made(tuned).path)
    assert (found.kind, found.digest) == (ModelKind.TAGGER, made(tuned).digest)


def test_a_name_is_told_by_its_sentence(tuned: Result) -> None:
    predict = load_word_predictor(made(tuned))
    person, place = predict(
        [["Austin", "called", "me", "."], ["The", "warehouse", "in", "Austin", "is", "closed", "."]]
    )
    assert person.tags == ("B-PER", "O", "O", "O")
    assert place.tags[3] == "B-LOC"
    assert all(0 < sure <= 1 for sure in (*person.confidences, *place.confidences))
    assert predict([]) == []


def test_the_first_piece_of_a_word_counts_and_words_beyond_the_context_are_outside(encoder: Candidate) -> None:
    loaded = load_encoder(encoder)
    words = ["Lovelace", "unbelievably", "left"]
    (row,) = pieces(loaded, [words])
    read = loaded.tokenizer.convert_ids_to_tokens(row.ids)
    assert [read[place] for place in row.first] == [loaded.tokenizer.tokenize(word)[0] for word in words]
    assert len(row) > len(words) + 2  # some word is read in more than one piece
    loaded.context = 6
    (cut,) = pieces(loaded, [["a"] * 20])
    assert (len(cut), cut.words) == (6, [0, 1, 2, 3])


def test_words_are_words_for_a_tokenizer_that_marks_the_space_before_them(small_encoder: Candidate) -> None:
    loaded = load_encoder(small_encoder)
    loaded.tokenizer = tiny.train_tokenizer(["the boat and the coat are here", "a boat"] * 9, vocab=300, context=64)
    row, *_ = pieces(loaded, [["the", "boat"]])
    read = loaded.tokenizer.convert_ids_to_tokens(row.ids)
    assert [read[place] for place in row.first] == ["Ġthe", "Ġboat"]


def test_words_that_are_not_read_are_said_and_get_no_entity(
    tmp_path: Path, job, registered, small_encoder: Candidate
) -> None:
    rows = [{"tokens": ["Ada", *["no"] * (600 + n)], "tags": ["B-PER", *["O"] * (600 + n)]} for n in range(8)]
    data = registered(tmp_path / "data", {"train": rows, "dev": rows})
    result = finetune_tagged(job(tmp_path / "job"), QUICK.model_copy(update={"steps": 1}), small_encoder, data)
    said = str(result.facts["warnings"])
    assert "words lie beyond the" in said and "cut long rows into sentences" in said
    (tagged,) = load_word_predictor(made(result))([["no"] * 700])
    assert tagged.tags[-100:] == ("O",) * 100 and len(tagged.tags) == 700


def test_a_row_nobody_can_read_is_left_out(tmp_path: Path, job, registered, small_encoder: Candidate) -> None:
    silent = {"tokens": ["\u200b"], "tags": ["O"]}
    data = registered(tmp_path / "data", {"train": [silent, ROW, silent], "dev": [silent, ROW]})
    params = QUICK.model_copy(update={"steps": 3, "batch": 1})
    result = finetune_tagged(job(tmp_path / "job"), params, small_encoder, data)
    assert value(result, "train_loss") > 0
    assert load_word_predictor(made(result))([["\u200b"]])[0].tags == ("O",)
    nothing = registered(tmp_path / "nothing", {"train": [{"tokens": ["\u200b"], "tags": ["B-X"]}]})
    with pytest.raises(UserFault, match="No word of the training rows can be read"):
        finetune_tagged(job(tmp_path / "none"), params, small_encoder, nothing)


@pytest.mark.parametrize("activations", ["float", "dynamic"])
def test_eight_bits_are_smaller_and_tag_alike(
    tmp_path: Path, job, tuned: Result, names: Dataset, activations: str
) -> None:
    params = QuantizeParameters(data="names", activations=activations)
    result = quantize_tagged(job(tmp_path / "job"), params, made(tuned), names)
    model = made(result)
    assert (model.kind, model.method, model.parent_digest) == (ModelKind.TAGGER, "int8", made(tuned).digest)
    assert value(result, "size") < 0.3 * value(result, "size_before")
    (comparison,) = result.comparisons
    assert (comparison.metric, comparison.n) == ("entity_f1", 50)
    assert comparison.low >= -0.1
    predict, words = load_word_predictor(model), ["Austin", "called", "."]
    (alone,) = predict([words])
    among = predict([["a"] * 30, words])[1]
    assert alone.tags == among.tags
    assert np.allclose(alone.confidences, among.confidences, atol=1e-4)
    with pytest.raises(UserFault, match="in 8 bits already"):
        quantize_tagged(job(tmp_path / "again"), params, model, None)
    with pytest.raises(UserFault, match="in 8 bits and cannot be trained"):
        finetune_tagged(job(tmp_path / "tuned"), QUICK, model, names)


def test_a_stopped_run_ends_where_an_unbroken_one_does(
    tmp_path: Path, job, small_encoder: Candidate, names: Dataset
) -> None:
    whole = finetune_tagged(job(tmp_path / "whole"), QUICK, small_encoder, names)
    with pytest.raises(Cancelled, match="Stopped at step 7 of 12"):
        stopped = job(tmp_path / "stopped", lambda event: event.step == "training" and event.done == 7)
        finetune_tagged(stopped, QUICK, small_encoder, names)
    assert not (tmp_path / "stopped" / "model").exists()
    again = job(tmp_path / "stopped")
    resumed = finetune_tagged(again, QUICK, small_encoder, names)
    assert again.steps == [8, 9, 10, 11, 12]
    assert made(resumed).digest == made(whole).digest
    assert any("dev_entity_f1" in event.metrics for event in again.events)


def test_every_weight_can_be_trained_without_a_development_split(
    tmp_path: Path, job, registered, small_encoder: Candidate, names: Dataset
) -> None:
    data = registered(tmp_path / "data", {"train": [vars_of(row) for row in read_rows(names, "train", 20)]})
    full = QUICK.model_copy(update={"method": Method.FULL, "steps": 3})
    result = finetune_tagged(job(tmp_path / "job"), full, small_encoder, data)
    assert made(result).method == "full" and "rank" not in result.facts
    assert (result.split, result.metric("entity_f1")) == ("", None)


def test_a_tagger_learns_other_kinds_from_its_encoder(
    tmp_path: Path, job, registered, small_encoder: Candidate, names: Dataset
) -> None:
    first = made(finetune_tagged(job(tmp_path / "first"), QUICK.model_copy(update={"steps": 1}), small_encoder, names))
    data = registered(tmp_path / "data", {"train": [{"tokens": ["PO17", "left"], "tags": ["B-ORDER", "O"]}]})
    second = finetune_tagged(job(tmp_path / "second"), QUICK.model_copy(update={"steps": 1}), first, data)
    assert (made(second).parent, second.facts["kinds"]) == (first.name, ["ORDER"])


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"method": Method.PROMPT_TUNING}, "an encoder takes lora or full"),
        ({"dora": True}, "dora: only for models that generate"),
        ({"r_drop": 0.5}, "r_drop is for labelled data, and names is tagged data"),
        ({"per_class": 5}, "per_class counts rows of a label, and names has none; .* limit=NUMBER"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    tmp_path: Path, job, small_encoder: Candidate, names: Dataset, update: dict[str, object], said: str
) -> None:
    with pytest.raises(UserFault, match=said):
        finetune_tagged(job(tmp_path / "job"), QUICK.model_copy(update=update), small_encoder, names)


def test_what_tags_nothing_is_refused(
    tmp_path: Path, job, registered: Callable[..., Dataset], small_encoder: Candidate, names: Dataset
) -> None:
    causal = small_encoder.model_copy(update={"kind": ModelKind.CAUSAL})
    with pytest.raises(UserFault, match="needs a model of kind encoder"):
        finetune_tagged(job(tmp_path / "job"), QUICK, causal, names)
    with pytest.raises(UserFault, match="needs a model of kind tagger"):
        load_word_predictor(small_encoder)
    nothing = registered(tmp_path / "none", {"train": [{"tokens": ["a"], "tags": ["O"]}]})
    with pytest.raises(UserFault, match="No word of names belongs to an entity"):
        finetune_tagged(job(tmp_path / "job"), QUICK, small_encoder, nothing)
    with pytest.raises(UserFault, match="has no split dev"):
        read_rows(nothing, "dev")
    with pytest.raises(UserFault, match=r"row 1 has 1 tokens and 2 tags"):
        read_rows(registered(tmp_path / "odd", {"train": [{"tokens": ["a"], "tags": ["O", "O"]}]}), "train")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tagger.json", b"", "tagger.json cannot be read"),
        ("tagger.json", b'{"labels": ["O"], "context": 256}', "names 1 labels for 5 outputs"),
        ("tagger.safetensors", b"short", "is not a whole tagger"),
    ],
)
def test_a_broken_folder_is_said_in_a_sentence(
    tmp_path: Path, tuned: Result, file: str, content: bytes, said: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(made(tuned).path, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(UserFault, match=said):
        load_word_predictor(made(tuned).model_copy(update={"path": str(folder)}))


def test_tags_are_in_order_with_outside_first(names: Dataset) -> None:
    rows = read_rows(names, "train")
    assert tags_of(rows, "names") == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert json.loads(Path(names.splits["train"].path).read_text(encoding="utf-8").splitlines()[0])["tokens"] == list(
        rows[0].tokens
    )


def vars_of(row) -> dict[str, object]:
    return {"tokens": list(row.tokens), "tags": list(row.tags)}
