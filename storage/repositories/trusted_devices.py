"""Trusted devices: found by the digest of their secret, for one person, while they are good."""

from __future__ import annotations

from storage.models.trusted_devices import NewTrustedDevice, TrustedDevice
from storage.postgres.statement import Executor, Row

MOST = 10
"""Devices of a person; the one that was trusted first makes room."""

_SECONDS = "EXTRACT(EPOCH FROM d.{0})::float8"
_COLUMNS = f"""
    d.id::text, d.user_agent, d.ip_address, {_SECONDS.format("created_at")},
    {_SECONDS.format("last_used_at")}, {_SECONDS.format("expires_at")}
"""
# Judged by the organization as it is now, not by a copy of it: fewer days, or none, end a device at
# once, and so does what ends everything that was issued there (decisions/0018).
_GOOD = """
    d.user_id = %(user_id)s AND d.organization_id = %(organization_id)s
        AND o.id = d.organization_id AND o.era = d.era AND d.expires_at > now()
        AND o.two_factor_policy <> 'required_passkey'
        AND d.created_at > now() - make_interval(days => o.trusted_device_days)
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM trusted_devices d, organizations o WHERE {_GOOD}
    ORDER BY d.created_at, d.id
"""  # noqa: S608
_KEPT = f"""
    SELECT {_COLUMNS} FROM trusted_devices d
    WHERE d.user_id = %(user_id)s AND d.organization_id = %(organization_id)s
    ORDER BY d.created_at, d.id
"""  # noqa: S608
_FIND = f"""
    SELECT {_COLUMNS} FROM trusted_devices d, organizations o
    WHERE {_GOOD} AND d.digest = %(digest)s
"""  # noqa: S608
# Whoever takes the device away meanwhile has done so before, or waits until who is let in by it is
# signed in, and then ends that too.
_USE = f"""
    UPDATE trusted_devices d SET last_used_at = now() FROM organizations o
    WHERE {_GOOD} AND d.id = %(id)s
"""  # noqa: S608
_ADD = """
    WITH gone AS (
        DELETE FROM trusted_devices d
        WHERE d.user_id = %(user_id)s AND d.organization_id = %(organization_id)s
            AND (d.digest = %(in_place_of)s OR d.id IN (
                SELECT id FROM trusted_devices
                WHERE user_id = %(user_id)s AND digest IS DISTINCT FROM %(in_place_of)s
                ORDER BY created_at DESC, id OFFSET %(others)s))
    )
    INSERT INTO trusted_devices (organization_id, user_id, digest, era, user_agent, ip_address,
        expires_at)
    SELECT u.organization_id, u.id, %(digest)s, o.era, %(user_agent)s, %(ip_address)s,
        now() + make_interval(days => o.trusted_device_days)
    FROM users u JOIN organizations o ON o.id = u.organization_id
    WHERE u.id = %(user_id)s AND u.organization_id = %(organization_id)s
        AND o.trusted_device_days > 0 AND o.two_factor_policy <> 'required_passkey'
    RETURNING id::text
"""
_REMOVE = """
    DELETE FROM trusted_devices d
    WHERE d.id = %(id)s AND d.user_id = %(user_id)s AND d.organization_id = %(organization_id)s
"""
_REMOVE_ALL = """
    DELETE FROM trusted_devices d
    WHERE d.user_id = %(user_id)s AND d.organization_id = %(organization_id)s
"""
_CLEAR = "DELETE FROM trusted_devices WHERE organization_id = %(organization_id)s"


class TrustedDevices:
    """The table `trusted_devices`. What another person or organization has is unknown."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def add(self, user_id: str, organization_id: str, new: NewTrustedDevice) -> str | None:
        """Keep a device, for as many days as the organization says; return its id.

        None where it says none, and for a person of another organization.
        """
        row = await self._pg.fetchrow(
            _ADD,
            {
                **_of(user_id, organization_id),
                "digest": new.digest,
                "user_agent": new.user_agent,
                "ip_address": new.ip_address,
                "in_place_of": new.in_place_of,
                "others": MOST - 1,
            },
        )
        return str(row[0]) if row is not None else None

    async def find(self, user_id: str, organization_id: str, digest: str) -> TrustedDevice | None:
        """Return a device that is good, by the digest of its secret."""
        given = {**_of(user_id, organization_id), "digest": digest}
        row = await self._pg.fetchrow(_FIND, given)
        return _device(row) if row is not None else None

    async def list(self, user_id: str, organization_id: str) -> tuple[TrustedDevice, ...]:
        """Return the devices of a person that are good, the oldest first."""
        rows = await self._pg.fetch(_LIST, _of(user_id, organization_id))
        return tuple(map(_device, rows))

    async def list_kept(self, user_id: str, organization_id: str) -> tuple[TrustedDevice, ...]:
        """Return every device that is kept of a person, good or not, the oldest first."""
        rows = await self._pg.fetch(_KEPT, _of(user_id, organization_id))
        return tuple(map(_device, rows))

    async def use(self, id: str, user_id: str, organization_id: str) -> bool:
        """Note a use, and hold the device until the transaction ends; False where it is no longer
        good.
        """
        return await self._pg.execute(_USE, {**_of(user_id, organization_id), "id": id}) == 1

    async def remove(self, id: str, user_id: str, organization_id: str) -> bool:
        """Forget a device; False where there is none."""
        return await self._pg.execute(_REMOVE, {**_of(user_id, organization_id), "id": id}) == 1

    async def remove_all(self, user_id: str, organization_id: str) -> int:
        """Forget every device of a person, and return how many there were."""
        return await self._pg.execute(_REMOVE_ALL, _of(user_id, organization_id))

    async def clear(self, organization_id: str) -> int:
        """Forget every device of an organization, and return how many there were."""
        return await self._pg.execute(_CLEAR, {"organization_id": organization_id})


def _of(user_id: str, organization_id: str) -> dict[str, object]:
    return {"user_id": user_id, "organization_id": organization_id}


def _device(row: Row) -> TrustedDevice:
    return TrustedDevice(**dict(zip(TrustedDevice.__struct_fields__, row, strict=True)))
