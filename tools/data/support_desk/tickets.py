"""Tickets: what a customer writes, and how it is triaged."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.data.support_desk import phrases

_DOUBLED = re.compile(r"\b(our|the|one|two) the ")  # "our the route planner account"
INSTRUCTION = "Triage this ticket: "


@dataclass(frozen=True)
class Ticket:
    """A message with its labels. `mention` is how the product is called in it."""

    queue: str
    issue: int
    product: str
    mention: str
    priority: str
    urgency: int
    opener: str

    @property
    def combination(self) -> tuple[str, int, str, str, int]:
        """What makes two tickets the same but for their greeting."""
        return (self.queue, self.issue, self.mention, self.priority, self.urgency)

    @property
    def impatient(self) -> bool:
        return self.opener in phrases.IMPATIENT

    @property
    def text(self) -> str:
        issue = _DOUBLED.sub(r"\1 ", phrases.ISSUES[self.queue][self.issue].format(p=self.mention))
        issue = issue[0].upper() + issue[1:] + ("?" if issue.startswith(("how", "who", "where")) else ".")
        urgency = phrases.URGENCY[self.priority][self.urgency]
        return f"{self.opener} {issue} {urgency}"

    @property
    def prompt(self) -> str:
        """The message as the ticket form hands it over, with the product the customer picked in it."""
        return f"{INSTRUCTION}{self.text} Product: {self.mention.removeprefix('the ')}"

    @property
    def triage(self) -> str:
        return f"queue={self.queue} priority={self.priority} product={self.product}"

    def row(self) -> dict[str, str]:
        return {"prompt": self.prompt, "completion": self.triage}


def draw(chance: random.Random) -> Iterator[Ticket]:
    """Tickets without end, no two of the same combination."""
    seen: set[tuple[str, int, str, str, int]] = set()
    while True:
        ticket = _one(chance)
        if ticket.combination not in seen:
            seen.add(ticket.combination)
            yield ticket


def _one(chance: random.Random) -> Ticket:
    queue = chance.choice(tuple(phrases.ISSUES))
    product = chance.choice(tuple(phrases.PRODUCTS))
    priority = chance.choice(tuple(phrases.URGENCY))
    openers = phrases.IMPATIENT if chance.random() < 0.5 else phrases.POLITE
    return Ticket(
        queue=queue,
        issue=chance.randrange(len(phrases.ISSUES[queue])),
        product=product,
        mention=chance.choice(phrases.PRODUCTS[product]),
        priority=priority,
        urgency=chance.randrange(len(phrases.URGENCY[priority])),
        opener=chance.choice(openers),
    )
