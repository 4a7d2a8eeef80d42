"""Environment of Porta 1.x: settings that are read otherwise or refused, and pages of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from porta.config.setting_errors import SettingsInvalid
from porta.config.settings import load_settings
from porta.services.succession.finding import Finding, Rule, Severity
from storage.repositories.differences import Met

_REFUSED = Rule(
    "settings_refused",
    Severity.STOPS,
    "Settings of this environment with which no server starts",
    "Each says what to set. Where this is not the environment of your servers, check there.",
)
_READ = Rule(
    "settings",
    Severity.DIFFERS,
    "Settings of this environment that are read otherwise than they are written",
    "Write them as they are read; until then each is a line config.inherited in the log.",
)
_PAGES = Rule(
    "pages",
    Severity.DIFFERS,
    "Templates and texts of your own for 1.x: nobody reads them",
    "Say it with the organization's brand (docs/branding.md), or anew (docs/templates.md).",
)
FOLDERS = tuple(Path(name) for name in ("/app/templates", "/app/locales", "templates", "locales"))
"""Where 1.x had its pages, and others mounted theirs."""
_OF_1X = ("**/*.hbs", "**/*.handlebars", "*/*.json", "*/*/*.json")


def judge_environment() -> list[Finding]:
    """Read the environment as a server would."""
    try:
        notes = load_settings().notes
    except SettingsInvalid as error:
        return _REFUSED.found(map(_split, error.problems))
    return _READ.found(map(_split, notes))


def judge_pages(folders: Iterable[Path] = FOLDERS) -> list[Finding]:
    """Look for templates and texts that were made for 1.x."""
    known = {folder.resolve() for folder in folders if folder.is_dir()}
    files = sorted({file for folder in known for kind in _OF_1X for file in folder.glob(kind)})
    return _PAGES.found(Met(str(file.parent), file.name) for file in files)


def _split(line: str) -> Met:
    name, _, told = line.partition(": ")
    return Met(name, told)
