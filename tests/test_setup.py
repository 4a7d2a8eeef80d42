"""The set-up of a checkout: what the locks name is installed, today and next year (people 1)."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.world.machine import skip_without

ROOT = Path(__file__).parent.parent
LOCKS = tuple(f"requirements{of}.txt" for of in ("-uv", "", "-s3", "-dev", "-test"))
UV = ROOT / ".venv" / "uv"
_OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
"""What a make tells those that it starts: `make test` starts these tests."""


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_one_version_and_its_hashes(lock: str) -> None:
    text = re.sub(r"#.*", "", (ROOT / lock).read_text(encoding="utf-8"))
    entries = [entry.strip() for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,.-]+\])?==[\w.]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@skip_without(UV.exists() and shutil.which("make"), "the environment was not made by `make`")
@pytest.mark.parametrize("folder", ["checkout", "my checkout"])
def test_people_1_what_was_released_since_the_lock_is_not_looked_at(
    tmp_path: Path, folder: str
) -> None:
    """A dependency with an extra, of which a newer release is about: pip 23 refused that lock."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    locked = [
        _wheel(wheels, "alpha", "1.0", requires=["beta[more]>=1", "gamma>=1"]),
        _wheel(wheels, "beta", "1.0", requires=['gamma>=1 ; extra == "more"'], extras=["more"]),
        _wheel(wheels, "gamma", "1.0"),
    ]
    _wheel(wheels, "beta", "2.0", requires=['delta ; extra == "more"'], extras=["more"])
    _wheel(wheels, "gamma", "2.0")
    checkout = _checkout(tmp_path / folder, locked)
    done = _set_up(checkout, wheels)
    assert done.returncode == 0, done.stderr
    assert "Installing the 3 packages of requirements-dev.txt" in done.stdout  # people 13
    installed = {path.name for path in checkout.glob(".venv/lib/*/site-packages/*.dist-info")}
    assert {"alpha-1.0.dist-info", "beta-1.0.dist-info", "gamma-1.0.dist-info"} <= installed


@skip_without(UV.exists() and shutil.which("make"), "the environment was not made by `make`")
def test_what_is_not_what_was_locked_is_refused(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    line = _wheel(wheels, "alpha", "1.0")
    checkout = _checkout(tmp_path / "checkout", [line])
    _wheel(wheels, "alpha", "1.0", requires=["another"])
    done = _set_up(checkout, wheels)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (checkout / ".venv" / "dev.stamp").exists()


@skip_without(shutil.which("make"), "make is not installed")
def test_people_13_without_a_network_the_last_words_say_what_is_missing(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path / "checkout", ["alpha==1.0"], pip=True)
    (checkout / ".venv" / "uv").unlink()
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_FIND_LINKS": "", "PIP_NO_INDEX": ""}
    done = subprocess.run(
        ["make", ".venv/dev.stamp"],
        cwd=checkout,
        env={k: v for k, v in os.environ.items() if k not in _OF_MAKE} | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    told, (last, makes_own) = done.stderr.splitlines()[:-2], done.stderr.splitlines()[-2:]
    assert last.startswith("The packages could not be installed. The first run needs a package")
    assert makes_own.startswith("make: ***")
    assert len(told) <= 4
    assert "installer" in done.stdout


def _set_up(checkout: Path, wheels: Path) -> subprocess.CompletedProcess[str]:
    """Run the set-up of `make dev`, with `wheels` as the only package index."""
    environment = os.environ | {"UV_FIND_LINKS": str(wheels), "UV_NO_INDEX": "1"}
    return subprocess.run(
        ["make", ".venv/dev.stamp"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _checkout(folder: Path, locked: Sequence[str], *, pip: bool = False) -> Path:
    """Make a checkout of little more than the Makefile, with the installer in place.

    Where that is there nobody runs pip, which takes seconds to set up.
    """
    (folder / ".venv").mkdir(parents=True)
    for name in ("Makefile", "requirements-uv.txt"):
        shutil.copy(ROOT / name, folder / name)
    os.utime(folder / "requirements-uv.txt", (0, 0))  # older than the installer: it stays
    without = [] if pip else ["--without-pip"]
    subprocess.run(["python3", "-m", "venv", *without, folder / ".venv"], check=True)
    (folder / ".venv" / "bin" / "pip").touch()
    (folder / ".venv" / "uv").symlink_to(UV)
    (folder / "requirements-dev.txt").write_text("\n".join(locked) + "\n", encoding="utf-8")
    return folder


def _wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
) -> str:
    """Write a wheel that holds nothing, and return its line in a lock."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Provides-Extra: {extra}" for extra in extras]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    files = {
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, text in files.items():
            wheel.writestr(inner, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{digest}"
