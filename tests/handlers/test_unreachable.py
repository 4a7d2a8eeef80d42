"""A form that met a store which is away leads back to its page (people 23b)."""

from __future__ import annotations

import httpx
import pytest

from tests.handlers.flow import begin, csrf
from tests.handlers.house import EMAIL, PASSWORD
from tests.handlers.test_health import Fragile, fragile

__all__ = ["fragile"]


@pytest.mark.parametrize("step", ["/login", "/confirm"])
async def test_people_23b_a_form_that_met_an_outage_leads_back(fragile: Fragile, step: str) -> None:
    http: httpx.AsyncClient = fragile.http
    path = await begin(http)
    form = {"_csrf": await csrf(http, path), "email": EMAIL, "password": PASSWORD}
    fragile.postgres.silence()
    fragile.redis.silence()
    answer = await http.post(path + step, data=form)
    assert answer.status_code == 503
    assert f'href="{path}"' in answer.text, "a button that asks by GET"
    assert "Acme" in answer.text, "in its own clothes"
    assert PASSWORD not in answer.text
