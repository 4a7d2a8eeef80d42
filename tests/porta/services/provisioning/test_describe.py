"""Round trip: export an organization, import it into an empty installation, export it again."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Forbidden, NotFound
from porta.security.passwords import Passwords
from porta.services import claims
from porta.services.claims import NewClaim
from porta.services.permissions import PERMISSIONS
from porta.services.provisioning import DocumentInvalid, load_document, provision
from porta.services.provisioning.describe import describe
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.provisioning.seeds import EXAMPLES, NOW, SECRET, run, seed
from tests.world.administered import set_client_status, set_user_status

ALL = frozenset(PERMISSIONS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(create_database: Callable[..., str], template: str) -> AsyncIterator[Storage]:
    """A second installation, in which there is nothing of what the first one has."""
    opened = await Storage.open(create_database(template))
    yield opened.everywhere
    await opened.close()


async def exported(storage: Storage, slug: str) -> dict[str, Any]:
    told = await describe(storage, SYSTEM, slug, with_people=True)
    return json.loads(json.dumps(told))  # type: ignore[no-any-return]  # as a file has it


async def goes_round(storage: Storage, other: Storage, passwords: Passwords, slug: str) -> Any:
    first = await exported(storage, slug)
    made = await run(other, passwords, first)
    assert made.errors == []
    assert await exported(other, slug) == first
    again = await run(other, passwords, first, "overwrite")
    assert (again.errors, again.created, again.updated) == ([], [], [])
    return first


async def test_one_of_everything_goes_round(
    storage: Storage, other: Storage, passwords: Passwords
) -> None:
    await run(storage, passwords, seed("round"))
    first = await goes_round(storage, other, passwords, "round")
    (told,) = first["organizations"]
    (application,) = told["applications"]
    assert application["roles"][0]["permissions"] == ["round:contacts:read"]
    assert application["clients"][0]["client_id"] == "round-web"
    assert told["users"][0]["claims"] == [{"app": "round-crm", "claim": "level", "value": 7}]


@pytest.mark.parametrize("name", ["dev.yaml", "minimal.yaml"])
async def test_the_examples_go_round(
    storage: Storage, other: Storage, passwords: Passwords, name: str
) -> None:
    document = load_document(EXAMPLES / name)
    made = await provision(storage, document, passwords=passwords, now=NOW)
    assert made.errors == []
    for entry in document.organizations:
        await goes_round(storage, other, passwords, entry.slug)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


_TEXT = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12
)
_URLS = st.lists(
    st.sampled_from([f"https://acme.test/{n}" for n in range(5)]), unique=True, max_size=3
)
_COLOR = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
_BRAND = _some(
    primary_color=_COLOR,
    ink_color=_COLOR,
    company_name=_TEXT,
    radius=st.integers(0, 16),
    logo_url=st.just("https://acme.test/logo.png"),
    links=_some(support=st.just("https://acme.test/help"), terms=st.just("https://acme.test/t")),
    texts=st.dictionaries(st.sampled_from(["en", "de"]), _some(title=_TEXT, help=_TEXT)),
)
_SCOPES = st.lists(
    st.one_of(
        st.sampled_from(["a:read", "b:read"]),
        st.fixed_dictionaries(
            {"name": st.sampled_from(["c:write", "d:write"])},
            optional={
                "title": _TEXT,
                "translations": st.dictionaries(st.sampled_from(["de", "fr"]), _some(title=_TEXT)),
            },
        ),
    ),
    unique_by=lambda each: str(each if isinstance(each, str) else each["name"]),
    max_size=3,
)
_CLIENT = st.fixed_dictionaries(
    {"client_type": st.sampled_from(["confidential", "public"]), "client_name": _TEXT},
    optional={
        "post_logout_redirect_uris": _URLS,
        "grant_types": st.just(["authorization_code", "refresh_token"]),
        "first_party": st.just(True),
        "brand": _BRAND,
        "login_methods": st.sampled_from([["password"], ["magic_link", "password"]]),
        "access_token_format": st.sampled_from(["jwt", "opaque"]),
        "id_token_claims": st.booleans(),
        "strict_auth_method": st.booleans(),
        "tells_all_roles": st.booleans(),
        "default_max_age": st.integers(0, 9999),
        "contacts": st.just(["ops@acme.test"]),
        "policy_uri": st.just("https://acme.test/policy"),
        "claim_mappings": st.just([{"source": "roles", "claim": "realm_access.roles"}]),
    },
)
_ORGANIZATION = _some(
    default_locale=st.sampled_from(["en", "de"]),
    two_factor_policy=st.sampled_from(["optional", "required_any"]),
    require_pkce=st.booleans(),
    id_token_claims=st.booleans(),
    email_as_username=st.booleans(),
    default_login_methods=st.just(["password"]),
    registration=st.sampled_from(["closed", "open"]),
    registration_domains=st.just(["acme.test"]),
    trusted_device_days=st.sampled_from([0, 30]),
    password_min_length=st.integers(8, 64),
    refuse_breached_passwords=st.booleans(),
    account_deletion=st.booleans(),
    branding=_BRAND,
)
_PERSON = _some(
    given_name=_TEXT,
    birthdate=st.dates().map(str),
    email_verified=st.booleans(),
    phone_number_verified=st.booleans(),
    locale=st.just("de-CH"),
    address=_some(street=_TEXT, country=st.just("DE")),
    status=st.sampled_from(["active", "inactive"]),
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw an organization, under names that no other example has."""
    slug = draw(st.from_regex(r"o[0-9a-f]{24}", fullmatch=True))
    clients = [
        {**each, "client_id": f"{slug}-{n}", "redirect_uris": ["https://acme.test/callback"]}
        for n, each in enumerate(
            draw(st.lists(_CLIENT, max_size=3, unique_by=lambda each: each["client_name"]))
        )
    ]
    application = {
        "name": "App",
        "slug": f"{slug[:20]}-app",
        "permissions": [{"name": draw(_TEXT), "slug": f"{slug[:20]}:x:{n}"} for n in range(3)],
        "roles": [
            {
                "name": "R",
                "slug": "r",
                "permissions": draw(
                    st.lists(st.sampled_from([f"{slug[:20]}:x:{n}" for n in range(3)]), unique=True)
                ),
            }
        ],
        "claim_definitions": [
            {"name": "Level", "slug": "level", "include_in_id_token": draw(st.booleans())}
        ],
        "clients": clients,
    }
    people = [
        {
            **each,
            "email": f"p{n}@acme.test",
            "roles": draw(st.sampled_from([[], [{"app": application["slug"], "role": "r"}]])),
            "claims": [{"app": application["slug"], "claim": "level", "value": draw(_TEXT)}],
        }
        for n, each in enumerate(draw(st.lists(_PERSON, max_size=2)))
    ]
    entry = {
        "name": draw(_TEXT),
        "slug": slug,
        "applications": [application],
        "users": people,
        "api_resources": [
            {"identifier": f"https://{slug}.test", "name": "API", "scopes": draw(_SCOPES)}
        ],
    }
    return slug, {"organizations": [{**entry, **draw(_ORGANIZATION)}]}


