"""Data sets on the hub: their files of rows, by split, fetched at one commit. A loading script is never run."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi

from tools.errors import UserFault
from tools.hub import WAIT, asking, online

LARGEST = 2_000_000_000  # bytes fetched for one data set; all of it is held in memory when it is checked
_SUFFIXES = (".parquet", ".pq", ".csv", ".tsv", ".jsonl")
_SPLITS = {  # as file names say it: https://huggingface.co/docs/hub/datasets-file-names-and-splits
    "all": ("train", "training"),
    "dev": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHOWN = 8  # files named in a sentence
_ID = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(?:/(?P<within>.+))?")


def fetch(wanted: str, cache: Path, endpoint: str | None = None) -> dict[str, list[Path]]:
    """Files by part: "all" (what is split here), and "dev" and "test" where the data set has its own.

    `wanted` is ORG/NAME, or with a file or folder of it behind. Raises `UserFault` with what there is instead.
    `endpoint`: another address of the hub than the environment's (HF_ENDPOINT).
    """
    match = _ID.fullmatch(wanted.strip())
    if match is None:
        raise UserFault(f"hub:{wanted} is no data set of the hub; it is written hub:ORG/NAME, or hub:ORG/NAME/FILE.")
    name = match["id"]
    with online(), asking(name, "data set", "file"):
        api = HfApi(endpoint=endpoint)
        info = api.dataset_info(name, files_metadata=True, timeout=WAIT)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    parts = choose(name, [*sizes], match["within"])
    total = sum(sizes[file] for files in parts.values() for file in files)
    if total > LARGEST:
        raise UserFault(f"{name} has {total / 1e9:.1f} GB of rows, too much to check here; name one file of it.")
    with online(), asking(name, "data set", "file"):
        return {
            part: [
                Path(
                    api.hf_hub_download(
                        name, file, repo_type="dataset", revision=info.sha, cache_dir=cache, etag_timeout=WAIT
                    )
                )
                for file in files
            ]
            for part, files in parts.items()
        }


def choose(name: str, files: Sequence[str], within: str | None = None) -> dict[str, list[str]]:
    """Which of a data set's files are read, by part. Shards of a split are read together, subsets are not."""
    rows = sorted(file for file in files if file.lower().endswith(_SUFFIXES))
    if not rows:
        script = next((file for file in files if file.endswith(".py")), None)
        why = f"it has a loading script ({script}), which is code and not run" if script else "it has none"
        raise UserFault(f"{name} has no CSV, JSONL or Parquet files: {why}; save it as one of them and name that file.")
    if within is not None:
        held = [file for file in rows if file == within or file.startswith(within.rstrip("/") + "/")]
        if not held:
            raise UserFault(f"{name} has no file or folder {within} of rows; it has {_listed(rows)}.")
        rows = held
    if len(rows) == 1:
        return {"all": rows}
    parts = {part: [file for file in rows if _part(file) == part] for part in _SPLITS}
    if not parts["all"]:
        raise UserFault(f"{name} has no file called train; name one, as in hub:{name}/FILE: {_listed(rows)}.")
    for several in parts.values():
        if len({_shardless(file) for file in several}) > 1:
            raise UserFault(
                f"{name} has several subsets; name a folder or a file, as hub:{name}/…: {_listed(several)}."
            )
    return {part: several for part, several in parts.items() if several}


def _part(file: str) -> str | None:
    """By a word of the file's name, else of a folder above it."""
    for piece in reversed(PurePosixPath(file.lower()).parts):
        words = set(re.split(r"[^a-z]+", piece))
        for part, names in _SPLITS.items():
            if words & set(names):
                return part
    return None


def _shardless(file: str) -> str:
    return re.sub(r"-\d{5}-of-\d{5}(?:-[0-9a-f]+)?", "", file)


def _listed(files: Sequence[str]) -> str:
    more = [f"and {len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
    return ", ".join([*files[:_SHOWN], *more])
