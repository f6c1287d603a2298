"""Writing the sample project support-desk to a folder: data, documents and charter, all drawn by one seed."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tools.data.support_desk import corpus
from tools.data.support_desk.facts import Fact, document, draw_places, facts_of
from tools.data.support_desk.replies import (
    bad_reply,
    compliance,
    draw_requests,
    good_reply,
    refusal,
    reply_check,
    safety_check,
)
from tools.data.support_desk.tickets import Ticket, draw

TICKETS = 2100  # 420 test, 150 dev, 1530 train
TEST_ROWS, DEV_ROWS = 420, 150
PAIRS, SAFETY_PAIRS = 420, 180
CHECKS, SAFETY_CHECKS = 120, 30
PLACES, FACTS_A_PLACE = 12, 6  # 72 questions over 12 documents
TRANSCRIPTS, LOGGED, NOTES, INVENTED, REQUESTS, PAGES = 1800, 1200, 3800, 150, 700, 200

CHARTER: dict[str, object] = {
    "description": "Sort incoming support tickets into queue, priority and product, and draft courteous replies.",
    "task": "extraction",
    "users": "The twelve people of the support desk and the customers they answer",
    "metric": "exact_match",
    "target": 0.9,
    "test_set": "tickets",
    "latency_ms": 500.0,
    "memory_mb": 1500.0,
    "cost": "nothing but this machine: no service is paid for",
    "risks": "an urgent ticket sorted as low; curt replies; private data told to strangers; invented facts",
    "margin": 0.03,
}


@dataclass(frozen=True)
class Sample:
    """Where everything of a written sample lies."""

    folder: Path
    seed: int
    corpus: Path
    tickets: Path
    preferences: Path
    helpfulness: Path
    safety: Path
    facts: Path
    charter: Path
    documents: tuple[Path, ...]


def write(folder: Path, seed: int = 7) -> Sample:
    """Write the whole sample. The same seed gives the same bytes; another one gives other tickets and other facts."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    drawn = draw(chance)
    tickets = list(islice(drawn, TICKETS))
    checked, preferred = list(islice(drawn, CHECKS)), list(islice(drawn, PAIRS))
    requests = draw_requests(chance)
    unsafe, unsafe_pairs = list(islice(requests, SAFETY_CHECKS)), list(islice(requests, SAFETY_PAIRS))
    places = tuple(islice(draw_places(chance), PLACES))
    held_back = frozenset(r.text for r in (*unsafe, *unsafe_pairs))
    facts = {place: facts_of(place, FACTS_A_PLACE, chance) for place in places}
    pairs = [_pair(t.text, good_reply(t, chance), bad_reply(t, chance)) for t in preferred]
    pairs += [_pair(r.text, refusal(r, chance), compliance(r, chance)) for r in unsafe_pairs]
    chance.shuffle(pairs)
    text = _corpus(chance, list(islice(drawn, TRANSCRIPTS + LOGGED)), held_back)
    asked = [fact for found in facts.values() for fact in found]
    questions = ({"question": f.question, "answer": f.value} for f in asked)
    return Sample(
        folder=folder,
        seed=seed,
        corpus=_write(folder / "corpus.jsonl", ({"text": line} for line in _without(text, asked))),
        tickets=_write(folder / "tickets.jsonl", (ticket.row() for ticket in tickets)),
        preferences=_write(folder / "preferences.jsonl", pairs),
        helpfulness=_write(folder / "helpfulness.jsonl", (reply_check(ticket) for ticket in checked)),
        safety=_write(folder / "safety.jsonl", (safety_check(request) for request in unsafe)),
        facts=_write(folder / "facts.jsonl", questions),
        charter=_charter(folder / "charter.json"),
        documents=tuple(_document(folder / "documents", place, found, chance) for place, found in facts.items()),
    )


def _corpus(chance: random.Random, tickets: list[Ticket], held_back: frozenset[str]) -> list[str]:
    lines = [
        *corpus.transcripts(tickets[:TRANSCRIPTS], chance),
        *corpus.old_log(tickets[TRANSCRIPTS:]),
        *corpus.notes(chance, NOTES),
        *corpus.invented(chance, INVENTED),
        *corpus.requests(chance, REQUESTS, held_back),
        *corpus.pages(chance, PAGES),
    ]
    chance.shuffle(lines)
    return lines


def _without(lines: Iterable[str], facts: list[Fact]) -> Iterable[str]:
    """Lines in which no value of the documents stands."""
    secret = {fact.value for fact in facts}
    return (line for line in lines if not any(word in line for word in secret))


def _pair(prompt: str, chosen: str, rejected: str) -> dict[str, str]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def _document(folder: Path, place: str, facts: list[Fact], chance: random.Random) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{place.lower().replace(' ', '-')}.md"
    path.write_text(document(place, facts, chance), encoding="utf-8")
    return path


def _charter(path: Path) -> Path:
    path.write_text(json.dumps(CHARTER, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _write(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path
