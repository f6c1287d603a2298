"""Who wins when a judge compares two models' answers, and how far the judge's choice hangs on the order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from tools.contract import Candidate, Comparison
from tools.evaluate import bootstrap

METRIC = "judged"


class Choice(StrEnum):
    """What a judge said of two answers shown in an order; anything but one letter is no choice."""

    FIRST = "A"
    SECOND = "B"
    NEITHER = "C"


def choice(said: str) -> Choice | None:
    """The one letter of a judge's reply. What an answer under judgement says cannot be mistaken for it."""
    letter = said.strip().removesuffix(".")
    return Choice(letter) if letter in list(Choice) else None


@dataclass(frozen=True)
class Verdicts:
    """Each item's outcome for the candidate: 1 won, 0 lost, 0.5 a tie."""

    judge: str
    outcomes: tuple[float, ...]
    first: float | None = None  # share of choices for what was shown first; none where no order was shown
    disagreements: int = 0  # pairs decided otherwise in the other order: ties
    unreadable: int = 0  # replies that were no single letter

    @property
    def facts(self) -> dict[str, JsonValue]:
        counts: dict[str, JsonValue] = {
            "name": self.judge,
            "won": self.outcomes.count(1.0),
            "lost": self.outcomes.count(0.0),
            "tied": self.outcomes.count(0.5),
        }
        if self.first is None:
            return counts
        return counts | {
            "chose_first": round(self.first, 4),
            "disagreements": self.disagreements,
            "unreadable": self.unreadable,
        }

    def comparison(self, other: Candidate, split: str, resamples: int, seed: int) -> Comparison:
        """The win rate, ties counted half, with its bootstrap interval."""
        found = bootstrap.mean(self.outcomes, resamples, seed)
        return found.against(other, METRIC, split, kind="win_rate")

    def sentence(self, found: Comparison) -> str:
        bias = f"; it chose what it saw first {self.first:.0%} of the time" if self.first is not None else ""
        return (
            f"Judged by {self.judge} it wins {found.value:.3f} [{found.low:.3f}, {found.high:.3f}] against"
            f" {found.baseline}, {self.outcomes.count(0.5)} ties{bias}."
        )


def by_scores(judge: str, own: Sequence[float], other: Sequence[float]) -> Verdicts:
    """A reward model scores each answer alone, so that no order can sway it."""
    return Verdicts(judge, tuple((float(a > b) - float(a < b) + 1) / 2 for a, b in zip(own, other, strict=True)))


def by_choices(judge: str, forth: Sequence[Choice | None], back: Sequence[Choice | None]) -> Verdicts:
    """Choices with the candidate shown first, and shown second; two that disagree, or one that is none, are a tie."""
    ahead = {Choice.FIRST: 1.0, Choice.SECOND: 0.0, Choice.NEITHER: 0.5}
    pairs = [
        (ahead[one] if one else None, 1 - ahead[two] if two else None) for one, two in zip(forth, back, strict=True)
    ]
    outcomes = tuple(one if one is not None and one == two else 0.5 for one, two in pairs)
    said = [*forth, *back]
    decided = [one for one in said if one in (Choice.FIRST, Choice.SECOND)]
    return Verdicts(
        judge,
        outcomes,
        first=decided.count(Choice.FIRST) / len(decided) if decided else 0.5,
        disagreements=sum(None not in pair and pair[0] != pair[1] for pair in pairs),
        unreadable=said.count(None),
    )
