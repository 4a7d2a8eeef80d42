"""Clients: read in one round trip with their secrets and claims."""

from __future__ import annotations

import secrets
import time

import msgspec
import pytest

from storage.errors import AlreadyExists, StorageError
from storage.models.claims import ClaimMapping
from storage.models.clients import Client
from storage.postgres.driver import Postgres
from storage.repositories.api_resources import ApiResources
from storage.repositories.applications import Applications
from storage.repositories.client_secrets import ClientSecrets
from storage.repositories.clients import Clients
from storage.repositories.organizations import Organizations
from tests import factories
from tests.factories import new_id, new_value
from tests.world.rows import World, build_world, give_rights


@pytest.fixture
def clients(pg: Postgres) -> Clients:
    return Clients(pg)


def _id(world: World) -> tuple[str, str]:
    return world.client.id, world.organization.id


def _key(world: World) -> tuple[str, str]:
    return world.client.client_id, world.organization.id


def _full(world: World) -> Client:
    return factories.client(
        id=new_id(),
        organization_id=world.organization.id,
        application_id=world.application.id,
        client_id=new_value(),
        client_name="Full",
        secrets=(),
        client_type="public",
        application_type="native",
        redirect_uris=("com.example:/cb", 'https://rp.example.com/{"a,b"}?x=\\y'),
        post_logout_redirect_uris=("https://rp.example.com/",),
        grant_types=("authorization_code", "refresh_token"),
        response_types=("code", "id_token"),
        scope="openid",
        token_endpoint_auth_method="none",
        allowed_origins=("https://rp.example.com",),
        require_pkce=False,
        status="inactive",
        login_methods=("magic_link",),
        is_first_party=False,
        access_token_format="opaque",
        id_token_signed_response_alg="EdDSA",
        id_token_claims=True,
        access_token_type="JWT",
        access_token_signing_alg="RS256",
        roles_claim="groups",
        claim_mappings=(
            ClaimMapping("permissions", ("resource_access", "{client_id}", "permissions")),
            ClaimMapping("team", ("https://acme.test/team",), ("userinfo",)),
        ),
        introspects_organization=True,
        revokes_globally=True,
        metadata={"tos_uri": "https://rp.example.com/tos", "default_max_age": 60},
    )


async def test_a_client_is_found_as_it_was_inserted(clients: Clients, world: World) -> None:
    full = _full(world)
    await clients.insert(full)
    found = await clients.find(full.client_id, full.organization_id)
    assert found is not None
    assert found.version == 1
    made = {name: getattr(found, name) for name in ("created_at", "updated_at", "version")}
    assert found == msgspec.structs.replace(full, **made)


@pytest.mark.parametrize(
    "broken",
    ['[1]', '[{}]', '[{"source": "roles"}]', '[{"source": "roles", "path": "groups"}]', "[null]",
     '[{"source": 5, "path": ["groups"], "targets": []}]'],
)  # fmt: skip
async def test_applications_F9_a_row_whose_mappings_cannot_be_read_maps_nothing(
    pg: Postgres, clients: Clients, world: World, broken: str
) -> None:
    """Faults F8: clients are read many at a time, and no row stops its neighbours."""
    asked = {"id": world.client.id, "broken": broken}
    await pg.execute("UPDATE clients SET claim_mappings = %(broken)s WHERE id = %(id)s", asked)
    beside = msgspec.structs.replace(world.client, id=new_id(), client_id=new_id())
    await clients.insert(beside)
    found = await clients.find_each([_key(world), (beside.client_id, beside.organization_id)])
    assert [each.claim_mappings for each in found.values() if each] == [(), ()]


@pytest.mark.parametrize("refused", ["{}", '"x"', "null", "[" + ", ".join("{}" * 21) + "]"])
async def test_applications_F9_no_row_holds_anything_else(
    pg: Postgres, world: World, refused: str
) -> None:
    asked = {"id": world.client.id, "refused": refused}
    with pytest.raises(StorageError):
        await pg.execute("UPDATE clients SET claim_mappings = %(refused)s WHERE id = %(id)s", asked)


