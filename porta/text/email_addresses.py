"""E-mail addresses: one canonical form to store, compare and count by (RFC 5321, 6531, 5322)."""

from __future__ import annotations

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

from porta.errors import Invalid

_PARENT = ".example"
"""A domain to validate others under; RFC 6761 §6.5 promises that it is like any other."""
_MAX_LENGTH = 254 - len(_PARENT)
"""Characters. RFC 5321 §4.5.3.1.3 ends at 254 octets, and ours have to be validated."""
_COUNTED = 320
"""Characters of what is no address, but was typed as one."""

_LINE_ENDS = "\t\n\v\f\r\u2028\u2029"  # ECMA-262 §12.2, §12.3
# Marks, letters and symbols that show nothing; the library refuses what is so by its category.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


def canonical_email(text: str) -> str:
    """Return the one spelling of the address `text`: composed (NFC), lower-case, Unicode domain.

    What a person pastes along with it is dropped (`trim`). Exactly one addr-spec without comments,
    quotes, display name or address literal is accepted. Raises Invalid for everything else, and for
    characters that cannot be seen or that turn into others when they are normalised: two spellings
    of one address would be two accounts, or two counters of failures.
    """
    spelling = trim(text)
    if not spelling or len(spelling) > _MAX_LENGTH:
        raise _refusal()
    if not spelling.isascii():
        spelling = _normalise(spelling)
    spelling = spelling.lower()
    canonical = _validate(spelling)
    if canonical != spelling and not _is_unicode_form(canonical, spelling):
        raise _refusal()
    return canonical


def counted_email(text: str) -> str:
    """Return an address by which attempts are counted, and somebody is looked for, whatever was
    typed: what is no address is counted and refused like an unknown one.

    In quotes and escaped it is nobody's, and fit for every store: no NUL, no half characters.
    """
    try:
        return canonical_email(text)
    except Invalid:
        return ascii(text[:_COUNTED].lower())


def ascii_domain_form(address: str) -> str:
    """Return a canonical address with its domain in ASCII (IDNA 2008, RFC 5891), for SMTP.

    A local part beyond ASCII stays as it is: only RFC 6531 takes it. Raises Invalid.
    """
    if address.isascii():
        return address
    try:
        found = validate_email(address + _PARENT, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise _refusal() from None
    return f"{found.local_part}@{found.ascii_domain.removesuffix(_PARENT)}"


def trim(text: str) -> str:
    """Return `text` without the white space and the invisible characters around it.

    White space is what `String.prototype.trim` removes, from a spreadsheet or a chat; beside it
    stand characters of no width, byte order marks and marks of direction (category Cf).
    """
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while end > start and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_blank(character: str) -> bool:
    return character in _LINE_ENDS or unicodedata.category(character) in ("Zs", "Cf")


def _validate(spelling: str) -> str:
    """Return the address with its domain in Unicode.

    The names of RFC 6761 and 6762 (.local, .test, localhost) are domains to us, because companies
    and developers live under them. The library refuses them as top-level names only.
    """
    try:
        address = validate_email(spelling + _PARENT, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise _refusal() from None
    return address.normalized.removesuffix(_PARENT)


def _is_unicode_form(canonical: str, spelling: str) -> bool:
    """Whether the two differ in xn--… labels only; those stand up to our rules once decoded."""
    return "xn--" in spelling and _normalise(canonical) == canonical


def _normalise(text: str) -> str:
    """Return `text` in lower case and composed; before it is validated, never after."""
    if any(_is_treacherous(character) for character in text):
        raise _refusal()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _is_treacherous(character: str) -> bool:
    """Whether a character is invisible, or would become another one on its way to a database."""
    if character.isascii():
        return False
    return (
        _INVISIBLE.fullmatch(character) is not None
        or unicodedata.normalize("NFKC", character) != character
        or len(character.lower()) != 1
    )


def _refusal() -> Invalid:
    return Invalid("email is not a valid address")
