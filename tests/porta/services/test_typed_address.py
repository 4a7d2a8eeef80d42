"""Typed address: what is taken for one, and the text that tells why something is none."""

from __future__ import annotations

import pytest

from porta.services import typed_address
from porta.services.typed_address import NoAddress


def test_an_address_is_read_in_its_one_spelling() -> None:
    assert typed_address.read("  Ada@Acme.EXAMPLE\n") == "ada@acme.example"


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("", "login.error_email_missing"),
        (" \t\n", "login.error_email_missing"),
        ("ada", "register.error_address"),
        ("ada@acme.example, bob@acme.example", "register.error_address"),
        (f"{'a' * 250}@acme.example", "register.error_address"),
    ],
)
def test_what_is_none_is_refused_with_a_text_for_whoever_typed_it(typed: str, text: str) -> None:
    with pytest.raises(NoAddress) as refused:
        typed_address.read(typed)
    assert refused.value.message == text
