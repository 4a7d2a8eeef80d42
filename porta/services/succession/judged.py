"""Rows of Porta 1.x that need a look: clients, `system_config`, passwords, signing keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from porta.config.system import Config, convert_setting
from porta.errors import Invalid
from porta.protocol.clients.registered_uris import find_redirect_uri_problem
from porta.protocol.requests.scopes import OIDC_SCOPES
from porta.security.encryption import DecryptionFailed, Encrypted, EncryptionKeys, decrypt
from porta.security.passwords import is_dear_cost
from porta.services.succession.finding import Finding, Rule, Severity
from storage.repositories.differences import InheritedClient, InheritedKey, Met

_DEFAULT_PORT = re.compile(r"(?i:https://[^/?]*:443|http://[^/?]*:80)(?=[/?]|\Z)")
_USELESS = re.compile(r"(?i:javascript|data|vbscript|blob|file|about|view-source):")
_URIS_DEAD = Rule(
    "redirect_uris_dead",
    Severity.STOPS,
    "Redirect URIs that are never accepted",
    "Register the address without a fragment and with http, https or a scheme of the app.",
)
_URIS = Rule(
    "redirect_uris",
    Severity.DIFFERS,
    "Redirect URIs that are compared otherwise than by 1.x, or that a file could not register anew",
    "Register what the client sends, letter by letter.",
)
_SCOPES = Rule(
    "scopes",
    Severity.DIFFERS,
    "Scopes that 1.x ignored, and that are granted here since the client is registered for them",
    "Take out of `scope` what means nothing; nobody but who reads the token's scope sees it.",
)
_CONFIG = Rule(
    "config",
    Severity.INFORMS,
    "Settings in system_config that have no effect here",
    "Nothing to do; docs/configuration.md has what counts.",
)
_VALUES = Rule(
    "config_values",
    Severity.DIFFERS,
    "Settings in system_config whose value cannot be, so that the default stands",
    "Correct the value: docs/configuration.md has the ranges.",
)
_DEAR = Rule(
    "password_costs",
    Severity.STOPS,
    "Passwords hashed at a cost above the most that is verified (64 MiB, 4 passes, 4 lanes)",
    "These people need a new password.",
)
_CLEAR = Rule(
    "keys_in_the_clear",
    Severity.INFORMS,
    "Signing keys that 1.x stored in the clear: porta migrate up encrypts them",
    "Have SIGNING_KEY_ENCRYPTION_KEY in the environment of porta migrate up. Backups and dumps hold"
    " these keys readably: porta keys rotate afterwards.",
)
_CLEAR_AGAIN = Rule(
    "keys_in_the_clear",
    Severity.DIFFERS,
    "Signing keys that 1.x made while it was back, and stored in the clear: they are refused",
    "If you know of that rotation: porta keys adopt KID. Else porta keys revoke KID.",
)
_UNREADABLE = Rule(
    "keys_unreadable",
    Severity.STOPS,
    "Signing keys that SIGNING_KEY_ENCRYPTION_KEY of this environment does not open",
    "Set it to the value that 1.x has, and check again.",
)
_NO_KEY = Rule(
    "keys_none",
    Severity.INFORMS,
    "No signing key is active: one is made at the first start",
    "Nothing to do.",
)


def judge_clients(clients: Iterable[InheritedClient]) -> list[Finding]:
    """Look at redirect URIs and scopes."""
    known = list(clients)
    dead = [Met(c.who, uri) for c in known for uri in c.redirect_uris if _is_dead(uri)]
    odd = [
        Met(c.who, f"{uri}: {problem}")
        for c in known
        for uri in c.redirect_uris
        if not _is_dead(uri) and (problem := _find_oddity(uri, c.application_type == "native"))
    ]
    granted = [Met(c.who, told) for c in known if (told := " ".join(_further(c)))]
    return _URIS_DEAD.found(dead) + _URIS.found(odd) + _SCOPES.found(granted)


def judge_config(rows: Mapping[str, Any]) -> list[Finding]:
    """Look at `system_config`, decoded."""
    known = {field.name for field in msgspec.structs.fields(Config)}
    idle = [Met(key, "without effect") for key in sorted(rows.keys() - known)]
    wrong = [
        Met(key, problem) for key in sorted(rows.keys() & known) if (problem := _problem(key, rows))
    ]
    return _VALUES.found(wrong) + _CONFIG.found(idle)


def judge_passwords(costs: Iterable[Met]) -> list[Finding]:
    """Look at how many people have a password of which cost (`m=65536,t=3,p=4`)."""
    return _DEAR.found(
        Met(cost, f"{people} people") for cost, people in costs if is_dear_cost(cost)
    )


def judge_keys(
    keys: Iterable[InheritedKey], encryption_keys: EncryptionKeys, *, migrated: bool
) -> list[Finding]:
    """Look at the signing keys that 1.x loads, with the key at hand, if any."""
    known = list(keys)
    clear = [Met(key.kid, key.status) for key in known if not key.encrypted]
    closed = [
        Met(key.kid, key.status)
        for key in known
        if key.encrypted and not _opens(key, encryption_keys)
    ]
    none = [] if any(key.status == "active" for key in known) else [Met("signing_keys", "none")]
    return (
        _UNREADABLE.found(closed)
        + (_CLEAR_AGAIN if migrated else _CLEAR).found(clear)
        + _NO_KEY.found(none)
    )


def _is_dead(uri: str) -> bool:
    return "#" in uri or _USELESS.match(uri) is not None


def _find_oddity(uri: str, native: bool) -> str | None:
    if _DEFAULT_PORT.match(uri):
        return "1.x took it without the port too; here it is compared as written"
    return find_redirect_uri_problem(uri, native)


def _further(client: InheritedClient) -> Iterator[str]:
    known = {*OIDC_SCOPES, *client.own_scopes}
    return (scope for scope in client.scope.split() if scope not in known)


def _problem(key: str, rows: Mapping[str, Any]) -> str | None:
    try:
        convert_setting(key, rows[key])
    except Invalid as error:
        return error.message
    return None


def _opens(key: InheritedKey, encryption_keys: EncryptionKeys) -> bool:
    if key.iv is None or key.tag is None:
        return False
    for each in encryption_keys:
        with suppress(DecryptionFailed):
            decrypt(Encrypted(key.private_key, key.iv, key.tag), each)
            return True
    return False
