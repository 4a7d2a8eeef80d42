"""Overrides: templates and texts of an operator's own, read once and file by file."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from porta.errors import Invalid, Problem
from porta.pages.contract import find_faults
from porta.tenants.slugs import is_slug

EVERY = "default"
"""The folder of what is for every organization that has nothing of its own."""
_LARGEST = 262_144  # bytes of one file
_DEEPEST = 4  # templates/{slug}/pages/login.html
_KINDS = {
    "pages": (".html",),
    "partials": (".html",),
    "layouts": (".html",),
    "emails": (".html", ".txt"),
}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What stands in the folder, by organization (its slug, or EVERY)."""

    templates: Mapping[str, Mapping[str, str]]
    """The source of each template by its name: `pages/login.html`."""
    texts: Mapping[str, Mapping[str, str]]
    """The catalog (`.po`) of each language by its tag."""


NONE = Overrides({}, {})


def read(folder: Path, shipped: Path, languages: tuple[str, ...]) -> Overrides:
    """Read every file below `folder`; `shipped` is where the templates are that they replace.

    Nothing that a request says takes part: what is not read here does not exist. Raises Invalid
    with each file that cannot be used and why, or where the folder cannot be read.
    """
    known, problems = shipped_templates(shipped), []
    templates: dict[str, dict[str, str]] = defaultdict(dict)
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    for path in _all_files(folder):
        name = path.relative_to(folder)
        try:
            source = _source(path, folder)
            kind, slug, rest = _place(PurePosixPath(name))
            if kind == "templates":
                _check(rest in known, f"is no template: {', '.join(sorted(known))}")
                _check_contract(rest, source)
                templates[slug][rest] = source
            else:
                tag = rest.removesuffix(".po").replace("_", "-")
                _check(tag in languages, f"is no language of the pages: {', '.join(languages)}")
                texts[slug][tag] = source
        except _Unusable as error:
            problems.append(Problem((str(path),), str(error)))
    if problems:
        raise Invalid(problems=problems)
    return Overrides(dict(templates), dict(texts))


def shipped_templates(root: Path) -> frozenset[str]:
    """Return the names of what may be replaced below the folder of templates."""
    return frozenset(
        f"{kind}/{path.name}"
        for kind, suffixes in _KINDS.items()
        for path in (root / kind).iterdir()
        if path.suffix in suffixes
    )


class _Unusable(Exception):
    """A file that cannot be used, and why."""


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Unusable(otherwise)


def _all_files(folder: Path) -> list[Path]:
    try:
        return list(_files(folder))
    except OSError as error:
        raise Invalid(f"the folder of own pages cannot be read: {error}") from None


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file that is not hidden. A folder that an orchestrator mounts holds links."""
    for where, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        depth = len(Path(where).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if f[0] != "." and depth < _DEEPEST)
        yield from (Path(where, name) for name in sorted(names) if name[0] != ".")


def _raise(error: OSError) -> None:
    raise error


def _source(path: Path, folder: Path) -> str:
    """A template is a program: whoever may write one may do what Porta may."""
    _check(path.resolve().is_relative_to(folder.resolve()), "leads out of the folder")
    status = path.stat()
    _check(stat.S_ISREG(status.st_mode), "is not a file")
    _check(not status.st_mode & stat.S_IWOTH, "may be written by everybody: chmod o-w")
    _check(status.st_size <= _LARGEST, f"is larger than {_LARGEST} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _Unusable("is not UTF-8") from None


def _place(name: PurePosixPath) -> tuple[str, str, str]:
    """Return `templates` or `locales`, the organization, and the rest of a path."""
    parts = name.parts
    known = len(parts) == 4 and parts[0] == "templates"
    known = known or (len(parts) == 3 and parts[0] == "locales" and name.suffix == ".po")
    expected = f"templates/{EVERY}/pages/login.html, locales/{EVERY}/de.po"
    _check(known, f"stands where nothing is read; expected is a place like {expected}")
    _check(is_slug(parts[1]), "stands in a folder that is not named like an organization's slug")
    return parts[0], parts[1], "/".join(parts[2:])


def _check_contract(name: str, source: str) -> None:
    faults = list(find_faults(name, source))
    _check(not faults, "; ".join(faults))
