"""Personal data in texts, found by its form: addresses, numbers of telephones, accounts, cards, machines, persons.

Forms alone miss names and find some order numbers: what is found is a hint to look, and `mask` is not anonymisation.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

Row = dict[str, Any]
_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...]


def _luhn(text: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    digits = [int(sign) for sign in reversed(text) if sign.isdigit()]
    total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and total % 10 == 0


def _iban(text: str) -> bool:
    """The check digits of account numbers (ISO 13616): the number moved by four is 1 modulo 97."""
    bare = text.replace(" ", "").upper()
    return int("".join(str(int(sign, 36)) for sign in bare[4:] + bare[:4])) % 97 == 1


def _chinese_id(text: str) -> bool:
    """The check sign of identity numbers (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(text[:17], weights, strict=True)) % 11] == text[17].upper()


def _address(text: str) -> bool:
    return all(int(part) < 256 for part in text.split("."))


def _any(text: str) -> bool:
    return True


# The more certain come first: what one has taken is not looked at again.
_FORMS = (
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"), _any),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _iban),
    ("identity_number", re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?!\w)"), _chinese_id),
    ("card_number", re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])"), _luhn),
    ("ip_address", re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"), _address),
    ("telephone", re.compile(r"(?<![\w+])(?:\+\d{1,3}[ -]?(?:\(?\d{1,4}\)?[ -]?){2,5}\d\d|1[3-9]\d{9})(?!\w)"), _any),
)  # fmt: skip


def find(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows hold each sort of personal data, the commonest first."""
    found: Counter[str] = Counter()
    for row in rows:
        sorts: set[str] = set()
        _mapped(row, lambda text, sorts=sorts: _noted(text, sorts))  # type: ignore[misc]
        found.update(sorts)
    return dict(found.most_common())


def mask(row: Row) -> Row:
    """The row with what was found replaced by its sort in angle brackets: `<email>`."""
    masked: Row = _mapped(row, masked_text)
    return masked


def masked_text(text: str) -> str:
    for sort, form, holds in _FORMS:
        text = form.sub(lambda match, sort=sort, holds=holds: f"<{sort}>" if holds(match[0]) else match[0], text)  # type: ignore[misc]
    return text


def _noted(text: str, sorts: set[str]) -> str:
    for sort, form, holds in _FORMS:
        if any(holds(match[0]) for match in form.finditer(text)):
            sorts.add(sort)
            text = form.sub(" ", text)
    return text


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Every text inside a value changed; labels and roles are no free text and stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {k: v if k in ("label", "role", "tags", "group") else _mapped(v, change) for k, v in value.items()}
    return value
