"""Ticker: ask anew what stored password hashes cost: the price of a failure falls with them."""

from __future__ import annotations

from porta.jobs.tickers import Ticker
from porta.runtime import Runtime
from porta.services import user_passwords


async def refresh(runtime: Runtime) -> None:
    """Ask the database, for the hasher of this process."""
    await user_passwords.expect_stored_costs(runtime.storage.everywhere, runtime.passwords)


TICKER = Ticker("expect_costs", 3600.0, refresh)