async def test_applications_F1_to_F9_rows_of_the_previous_version_have_the_defaults(
    pg: Postgres, clients: Clients, world: World
) -> None:
    """It goes on inserting beside this one, and names no column that it does not know."""
    id, organization_id = new_id(), new_id()
    await pg.execute(
        "INSERT INTO organizations (id, name, slug) VALUES (%(id)s, 'Old', %(slug)s)",
        {"id": organization_id, "slug": f"old-{organization_id[:8]}"},
    )
    await pg.execute(
        "INSERT INTO clients (id, organization_id, application_id, client_id, client_name,"
        " client_type) VALUES (%(id)s, %(organization_id)s, %(application_id)s, %(id)s::text,"
        " 'Old', 'confidential')",
        {"id": id, "organization_id": organization_id, "application_id": world.application.id},
    )
    await pg.execute(
        "INSERT INTO api_resources (organization_id, identifier, name)"
        " VALUES (%(organization_id)s, 'urn:old', 'Old')",
        {"organization_id": organization_id},
    )
    found = await clients.find(id, organization_id)
    assert found is not None
    plain = Client(
        **{name: getattr(found, name) for name in ("id", "organization_id", "application_id")},
        client_id=id,
        client_name="Old",
        client_type="confidential",
    )
    told_apart = {
        "access_token_format",
        "created_at",
        "updated_at",
        "version",
    }  # succession A8: those of 1.x stay opaque
    names = [n for n in Client.__struct_fields__ if not n.startswith("defines_")]
    names = [name for name in names if name not in told_apart]
    assert [getattr(found, name) for name in names] == [getattr(plain, name) for name in names]
    assert found.access_token_format == "opaque"
    assert found.require_pkce, "as a client of Porta 1.x has it"
    (api,) = await ApiResources(pg).find_all(organization_id)
    settings = (api.access_token_type, api.access_token_signing_alg, api.introspection_clients)
    assert settings == (None, None, ())
    organization = await Organizations(pg).find_by_id(organization_id)
    assert organization is not None
    assert (organization.require_pkce, organization.id_token_claims) == (False, False)
    assert organization.id_token_signed_response_alg == "ES256"
    assert organization.email_as_username


async def test_a_client_comes_with_everything_in_one_round_trip(
    pg: Postgres, clients: Clients, world: World
) -> None:
    await give_rights(pg, world)
    soon, now = time.time() + 60, time.time()
    month = 30 * 86_400
    for sha256, expires_at in (
        ("a" * 64, None), ("b" * 64, soon), ("c" * 64, now - 60), ("9" * 64, now - month - 1),
    ):  # fmt: skip
        await ClientSecrets(pg).add(
            *_id(world), secret_hash="hash", secret_sha256=sha256, expires_at=expires_at
        )
    await Applications(pg).update(world.application.id, {"status": "inactive"})
    before = pg.round_trips
    found = await clients.find(*_key(world))
    assert pg.round_trips == before + 1
    assert found is not None
    assert found.application_status == "inactive"
    first, second, expired = found.secrets
    assert first == factories.hashed_secret("a" * 64)
    assert second.sha256 == "b" * 64
    assert second.expires_at == pytest.approx(soon)
    assert expired.expires_at == pytest.approx(now - 60), "to be told from a guess"
    assert [each.claim_name for each in found.claim_definitions] == ["department", "limits"]


async def test_a_revoked_secret_is_not_read(pg: Postgres, clients: Clients, world: World) -> None:
    await ClientSecrets(pg).add(*_id(world), secret_hash="hash", secret_sha256="d" * 64)
    await pg.execute("UPDATE client_secrets SET status = 'revoked' WHERE secret_sha256 ~ '^d'")
    found = await clients.find(*_key(world))
    assert found is not None
    assert found.secrets == ()
    assert await ClientSecrets(pg).has(*_id(world), "d" * 64)


