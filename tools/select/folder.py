"""The models below a folder: found by their files, checked by their headers, never loaded."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tools.errors import UserFault
from tools.models import PICKLED
from tools.select.option import Found, LeftOut, Option, of_folder

DEEPEST = 5  # levels below the folder: the hub's own cache is a folder, `snapshots`, and a revision deep
MOST_FOLDERS = 5000
MOST_MODELS = 100
_SIGNS = ("config.json", "adapter_config.json", "*.safetensors", "*.gguf", *PICKLED)
_CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)/snapshots/[^/]+$")  # as huggingface_hub names what it fetched


def look(root: Path) -> Found:
    """Every model below `root`, and by name what looks like one and is none.

    Raises `UserFault` where there is no such folder, or nothing in it that looks like a model.
    """
    if not root.is_dir():
        what = "a file" if root.exists() else "no folder of this machine"
        raise UserFault(f"folder={root} is {what}; name the folder in which the folders of the models lie.")
    options: list[Option] = []
    left_out: list[LeftOut] = []
    for folder, fault in _folders(root):
        name = _name(root, folder)
        if len(options) + len(left_out) >= MOST_MODELS:
            left_out.append(LeftOut(str(root), f"it holds more than {MOST_MODELS} models; name a folder below it."))
            break
        try:
            if fault:
                raise UserFault(fault)
            options.append(of_folder(folder, name, "folder"))
        except UserFault as error:
            left_out.append(LeftOut(name, _reason(folder, error)))
    if not options and not left_out:
        raise UserFault(
            f"folder={root}: no model lies there; a model is a folder with config.json and *.safetensors, "
            f"at most {DEEPEST} levels below it."
        )
    return Found(tuple(options), tuple(left_out))


def _folders(root: Path) -> Iterator[tuple[Path, str]]:
    """Folders that look like a model, the name's order, with a sentence where one may not be entered."""
    home, seen, waiting = root.resolve(), 0, [(root, 0)]
    entered = {home}
    while waiting:
        folder, depth = waiting.pop(0)
        seen += 1
        if seen > MOST_FOLDERS:
            yield folder, f"{root} has more than {MOST_FOLDERS} folders; the others were not looked into."
            return
        if _looks_like_one(folder):
            yield folder, ""
            continue
        if depth == DEEPEST:
            continue
        for child in _children(folder):
            real = child.resolve()
            if not real.is_relative_to(home):
                yield child, f"{child} is a link that leads out of {root}; name the folder it leads to."
            elif real not in entered:
                entered.add(real)
                waiting.append((child, depth + 1))


def _children(folder: Path) -> list[Path]:
    """Folders in a folder but hidden ones; none where it may not be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(e.path) for e in entries if e.is_dir() and not e.name.startswith("."))
    except OSError:
        return []


def _looks_like_one(folder: Path) -> bool:
    """A lone config.json is many things; one that names no model_type and has no weights beside it is passed over."""
    held = [sign for sign in _SIGNS if any(folder.glob(sign))]
    if held == ["config.json"]:
        try:
            return "model_type" in (folder / "config.json").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
    return bool(held)


def _name(root: Path, folder: Path) -> str:
    """The path below the root; a model in the hub's cache by its id."""
    if cached := _CACHED.search(folder.absolute().as_posix()):
        return f"{cached[1]}/{cached[2]}"
    return root.resolve().name if folder == root else folder.relative_to(root).as_posix()


def _reason(folder: Path, fault: UserFault) -> str:
    """What is wrong with it; adapters and other engines' files have sentences of their own."""
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        return f"{folder} holds adapters without their model; merge them into it and name that folder."
    if any(folder.glob("*.gguf")) and not any(folder.glob("*.safetensors")):
        return f"{folder} holds GGUF files, which can be served elsewhere but not trained; take its safetensors."
    return str(fault)
