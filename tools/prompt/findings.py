"""What trying prompts found: scores, the winner against the bare question, what each costs, and the prompt itself."""

import json
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from pydantic import JsonValue

from tools.contract import Artefact, Candidate, Comparison, DataKind, Dataset, JobContext, Metric, Result
from tools.evaluate import bootstrap, metrics, paired
from tools.evaluate.bootstrap import Interval
from tools.prompt.spec import PromptParameters
from tools.prompt.template import Item, Prompt, Read
from tools.training import plots

SAMPLES = 3
BARE = "the bare question"
_NAMES = {DataKind.TASK: "exact_match", DataKind.LABELLED: "accuracy", DataKind.CONVERSATION: "token_f1"}
_TITLES = {"exact_match": "exact match", "accuracy": "accuracy", "token_f1": "token F1"}


@dataclass(frozen=True)
class Tried:
    """How one prompt did on a split."""

    prompt: Prompt
    split: str
    kind: DataKind
    seed: int
    items: tuple[Item, ...]
    read: tuple[Read, ...]
    prompt_tokens: tuple[int, ...]
    answer_tokens: tuple[int, ...]

    @property
    def main(self) -> str:
        """Name of the metric that decides: words in common for conversations, whose turns are free text."""
        return _NAMES[self.kind]

    @cached_property
    def scores(self) -> list[float]:
        measure = metrics.token_f1 if self.kind is DataKind.CONVERSATION else metrics.exact_match
        return [measure(read.text, item.wanted) for read, item in zip(self.read, self.items, strict=True)]

    @cached_property
    def score(self) -> Interval:
        return bootstrap.mean(self.scores, seed=self.seed)

    @cached_property
    def token_f1(self) -> Interval:
        pairs = zip(self.read, self.items, strict=True)
        return bootstrap.mean([metrics.token_f1(r.text, item.wanted) for r, item in pairs], seed=self.seed)

    @property
    def valid(self) -> float:
        """Share of the answers in the form that was asked for."""
        return fmean(read.valid for read in self.read)

    @property
    def tokens(self) -> float:
        """Tokens read and written for one question, on average."""
        return fmean(self.prompt_tokens) + fmean(self.answer_tokens)

    @property
    def rank(self) -> tuple[float, float, float]:
        """The best score; of equal ones more words in common, then fewer tokens."""
        return self.score.value, self.token_f1.value, -self.tokens


@dataclass(frozen=True)
class Found:
    params: PromptParameters
    model: Candidate
    data: Dataset
    tried: tuple[Tried, ...]
    best: Tried
    left_out: tuple[str, ...]
    test: Tried | None  # the winner on the test split
    test_bare: Tried | None  # the bare question on it
    why_no_test: str

    @property
    def bare(self) -> Tried | None:
        return next((one for one in self.tried if one.prompt.plain), None)

    @cached_property
    def gains(self) -> tuple[tuple[str, Interval], ...]:
        """(split, winner minus bare question on the same items), where the winner is another prompt."""
        pairs = [("dev", self.best, self.bare), ("test", self.test, self.test_bare)]
        return tuple(
            (split, bootstrap.difference(won.scores, bare.scores, seed=self.params.seed))
            for split, won, bare in pairs
            if won is not None and bare is not None and won is not bare
        )

    @cached_property
    def tied(self) -> list[Tried]:
        """Those the winner cannot be told from by a paired test, corrected for the number of them (Holm 1979)."""
        others = [one for one in self.tried if one is not self.best]
        values = [paired.p_value(self.best.scores, one.scores, seed=self.params.seed) for one in others]
        return [one for one, p in zip(others, paired.holm(values), strict=True) if p >= paired.CLEAR]


def result(context: JobContext, found: Found, version: int) -> Result:
    return Result(
        summary=_summary(found),
        metrics=_metrics(found),
        comparisons=_comparisons(found),
        artefacts=(_prompt(context, found, version), _picture(context, found)),
        split="dev",
        facts=_facts(found, version),
    )


