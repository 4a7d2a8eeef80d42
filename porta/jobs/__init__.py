"""Jobs: the table JOBS of what is done once for all, and TICKERS of what each process does."""

from __future__ import annotations

from porta.jobs import compare_clocks, expect_costs, purge_expired, send_mail
from porta.jobs.job import Job
from porta.jobs.tickers import Ticker

JOBS: tuple[Job, ...] = (purge_expired.JOB, send_mail.JOB)
TICKERS: tuple[Ticker, ...] = (compare_clocks.TICKER, expect_costs.TICKER)
