"""What went wrong in a job, as the sentence a person reads. The traceback stays in the job's log."""

import errno
import math
import secrets
from pathlib import Path

from pydantic import ValidationError

from tools.contract import Frozen, Result, Spec
from tools.errors import Transient, UserFault
from tools.jobs.folder import AttemptFolder

# What libraries say instead of the system's error: safetensors; torch.save while it writes, and when it closes.
_FULL = ("No space left on device", "PytorchStreamWriter failed writing", "basic_ios::clear: iostream error")


class Fault(Frozen):
    sentence: str
    id: str


def describe(error: BaseException, spec: Spec, folder: Path) -> Fault:
    """The sentence for an error of a job's work; `folder` is the job's."""
    fault = f"E-{secrets.token_hex(4)}"
    match error:
        case UserFault() | Transient() if str(error):
            return Fault(sentence=" ".join(str(error).split()), id=fault)
        case MemoryError():
            return Fault(sentence=_memory(spec), id=fault)
        case _ if _disk_full(error):
            where = getattr(error, "filename", None) or folder
            sentence = f"The disk that holds {where} is full: free some space, then `resume {spec.job}`."
            return Fault(sentence=sentence, id=fault)
        case RecursionError():
            sentence = f"The data of {spec.tool} is nested too deeply to be read; flatten it and register it again."
            return Fault(sentence=sentence, id=fault)
        case _ if _out_of_memory(error):
            return Fault(sentence=_memory(spec), id=fault)
        case _:
            log = AttemptFolder(folder, spec.attempt).log
            sentence = f"Something unexpected went wrong in {spec.tool}; {log} has the details under {fault}."
            return Fault(sentence=sentence, id=fault)


def refused_parameters(tool: str, error: ValidationError) -> UserFault:
    """Every fault of a job's parameters in one sentence."""
    found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'parameters'}: {e['msg']}" for e in error.errors())
    return UserFault(f"{tool} cannot run with these parameters: {found}.")


def check_finite(tool: str, result: Result) -> None:
    """Refuse a result whose numbers are not numbers: JSON has none, and no gate could compare them."""
    bad = [m.name for m in result.metrics if not _finite(m.value, m.low, m.high)]
    bad += [c.metric for c in result.comparisons if not _finite(c.value, c.low, c.high)]
    if bad:
        raise UserFault(
            f"{tool} measured something that is not a number ({', '.join(sorted(set(bad)))}):"
            " training probably diverged; try again with a lower learning rate."
        )


def _finite(*values: float | None) -> bool:
    return all(value is None or math.isfinite(value) for value in values)


def _out_of_memory(error: BaseException) -> bool:
    """torch raises RuntimeError on a CPU ("can't allocate memory") and its own class on a GPU."""
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error).lower()


def _disk_full(error: BaseException) -> bool:
    """safetensors has an error of its own that only names the system's, and torch.save does not even name it."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or any(words in str(error) for words in _FULL)


def _memory(spec: Spec) -> str:
    return (
        f"{spec.tool} ran out of memory: start it again with a smaller batch, a shorter context or a smaller model,"
        " or on a machine with more memory."
    )
