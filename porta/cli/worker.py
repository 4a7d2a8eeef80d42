"""`porta worker`: a process that works off the queue of jobs, and serves nobody."""

from __future__ import annotations

import click

from porta.cli.commands import report_errors, settings_or_exit


@click.command()
def worker() -> None:
    """Work off the queue of jobs: mail, and what recurs.

    A server does so too, unless JOBS_IN_SERVER=false. Run as many as you like, with the settings of
    the servers; JOBS_CONCURRENCY (5) jobs run in each at a time. SIGTERM lets it finish what it
    began; what takes longer than 13 seconds is given back, and begun anew elsewhere.
    """
    settings = settings_or_exit()
    from porta.jobs import process  # dear: what all the jobs need

    with report_errors():
        process.run(settings)