async def test_a_secret_is_revoked_by_its_own_client_only(
    pg: Postgres, clients: Clients, world: World
) -> None:
    await ClientSecrets(pg).add(*_id(world), secret_hash="hash", secret_sha256="e" * 64)
    row = await pg.fetchrow(
        "SELECT id FROM client_secrets WHERE secret_sha256 = %(digest)s", {"digest": "e" * 64}
    )
    assert row is not None
    assert not await ClientSecrets(pg).revoke(new_id(), world.organization.id, row[0])
    assert await ClientSecrets(pg).revoke(*_id(world), row[0])
    assert not await ClientSecrets(pg).revoke(*_id(world), row[0])


@pytest.mark.parametrize("client_id", ["", "absent", "%"])
async def test_an_unknown_client_is_none(clients: Clients, client_id: str) -> None:
    assert await clients.find(client_id, new_id()) is None


async def test_a_client_id_is_exact_and_given_once(clients: Clients, world: World) -> None:
    assert await clients.find(world.client.client_id.swapcase(), world.organization.id) is None
    with pytest.raises(AlreadyExists) as caught:
        await clients.insert(msgspec.structs.replace(world.client, id=new_id()))
    assert caught.value.constraint == "clients_client_id_key"


@pytest.mark.parametrize("field", ["client_type", "application_type", "access_token_format"])
async def test_a_value_that_is_not_known_is_refused(
    clients: Clients, world: World, field: str
) -> None:
    with pytest.raises(StorageError):
        await clients.insert(msgspec.structs.replace(_full(world), **{field: "other"}))


async def test_a_revoked_client_stays_revoked(clients: Clients, world: World) -> None:
    assert await clients.set_status(*_id(world), "inactive")
    assert await clients.set_status(*_id(world), "active")
    assert await clients.set_status(*_id(world), "revoked")
    assert not await clients.set_status(*_id(world), "active")
    found = await clients.find(*_key(world))
    assert found is not None
    assert found.status == "revoked"


async def test_an_update_writes_the_columns_that_it_names_alone(
    clients: Clients, world: World
) -> None:
    before = await clients.find(*_key(world))
    assert before is not None
    changes = {"client_name": "New", "metadata": {"contacts": ["a@example.com"]}}
    assert await clients.update(*_id(world), changes)
    found = await clients.find(*_key(world))
    assert found is not None
    assert found == msgspec.structs.replace(
        before, **changes, version=2, updated_at=found.updated_at
    )
    for key in _id(world)[:1], _key(world)[:1]:
        assert await clients.find_by_key(*key) == found
    assert await clients.find_by_key(new_id()) is None
    kept = ("id", "organization_id", "application_id", "client_id", "client_type", "status")
    for unwritten in (*kept, "is_adopted", "version", "era"):
        with pytest.raises(ValueError, match="no columns"):
            await clients.update(*_id(world), {unwritten: "x"})


async def test_a_client_is_known_in_one_organization(
    pg: Postgres, clients: Clients, world: World
) -> None:
    other, digest = (await build_world(pg)).organization.id, secrets.token_hex(32)
    theirs = (world.client.id, other)
    assert await clients.find(world.client.client_id, other) is None
    assert not await clients.set_status(*theirs, "revoked")
    assert not await clients.update(*theirs, {"client_name": "Theirs"})
    assert await ClientSecrets(pg).list(*theirs) == ()
    await ClientSecrets(pg).add(*theirs, secret_hash="hash", secret_sha256=digest)
    assert not await ClientSecrets(pg).has(*_id(world), digest)
    assert await clients.find(*_key(world)) == world.client
    await ClientSecrets(pg).add(*_id(world), secret_hash="hash", secret_sha256=digest)
    assert not await ClientSecrets(pg).has(*theirs, digest)
    row = await pg.fetchrow(
        "SELECT id FROM client_secrets WHERE secret_sha256 = %(d)s", {"d": digest}
    )
    assert row is not None
    assert not await ClientSecrets(pg).revoke(*theirs, row[0])
    assert await ClientSecrets(pg).revoke(*_id(world), row[0])


