"""Costs of stored password hashes, asked for anew: the price of a failure falls with them."""

from __future__ import annotations

from porta.jobs.runner import Job
from porta.runtime import Runtime
from porta.services import users


async def refresh(runtime: Runtime) -> bool:
    """Ask the database; tells that nothing is left to do."""
    await users.expect_stored_costs(runtime.storage, runtime.passwords)
    return False


JOB = Job("expect_costs", 3600.0, refresh)
