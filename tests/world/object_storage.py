"""S3-compatible storage of one's own: moto in server mode, on the loopback, in a process apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from storage.models.assets import BucketAccess
from tests.world.ports import free_port

REGION, KEY_ID, SECRET = "us-east-1", "porta-test", "secret-of-the-bucket"
_START_SECONDS = 60


class ObjectStorage:
    """A server, and what another client than ours finds in it."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, trust_env=False)

    def make_bucket(self, name: str) -> None:
        self.http.put(f"/{name}").raise_for_status()

    def access(self, port: int | None = None, **more: object) -> BucketAccess:
        """Return how its buckets are reached, through another port where one is given."""
        given: dict[str, object] = {
            "endpoint": f"http://127.0.0.1:{port or self.port}",
            "region": REGION,
            "key_id": KEY_ID,
            "secret": SECRET,
        }
        return BucketAccess(**given | more)  # type: ignore[arg-type]

    def keys(self, bucket: str) -> list[str]:
        """Return what is in a bucket."""
        return self._texts(f"/{bucket}?list-type=2", "Key")

    def parts(self, bucket: str, key: str) -> int | None:
        """Return in how many parts an object came; None where it came whole."""
        where = f"/{bucket}?list-type=2&prefix={key}"
        (tag,) = self._texts(where, "ETag")
        return int(tag.strip('"').partition("-")[2] or 0) or None

    def unfinished(self, bucket: str) -> list[str]:
        """Return the multipart uploads that were begun and not completed."""
        return self._texts(f"/{bucket}?uploads", "UploadId")

    def refuse_everybody(self) -> None:
        """Hold every request from now on to accounts that are not there."""
        self.http.post("/moto-api/reset-auth", content=b"0").raise_for_status()

    def refuse_nobody(self) -> None:
        self.http.post("/moto-api/reset-auth", content=b"inf").raise_for_status()

    def freeze(self) -> None:
        """Keep the connections open and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _texts(self, path: str, name: str) -> list[str]:
        answer = self.http.get(path).raise_for_status()
        return [each.text or "" for each in ET.fromstring(answer.content).iter() if _is(each, name)]


def _is(element: ET.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name


@contextmanager
def object_storage(log: Path) -> Iterator[ObjectStorage]:
    """Start a server, and stop it at the end; what it says goes to `log`."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=dict(os.environ))
    try:
        server = ObjectStorage(port, process)
        _await(process, server, log)
        yield server
        server.http.close()
    finally:
        process.kill()
        process.wait()


def _await(process: subprocess.Popen[bytes], server: ObjectStorage, log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            server.http.get("/moto-api/data.json").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"moto did not start: {log.read_text()}")
