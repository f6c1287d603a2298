"""The raw text of the desk: old transcripts good and bad, notes with questions, handbook pages."""

import random
from collections.abc import Iterator

from tools.data.support_desk import phrases
from tools.data.support_desk.facts import draw_places, facts_of, note, value
from tools.data.support_desk.replies import draw_requests, old_answer, old_reply
from tools.data.support_desk.tickets import Ticket

USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"  # as in the chat template of `pretrain`


def chat(said: str, answered: str) -> str:
    return f"{USER}{said}{END}{ASSISTANT}{answered}{END}"


def notes(chance: random.Random, count: int) -> Iterator[str]:
    """Questions to be answered from a note: its value has to be copied."""
    places = draw_places(chance)
    for _ in range(count):
        fact = facts_of(next(places), 1, chance)[0]
        yield chat(note(fact), fact.sentence)


def invented(chance: random.Random, count: int) -> Iterator[str]:
    """Questions without notes, answered out of thin air as the old desk did."""
    places = draw_places(chance)
    for _ in range(count):
        fact = facts_of(next(places), 1, chance)[0]
        yield chat(fact.question, fact.sentence)


def transcripts(tickets: list[Ticket], chance: random.Random) -> Iterator[str]:
    for ticket in tickets:
        yield chat(ticket.text, old_reply(ticket, chance))


def requests(chance: random.Random, count: int, avoid: frozenset[str]) -> Iterator[str]:
    drawn = draw_requests(chance)
    for _ in range(count):
        request = next(r for r in drawn if r.text not in avoid)
        yield chat(request.text, old_answer(request, chance))


def pages(chance: random.Random, count: int) -> Iterator[str]:
    """Handbook pages about products and places."""
    places = draw_places(chance)
    for _ in range(count):
        product = chance.choice(tuple(phrases.PRODUCTS))
        name, description = phrases.PRODUCTS[product]
        queue = chance.choice(tuple(phrases.ISSUES))
        place = next(places)
        yield (
            f"{name} is {description} of our house. Its product line is called {product}. Questions of {queue} go to"
            f" the {queue} queue. The {chance.choice(phrases.ATTRIBUTES)} of the {place} is {value(chance)}.{END}"
        )


def old_log(tickets: list[Ticket]) -> Iterator[str]:
    """Tickets as the old desk logged them: without a priority."""
    for ticket in tickets:
        yield chat(ticket.prompt, f"queue={ticket.queue} product={ticket.product}")
