"""Set-up links: found by the digest of their token, bound to a browser, tested, and used once."""

from __future__ import annotations

import msgspec

from storage.models.connections import Connection
from storage.models.pages import Listed, Page
from storage.models.setup_links import SetupLink, Tested
from storage.postgres.statement import Executor, Row
from storage.repositories.pagination import Selection, moment, select_page
from storage.stores.counters import Excess, Limit, PostgresCounters

_SECONDS = "EXTRACT(EPOCH FROM {})::float8"
_DATED = ("begun_at", "completed_at", "expires_at", "created_at")
_PLAIN = tuple(name for name in SetupLink.__struct_fields__ if name not in _DATED)
_COLUMNS = f"{', '.join(_PLAIN)}, {', '.join(map(_SECONDS.format, _DATED))}"
_MADE = tuple(
    name for name in _PLAIN if name not in ("browser", "draft", "draft_number", "tests", "tested")
)
_OPEN = "completed_at IS NULL AND ended_at IS NULL AND expires_at > now()"
"""Whether a link leads anywhere."""
_ONE = f"id = %(id)s AND organization_id = %(organization_id)s AND {_OPEN}"
# Of two who count at once, the second finds what the first has made.
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('setup links ' || %(key)s, 0))"
_COUNT = f"""
    SELECT count(*) FROM setup_links WHERE organization_id = %(organization_id)s AND {_OPEN}
"""  # noqa: S608
_SENT = """
    SELECT count(*) FROM setup_links
    WHERE sent_to = %(email)s AND created_at > now() - interval '1 hour'
"""
_SECRETS = f"""
    SELECT connection_id::text, draft ->> 'client_secret' FROM setup_links
    WHERE draft ->> 'client_secret' IS NOT NULL AND {_OPEN} ORDER BY id
"""  # noqa: S608
SORTS = {"created_at": moment("created_at")}
"""What a list of set-up links can be sorted by."""


