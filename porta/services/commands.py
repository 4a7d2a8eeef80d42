"""Commands and patches: what administrators ask for, every problem told at once (RFC 7396)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from porta.errors import Invalid, Path, Problem
from porta.services.fields import Reason
from porta.tenants import slugs
from porta.text.validation import find_messages

ABSENT: Any = Field(default_factory=lambda: None)
"""The default of a field that may be left out: it is then not among those that are `said`."""


class Command(BaseModel):
    """What is to be made. Names are those of JSON (camelCase) or of Python; others are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the command that `data`, decoded JSON, says. Raises Invalid with every problem."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise Invalid(problems=find_problems(error, cls, data)) from None

    def said(self) -> dict[str, Any]:
        """Return the fields that were given, null or not, by their names in Python."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Patch(Command):
    """What is to be changed, as a JSON merge patch: what is absent stays, null removes."""


def with_slug(data: Any) -> Any:
    """Return what was given, with a slug that is made of its name where it has none."""
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        return data
    return {"slug": slugs.slugify(data["name"]), **data}


class Slugged(Command):
    """A command whose slug, when it is left out, is made of its name."""

    @model_validator(mode="before")
    @classmethod
    def _default_slug(cls, data: Any) -> Any:
        return with_slug(data)


class Reasoned(Command):
    """A change of status, and why."""

    reason: Reason | None = None

    def told(self) -> dict[str, str]:
        """Return what the audit trail keeps."""
        return {"reason": self.reason} if self.reason else {}


NO_REASON = Reasoned()


def find_problems(
    error: ValidationError, model: type[BaseModel], data: object
) -> Iterator[Problem]:
    """Yield what pydantic refused of `data`, each in words, and with its place in it."""
    items = error.errors(include_url=False, include_context=True)
    above = {item["loc"][:end] for item in items for end in range(len(item["loc"]))}
    for item in items:
        if item["type"] == "too_short" and item["loc"] in above:
            continue  # a list is called too short when its entries are refused
        place = item["loc"][:-1] if item["loc"][-1:] == ("[key]",) else item["loc"]
        for message in find_messages(item, model):
            if place[-1:] == ("slug",) and "slug" not in _find_at(data, place[:-1]):
                message = f"is missing, and cannot be made of the name: {message}"
            yield Problem(place, message)


def _find_at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data
