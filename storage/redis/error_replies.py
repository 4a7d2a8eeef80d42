"""Error replies of Redis: what is an outage, what a setting at fault, what a defect of our own."""

from __future__ import annotations

import re

from storage.errors import Refused, StorageError, Unreachable
from storage.redis.connection import Refusal

_DEFECTS = frozenset({"ERR", "WRONGTYPE", "CROSSSLOT", "NOSCRIPT", "EXECABORT", "NOPROTO"})
"""Codes of what we should not have asked. Every other is about the state the server is in:
READONLY, MASTERDOWN, NOREPLICAS, MISCONF, OOM, LOADING, BUSY, CLUSTERDOWN, NOAUTH, NOPERM ...
"""
_IN_SCRIPT = re.compile(r"ERR Error running script .*: -([A-Z]+)\b", re.DOTALL)
"""Before version 7 Redis put the refusal of a command into one of its script."""
_SETTINGS = {
    "WRONGPASS": "wrong user or password (WRONGPASS)",
    "ERR invalid password": "wrong password",
    "NOAUTH": "it asks for a password (NOAUTH)",
    "ERR AUTH <password> called without any password": "it has no password, and the URL gives one."
    " Take it out of the URL, or give the server one (requirepass)",
    "ERR Client sent AUTH, but no password is set": "it has no password, and the URL gives one."
    " Take it out of the URL, or give the server one (requirepass)",
    "ERR DB index is out of range": "it has no database of this number",
    "NOPERM": "this user may not do what is needed (NOPERM)",
}
"""How the reply to a greeting begins when the URL is at fault, and what to tell a person."""


def code_of(reply: Refusal) -> str:
    """Return `NOSCRIPT`, `WRONGTYPE`, `OOM` ...: what kind of refusal it is."""
    text = str(reply)
    nested = _IN_SCRIPT.match(text)
    return nested[1] if nested else text.partition(" ")[0]


def failure_of(reply: Refusal) -> StorageError:
    """Return what to raise for a refused command: Unreachable, unless the defect is ours.

    It names the code only: the message behind it may quote what was sent.
    """
    code = code_of(reply)
    if code in _DEFECTS:
        return StorageError(f"Redis refused a command: {code}")
    return Unreachable(f"Redis: {code}")


def failure_of_greeting(place: str, reply: Refusal) -> Unreachable:
    """Return what to raise for a refused connection: Refused where the URL is at fault."""
    text = str(reply)
    for beginning, told in _SETTINGS.items():
        if text.startswith(beginning):
            return Refused(f"{place} refuses the connection: {told}")
    return Unreachable(f"{place} refuses the connection: {code_of(reply)}")
