"""What a machine may lack, and whether the tests that need it are then skipped.

Run as a program (`python -m tests.world.machine`) it says what the browser tests lack, and exits
with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is the same engine without the windows, profiles and services of a desktop's browser:
a page costs half as much there.
"""
DEMANDED = bool(os.environ.get("PORTA_TEST_ALL"))
"""Whether nothing may be skipped, as in continuous integration."""


def skip_without(found: object, reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that need what was `found`, or was not.

    They are skipped without it, unless PORTA_TEST_ALL is set, as .ci/run does: then they fail.
    """
    return pytest.mark.skipif(not found and not DEMANDED, reason=reason)


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@cache
def browser_fault() -> str | None:
    """Return in a sentence what keeps the browser tests from running; None when nothing does."""
    if find_chromium() is None:
        return "Chromium is not installed"
    spec = find_spec("playwright")
    if spec is None or spec.origin is None:
        return "Playwright is not installed"
    driver = Path(spec.origin).parent / "driver" / "node"
    return fault_of_program(driver)


def fault_of_program(program: Path) -> str | None:
    """Try `program --version`: a library that it needs may be absent (libatomic1, on Debian)."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Playwright's driver does not start ({error})"
    if done.returncode == 0:
        return None
    said = (done.stderr.strip().splitlines() or ["it says nothing"])[0].rpartition(": error ")[2]
    return f"Playwright's driver does not start ({said})"


if __name__ == "__main__":
    if fault := browser_fault():
        print(fault)
        sys.exit(1)
