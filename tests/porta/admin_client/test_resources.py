"""The resources of the client are what the route table gives, each route with its method."""

from __future__ import annotations

import inspect
from functools import cache

import msgspec
import pytest

from handlers.admin_api import openapi
from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from porta.admin_client.resources import Resources
from porta.admin_client.resources.claims import Claim
from porta.admin_client.resources.organizations import (
    Branding,
    BrandingPatch,
    BrandingWithAssets,
    OrganizationPatch,
)
from porta.admin_client.resources.shared import BrandLook, LookPatch, Role, UserPatch
from porta.admin_client.resources.users import NewUser
from porta.admin_client.transport import Transport
from tests.porta.admin_client import generate, methods
from tests.porta.admin_client.methods import Operation
from tests.porta.admin_client.models import Schemas, python_name

_PATHS_WITH_PATCH = {route.path for route in ROUTES if route.method == "PATCH"}


def test_the_client_is_what_the_document_gives() -> None:
    """Where this fails, a route or a model changed: run `make client`, and look at what differs."""
    made = {path.stem: path.read_text("utf-8") for path in generate.FOLDER.glob("*.py")}
    given = generate.sources()
    assert made.keys() == given.keys(), "run `make client`"
    assert [name for name in given if made[name] != given[name]] == [], "run `make client`"


@cache
def _operations() -> dict[tuple[str, str], Operation]:
    document = openapi.build(ROUTES, "https://id.example")
    found = methods.operations(document, Schemas(document["components"]["schemas"]))
    return {(each.method, each.path): each for each in found}


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_every_route_has_a_method(route: Route) -> None:
    """PUT, where PATCH does the same at the same path, is there for clients of Porta 1.x."""
    same = "PATCH" if route.method == "PUT" and route.path in _PATHS_WITH_PATCH else route.method
    one = _operations()[same, route.path]
    resources = Resources(Transport.__new__(Transport))
    method = getattr(getattr(resources, one.group), one.name)
    parameters = inspect.signature(method).parameters
    names = [python_name(each) for each in route.placeholders]
    assert list(parameters)[: len(names)] == names


def test_names_of_python_and_of_json_are_told_apart() -> None:
    """What is left out is not sent, null is; nested models and lists are spelled as JSON is."""
    patch = OrganizationPatch(
        id_token_claims=True,
        default_login_methods=("password",),
        branding=BrandingPatch(company_name=None, logo_dark_url="https://a.example/logo.png"),
    )
    assert msgspec.json.decode(msgspec.json.encode(patch)) == {
        "idTokenClaims": True,
        "defaultLoginMethods": ["password"],
        "branding": {"companyName": None, "logoDarkUrl": "https://a.example/logo.png"},
    }


def test_a_model_that_is_another_one_and_more_is_made_of_it() -> None:
    """One look is one class, of a client as of an organization; nothing is, by chance, another."""
    assert BrandingWithAssets.__mro__[1:3] == (Branding, BrandLook)
    assert issubclass(BrandingPatch, LookPatch)
    assert not issubclass(Claim, Role)
    with pytest.raises(TypeError, match="email"):
        NewUser()  # type: ignore[call-arg]
    assert UserPatch().email is msgspec.UNSET
