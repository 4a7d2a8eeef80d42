"""Parameters of a request, parsed strictly (RFC 6749 §3.1, §3.2 and appendix B)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from porta.protocol.errors import InvalidRequest

REPEATABLE = frozenset({"resource"})
"""RFC 8707 §2: what an authorization or token request may carry several times."""

MAX_FIELDS = 100
MAX_NAME = 128
MAX_VALUE = 8192
MAX_LONG_VALUE = 16384
_LONG = frozenset({"claims", "id_token_hint", "request"})

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Nothing of it is printable, which most text is, and which is known sooner.
# U+2028 and U+2029 end a line for some log and mail readers, as CR and LF do for the rest. Half of
# a surrogate pair is no text: JSON can spell it, UTF-8 and every store cannot.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# JSON may be indented; nothing else has a reason to hold white space but the space.
_CONTROL_IN_JSON = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def has_control_characters(text: str) -> bool:
    """Tell whether `text` holds a character that must not reach a store, header or log."""
    return not text.isprintable() and _CONTROL.search(text) is not None


class Params:
    """The parameters of one request, immutable. Empty values count as absent (RFC 6749 §3.1)."""

    __slots__ = ("_single", "_values", "problem")

    def __init__(self, values: Mapping[str, tuple[str, ...]], problem: str | None = None) -> None:
        self._values = dict(values)
        self._single = {name: given[0] for name, given in values.items() if len(given) == 1}
        self.problem = problem
        """What a deferred parse found wrong, as a message; None where nothing was."""

    def get(self, name: str) -> str | None:
        """Return the one value of `name`; None when it is absent or was given twice."""
        return self._single.get(name)

    def required(self, name: str) -> str:
        """Return the value of `name`. Raises InvalidRequest when it is absent or empty."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"missing required parameter: {name}")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of `name`, in order."""
        return self._values.get(name, ())

    def names(self) -> frozenset[str]:
        """Return the names of the parameters that have a value."""
        return frozenset(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def check(self) -> None:
        """Raise the InvalidRequest that a deferred parse held back, if there is one."""
        if self.problem is not None:
            raise InvalidRequest(self.problem)

    def replaced(self, values: Mapping[str, tuple[str, ...]], problem: str | None = None) -> Params:
        """Return `values` in place of these, with what was wrong here, or else `problem`."""
        return Params(values, self.problem or problem)


def parse_params(
    raw: bytes,
    *,
    repeatable: frozenset[str] = frozenset(),
    free: frozenset[str] = frozenset(),
    deferred: bool = False,
) -> Params:
    """Parse `raw`, an application/x-www-form-urlencoded query string or body.

    Raises InvalidRequest for what is malformed or too large, and for a parameter given twice that
    is not `repeatable`. With `deferred` that waits for `Params.check()`, and what is malformed is
    left out: the authorization endpoint answers at the redirect URI, which it can only trust after
    reading the rest. The values of `free` are what a person typed: any text, of any length.
    """
    fields = [field for field in raw.decode("latin-1").split("&") if field]
    problem = "too many parameters" if len(fields) > MAX_FIELDS else None
    values: dict[str, tuple[str, ...]] = {}
    for field in fields[:MAX_FIELDS]:
        name, _, value = field.partition("=")
        try:
            key, text = _name(name), _decode(value)
            if key not in free and (len(text) > MAX_VALUE or not text.isprintable()):
                _check_value(key, text)
        except InvalidRequest as error:
            problem = problem or error.message
        else:
            values[key] = (*values[key], text) if key in values else (text,)
    plain = len(values) == len(fields) and ("",) not in values.values()
    params = Params(values, problem) if plain else _collect(values, repeatable, problem)
    if not deferred:
        params.check()
    return params


def merge(query: Params, body: Params, *, deferred: bool = False) -> Params:
    """Return both as one. Raises InvalidRequest when a parameter stands in query and body; with
    `deferred` that waits for `Params.check()`, as what is wrong with either does.
    """
    names = query.names() | body.names()
    twice = query.names() & body.names()
    problem = f"parameter given twice: {_printable(min(twice))}" if twice else None
    merged = query.replaced(
        {name: query.all(name) + body.all(name) for name in names}, body.problem or problem
    )
    if not deferred:
        merged.check()
    return merged


@lru_cache(maxsize=256)  # the same few, as a rule; what is refused, long ones too, is not kept
def _name(name: str) -> str:
    key = _decode(name)
    if len(key) > MAX_NAME or has_control_characters(key):
        raise InvalidRequest("malformed parameter name")
    return key


def _collect(
    values: dict[str, tuple[str, ...]], repeatable: frozenset[str], problem: str | None
) -> Params:
    twice = [name for name in values if len(values[name]) > 1 and name not in repeatable]
    if twice:
        problem = problem or f"parameter given twice: {_printable(twice[0])}"
    return Params(
        {
            name: present
            for name, given in values.items()
            if (present := given if name in twice or all(given) else tuple(filter(None, given)))
        },
        problem,
    )


def _decode(field: str) -> str:
    """Return a name or value, given as text of one character a byte: most stand for themselves."""
    plain = "%" not in field and "+" not in field and field.isascii()
    return field if plain else decode_field(field.encode("latin-1"))


def decode_field(field: bytes) -> str:
    """Return a name or value that was form-encoded (RFC 6749 appendix B). Raises InvalidRequest."""
    if _BAD_ESCAPE.search(field):
        raise InvalidRequest("malformed percent-encoding")
    try:
        return unquote_to_bytes(field.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("parameters must be UTF-8") from None


def _check_value(name: str, value: str) -> None:
    if len(value) > (MAX_LONG_VALUE if name in _LONG else MAX_VALUE):
        raise InvalidRequest(f"parameter too long: {_printable(name)}")
    forbidden = _CONTROL_IN_JSON if name == "claims" else _CONTROL
    if not value.isprintable() and forbidden.search(value):
        raise InvalidRequest(f"control characters in parameter: {_printable(name)}")


def _printable(name: str) -> str:
    """A name that the sender chose, fit for an error_description (RFC 6749 §5.2)."""
    return re.sub(r"[^A-Za-z0-9_.:-]", "?", name)[:64]
