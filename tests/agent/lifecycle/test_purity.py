"""The life cycle decides and does nothing: it imports the standard library, pydantic and the tools' contract alone."""

import ast
import sys
from pathlib import Path

import pytest

import agent.lifecycle

FOLDER = Path(agent.lifecycle.__file__).parent
ALLOWED = {"pydantic", "agent.lifecycle", "tools.contract", "tools.digest", "tools.errors", "tools"}
EFFECTS = {
    "subprocess",
    "socket",
    "sqlite3",
    "threading",
    "asyncio",
    "os",
    "shutil",
    "random",
    "time",
    "urllib",
    "logging",
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names |= {f"tools.{a.name}" for a in node.names} if node.module == "tools" else {node.module or ""}
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda p: p.relative_to(FOLDER).as_posix())
def test_only_pure_things_are_imported(path: Path) -> None:
    for name in imported(path):
        own = any(name == allowed or name.startswith("agent.lifecycle.") for allowed in ALLOWED)
        assert own or (name in sys.stdlib_module_names or name.split(".")[0] in sys.stdlib_module_names), name
        assert name.split(".")[0] not in EFFECTS, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda p: p.relative_to(FOLDER).as_posix())
def test_no_clock_and_no_files(path: Path) -> None:
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"open", "print", "input", "datetime.now", "date.today", "datetime.utcnow"}