class SetupLinks:
    """The table `setup_links`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_by_digest(self, digest: str, organization_id: str) -> SetupLink | None:
        """Return the link whose token has this digest; None for one that is unknown at the
        organization, used, ended or over.
        """
        row = await self._pg.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM setup_links
            WHERE token_hash = %(digest)s AND organization_id = %(organization_id)s AND {_OPEN}
            """,  # noqa: S608
            {"digest": digest, "organization_id": organization_id},
        )
        return _link(row) if row else None

    async def hold(self, id: str, organization_id: str) -> SetupLink | None:
        """Return a link that is open, and keep it from changing until the transaction ends."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM setup_links WHERE {_ONE} FOR UPDATE",  # noqa: S608
            {"id": id, "organization_id": organization_id},
        )
        return _link(row) if row else None

    async def list_page(self, organization_id: str, page: Page) -> Listed[SetupLink]:
        """Return a page of the links of an organization that are open, or were used lately."""
        selection = Selection(_COLUMNS, "setup_links", SORTS)
        selection.where("organization_id = %(organization_id)s", organization_id=organization_id)
        selection.where("ended_at IS NULL AND expires_at > now()")
        return await select_page(self._pg, selection, page, _link)

    async def hold_count(self, organization_id: str, email: str | None) -> tuple[int, int]:
        """Return how many links of an organization are open, and how many were mailed to an address
        within an hour, of whatever organizations. Others who count wait until the transaction ends.
        """
        key = {"organization_id": organization_id, "key": organization_id, "email": email}
        await self._pg.fetchrow(_HOLD, key)
        opened = await self._pg.fetchrow(_COUNT, key)
        if email is not None:
            await self._pg.fetchrow(_HOLD, key | {"key": email})
        sent = await self._pg.fetchrow(_SENT, key)
        assert opened is not None, "counts are always there"
        assert sent is not None
        return int(opened[0]), int(sent[0])

    async def count_mailed(self, organization_id: str, most: int, seconds: int) -> Excess | None:
        """Count that an organization mails a link, or return the limit that is used up.

        It is counted in the transaction, and so where a link is mailed indeed; and beside the
        links, which are gone with their domain, their client and their time.
        """
        key = f"setup_links_mailed:{organization_id}"
        return await PostgresCounters(self._pg).spend(key, [Limit(key, most, seconds)])

    async def insert(self, link: SetupLink, digest: str, lifetime: float) -> SetupLink:
        """Add a link that is good for `lifetime` seconds."""
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO setup_links ({", ".join(_MADE)}, token_hash, expires_at)
            VALUES ({", ".join(f"%({name})s" for name in _MADE)}, %(digest)s,
                now() + make_interval(secs => %(lifetime)s))
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            {name: getattr(link, name) for name in _MADE}
            | {"digest": digest, "lifetime": lifetime},
        )
        assert row is not None, "ids and tokens are random"
        return _link(row)

    async def begin(self, id: str, organization_id: str, browser: str) -> SetupLink | None:
        """Bind a link to the browser of this digest; None where another one was first."""
        return await self._change(
            "browser = %(browser)s, begun_at = now()", "browser IS NULL",
            id=id, organization_id=organization_id, browser=browser,
        )  # fmt: skip

    async def save_draft(
        self, id: str, organization_id: str, draft: Connection, most: int
    ) -> SetupLink | None:
        """Keep what was typed in the place of all before it, to be tested: of that there are `most`
        in the life of a link. None where there were, or the link is not open.
        """
        return await self._change(
            "draft = %(draft)s, draft_number = draft_number + 1, tested = NULL, tests = tests + 1",
            "tests < %(most)s",
            id=id, organization_id=organization_id, draft=_json(draft), most=most,
        )  # fmt: skip

    async def save_test(
        self, id: str, organization_id: str, number: int, tested: Tested
    ) -> SetupLink | None:
        """Keep what the test of the draft of this number told; None where it is not that one."""
        return await self._change(
            "tested = %(tested)s", "draft_number = %(number)s AND draft IS NOT NULL",
            id=id, organization_id=organization_id, tested=_json(tested), number=number,
        )  # fmt: skip

    async def complete(self, id: str, organization_id: str) -> bool:
        """Use a link, and forget what was typed and told; tell whether it was open."""
        changes = "completed_at = now(), draft = NULL, tested = NULL"
        used = await self._change(changes, "TRUE", id=id, organization_id=organization_id)
        return used is not None

    async def end(self, id: str, organization_id: str) -> SetupLink | None:
        """End a link before it was used; None where it is not open."""
        changes = "ended_at = now(), draft = NULL, tested = NULL"
        return await self._change(changes, "TRUE", id=id, organization_id=organization_id)

    async def secrets(self, *, lock: bool = False) -> tuple[tuple[str, str], ...]:
        """Return the id that its connection will have, and the client secret, as it is encrypted,
        of every draft that has one, `lock`ed until the transaction ends.
        """
        rows = await self._pg.fetch(_SECRETS + (" FOR UPDATE" if lock else ""))
        return tuple((id, secret) for id, secret in rows)

    async def replace_secret(self, connection_id: str, secret: str) -> None:
        """Write a secret that was encrypted anew."""
        await self._pg.execute(
            """
            UPDATE setup_links
            SET draft = jsonb_set(draft, '{client_secret}', to_jsonb(%(secret)s::text))
            WHERE connection_id = %(id)s AND draft IS NOT NULL
            """,
            {"id": connection_id, "secret": secret},
        )

    async def _change(self, changes: str, where: str, **values: object) -> SetupLink | None:
        row = await self._pg.fetchrow(
            f"UPDATE setup_links SET {changes} WHERE {_ONE} AND {where} RETURNING {_COLUMNS}",  # noqa: S608
            values,
        )
        return _link(row) if row else None


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def _link(row: Row) -> SetupLink:
    values = dict(zip((*_PLAIN, *_DATED), row, strict=True))
    for name in ("draft", "tested"):
        if values[name] is not None:
            values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, SetupLink)
