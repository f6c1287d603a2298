"""JSON that can be stored and sent again: no NaN or Infinity, no lone surrogates, no bottomless nesting."""

import json
from typing import Any

from pydantic_core import from_json


def read(text: bytes | str) -> Any:
    """The value. ValueError where it is no such JSON."""
    value = from_json(text, allow_inf_nan=False)
    json.dumps(value, allow_nan=False)  # 1e999 is read as infinity
    return value
