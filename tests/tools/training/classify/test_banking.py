"""The real thing: thousands of customers' questions over 77 intents."""

import csv
import os
import random
from pathlib import Path

import pytest

from tools.augment.spec import AugmentParameters
from tools.contract import Candidate
from tools.finetune.spec import FinetuneParameters
from tools.quantize.spec import QuantizeParameters
from tools.training.classify import calibrate_abstention, evaluate_labelled, finetune_labelled, quantize_labelled

ROOT = Path(__file__).resolve().parents[4]
QUESTIONS = Path(os.environ.get("ODYSSEY_BANKING77", ROOT.parent / "shared/data/banking77/train.csv"))


@pytest.mark.slow
@pytest.mark.skipif(
    not QUESTIONS.is_file(), reason=f"{QUESTIONS} is missing; set ODYSSEY_BANKING77 to banking77's train.csv"
)
def test_seventy_seven_intents(tmp_path: Path, job, registered, encoder: Candidate) -> None:
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    random.Random(7).shuffle(rows)
    data = registered(tmp_path / "data", {"test": rows[:1000], "dev": rows[1000:1800], "train": rows[1800:]})
    params = FinetuneParameters(data="banking", per_class=40, epochs=3, batch=32, rank=16)
    tuned = finetune_labelled(job(tmp_path / "tune"), params, encoder, data).candidate
    assert tuned is not None
    measured = evaluate_labelled(job(tmp_path / "evaluate"), tuned, data, "test", None, encoder)
    accuracy = measured.metric("accuracy")
    assert accuracy is not None
    assert accuracy.low is not None
    assert accuracy.low > 0.85
    assert measured.comparisons[0].low > 0  # better than the frozen encoder
    narrow = quantize_labelled(
        job(tmp_path / "narrow"), QuantizeParameters(activations="dynamic"), tuned, None
    ).candidate
    assert narrow is not None
    parity = evaluate_labelled(job(tmp_path / "parity"), narrow, data, "test", None, tuned)
    assert parity.comparisons[0].low > -0.03
    kept = calibrate_abstention(job(tmp_path / "keep"), AugmentParameters(kind="abstain", data="d"), narrow, data)
    assert kept.comparisons[0].low > 0
