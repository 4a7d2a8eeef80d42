"""The token endpoint, as HTTP has it (RFC 6749 §5)."""

from __future__ import annotations

import httpx
import pytest

from tests.world.house import SECRET


@pytest.mark.parametrize(("secret", "status"), [(SECRET, 200), ("x" * 64, 401)])
async def test_no_cache_keeps_an_answer(http: httpx.AsyncClient, secret: str, status: int) -> None:
    """RFC 6749 §5.1: HTTP/1.0 caches are told as well."""
    form = {"grant_type": "client_credentials", "client_id": "web", "client_secret": secret}
    answer = await http.post("/acme/token", data=form)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
