"""Fields of connections: what is said of an address that cannot be right."""

from __future__ import annotations

import pytest

from porta.errors import Invalid
from porta.services.connections import NewConnection

USER, FRAGMENT = "https://a:b@id.example/x", "https://id.example/x#y"
QUERY = "https://id.example/x?y=1"


def _said(**more: object) -> str:
    body = {"name": "A", "provider": "oauth2", "clientId": "x", **more}
    with pytest.raises(Invalid) as refused:
        NewConnection.parse(body)
    return refused.value.message


@pytest.mark.parametrize("url", [USER, FRAGMENT])
def test_an_endpoint_has_no_user_or_fragment_and_may_have_a_query(url: str) -> None:
    said = _said(options={"token_endpoint": url})
    assert said == "options.token_endpoint: must have no user or fragment"
    options = {"token_endpoint": QUERY}
    body = {"name": "A", "provider": "oauth2", "clientId": "x", "options": options}
    assert NewConnection.parse(body).options == options


@pytest.mark.parametrize("url", [USER, FRAGMENT, QUERY])
def test_an_issuer_has_no_query_either(url: str) -> None:
    assert _said(issuer=url) == "issuer: must have no user, query or fragment"
