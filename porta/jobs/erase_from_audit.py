"""Job: erase from the audit trail what is left of a person who has very many entries."""

from __future__ import annotations

from porta.audit.actors import SYSTEM
from porta.jobs.job import Execution, Job
from porta.services import audit_trail


async def run(execution: Execution) -> None:
    """Erase a batch; with more than that, another job follows."""
    erasure = audit_trail.ERASE_PERSON.decode(execution.payload)
    async with execution.completion() as tx:
        await audit_trail.erase_person(tx, SYSTEM, erasure.user_id, erasure.organization_id)


JOB = Job(audit_trail.ERASE_PERSON, run)
