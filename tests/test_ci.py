"""Continuous integration: `.ci/run` tells of both machines whatever became of either (`.ci`)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / ".ci" / "run"


@pytest.mark.parametrize(
    ("inside", "beside", "status"), [(0, 0, 0), (3, 0, 3), (0, 4, 4), (3, 4, 3)]
)
def test_the_first_hour_is_told_whatever_became_of_the_tests(
    tmp_path: Path, inside: int, beside: int, status: int
) -> None:
    folder = tmp_path / ".ci"
    folder.mkdir()
    shutil.copy(RUN, folder)
    root = tmp_path / "root"
    _play(folder / "first-hour", f"echo said by the first hour; exit {beside}")
    _play(
        folder / "empty-root",
        f'[ "$1" = enter ] || {{ mkdir "{root}"; echo "{root}"; exit; }}; '
        f"echo said by the tests; exit {inside}",
    )
    ran = subprocess.run([folder / "run"], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["said by the tests", "said by the first hour"]
    assert (ran.returncode, ran.stderr) == (status, "")
    assert not root.exists()


def _play(script: Path, commands: str) -> None:
    script.write_text(f"#!/bin/sh\n{commands}\n")
    script.chmod(0o755)
