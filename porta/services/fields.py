"""Field types: what a name, a slug, a URL, a colour may be, stated once for every command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from porta.errors import Invalid
from porta.pages import languages
from porta.pages.catalogs import find_languages
from porta.pages.colors import is_color
from porta.protocol.clients.registered_uris import find_link_problem
from porta.security.trusted_devices import MOST_DAYS
from porta.services.signing_algorithms import parse_algorithm
from porta.tenants import slugs
from porta.text.email_addresses import canonical_email
from porta.text.names import find_name_problem, find_text_problem
from porta.text.urls import parse_web_url
from storage.repositories.columns import is_id

LONGEST_URL = 2048
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DOMAIN = re.compile(
    r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_COUNTRY = re.compile(r"[A-Z]{2}")
T = TypeVar("T")


def rule(check: Callable[[T], T]) -> AfterValidator:
    """Let pydantic collect what `check` refuses with Invalid; it returns the value to take."""

    def validate(value: T) -> T:
        try:
            return check(value)
        except Invalid as refusal:
            raise ValueError(_bare(refusal.message)) from None

    return AfterValidator(validate)


def judged(find_problem: Callable[[T], str | None]) -> AfterValidator:
    """Let pydantic collect the problem that `find_problem` returns, if any."""

    def validate(value: T) -> T:
        problem = find_problem(value)
        if problem is not None:
            raise ValueError(problem)
        return value

    return AfterValidator(validate)


def one_of(known: Collection[str]) -> AfterValidator:
    """Refuse what is not among `known`."""
    return judged(lambda value: None if value in known else f"must be one of: {', '.join(known)}")


def _bare(message: str) -> str:
    """A refusal may begin with the name of its field, which its place says already."""
    return re.sub(r"^((slug|identifier|scopes): |email (?=is ))", "", message)


def _find_color_problem(color: str) -> str | None:
    return None if is_color(color) else "must be a colour like #0F766E"


def _find_locale_problem(locale: str) -> str | None:
    fits = len(locale) <= 10 and _LOCALE.fullmatch(locale)
    return None if fits else "must be a language, like de or en-GB"


def _find_page_locale_problem(locale: str) -> str | None:
    """Pages in a language without a catalog would be English, and nobody would know why."""
    known = find_languages()
    if languages.choose(known, locale.replace("_", "-"), None):
        return None
    return f"there are no pages in this language; there are: {', '.join(known)}"


def _find_image_problem(url: str) -> str | None:
    return None if url.lower().startswith("https://") else "must be an https URL"


def _find_slug_problem(slug: str) -> str | None:
    return "must not look like an id" if is_id(slug) else None


DEEPEST, LARGEST = 32, 16 * 1024
"""Levels, and bytes, of a value that JSON says."""


def find_json_problem(value: object, depth: int = 0) -> str | None:
    """Return what no column keeps of `value`, decoded JSON, or None."""
    match value:
        case None | bool():
            return None
        case str():
            return find_text_problem(value)
        case int() | float():
            # What a database makes of 1e20 is an integer that tokens could not hold.
            return None if abs(value) < 2**63 else "holds a number that is too large"
        case dict() | list() if depth < DEEPEST:
            inner = [*value, *value.values()] if isinstance(value, dict) else value
            return next(filter(None, (find_json_problem(each, depth + 1) for each in inner)), None)
    return "is nested too deeply"


def _keepable(value: Any) -> Any:
    problem = find_json_problem(value)
    if problem is None and len(json.dumps(value)) > LARGEST:
        problem = f"must have at most {LARGEST} bytes as JSON"
    if problem is not None:
        raise ValueError(problem)
    return value


JsonText = AfterValidator(_keepable)


def _only_written(value: Any) -> Any:
    """A number of seconds, which pydantic would take, is no date that anybody wrote."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a date, like 1990-04-17")
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise ValueError("must be a date, like 1990-04-17")
    return value


def _find_country_problem(country: str) -> str | None:
    return None if _COUNTRY.fullmatch(country) else "must be two letters, like DE"


def _find_domain_problem(domain: str) -> str | None:
    return None if _DOMAIN.fullmatch(domain) else "must be a domain, like example.com"


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


Name = Annotated[str, Field(min_length=1, max_length=255), judged(find_name_problem)]
Short = Annotated[str, Field(min_length=1, max_length=50), judged(find_name_problem)]
Description = Annotated[str, Field(max_length=1000), judged(find_text_problem)]
LongDescription = Annotated[str, Field(max_length=2000), judged(find_text_problem)]
Reason = Annotated[str, Field(min_length=1, max_length=500), judged(find_text_problem)]
"""Why somebody changes a status; the audit trail keeps it."""
PasskeyName = Annotated[str, Field(min_length=1, max_length=100), judged(find_name_problem)]
SearchTerm = Annotated[str, Field(min_length=1, max_length=100), judged(find_name_problem)]
Id = Annotated[
    str,
    judged(lambda text: None if is_id(text) else "must be an id"),
    AfterValidator(str.lower),
]
Ids = Annotated[tuple[Id, ...], Field(min_length=1, max_length=100), AfterValidator(_distinct)]
Flag = Annotated[bool, Strict()]
Locale = Annotated[str, judged(_find_locale_problem)]
PageLocale = Annotated[str, judged(_find_locale_problem), judged(_find_page_locale_problem)]
WebUrl = Annotated[str, rule(parse_web_url)]
Link = Annotated[str, Field(max_length=LONGEST_URL), judged(find_link_problem)]
SecureLink = Annotated[
    str, Field(max_length=LONGEST_URL), judged(_find_image_problem), judged(find_link_problem)
]
Color = Annotated[str, judged(_find_color_problem)]
Email = Annotated[str, Field(max_length=255), rule(canonical_email)]
Day = Annotated[date, BeforeValidator(_only_written)]
"""A date as YYYY-MM-DD."""
Country = Annotated[str, judged(_find_country_problem)]
Domain = Annotated[str, AfterValidator(str.lower), judged(_find_domain_problem)]
Domains = Annotated[tuple[Domain, ...], Field(max_length=100), AfterValidator(_distinct)]
Registration = Literal["closed", "domain", "open"]
"""Who may make an account for themselves: nobody, who has an address of a domain, anybody."""
TrustedDays = Annotated[int, Strict(), Field(ge=0, le=MOST_DAYS)]
"""For how many days a device is trusted; 0 for none."""
OrganizationSlug = Annotated[str, rule(slugs.parse_organization_slug), judged(_find_slug_problem)]
ApplicationSlug = Annotated[str, rule(slugs.parse_application_slug), judged(_find_slug_problem)]
RoleSlug = Annotated[str, rule(slugs.parse_role_slug)]
PermissionSlug = Annotated[str, rule(slugs.parse_permission_slug)]
Algorithm = Annotated[str, rule(parse_algorithm)]
LoginMethods = Annotated[
    tuple[Literal["password", "magic_link", "passkey"], ...],
    Field(min_length=1, max_length=3),
    AfterValidator(_distinct),
]
