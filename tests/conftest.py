"""What all tests share: an environment without a person's settings, and what some machines lack."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

SHARED = Path(__file__).parents[1].parent / "shared" / "data"  # real data beside the checkout; users do not have it

settings.register_profile("fixed", derandomize=True, deadline=None)  # the same examples in every run
settings.load_profile("fixed")

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


@pytest.fixture(autouse=True)
def _no_settings_of_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ODYSSEY_", "SLACK_")) and name not in ("ODYSSEY_REQUIRE", "ODYSSEY_CACHE"):
            monkeypatch.delenv(name)


def lacking(what: str, reason: str) -> None:
    """Skip with the reason; fail instead where ODYSSEY_REQUIRE says that this machine has it."""
    if what in os.environ.get("ODYSSEY_REQUIRE", "").split(","):
        pytest.fail(f"{reason}, and ODYSSEY_REQUIRE asks for {what}")
    pytest.skip(reason)


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data."""
    if not SHARED.is_dir():
        lacking("data", f"no real data at {SHARED}")
    return SHARED


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless. A module's at most: while it runs, its event loop stands in this thread."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("browser", "Playwright is not installed")
        return
    if not CHROMIUM.exists():
        lacking("browser", f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM))
        yield running
        running.close()
