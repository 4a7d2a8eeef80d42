"""What a server of `porta dev` finds in its environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from porta.dev import state
from porta.dev.plan import Plan
from porta.dev.servers import RunningServer

if TYPE_CHECKING:
    from porta.dev.mail_catcher import MailCatcher


def environment_of(
    plan: Plan, postgres: RunningServer, redis: RunningServer, mail: MailCatcher
) -> dict[str, str]:
    """Return the environment of every process of this run; it wins over a `.env` file."""
    return {
        "LOG_LEVEL": "info",
        **os.environ,
        **state.kept_secrets(plan.data, os.environ),
        "PORTA_ENV": "development",
        "NODE_ENV": "development",
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis.url,
        "ISSUER_BASE_URL": plan.base_url,
        **plan.proxies(os.environ),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail.smtp_port),
        "SMTP_USER": "",
        "SMTP_PASS": "",
        "SMTP_FROM": "porta@example.test",
    }
