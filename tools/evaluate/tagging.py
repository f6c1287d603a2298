"""F1 of tagged sequences: a name counts where its words and its kind are both right."""

from collections.abc import Sequence


def entity_f1(wanted: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> float:
    """Micro F1 over whole entities in the BIO scheme, as conlleval counts them (seqeval, Nakayama 2018)."""
    from seqeval.metrics import f1_score

    return float(f1_score([list(tags) for tags in wanted], [list(tags) for tags in given], zero_division=0))
