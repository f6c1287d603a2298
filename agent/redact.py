"""What a job or a server printed, fit to be shown to people: no secrets, nothing that steers a terminal. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping

HIDDEN = "[hidden]"
_SHORTEST = 8  # characters of a value that can be a secret; shorter ones would hide ordinary words
_STEERING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")  # ECMA-48, section 5
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
# Tokens that tell what they are by how they begin, as their issuers document it.
_TOKENS = re.compile(
    r"\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}|\bsk-[\w-]{16,}|\bhf_\w{16,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}"
    r"|\bglpat-[\w-]{16,}|\bA(?:KIA|SIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\bhooks\.slack\.com/services/\S+"
)
_HEADER = re.compile(r"(?i)\b(bearer|basic|authorization:)\s+[\w.~+/=-]{8,}")
# Lengths are bounded: on one long word an open-ended pattern would look from each of its letters to its end.
_NAMED = re.compile(
    r"(?i)(\b[\w.-]{0,60}(?:passw(?:or)?d|secret|(?:api|access|auth|private|signing|bot|app|refresh|id)[_-]?(?:key|token)"
    r"|credentials?)[\w-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;}\"']+)"
)
_USERINFO = re.compile(r"(\b\w{1,20}://)[^\s/@:]{0,200}:[^\s/@]{1,200}@")
_CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of variables whose name says that they are secret, the longest first."""
    found = {value for name, value in environment.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with everything that looks like a secret, and the given ones, replaced by `[hidden]`."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = _PEM.sub(HIDDEN, text)
    text = _TOKENS.sub(HIDDEN, text)
    text = _HEADER.sub(rf"\1 {HIDDEN}", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _USERINFO.sub(rf"\1{HIDDEN}@", text)


def last_lines(text: str, *, cut: bool = False, secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """What was printed, line by line, without secrets; a progress bar as it was drawn last.

    `cut`: the text is the end of a longer one, so its first line may be half a secret and is left out. Of a traceback
    only its length and the kind of error are told: the rest is for who reads the file itself.
    """
    plain = _STEERING.sub("", text)
    lines = plain.replace("\r\n", "\n").split("\n")[1 if cut else 0 :]
    drawn = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
    clean = (_CONTROL.sub("", line).rstrip() for line in without_secrets(drawn, secrets).split("\n"))
    return tuple(_folded(line for line in clean if line))


def _folded(lines: Iterable[str]) -> Iterator[str]:
    """Each traceback as one line."""
    length = 0
    for line in lines:
        if length and line[:1].isspace():
            length += 1
        elif length:
            kind = re.match(r"[\w.]+", line)
            yield f"({kind[0] if kind else 'an error'}; its traceback of {length + 1} lines is in the log file)"
            length = 0
        elif line.startswith("Traceback (most recent call last)"):
            length = 1
        elif line not in _CHAINED:
            yield line
    if length:
        yield f"(a traceback of {length} lines is in the log file)"
