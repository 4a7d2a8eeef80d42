"""What a machine lacks is told in one sentence, before any test needs it (people 2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.world import machine

ROOT = Path(__file__).parents[2]
LOADER = (
    "driver/node: error while loading shared libraries: libatomic.so.1:"
    " cannot open shared object file: No such file or directory"
)


def _program(folder: Path, script: str) -> Path:
    made = folder / "node"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)
    return made


def test_people_2_a_library_that_the_driver_needs_is_named(tmp_path: Path) -> None:
    driver = _program(tmp_path, f"echo '{LOADER}' >&2; exit 127")
    told = machine.fault_of_program(driver)
    assert told is not None
    assert "libatomic.so.1" in told
    assert str(tmp_path) not in told
    assert "\n" not in told


def test_people_2_a_driver_that_starts_is_no_fault(tmp_path: Path) -> None:
    assert machine.fault_of_program(_program(tmp_path, "echo v20")) is None


@pytest.mark.parametrize("script", ["exit 1", "echo >&2; exit 3"])
def test_people_2_a_driver_that_says_nothing_is_told_too(tmp_path: Path, script: str) -> None:
    assert machine.fault_of_program(_program(tmp_path, script))


def test_people_2_a_driver_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert machine.fault_of_program(tmp_path / "absent")


def test_people_2_what_the_driver_needs_is_installed_with_chromium() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    packages = re.search(r"^CHROMIUM_PACKAGES := (.*)$", makefile, re.MULTILINE)
    assert packages is not None
    assert {"chromium", "libatomic1"} <= set(packages[1].split())
