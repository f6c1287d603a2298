"""The gate and the judge for one encoder, and how each goes with the reader: fitted on this machine by `knowledge
calibrate`, or those that ship.

Both weigh cosines, and cosines of one encoder mean nothing for another.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from knowledge.gate import Gate, gate
from knowledge.ground import Judge, judge
from knowledge.reader import Weighings, weighings


@dataclass(frozen=True, slots=True)
class Fitted:
    """What decides whether to answer (`gate`) and whether a written sentence may be shown (`judge`)."""

    gate: Gate
    judge: Judge
    weighings: Weighings


def key_of(encoder: str) -> str:
    """A file's name for an encoder, whatever its own has in it."""
    return hashlib.sha256(encoder.encode()).hexdigest()[:12]


def file_of(encoder: str, cache: Path) -> Path:
    return cache / f"calibration-{key_of(encoder)}.json"


def fitted(encoder: str, cache: Path | None = None) -> Fitted:
    """What was calibrated for the encoder; otherwise what ships, for an unknown one the gate that looks at words."""
    try:
        kept = json.loads(file_of(encoder, cache).read_text(encoding="utf-8")) if cache else {}
        if kept:
            return Fitted(Gate(**kept["gate"]), Judge(**kept["judge"]), Weighings.of(kept["weighings"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or one of an older form: calibrating again writes it over
    return Fitted(gate(encoder), judge(), weighings())


def keep(encoder: str, cache: Path, made: Fitted) -> Path:
    """Write what was calibrated to where `fitted` finds it."""
    file = file_of(encoder, cache)
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(json.dumps({"encoder": encoder, **asdict(made)}, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(file)
    return file
