"""Whether a line is English: for what has to be said in Chinese."""

import re


def is_english(line: str) -> bool:
    """Whether four English words stand in a row outside code, parentheses and key=value."""
    rest = re.sub(r"`[^`]*`|\([^)]*\)|（[^）]*）|\S*[=_/]\S*", "", line)
    return re.search(r"(?:\b[A-Za-z]{2,}\b[ ,;:]+){3}[A-Za-z]{2,}", rest) is not None
