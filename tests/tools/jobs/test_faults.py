import errno
from pathlib import Path

import pytest

from tools.contract import Comparison, Metric, Result, Spec
from tools.errors import UserFault
from tools.jobs.faults import check_finite, describe

SPEC = Spec(job="j7", tool="finetune", params={})
FOLDER = Path("/home/ada/.odyssey/jobs/j7")


class OutOfMemoryError(RuntimeError):
    """Named as torch names it on a GPU."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserFault("Column `a` is missing."), "Column `a` is missing."),
        (OSError(errno.ENOSPC, "full"), "The disk that holds /home/ada/.odyssey/jobs/j7 is full"),
        (
            RuntimeError("I/O error: No space left on device (os error 28)"),
            "is full: free some space, then `resume j7`",
        ),
        (MemoryError(), "finetune ran out of memory"),
        (OutOfMemoryError("CUDA"), "finetune ran out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"), "finetune ran out of memory"),
        (RecursionError(), "nested too deeply"),
        (KeyError("secret"), "in finetune; /home/ada/.odyssey/jobs/j7/attempt-1/log.txt has the details under E-"),
        (UserFault(), "Something unexpected"),
    ],
)
def test_an_error_becomes_one_sentence(error: Exception, said: str) -> None:
    fault = describe(error, SPEC, FOLDER)
    assert said in fault.sentence
    assert "secret" not in fault.sentence
    assert "\n" not in fault.sentence
    assert fault.id.startswith("E-")


def test_two_errors_have_two_ids() -> None:
    assert describe(ValueError(), SPEC, FOLDER).id != describe(ValueError(), SPEC, FOLDER).id


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_result_that_is_not_a_number_is_refused(value: float) -> None:
    with pytest.raises(UserFault, match=r"not a number \(loss\)"):
        check_finite("finetune", Result(summary="?", metrics=(Metric(name="loss", value=1.0, high=value),)))
    compared = Comparison(
        kind="difference", metric="loss", baseline="a", baseline_digest="b", value=value, low=0, high=1, n=1
    )
    with pytest.raises(UserFault, match="not a number"):
        check_finite("finetune", Result(summary="?", comparisons=(compared,)))
    check_finite("finetune", Result(summary="fine", metrics=(Metric(name="loss", value=1.0),)))
