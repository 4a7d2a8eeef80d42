"""What a request costs: `make bench`, or `python -m tests.bench --target FILE` for any provider.

Without a target a disposable installation is started, with the server on one core and everything
else (this load, PostgreSQL, Redis) on the other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import target as targets
from tests.bench.measure import Row, measure, measure_bare
from tests.bench.workloads import WORKLOADS
from tests.world.ports import free_port

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_START_SECONDS = 90


def main() -> None:
    """Parse the command line, load the target, print the table."""
    options = _parse()
    with contextlib.ExitStack() as stack:
        path = options.target or stack.enter_context(_installation())
        bare_port = free_port()
        bare = stack.enter_context(
            _process([sys.executable, "-m", "tests.bench.bare", str(bare_port)], "ready")
        )
        target = targets.load(path)
        _pin([*target.pids, bare.pid])
        rows = asyncio.run(_measure(target, options, bare_port, bare.pid))
    _print(rows)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--target", type=Path, help="a JSON file like dev.json")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each line (default 4)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--only", nargs="+", default=[], help="names of the lines to measure")
    return parser.parse_args()


async def _measure(
    target: targets.Target, options: argparse.Namespace, bare_port: int, bare_pid: int
) -> list[Row]:
    rows = []
    for connections in options.connections:
        rows.append(await measure_bare(bare_port, bare_pid, connections, options.seconds))
        for workload in WORKLOADS:
            if options.only and workload.name not in options.only:
                continue
            rows.append(await measure(target, workload, connections, options.seconds))
    return rows


@contextlib.contextmanager
def _installation() -> Iterator[Path]:
    """Run `porta dev` in a temporary folder; yield its dev.json."""
    with tempfile.TemporaryDirectory(prefix="porta-bench-") as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as another account when this runs as root
        data = Path(name) / "data"
        command = [sys.executable, "-m", "porta", "dev", "--port", str(free_port())]
        command += ["--data", str(data), "--seed", str(_ROOT / "examples" / "dev.yaml")]
        command += ["--seed", str(_HERE / "limits.yaml")]
        # Disposable, whatever databases the caller's environment names.
        own = {"DATABASE_URL": "", "REDIS_URL": ""}
        with _process(command, "ready", LOG_LEVEL="warn", **own):
            yield data / "dev.json"


@contextlib.contextmanager
def _process(command: list[str], sign: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process, wait until it prints `sign`, and stop it by its pid in the end."""
    process = subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | variables
    )
    try:
        _wait_for(process, sign)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(process: subprocess.Popen[str], sign: str) -> None:
    assert process.stdout is not None
    signal.alarm(_START_SECONDS)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if sign in line:
                return
        raise SystemExit("".join(lines) + f"\nthe process ended before it was {sign}")
    finally:
        signal.alarm(0)


def _pin(pids: Sequence[int]) -> None:
    """Give the measured processes a core of their own, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {cores[0]})
    for process in Path("/proc").glob("[0-9]*"):
        if process.name not in map(str, pids) and _is_database(process):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(process.name), set(cores[1:]))
    os.sched_setaffinity(0, set(cores[1:]))


def _is_database(process: Path) -> bool:
    try:
        name = (process / "comm").read_text().strip()
    except OSError:
        return False
    return name.startswith(("postgres", "redis-server", "valkey-server"))


def _print(rows: list[Row]) -> None:
    table = Table(title="per operation, of the server process")
    for heading in ("", "conn.", "count", "CPU µs", "per s", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in rows:
        table.add_row(
            row.name, str(row.connections), str(row.count), f"{row.cpu_us:.0f}",
            f"{row.per_second:.0f}", f"{row.p50:.2f}", f"{row.p95:.2f}", f"{row.p99:.2f}",
            end_section=row.name == WORKLOADS[-1].name,
        )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
