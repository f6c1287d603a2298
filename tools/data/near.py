"""Rows that say almost the same, and test rows that stand in the training rows: by shingles and n-grams of words."""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8  # Jaccard similarity of shingles from which two texts count as near duplicates (Lee et al. 2022, section 4)
LONG = 13  # words in a row that two texts share only where one was copied (Brown et al. 2020, appendix C)
COMMON = 10  # training texts that share a run of words from which on it is a frame, as there
_SHINGLE = 5  # characters
_HASHES, _BANDS = 64, 16  # bands of 4: pairs at .8 are found with probability .9998, at .5 with .64, then compared
_PRIME = (1 << 31) - 1
_WORD = re.compile(r"[\u4e00-\u9fff]|\w+")


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places (first, later) of texts that are near duplicates, not necessarily all of a large group."""
    shingled = [_shingles(text) for text in texts]
    signatures = _signatures(shingled)
    pairs: set[tuple[int, int]] = set()
    rows = _HASHES // _BANDS
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for place, signature in enumerate(signatures[:, band * rows : (band + 1) * rows]):
            buckets[signature.tobytes()].append(place)
        for members in buckets.values():
            pairs.update((members[0], other) for other in members[1:])  # with its first: linear in large groups
    return sorted(pair for pair in pairs if _jaccard(shingled[pair[0]], shingled[pair[1]]) >= ALIKE)


def copied(train: Sequence[str], test: Sequence[str]) -> tuple[list[int], list[int]]:
    """Places of the test texts most of whose runs of thirteen words stand in training texts, and of those texts.

    Runs that stand in more than ten training texts are the frame of a form and show no copy (Brown et al. 2020).
    """
    grams = [set(_grams(text)) for text in test]
    seen = Counter(dict.fromkeys((gram for found in grams for gram in found), 0))
    held = [seen.keys() & set(_grams(text)) for text in train]
    for found in held:
        seen.update(found)
    telling = [{gram for gram in found if 0 < seen[gram] <= COMMON} for found in grams]
    places = [place for place, found in enumerate(grams) if found and 2 * len(telling[place]) >= len(found)]
    shared = {gram for place in places for gram in telling[place]}
    return places, [place for place, found in enumerate(held) if found & shared]


def _grams(text: str) -> Iterable[int]:
    words = _WORD.findall(text.casefold())
    return (hash(tuple(words[start : start + LONG])) for start in range(len(words) - LONG + 1))


def _shingles(text: str) -> frozenset[int]:
    plain = " ".join(_WORD.findall(text.casefold())) or text
    parts = {plain[start : start + _SHINGLE] for start in range(max(1, len(plain) - _SHINGLE + 1))}
    return frozenset(zlib.crc32(part.encode("utf-8", "replace")) % _PRIME for part in parts)


def _signatures(shingled: Sequence[frozenset[int]]) -> NDArray[np.int64]:
    """MinHash (Broder 1997): [texts, hashes], the least value of each random linear hash."""
    chance = np.random.default_rng(7)
    slope = chance.integers(1, _PRIME, _HASHES, dtype=np.int64)
    shift = chance.integers(0, _PRIME, _HASHES, dtype=np.int64)
    found = np.empty((len(shingled), _HASHES), dtype=np.int64)
    for place, shingles in enumerate(shingled):
        values = np.fromiter(shingles, dtype=np.int64, count=len(shingles))
        found[place] = ((values[:, None] * slope + shift) % _PRIME).min(axis=0)
    return found


def _jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    return len(first & second) / max(1, len(first | second))