def _metrics(found: Found) -> tuple[Metric, ...]:
    """The winner's under the plain names; the plainest prompt's of each number of examples; the test split's last."""
    best = found.best
    made = [_metric(best.main, best, best.score)]
    if best.main != "token_f1":
        made.append(_metric("token_f1", best, best.token_f1))
    plainest: dict[int, Tried] = {}
    for one in found.tried:
        plainest.setdefault(one.prompt.shots, one)
    made += [_metric(f"{one.main}_{shots}_shot", one, one.score) for shots, one in plainest.items()]
    if any(one.prompt.format == "json" or one.prompt.thinks for one in found.tried):
        made.append(Metric(name="valid_form", value=best.valid, n=len(best.read), split=best.split))
    if found.test is not None:
        made.append(_metric(f"{found.test.main}_test", found.test, found.test.score))
    if found.test_bare is not None:
        made.append(_metric(f"{found.test_bare.main}_test_bare", found.test_bare, found.test_bare.score))
    return tuple(made)


def _metric(name: str, one: Tried, value: Interval) -> Metric:
    return Metric(name=name, value=value.value, low=value.low, high=value.high, n=value.n, split=one.split)


def _comparisons(found: Found) -> tuple[Comparison, ...]:
    """The winner against the bare question; the test split's comes first, for it chose nothing."""
    return tuple(gain.against(found.model, found.best.main, split, named=BARE) for split, gain in reversed(found.gains))


def _prompt(context: JobContext, found: Found, version: int) -> Artefact:
    """`prompt.json`: the prompt, where its examples come from, and how it did."""
    path, best, data = context.folder / "prompt.json", found.best, found.data
    content = {
        "name": found.params.name,
        "version": version,
        "digest": best.prompt.digest,
        "prompt": best.prompt.model_dump(mode="json"),
        "model": {"name": found.model.name, "digest": found.model.digest},
        "data": {"name": data.name, "digest": data.digest, "kind": data.kind, "examples_from": "train"},
        "measured": [m.model_dump(mode="json", exclude_none=True) for m in _metrics(found)],
        "tokens_a_question": round(best.tokens, 1),
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return context.artefact(found.params.name, "prompt", path)


def _picture(context: JobContext, found: Found) -> Artefact:
    bars = [(one.prompt.title, one.score.value, one.score.low, one.score.high) for one in found.tried]
    what = f"{_TITLES[found.best.main]} on {found.best.score.n} development rows, with 95 % interval"
    return plots.intervals(context, "prompts", f"Prompts tried on {found.model.name}", bars, what)


def _facts(found: Found, version: int) -> dict[str, JsonValue]:
    best = found.best
    facts: dict[str, JsonValue] = {
        "prompt": {"name": found.params.name, "version": version, "digest": best.prompt.digest},
        "best_shots": best.prompt.shots,
        "best": best.prompt.title,
        "variants": [_row(one) for one in found.tried],
        "tied": [one.prompt.title for one in found.tied],
        "samples": [
            {"prompt": item.question, "wanted": item.wanted, "answer": read.text}
            for item, read in list(zip(best.items, best.read, strict=True))[:SAMPLES]
        ],
    }
    if found.left_out:
        facts["left_out"] = [*found.left_out]
    if found.why_no_test:
        facts["test_not_looked_at"] = found.why_no_test
    return facts


def _row(one: Tried) -> dict[str, JsonValue]:
    return {
        "title": one.prompt.title,
        one.main: round(one.score.value, 4),
        "low": round(one.score.low, 4),
        "high": round(one.score.high, 4),
        "valid_form": round(one.valid, 4),
        "tokens_read": round(fmean(one.prompt_tokens), 1),
        "tokens_written": round(fmean(one.answer_tokens), 1),
        "longest": max(one.prompt_tokens),
    }


def _summary(found: Found) -> str:
    best, score = found.best, found.best.score
    said = (
        f"{_sentence(best.prompt.title)} does best of {len(found.tried)} prompts with {found.model.name} on"
        f" {found.data.name}: {_TITLES[best.main]} {score.value:.3f} [{score.low:.3f}, {score.high:.3f}] on {score.n}"
        f" development rows, {best.tokens:.0f} tokens a question"
    )
    for split, gain in found.gains:
        where = "there" if split == "dev" else "on the test split"
        said += f"; {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] against {BARE} {where}"
    if found.tied:
        names = ", ".join(one.prompt.title for one in found.tied[:3]) + (" and others" if len(found.tied) > 3 else "")
        said += f". It cannot be told from {names} by paired tests, corrected for their number"
    return said + "."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
