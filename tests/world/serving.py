"""`porta serve` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(log: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `porta serve` in a folder that holds no `.env`, until the context ends."""
    known = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PORTA_ENV": "production",  # its log can be read by a program
        "PORTA_SKIP_PROD_SAFETY": "true",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DRAIN_SECONDS": "0",
        "ISSUER_BASE_URL": f"http://127.0.0.1:{port}",
        "COOKIE_KEYS": "k" * 32,
        "SIGNING_KEY_ENCRYPTION_KEY": "ab" * 32,
        **environment,
    }
    command = [sys.executable, "-m", "porta", "serve"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=log.parent, env=known, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def answers(port: int) -> bool:
    """Whether a server on a port of this machine is ready."""
    try:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"http://127.0.0.1:{port}/ready")).status_code == 200
    except httpx.TransportError:
        return False
