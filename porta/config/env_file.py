"""Environment file: `.env`, read as node's dotenv read it for Porta 1.x, and refused by its line.

Programs do not agree on such a file. What all of them read alike is taken; where they differ about
a setting of ours, a password would change in silence: that line is refused.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from porta.config.setting_errors import SettingsInvalid

ENV_FILE = ".env"
_SKIPPED = re.compile(r"\s*(?:#[^\n]*)?(?:\n|\Z)")
_NAME = re.compile(r"\s*(?:export[ \t]+)?(?P<name>[A-Za-z0-9_.-]+)(?P<sign>[ \t]*=|:[ \t])[ \t]*")
_QUOTED = re.compile(
    r"(?P<quote>['\"`])(?P<text>(?:\\(?P=quote)|(?!(?P=quote))[\s\S])*)(?P=quote)"
    r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)"
)
_COMMENT = re.compile(r"[ \t]+#.*\Z")
"""A # after a blank ends a value for everybody; without one, for some."""
_REST = re.compile(r"[^\n]*")
_SINGLE = "; in single quotes it is read as it stands"
_NEITHER = "is neither NAME=value nor a comment"


class EnvFile(NamedTuple):
    """What a file says, by upper-case name, and what of it other programs read in another way."""

    values: dict[str, str]
    notes: tuple[str, ...] = ()


class _Definition(NamedTuple):
    name: str
    line: int
    value: str
    quote: str
    colon: bool


def read(names: Collection[str]) -> EnvFile:
    """Return what `.env` of the working directory says; nothing where there is none.

    `names` are those of our settings, in upper case. Raises SettingsInvalid for what is no file of
    UTF-8 text, for a line that says nothing, and for one of `names` that programs differ about.
    """
    found, problems, notes = EnvFile({}), [], []
    for each in _definitions(_text()):
        name = each.name.upper()
        found.values[name] = each.value
        if name not in names:
            continue
        where = f"{ENV_FILE}, line {each.line}: {name}"
        if problem := _problem(each):
            problems.append(f"{where} {problem}")
        if each.colon or each.quote == "`":
            form = "is given by a colon" if each.colon else "stands in backticks"
            notes.append(f"{where} {form}, as 1.x allowed it and others do not; write {name}='...'")
    if problems:
        raise SettingsInvalid(problems)
    return found._replace(notes=tuple(notes))


def _text() -> str:
    path = Path(ENV_FILE)
    try:
        # Whoever opens a FIFO waits until somebody writes to it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise SettingsInvalid([f"{ENV_FILE}: is not a file"])
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsInvalid([f"{ENV_FILE}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # ASCII in UTF-16 is UTF-8 with a NUL beside each character
        raise SettingsInvalid([f"{ENV_FILE}: is not UTF-8; save it in this encoding"])
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _definitions(text: str) -> Iterator[_Definition]:
    """Yield every definition, the last of a name last. Raises SettingsInvalid."""
    at, problems = 0, []
    while at < len(text):
        if (skipped := _SKIPPED.match(text, at)) is not None:
            at = skipped.end()
            continue
        named = _NAME.match(text, at)
        line = text.count("\n", 0, named.start("name") if named else at) + 1
        if named is None:
            problems.append(f"{ENV_FILE}, line {line}: {_NEITHER}")
            at = _end_of_line(text, at)
            continue
        start = named.end()
        quoted = _QUOTED.match(text, start)
        end = quoted.end() if quoted else _end_of_line(text, start)
        quote = quoted["quote"] if quoted else ""
        value = quoted["text"] if quoted else _COMMENT.sub("", text[start - 1 : end])[1:].strip()
        yield _Definition(named["name"], line, value, quote, ":" in named["sign"])
        at = end
    if problems:
        raise SettingsInvalid(problems)


def _end_of_line(text: str, at: int) -> int:
    rest = _REST.match(text, at)
    assert rest is not None
    return rest.end()


def _problem(given: _Definition) -> str | None:
    """Return what programs read differently of a value, without quoting it; None for nothing."""
    value, quote = given.value, given.quote
    if quote == "'":
        return "holds \\' in single quotes, which some take for a quote" if "\\'" in value else None
    if "${" in value:
        return f"holds ${{, which some programs replace and 1.x did not{_SINGLE}"
    if quote:
        doubtful = quote == '"' and "\\" in value
        return f"holds a backslash in double quotes{_SINGLE}" if doubtful else None
    if value[:1] in ("'", '"', "`"):
        return (
            "begins with a quote that does not end it; close it, with nothing but a comment after"
        )
    return f"holds a # outside of quotes, where 1.x cut it off{_SINGLE}" if "#" in value else None
