"""Pages that `porta dev` serves beside Porta: Tornado templates, in one frame and one look."""

from __future__ import annotations

from pathlib import Path

from tornado.template import Loader

_PORTA = Path(__file__).parents[1]
_FOLDER = next(  # in a wheel, or beside it in a checkout
    folder for base in (_PORTA, _PORTA.parent) if (folder := base / "templates" / "dev").exists()
)
_LOADER = Loader(str(_FOLDER))  # which escapes what it is given
STYLE = (_FOLDER / "style.css").read_bytes()
"""The stylesheet that every page names."""


def render(page: str, /, **values: object) -> str:
    """Return a whole page."""
    return _LOADER.load(f"{page}.html").generate(**values).decode()
