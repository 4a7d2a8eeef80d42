"""Static files that pages link to: read once, named by their content, cached for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from porta.pages.encodings import Encoded, encode

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"
"""The `Cache-Control` of what a change of its content gives another address."""


class Static(NamedTuple):
    """A file as it is sent. `cache_control` says for ever only under a name with its own hash."""

    content: Encoded
    content_type: str
    etag: str
    cache_control: str


class StaticFiles:
    """The files of one folder, under `name.hash.suffix`."""

    def __init__(self, directory: Path, base_path: str = "") -> None:
        self._prefix = f"{base_path}/static/"
        self._files = {path.name: _read(path) for path in sorted(directory.iterdir())}
        self._hashed = {name: _hashed(name, file) for name, file in self._files.items()}

    def url(self, name: str) -> str:
        """Return the path of a file, its hash in the name. Raises KeyError when there is none."""
        return self._prefix + self._hashed[name]

    def find(self, hashed: str) -> Static | None:
        """Return the file behind the last segment of a `url`, or None.

        An outdated hash (a page of another version of Porta) gets today's file, which caches then
        must not keep under that name.
        """
        stem, _, rest = hashed.partition(".")
        name = f"{stem}.{rest.rpartition('.')[2]}"
        file = self._files.get(name)
        if file is None or self._hashed[name] == hashed:
            return file
        return file._replace(cache_control="no-cache")


def _read(path: Path) -> Static:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Static(encode(content), _CONTENT_TYPES[path.suffix], f'"{digest}"', FOR_EVER)


def _hashed(name: str, file: Static) -> str:
    stem, _, suffix = name.rpartition(".")
    digest = file.etag.strip('"')
    return f"{stem}.{digest}.{suffix}"
