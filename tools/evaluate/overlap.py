"""How much of a wanted text an answer has: ROUGE, BLEU and chrF by their reference implementations."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

ROUGE = ("rouge1", "rouge2", "rougeL")
CORPUS = ("bleu", "chrf")  # of all answers at once: no score of a single one adds up to them
_LONG = 8  # words of a text that is more than a name or a line of fields
_MOST = 512  # tokens of an answer, however long the wanted texts are
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+")


class Words:
    """Runs of letters and digits in lower case, and every Chinese character on its own.

    The tokenizer of rouge_score keeps a-z and 0-9 alone, so that a Chinese answer would always score 0.
    """

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text.lower())


@cache
def _scorer() -> Any:
    from rouge_score import rouge_scorer  # 2 s of nltk, for those who ask

    return rouge_scorer.RougeScorer(list(ROUGE), tokenizer=Words())


def rouge(answer: str, wanted: str) -> dict[str, float]:
    """F-measure from 0 to 1 of one answer by each of `ROUGE` (Lin 2004)."""
    return {name: float(score.fmeasure) for name, score in _scorer().score(wanted, answer).items()}


def corpus(answers: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popović 2015) of all answers, 0 to 100, as sacrebleu computes them.

    BLEU alone misleads: it was 91 where 8 % of the answers were right. So both come, beside what counts right answers.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    tokenize = "zh" if language(" ".join(wanted[:200])) == "zh" else "13a"
    references = [list(wanted)]
    return {
        "bleu": float(BLEU(tokenize=tokenize, effective_order=False).corpus_score(list(answers), references).score),
        "chrf": float(CHRF().corpus_score(list(answers), references).score),
    }


def corpus_interval(
    name: str, answers: Sequence[str], references: Sequence[Sequence[str]], resamples: int
) -> tuple[float, float]:
    """The 95 % interval of "bleu", "chrf", "chrfpp" or "ter" by sacrebleu's bootstrap, which counts each text once.

    `references` has one stream or more, each with a text for every answer.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    more: dict[str, Any] = {"word_order": 2} if name == "chrfpp" else {}
    kind: Any = {"bleu": BLEU, "ter": TER}.get(name, CHRF)
    found = kind(**more).corpus_score(list(answers), references, n_bootstrap=resamples)
    return float(found._mean - found._ci), float(found._mean + found._ci)


def is_long(wanted: Sequence[str]) -> bool:
    """Whether the wanted texts are sentences rather than names and fields, so that their overlap says something."""
    return sum(len(Words().tokenize(text)) for text in wanted) >= _LONG * len(wanted)


def room(wanted: Sequence[str], least: int) -> int:
    """Tokens an answer may have: two for every word of the longest wanted text, at least `least`, at most 512."""
    return min(_MOST, max([least, *(2 * len(Words().tokenize(text)) for text in wanted)]))


def language(text: str) -> str:
    """`zh` where at least a fifth of the letters are Chinese characters, else `en`."""
    letters = sum(character.isalpha() for character in text)
    return "zh" if letters and 5 * len(_HAN.findall(text)) >= letters else "en"
