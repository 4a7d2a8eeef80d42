"""Jobs: the table JOBS of what recurs."""

from __future__ import annotations

from porta.jobs import compare_clocks, expect_costs, purge_expired
from porta.jobs.runner import Job

JOBS: tuple[Job, ...] = (purge_expired.JOB, compare_clocks.JOB, expect_costs.JOB)
