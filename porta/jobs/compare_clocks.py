"""Ticker: compare this process's clock with PostgreSQL's, once a minute (requirement K.14)."""

from __future__ import annotations

from porta.jobs.tickers import Ticker
from porta.observability import clock_skew

TICKER = Ticker("compare_clocks", 40.0, clock_skew.measure)
