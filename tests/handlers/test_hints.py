"""An `id_token_hint` at the endpoints that take one."""

from __future__ import annotations

import httpx
import pytest

from porta.runtime import Runtime
from porta.services import signing_keys
from tests.handlers.flow import answered, parameters, redeem

BYE = "https://app.example/bye"


async def test_a_hint_outlives_the_key_that_signed_it(
    http: httpx.AsyncClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RP-Initiated Logout §2: a session lives for days, its key leaves the JWKS within hours."""
    hint = (await redeem(http))["id_token"]
    key, now = runtime.settings.signing_key_encryption_keys, runtime.clock()
    await signing_keys.rotate(runtime.storage.everywhere, key, now=now, lead=0, algorithm="ES256")
    monkeypatch.setattr(runtime, "clock", lambda: now + 86_400)
    runtime._snapshots.clear()
    assert len((await http.get("/acme/jwks")).json()["keys"]) == 1
    silent = await http.get("/acme/auth", params=parameters(prompt="none", id_token_hint=hint))
    assert "code=" in silent.headers["Location"]
    ended = await http.get(
        "/acme/session/end", params={"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    )
    assert (ended.status_code, ended.headers["Location"]) == (303, BYE)
    after = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert answered(after.headers["Location"])["error"] == "login_required"
