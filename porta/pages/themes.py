"""Themes: an operator's templates, for one organization or for all, before the shipped ones."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tornado.template import Loader, ParseError, Template

from porta.errors import Invalid, Problem
from porta.pages.overrides import EVERY

_LOG = logging.getLogger(__name__)
_LINE = re.compile(r"  # (\S+):([1-9][0-9]*)(?: \(via .*\))?$")
"""How tornado says in the code that it makes which line of which template is meant."""


class _Template(Template):
    """A template whose mistakes are told by its own lines, not by those of what is made of it."""

    def __init__(self, source: str, name: str, loader: Loader) -> None:
        try:
            super().__init__(source, name=name, loader=loader)
        except SyntaxError as error:
            lines = self.code.splitlines()[: error.lineno or 0]
            found = next(filter(None, map(_LINE.search, reversed(lines))), None)
            place = (found[1], int(found[2])) if found is not None else (name, 0)
            raise ParseError(error.msg, *place) from None


class _Own(Loader):
    """Templates by their source, and for the rest those below a folder."""

    def __init__(self, root: str, sources: Mapping[str, str], **settings: Any) -> None:
        super().__init__(root, **settings)
        self.sources = sources

    def _create_template(self, name: str) -> Template:
        source = self.sources.get(name)
        if source is None:
            return super()._create_template(name)
        return _Template(source, name, self)


@lru_cache(maxsize=8)
def _shipped(root: str, autoescape: str | None, whitespace: str) -> Loader:
    """Templates below a folder: those of several runtimes of one process are compiled once."""
    return Loader(root, autoescape=autoescape, whitespace=whitespace)


class Themes:
    """Compiled templates. One of an operator's that fails costs its looks, never a page."""

    def __init__(
        self,
        root: Path,
        own: Mapping[str, Mapping[str, str]],
        /,
        *,
        autoescape: str | None,
        whitespace: str,
        namespace: Mapping[str, Any] | None = None,
    ) -> None:
        """`own` are sources by organization and name; the rest is as tornado's Loader has it."""
        every = own.get(EVERY, {})
        self._namespace = dict(namespace or {})
        self._shipped = _shipped(str(root), autoescape, whitespace)
        self._own = {
            slug: _Own(
                str(root), {**every, **sources}, autoescape=autoescape, whitespace=whitespace
            )
            for slug, sources in own.items()
        }
        self._told: set[tuple[str, str]] = set()

    def compile(self, names: Iterable[str]) -> None:
        """Read these templates, and all of an operator's. Raises tornado.template.ParseError, and
        Invalid with each one of an operator's that cannot be used, and why.
        """
        for name in names:
            self._shipped.load(name)
        problems = [
            Problem((f"templates/{slug}/{name}",), told)
            for slug, loader in self._own.items()
            for name in sorted(loader.sources)
            if (told := _find_fault(loader, name)) is not None
        ]
        if problems:
            raise Invalid(problems=problems)

    def reset(self) -> None:
        """Forget what was compiled: each template is read again."""
        for loader in (self._shipped, *self._own.values()):
            loader.reset()

    def generate(self, name: str, slug: str | None, values: Mapping[str, Any]) -> str:
        """Return the template `name` of an organization's theme, filled in."""
        theme = slug if slug in self._own else EVERY
        loader = self._own.get(theme or EVERY)
        values = {**self._namespace, **values}
        if loader is not None:
            try:
                return loader.load(name).generate(**values).decode()
            except Exception as error:
                # Whatever it is: the shipped page is there, and a person wants to sign in.
                self._tell(theme or EVERY, name, error)
        return self._shipped.load(name).generate(**values).decode()

    def _tell(self, theme: str, name: str, error: Exception) -> None:
        """Log a failure once for each template; a message is told where it can hold no value."""
        if (theme, name) in self._told:
            return
        self._told.add((theme, name))
        said = f": {error}" if isinstance(error, NameError | SyntaxError) else ""
        about = {"template": f"templates/{theme}/{name}", "error": type(error).__name__ + said}
        _LOG.error("template.failed", extra=about)


def _find_fault(loader: Loader, name: str) -> str | None:
    """Return why a template cannot be read; None for one that can."""
    try:
        loader.load(name)
    except RecursionError:
        return "extends or includes itself"
    except Exception as error:  # whatever it is: a server that starts can use its templates
        return str(error)
    return None
