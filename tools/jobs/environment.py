"""The environment of every process that does a job's work."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # where the package `tools` lies

QUIET = {
    "HF_HUB_OFFLINE": "1",  # models are fetched before a job starts, never by it
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",  # its threads would not survive a fork
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # nor would pyarrow's
    # Turns a thread of libgomp waits awake before it sleeps. Measured: a step of the tiny model on two threads, in ms,
    # alone and beside a busy core: never awake 75-87, 80; 2,000 turns 47-62, 133; as it comes (300,000) 54, 190-440.
    "GOMP_SPINCOUNT": "2000",
    "MPLBACKEND": "Agg",
    "PYTHONUNBUFFERED": "1",
}
ASLEEP = {"GOMP_SPINCOUNT": "0"}  # for jobs that together have more threads than there are processors
OFFLINE = "ODYSSEY_HUB_FORBIDDEN"  # "1" where the person, not the quiet default, keeps this machine from the hub
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def job_environment(extra: Mapping[str, str], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment for a new process: what the person set wins over the quiet defaults."""
    own = dict(os.environ if base is None else base)
    merged = {**QUIET, **own, **extra}
    forbidden = (own | dict(extra)).get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE")
    merged.setdefault(OFFLINE, "1" if forbidden else "0")
    merged["PYTHONPATH"] = os.pathsep.join(filter(None, (extra.get("PYTHONPATH"), str(ROOT), own.get("PYTHONPATH"))))
    merged["PYTHONSAFEPATH"] = "1"  # a file in a job's folder must not pass for a module
    return merged


def waiting(threads: int, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the jobs' environment says where `threads` compute at once on this machine; a person's own setting stays."""
    crowded = threads > (os.cpu_count() or 1)
    return dict(ASLEEP) if crowded and "GOMP_SPINCOUNT" not in (os.environ if own is None else own) else {}


def set_threads(count: int) -> None:
    """Threads of this process, also where torch is loaded already (a child of the warm host)."""
    for name in THREADS:
        os.environ[name] = str(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
