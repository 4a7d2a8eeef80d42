"""Themes: an operator's templates, for one organization or for all, before the shipped ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tornado.template import Loader, ParseError, Template

from porta.errors import Invalid
from porta.pages.overrides import EVERY

_LOG = logging.getLogger(__name__)


class _Own(Loader):
    """Templates by their source, and for the rest those below a folder."""

    def __init__(self, root: str, sources: Mapping[str, str], **settings: Any) -> None:
        super().__init__(root, **settings)
        self.sources = sources

    def _create_template(self, name: str) -> Template:
        source = self.sources.get(name)
        if source is None:
            return super()._create_template(name)
        return Template(source, name=name, loader=self)


class Themes:
    """Compiled templates. One of an operator's that fails costs its looks, never a page."""

    def __init__(
        self, root: Path, own: Mapping[str, Mapping[str, str]], /, **settings: Any
    ) -> None:
        """`settings` are those of tornado's Loader; `own` are sources by organization and name."""
        every = own.get(EVERY, {})
        self._shipped = Loader(str(root), **settings)
        self._own = {
            slug: _Own(str(root), {**every, **sources}, **settings) for slug, sources in own.items()
        }
        self._told: set[tuple[str, str]] = set()

    def compile(self, names: Iterable[str]) -> None:
        """Read these templates, and all of an operator's. Raises tornado.template.ParseError, and
        Invalid for one that is an operator's.
        """
        for name in names:
            self._shipped.load(name)
        for slug, loader in self._own.items():
            for name in sorted(loader.sources):
                try:
                    loader.load(name)
                except (ParseError, OSError, SyntaxError) as error:
                    raise Invalid(f"templates/{slug}/{name}: {error}") from None

    def reset(self) -> None:
        """Forget what was compiled: each template is read again."""
        for loader in (self._shipped, *self._own.values()):
            loader.reset()

    def generate(self, name: str, slug: str | None, values: Mapping[str, Any]) -> str:
        """Return the template `name` of an organization's theme, filled in."""
        theme = slug if slug in self._own else EVERY
        loader = self._own.get(theme or EVERY)
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
