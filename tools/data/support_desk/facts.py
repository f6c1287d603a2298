"""Facts that stand in documents only: codes and contacts of places, drawn afresh by every seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tools.data.support_desk import phrases


@dataclass(frozen=True)
class Fact:
    place: str  # "Alder depot"
    attribute: str
    value: str

    @property
    def sentence(self) -> str:
        return f"The {self.attribute} of the {self.place} is {self.value}."

    @property
    def question(self) -> str:
        return f"What is the {self.attribute} of the {self.place}?"


def draw_places(chance: random.Random) -> Iterator[str]:
    """Places in random order, over and over."""
    places = [f"{name} {kind}" for name, kind in product(phrases.PLACES, phrases.PLACE_KINDS)]
    while True:
        yield from chance.sample(places, len(places))


def value(chance: random.Random) -> str:
    """A word and two digits, such as tulip42: short enough to copy, too many to guess."""
    return f"{chance.choice(phrases.CODE_WORDS)}{chance.randrange(10, 100)}"


def facts_of(place: str, count: int, chance: random.Random) -> list[Fact]:
    return [Fact(place, attribute, value(chance)) for attribute in chance.sample(phrases.ATTRIBUTES, count)]


def document(place: str, facts: list[Fact], chance: random.Random) -> str:
    """A page of a handbook in markdown, its facts among other sentences."""
    manager = f"{chance.choice(phrases.FIRST_NAMES)} {chance.choice(phrases.LAST_NAMES)}"
    half = len(facts) // 2
    lines = [
        f"# {place}",
        f"The {place} opened in {chance.randrange(1961, 2024)} and is led by {manager}.",
        "## At a glance",
        *[fact.sentence for fact in facts[:half]],
        "## Good to know",
        *[fact.sentence for fact in facts[half:]],
        "Ask at the front desk for anything that is not written here.",
    ]
    return "\n\n".join(lines) + "\n"


def note(fact: Fact) -> str:
    """A question with the note that answers it, in the form in which retrieved passages are put before a model."""
    return f"Question: {fact.question} Notes: {fact.sentence}"
