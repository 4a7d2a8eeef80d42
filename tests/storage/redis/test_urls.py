"""Redis URLs: which topology they name, and what is refused."""

from __future__ import annotations

import pytest

from storage.redis.urls import RedisUrl, Topology, parse_redis_url

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "topology", "places"),
    [
        ("redis://h", Topology.SERVER, (("h", 6379),)),
        ("redis://h:1/3", Topology.SERVER, (("h", 1),)),
        ("rediss://:p@[::1]:2", Topology.SERVER, (("::1", 2),)),
        ("redis://", Topology.SERVER, (("localhost", 6379),)),
        ("redis+sentinel://a/x", Topology.SENTINEL, (("a", 26379),)),
        ("redis+sentinel://u:p@a:1,b,[::1]:3/x/2", Topology.SENTINEL,
         (("a", 1), ("b", 26379), ("::1", 3))),
        ("rediss+sentinel://a,b,c/x", Topology.SENTINEL,
         (("a", 26379), ("b", 26379), ("c", 26379))),
        ("redis+cluster://a", Topology.CLUSTER, (("a", 6379),)),
        ("redis+cluster://:p%2C@a:1,b:2/", Topology.CLUSTER, (("a", 1), ("b", 2))),
        ("rediss+cluster://u:p@10.0.0.1:1,10.0.0.2:2/0", Topology.CLUSTER,
         (("10.0.0.1", 1), ("10.0.0.2", 2))),
    ],
)  # fmt: skip
def test_faults_F7_the_places_of_every_topology(
    url: str, topology: Topology, places: tuple[tuple[str, int], ...]
) -> None:
    parsed = parse_redis_url(url)
    assert (parsed.topology, parsed.places) == (topology, places)
    assert (parsed.tls is not None) == url.startswith("rediss")


def test_faults_F7_what_else_a_url_says() -> None:
    parsed = parse_redis_url("redis+sentinel://us%40er:p%2Fw@a:1,b:2/my%20service/7")
    assert parsed.service == "my service"
    assert parsed.address(("c", 3)).greeting[0] == ("AUTH", "us@er", "p/w")
    assert ("SELECT", "7") in parsed.address(("c", 3)).greeting
    assert parsed.place == "Redis at my service of the Sentinels a:1, b:2"
    cluster = parse_redis_url("redis+cluster://:p@a:1,[::1]:2")
    assert cluster.address(("c", 3)).greeting[0] == ("AUTH", "p")
    assert cluster.place == "Redis at a:1, [::1]:2"


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@a,b", f"redis://:{SECRET}@a:1,b:2",
        f"rediss://:{SECRET}@a,b/0", f"redis-sentinel://:{SECRET}@a,b/x",
        f"redis+sentinels://:{SECRET}@a/x", f"sentinel://:{SECRET}@a/x",
        f"redis+sentinel://:{SECRET}@a,b", f"redis+sentinel://:{SECRET}@a,b/",
        f"redis+sentinel://:{SECRET}@a,,b/x", f"redis+sentinel://:{SECRET}@/x",
        f"redis+sentinel://:{SECRET}@a:port/x", f"redis+sentinel://:{SECRET}@a:99999/x",
        f"redis+sentinel://:{SECRET}@a/x/y", f"redis+sentinel://:{SECRET}@a/x/-1",
        f"redis+sentinel://:{SECRET}@a/x/0/1", f"redis+sentinel://:{SECRET}@a/x?db=1",
        f"redis+cluster://:{SECRET}@a,b/1", f"redis+cluster://:{SECRET}@a,b/x",
        f"redis+cluster://:{SECRET}@", f"redis+cluster://:{SECRET}@a,", "redis+cluster://",
        f"redis+cluster://:{SECRET}/@a,b", f"rediss+cluster://:{SECRET}@[a,b",
        f"http+cluster://:{SECRET}@a", f"s://:{SECRET}@a", f"+cluster://:{SECRET}@a", "",
    ],
)  # fmt: skip
def test_faults_F7_another_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        parse_redis_url(url)
    assert SECRET not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


@pytest.mark.parametrize("url", ["redis://a,b", "redis://:p@a:1,b:2/0", "redis-sentinel://a/x"])
def test_faults_F7_several_servers_behind_one_are_told_the_forms(url: str) -> None:
    with pytest.raises(ValueError, match=r"\+sentinel://.*/service.*\+cluster://"):
        parse_redis_url(url)


def test_a_url_hides_its_password() -> None:
    parsed: RedisUrl = parse_redis_url(f"redis+cluster://:{SECRET}@a,b")
    assert SECRET not in repr(parsed)
    assert SECRET not in repr(parsed.address(("a", 1)))
