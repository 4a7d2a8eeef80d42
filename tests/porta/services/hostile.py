"""Values that nobody should send, and everybody can: for every field of every command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import BaseModel

TEXTS = (
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\ud800",
        "a\udfffb",
        "\u202eevil",
        "a\u2066b",
        "a\r\nb",
        "\x1b[2J",
    ),
    *("x" * 300, "x" * 70_000, "ä" * 256, "\U0001f3e2" * 256, "e\u0301" * 200, "\ufeff", "\u200b"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.test", "http://["),
    *("https://a.test/\u202e", "https://user:pw@a.test/", "https://a.test/" + "x" * 3000),
    *("' OR 1=1 --", "%", "_", "\\", "{}", "null", "true", "1e999", "NaN", "-1", "../..", "%00"),
    *("00000000-0000-0000-0000-000000000000", "2026-02-30", "0000-00-00", "9999999-01-01"),
)
NUMBERS = (0, -1, 2**31, 2**63, 10**400, -(10**400), 1.5, 1e308, float("inf"), float("nan"))

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    st.text(st.characters(), max_size=40),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def names_of(model: type[BaseModel]) -> list[str]:
    """Return the names of its fields as JSON spells them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def bodies(
    model: type[BaseModel], right: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies that are `right` but for some of their fields, nested ones too."""
    return st.builds(lambda base, more: {**base, **more}, right, _wrong(model))


def _wrong(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """One field, as a rule: beside another that is refused, nobody would hear of it."""
    fields = {name: _of(model, name) for name in names_of(model)}
    one = st.sampled_from(sorted(fields)).flatmap(
        lambda name: st.fixed_dictionaries({name: fields[name]})
    )
    return st.one_of(one, one, one, st.fixed_dictionaries({}, optional=fields))


def _of(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    field = next(f for n, f in model.model_fields.items() if (f.alias or n) == name)
    inner = list(_models_in(field.annotation))
    nested = [_wrong(deeper) for deeper in inner]
    return st.one_of(values, *nested)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models_in(each)