async def test_whatever_an_organization_is_made_of_goes_round(
    storage: Storage, other: Storage, passwords: Passwords
) -> None:
    loop, rounds = asyncio.get_running_loop(), 0

    @hypothesis.settings(
        max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(documents())
    def hold(drawn: tuple[str, dict[str, Any]]) -> None:
        nonlocal rounds
        work = _once(storage, other, passwords, *drawn)
        rounds += asyncio.run_coroutine_threadsafe(work, loop).result(60)

    await asyncio.to_thread(hold)
    assert rounds >= 4


async def _once(
    storage: Storage, other: Storage, passwords: Passwords, slug: str, data: dict[str, Any]
) -> bool:
    """Tell whether it went round."""
    if await storage.organizations.find_by_slug(slug) is not None:
        return False  # hypothesis tries an example again
    try:
        made = await run(storage, passwords, data)
    except DocumentInvalid:  # a name that a rule refuses: nothing was made
        return False
    assert made.errors == []
    await goes_round(storage, other, passwords, slug)
    return True


async def test_a_claim_without_words_goes_round(
    storage: Storage, other: Storage, passwords: Passwords
) -> None:
    """As administrators define one: a file always gives it a name, and so a description."""
    await run(storage, passwords, seed("bare"))
    await claims.create(storage, SYSTEM, "bare-crm", NewClaim.parse({"claimName": "wordless"}))
    (entry,) = (await goes_round(storage, other, passwords, "bare"))["organizations"]
    told = {each["slug"]: each["name"] for each in entry["applications"][0]["claim_definitions"]}
    assert told == {"level": "Level", "wordless": "wordless"}


async def test_no_secret_is_in_it_and_nothing_that_was_ended(
    storage: Storage, other: Storage, passwords: Passwords, pg: Postgres
) -> None:
    await run(storage, passwords, seed("ended"))
    home = await storage.organizations.find_by_slug("ended")
    assert home is not None
    told = json.dumps(await exported(storage, "ended"))
    for secret in (SECRET, "argon2", "quiet-otter", "secret_hash", home.id):
        assert secret not in told
    person = await storage.users.find_by_email(home.id, "alice@acme.test")
    client = await storage.clients.find("ended-web", home.id)
    assert person is not None
    assert client is not None
    await set_user_status(storage, person.id, "suspended")
    await set_client_status(storage, client.id, "inactive")
    (entry,) = (await goes_round(storage, other, passwords, "ended"))["organizations"]
    assert [each["status"] for each in entry["users"]] == ["inactive"]
    assert [client for each in entry["applications"] for client in each["clients"]] == []


@pytest.mark.parametrize("missing", ["admin:client:read", "admin:role:read", "admin:user:read"])
async def test_who_may_not_read_a_part_gets_nothing(
    storage: Storage, passwords: Passwords, missing: str
) -> None:
    slug = f"part-{secrets.token_hex(4)}"
    await run(storage, passwords, {"organizations": [{"name": "Part", "slug": slug}]})
    with pytest.raises(Forbidden, match=missing):
        await describe(storage, Actor(permissions=ALL - {missing}), slug, with_people=True)


async def test_another_organization_is_as_if_it_were_not(
    storage: Storage, passwords: Passwords
) -> None:
    slug = f"alien-{secrets.token_hex(4)}"
    await run(storage, passwords, {"organizations": [{"name": "Alien", "slug": slug}]})
    bound = Actor(permissions=ALL, organization_id="00000000-0000-4000-8000-000000000000")
    refusals = []
    for target in (slug, "nobody", "x" * 300):
        with pytest.raises(NotFound) as refused:
            await describe(storage, bound, target)
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1
