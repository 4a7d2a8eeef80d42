"""A person at a browser who signs in as an administrator."""

from __future__ import annotations

import asyncio
import sys

import httpx

from tests.world.administrators import SUPER
from tests.world.answers import hidden_fields, location


async def sign_in(url: str, password: str = SUPER.password) -> httpx.Response:
    """Follow a sign-in from its beginning to whatever the loopback says."""
    async with httpx.AsyncClient(timeout=30) as browser:
        answer = await browser.get(url)
        while answer.is_redirect or "<form" in answer.text:
            if answer.is_redirect:
                answer = await browser.get(location(answer))
                continue
            fields = hidden_fields(answer.text) | {"email": SUPER.email, "password": password}
            answer = await browser.post(f"{answer.url}/login", data=fields)
            assert answer.is_redirect, answer.text
        return answer


if __name__ == "__main__":  # what a test names as BROWSER
    asyncio.run(sign_in(sys.argv[1]))
