import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.contract import Candidate, Comparison, Dataset, Inputs, Metric, Result, Spec
from tools.errors import UserFault
from tools.jobs.environment import job_environment
from tools.jobs.faults import check_finite, describe
from tools.jobs.folder import AttemptFolder, Ending

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
        (RuntimeError("basic_ios::clear: iostream error"), "is full: free some space"),
        (RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file data/4: file write failed"), "is full"),
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


def test_what_torch_says_when_memory_is_short() -> None:
    import torch

    with pytest.raises(RuntimeError) as short:
        torch.empty(2**50)
    assert (
        "finetune ran out of memory: start it again with a smaller batch"
        in describe(short.value, SPEC, FOLDER).sentence
    )


def test_a_model_with_code_of_its_own_is_refused_and_its_code_is_not_run(tmp_path: Path, taught: Candidate) -> None:
    from tools.training import models

    ran = tmp_path / "ran"
    folder = shutil.copytree(taught.path, tmp_path / "mine")
    config = {"model_type": "mine", "auto_map": {k: f"code.{k}" for k in ("AutoConfig", "AutoModelForCausalLM")}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"from pathlib import Path\nPath({str(ran)!r}).touch()\n")
    with pytest.raises(UserFault, match="code of its own, which is never run here"):
        models.load_causal(taught.model_copy(update={"path": str(folder)}))
    assert not ran.exists()


MOUNT = (
    "mount -t tmpfs -o size=$1k tmpfs $2 && cp -r $3/jobs $3/slots $2 && {python} -m tools.jobs.runner $2/jobs/full 1"
)
KEEP = "; cp $2/jobs/full/attempt-1/result.json $3/ending.json; cp -r $2/jobs/full/checkpoints $3/kept"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a name space of its own for a small disk")
@pytest.mark.parametrize(("kilobytes", "kept"), [(200, 0), (500, 0), (900, 1)])
def test_a_disk_that_fills_in_training_ends_the_job_in_an_orderly_way(
    tmp_path: Path, taught: Candidate, lesson: Dataset, kilobytes: int, kept: int
) -> None:
    """A file system of a few hundred kilobytes, and a training whose checkpoints have 440 each."""
    small = tmp_path / "small"
    small.mkdir()
    (tmp_path / "slots").mkdir()
    params = {"data": "colours", "method": "full", "steps": 60, "save_every": 10}
    inputs = Inputs(models={"model": taught}, data={"data": lesson})
    AttemptFolder(tmp_path / "jobs" / "full", 1).prepare(
        Spec(job="full", tool="finetune", params=params, inputs=inputs)
    )
    script = MOUNT.format(python=sys.executable) + KEEP
    command = ["unshare", "-Urm", "sh", "-c", script, "sh", str(kilobytes), str(small), str(tmp_path)]
    done = subprocess.run(command, env=job_environment({}), check=False, capture_output=True, text=True)
    if not (tmp_path / "ending.json").exists() and os.path.ismount(small) is False and "mount" in done.stderr:
        pytest.skip(f"no small disk can be made here: {done.stderr.strip()}")
    ending = Ending.model_validate_json((tmp_path / "ending.json").read_bytes())
    assert ending.outcome == "failed" and "is full: free some space, then `resume full`" in str(ending.error)
    assert len(list((tmp_path / "kept").glob("checkpoint-*/complete"))) >= kept
