"""What a connection is asked for beyond its address: time limits, keepalives, a writable server."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from storage.errors import Unreachable

CONNECT_TIMEOUT = 2.0
"""Seconds to resolve, connect and authenticate."""

_DEFAULTS = {
    "application_name": "porta",
    "connect_timeout": "2",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "4000",
    # After a failover a pool must not settle on the server that was demoted.
    "target_session_attrs": "read-write",
}


def dial_parameters(given: Mapping[str, str], statement_timeout: float) -> dict[str, str]:
    """Return the connection parameters to dial with; what is given wins over our defaults.

    `statement_timeout` is in seconds, 0 for none. The server ends a statement by it even when
    nobody on our side is left to do so.
    """
    limits = {
        "statement_timeout": f"{statement_timeout * 1000:.0f}",
        "idle_in_transaction_session_timeout": "10000",
        # Rows are read by key. A plan for any value is as good as one for this value; made while a
        # table is small, and kept while it grows, it must not read all of it.
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "random_page_cost": "1.1",
        "jit": "off",
    }
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    chosen = {**_DEFAULTS, **given}
    chosen["options"] = f"{options} {given.get('options', '')}".strip()
    return chosen


def resolve(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with every host name resolved into `hostaddr`. Blocks: run it in a
    thread. libpq would resolve names while it holds up the whole interpreter.
    """
    hosts = parameters.get("host", "").split(",")
    if "hostaddr" in parameters or any(not host or host.startswith("/") for host in hosts):
        return dict(parameters)
    ports = parameters.get("port", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    found = [
        (host, address, port)
        for host, port in zip(hosts, ports, strict=True)
        for address in _addresses(host)
    ]
    if not found:
        raise Unreachable("the database's host name cannot be resolved")
    names = ("host", "hostaddr", "port")
    resolved = {
        name: ",".join(column) for name, column in zip(names, zip(*found, strict=True), strict=True)
    }
    return {**parameters, **resolved}


def _addresses(host: str) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
