"""Subject identifiers that name a person of ours (RFC 9493)."""

from __future__ import annotations

from typing import Any

import pytest

from porta.protocol.errors import InvalidRequest
from porta.protocol.tokens.subject_identifier import Subject, parse_subject

ISSUER = "https://id.example/acme"


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ({"format": "email", "email": "Ann@ACME.test"}, Subject("email", "ann@acme.test")),
        ({"format": "opaque", "id": "abc"}, Subject("id", "abc")),
        ({"format": "iss_sub", "iss": ISSUER, "sub": "abc"}, Subject("id", "abc")),
        ({"format": "iss_sub", "iss": "https://id.example/globex", "sub": "abc"}, None),
    ],
)
def test_whom_it_names(said: dict[str, Any], subject: Subject | None) -> None:
    assert parse_subject({"sub_id": said}, ISSUER) == subject


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], "x", 5, {}, {"sub_id": None}, {"sub_id": "x"}, {"sub_id": []}, {"sub_id": {}}),
        {"subject": {"format": "opaque", "id": "abc"}},
        {"sub_id": {"format": "opaque", "id": "abc"}, "more": 1},
        *(
            {"sub_id": {"format": each, "id": "abc"}}
            for each in (None, 5, ["opaque"], "", "Opaque")
        ),
        {"sub_id": {"format": "phone_number", "phone_number": "+4930123456"}},
        {"sub_id": {"format": "account", "uri": "acct:ann@acme.test"}},
        {"sub_id": {"format": "did", "url": "did:example:1"}},
        {"sub_id": {"format": "uri", "uri": "https://a.test"}},
        {"sub_id": {"format": "aliases", "identifiers": [{"format": "opaque", "id": "abc"}]}},
        {"sub_id": {"format": "opaque"}},
        {"sub_id": {"format": "opaque", "id": ""}},
        {"sub_id": {"format": "opaque", "id": 5}},
        {"sub_id": {"format": "opaque", "id": "x" * 3000}},
        {"sub_id": {"format": "opaque", "id": "abc", "email": "ann@acme.test"}},
        {"sub_id": {"format": "iss_sub", "sub": "abc"}},
        {"sub_id": {"format": "email", "email": "nobody"}},
        {"sub_id": {"format": "email", "email": "a\u202e@acme.test"}},
    ],
    ids=str,
)
def test_what_names_nobody_or_more(body: Any) -> None:
    with pytest.raises(InvalidRequest):
        parse_subject(body, ISSUER)
