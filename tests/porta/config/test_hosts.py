"""Which hosts are this machine, and which a private network's."""

from __future__ import annotations

import pytest

from porta.config.hosts import is_private_host, is_this_host

HERE = ["localhost", "LOCALHOST.", "x.localhost", "127.0.0.1", "127.1", "2130706433", "::1",
        "[::1]", "::ffff:127.0.0.1", "0.0.0.0", "localhost6"]  # fmt: skip
PRIVATE = ["db", "redis", "10.0.0.1", "192.168.1.1", "172.16.0.9", "100.64.0.1", "169.254.1.1",
           "fd00::1", "fe80::1%eth0", "[fd00::1]", "db.internal", "pg.svc",
           "x.porta.svc.cluster.local", "nas.lan", "", None]  # fmt: skip
PUBLIC = ["db.example.com", "8.8.8.8", "2606:4700::1", "localhost.example.com", "internal.example",
          "::ffff:8.8.8.8", "134744072"]  # fmt: skip


@pytest.mark.parametrize("host", HERE)
def test_what_is_here_is_private_too(host: str) -> None:
    assert is_this_host(host)
    assert is_private_host(host)


@pytest.mark.parametrize("host", PRIVATE)
def test_what_only_a_private_network_knows(host: str | None) -> None:
    assert is_private_host(host)
    assert not is_this_host(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_what_anybody_may_reach(host: str) -> None:
    assert not is_private_host(host)
    assert not is_this_host(host)
