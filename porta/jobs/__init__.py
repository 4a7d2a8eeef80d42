"""Jobs: the table JOBS of what is done once for all, and TICKERS of what each process does."""

from __future__ import annotations

from porta.jobs import (
    anchor_audit,
    check_domains,
    compare_clocks,
    erase_from_audit,
    expect_costs,
    import_document,
    purge_expired,
    seal_audit,
    send_mail,
)
from porta.jobs.job import Job
from porta.jobs.tickers import Ticker

JOBS: tuple[Job, ...] = (
    purge_expired.JOB,
    send_mail.JOB,
    import_document.JOB,
    seal_audit.JOB,
    erase_from_audit.JOB,
    anchor_audit.JOB,
    check_domains.JOB,
)
TICKERS: tuple[Ticker, ...] = (compare_clocks.TICKER, expect_costs.TICKER, seal_audit.TICKER)