async def test_the_origins_of_an_organization(clients: Clients, pg: Postgres, world: World) -> None:
    await clients.insert(
        msgspec.structs.replace(
            _full(world),
            status="active",
            redirect_uris=(
                "https://Other.example.com:8443/cb?x#y",
                "http://[::1]:3000/cb",
                "a:/b",
                "https://[:::]/cb",
            ),
            allowed_origins=("https://spa2.example.com",),
        )
    )
    await clients.insert(
        msgspec.structs.replace(
            _full(world), client_id=new_value(), allowed_origins=("https://off.example.com",)
        )
    )
    other, nobody = await build_world(pg), new_id()
    await clients.insert(
        msgspec.structs.replace(
            _full(other), status="active", redirect_uris=(), allowed_origins=("https://b.test",)
        )
    )
    asked = [world.organization.id, nobody, other.organization.id]
    found = await clients.origins(asked)
    assert list(found) == asked
    assert found[world.organization.id] == {
        "https://rp.example.com",
        "https://spa.example.com",
        "https://spa2.example.com",
        "https://other.example.com:8443",
        "http://[::1]:3000",
    }
    assert found[nobody] == frozenset()
    assert "https://b.test" in found[other.organization.id]
    assert "https://spa2.example.com" not in found[other.organization.id]


async def test_the_oldest_client_of_a_name(clients: Clients, world: World) -> None:
    found = await clients.find_id_by_name(
        world.organization.id, world.application.id, world.client.client_name
    )
    assert found == world.client.client_id
    await clients.set_status(*_id(world), "revoked")
    assert not await clients.find_id_by_name(
        world.organization.id, world.application.id, world.client.client_name
    )


async def test_tests_another_organizations_client_of_a_name_is_unknown(
    pg: Postgres, clients: Clients, world: World
) -> None:
    """Both have clients of one name, at one application."""
    other = await build_world(pg)
    asked = (world.application.id, world.client.client_name)
    assert await clients.find_id_by_name(other.organization.id, *asked) is None
    theirs = msgspec.structs.replace(
        _full(other), id=new_id(), client_id="theirs", client_name=asked[1], application_id=asked[0]
    )
    await clients.insert(theirs)
    assert await clients.find_id_by_name(other.organization.id, *asked) == "theirs"
    assert await clients.find_id_by_name(world.organization.id, *asked) == world.client.client_id


async def test_growth_many_clients_are_found_at_once_each_in_its_organization(
    pg: Postgres, clients: Clients, world: World
) -> None:
    other = await build_world(pg)
    await give_rights(pg, other)
    crossed = (other.client.client_id, world.organization.id)
    asked = [_key(other), crossed, ("nobody", world.organization.id), _key(world)]
    before = pg.round_trips
    found = await clients.find_each(asked)
    assert pg.round_trips == before + 1
    assert found == {key: await clients.find(*key) for key in asked}
    assert [each and each.id for each in found.values()] == [
        other.client.id,
        None,
        None,
        world.client.id,
    ]
    assert await clients.find_each([]) == {}


async def test_a_way_to_sign_in_is_that_of_any_active_client_here(
    clients: Clients, pg: Postgres
) -> None:
    world, other = await build_world(pg), await build_world(pg)
    full = _full(world)
    await clients.insert(full)
    home = world.organization.id
    assert not await clients.takes(home, "magic_link"), "it is not active"
    await clients.set_status(full.id, home, "active")
    assert await clients.takes(home, "magic_link")
    assert not await clients.takes(home, "password"), "others say nothing of their own"
    assert not await clients.takes(other.organization.id, "magic_link")
