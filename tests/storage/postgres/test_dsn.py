"""Where PostgreSQL is: what cannot be read is refused, and never quoted."""

from __future__ import annotations

import pytest

from storage.errors import Unreachable
from storage.postgres.driver import Postgres
from storage.postgres.dsn import DsnInvalid, parse, resolve

_URL = "postgresql://porta:p%40ss@db:5433/name?sslmode=require"


@pytest.mark.parametrize(
    "dsn",
    [
        "s3cret",
        "postgresql://porta:s3cret/x@db/porta",
        "postgresql://porta:s3cret%zz@db/porta",
        "postgresql://db/porta?s3cret",
        "http://porta:s3cret@db/porta",
        "host=db password='s3cret",
        "host=db port=99999",
        "host=db port=5432,x",
        "password=s3cret\udcff",
    ],
)
async def test_another_address_is_refused_without_quoting_it(dsn: str) -> None:
    with pytest.raises(DsnInvalid, match="postgresql://user:password@host:port/name") as refused:
        await Postgres.open(dsn)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("dsn", "given"),
    [
        (_URL, {"user": "porta", "password": "p@ss", "port": "5433", "sslmode": "require"}),
        ("host=a,b port=5432,5433 dbname=x", {"host": "a,b", "port": "5432,5433"}),
        ("host=/run/postgresql dbname=x", {"host": "/run/postgresql"}),
        ("postgresql:///x", {"dbname": "x"}),
    ],
)
def test_an_address_is_read_as_libpq_does(dsn: str, given: dict[str, str]) -> None:
    assert given.items() <= parse(dsn).items()


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"host": "127.0.0.1"}, [("127.0.0.1", "127.0.0.1", None)]),
        (
            {"host": "127.0.0.1,127.0.0.2", "port": "1,2"},
            [("127.0.0.1", "127.0.0.1", "1"), ("127.0.0.2", "127.0.0.2", "2")],
        ),
        (
            {"host": "127.0.0.1,nowhere.invalid,/run", "port": "1"},
            [("127.0.0.1", "127.0.0.1", "1"), ("/run", None, "1")],
        ),
        (
            {"host": "a,b", "hostaddr": "127.0.0.1,127.0.0.2"},
            [("a", "127.0.0.1", None), ("b", "127.0.0.2", None)],
        ),
        ({"hostaddr": "127.0.0.1"}, [(None, "127.0.0.1", None)]),
        ({}, [(None, None, None)]),
        ({"host": "a,b", "port": "1,2,3"}, [("a,b", None, "1,2,3")]),
    ],
)
def test_every_address_is_one_to_try(
    given: dict[str, str], places: list[tuple[str | None, ...]]
) -> None:
    found = resolve({"dbname": "x", **given})
    assert [tuple(each.get(n) for n in ("host", "hostaddr", "port")) for each in found] == places
    assert {each["dbname"] for each in found} == {"x"}


def test_where_no_name_is_known_nothing_can_be_reached() -> None:
    with pytest.raises(Unreachable):
        resolve({"host": "nowhere.invalid"})
