"""Which language a person speaks, from what they said."""

import re
from typing import Literal

Language = Literal["en", "zh"]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|“[^”]*”|\S*[/\\.=]\S*")  # code, quotations, paths, key=value
_WORD = re.compile(r"[A-Za-z]{2,}")
HEARD = 1000  # characters that tell the language
ENOUGH = 3  # English words that make a sentence English; fewer can be a command, which has no language


def language_of(text: str, before: Language = "en") -> Language:
    """Chinese where Chinese characters stand outside quotations, English from three words on, else as before."""
    said = _QUOTED.sub(" ", text[:HEARD])
    if _HAN.search(said):
        return "zh"
    return "en" if len(_WORD.findall(said)) >= ENOUGH else before
