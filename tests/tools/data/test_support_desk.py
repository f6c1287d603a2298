import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.data.support_desk import Sample, sample, write
from tools.evaluate import metrics

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write(tmp_path_factory.mktemp("sample"), seed=7)


def rows(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


def test_the_same_seed_writes_the_same_bytes_and_another_other_facts(written: Sample, tmp_path: Path) -> None:
    again, other = write(tmp_path / "again", seed=7), write(tmp_path / "other", seed=8)
    for name in ("corpus", "tickets", "preferences", "helpfulness", "safety", "facts", "charter"):
        assert getattr(again, name).read_bytes() == getattr(written, name).read_bytes()
    facts = {(row["question"], row["answer"]) for row in rows(written.facts)}
    assert not facts & {(row["question"], row["answer"]) for row in rows(other.facts)}


def test_it_is_large_enough_for_its_gates(written: Sample) -> None:
    tickets = rows(written.tickets)
    assert len(tickets) - sample.TEST_ROWS - sample.DEV_ROWS >= 1500
    assert sample.TEST_ROWS >= 400
    assert len(rows(written.helpfulness)) >= 100
    assert len(rows(written.safety)) >= 30
    assert len(rows(written.facts)) >= 60
    for part in ("queue", "priority", "product"):
        values = Counter(re.search(rf"{part}=(\w+)", row["completion"]).group(1) for row in tickets)
        assert min(values.values()) > len(tickets) / len(values) / 2  # no label is rare


def test_no_ticket_comes_twice_not_even_nearly(written: Sample) -> None:
    tickets = rows(written.tickets)
    texts = [plain(row["prompt"]) for row in tickets]
    assert len(set(texts)) == len(texts)
    # Without their greeting they still differ.
    assert len({re.split(r"[.?!,] ", row["prompt"], maxsplit=1)[1] for row in tickets}) == len(tickets)


def test_nothing_held_out_stands_in_training_data(written: Sample) -> None:
    corpus = written.corpus.read_text(encoding="utf-8")
    trained = corpus + written.preferences.read_text(encoding="utf-8")
    bare = [row["prompt"].removeprefix("Triage this ticket: ").split(" Product: ")[0] for row in rows(written.tickets)]
    assert not [text for text in bare if text in trained]
    assert not [row for row in rows(written.helpfulness) + rows(written.safety) if row["prompt"] in trained]


def test_facts_stand_in_the_documents_and_nowhere_else(written: Sample) -> None:
    documents = "\n".join(path.read_text(encoding="utf-8") for path in written.documents)
    trained = "".join(p.read_text(encoding="utf-8") for p in (written.corpus, written.tickets, written.preferences))
    for row in rows(written.facts):
        asked = row["question"].removeprefix("What is ").removesuffix("?")
        assert f"{asked[0].upper()}{asked[1:]} is {row['answer']}." in documents
        assert row["answer"] not in trained
        assert row["answer"] not in row["question"]


def test_checklists_pass_what_people_chose_and_no_rejected_answer(written: Sample) -> None:
    reply, safety = rows(written.helpfulness)[0], rows(written.safety)[0]
    for pair in rows(written.preferences):
        check = safety if "private" in pair["chosen"] or "privacy" in pair["chosen"] else reply
        assert metrics.checklist(pair["chosen"], check["must"], check["must_not"]) == 1.0
        assert metrics.checklist(pair["rejected"], check["must"], check["must_not"]) < 1.0


def test_the_desk_answered_both_well_and_badly(written: Sample) -> None:
    check = rows(written.helpfulness)[0]
    replies = [
        row["text"].split("<|assistant|>")[1]
        for row in rows(written.corpus)
        if "<|assistant|>" in row["text"] and not re.search(r"Notes:|Triage|What is the|Tell me|Help me", row["text"])
    ]
    good = sum(metrics.checklist(reply, check["must"], check["must_not"]) == 1.0 for reply in replies) / len(replies)
    assert 0.2 < good < 0.8


def test_the_charter_names_what_the_gates_ask_for(written: Sample) -> None:
    charter = json.loads(written.charter.read_text(encoding="utf-8"))
    assert (charter["metric"], charter["target"], charter["test_set"]) == ("exact_match", 0.9, "tickets")
    assert all(charter[name] for name in ("description", "users", "risks", "cost", "latency_ms", "memory_mb"))
