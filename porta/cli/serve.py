"""`porta serve`: the server process."""

from __future__ import annotations

from collections.abc import Callable

import click

from porta.cli.commands import report_errors, settings_or_exit
from porta.config.settings import Settings


@click.command()
@click.pass_obj
def serve(run_server: Callable[[Settings], None]) -> None:
    """Run the server: OpenID Connect, sign-in pages, health.

    It needs a migrated database (porta migrate up) and reads everything from the environment:

    \b
      DATABASE_URL                 postgresql://user:password@host:port/name
      REDIS_URL                    redis://:password@host:port/0; optional
      ISSUER_BASE_URL              https://id.example.com, as people and clients reach it
      COOKIE_KEYS                  comma list of keys: openssl rand -base64 48
      SIGNING_KEY_ENCRYPTION_KEY   openssl rand -hex 32; keep it as long as the database
      TWO_FACTOR_ENCRYPTION_KEY    openssl rand -hex 32
      SMTP_HOST, SMTP_FROM         where mail goes, and from whom
      TRUSTED_PROXIES              addresses of your load balancer: 10.0.0.5
      HOST, PORT                   0.0.0.0 (in development 127.0.0.1) and 3000
      LOG_LEVEL                    debug, info, warn, error or fatal
      PORTA_ENV                    production switches the safety rules on

    Run as many as you like over the same databases. SIGTERM lets it finish what it began.
    """
    settings = settings_or_exit()
    with report_errors():
        run_server(settings)
