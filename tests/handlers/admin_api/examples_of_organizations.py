"""Examples: organizations, and their second factors."""

from __future__ import annotations

import secrets
from typing import Any

from storage.models.organizations import Organization
from tests.handlers.admin_api.examples import STALE, Example, example, shows
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation

ONE = "/organizations/{idOrSlug}"


def _at(organization: Organization) -> dict[str, str]:
    return {"idOrSlug": organization.id}


async def _in(installation: Installation, status: str) -> Organization:
    made = await installation.organization()
    await installation.runtime.storage.everywhere.organizations.set_status(made.id, status)
    return made


@example("POST", "/organizations")
async def create(installation: Installation) -> Example:
    del installation
    slug = f"n{secrets.token_hex(6)}"
    body = {"name": "New", "slug": slug, "branding": {"primaryColor": "#0F766E"}}

    def check(answer: Any) -> None:
        data = answer["data"]
        assert (data["slug"], data["status"], data["isSuperAdmin"]) == (slug, "active", False)
        assert data["branding"]["primaryColor"] == data["brandingPrimaryColor"] == "#0F766E"
        assert data["createdAt"].endswith("Z")

    return Example(body=body, check=check)


@example("POST", "/organizations")
async def create_without_a_slug(installation: Installation) -> Example:
    del installation
    name = f"Firm {secrets.token_hex(5)}"
    return Example(body={"name": name}, check=shows(slug=name.lower().replace(" ", "-")))


@example("POST", "/organizations")
async def create_what_is_there(installation: Installation) -> Example:
    slug = (await installation.organization()).slug
    return Example(body={"name": "New", "slug": slug}, status=409)


@example("POST", "/organizations")
async def create_with_a_script(installation: Installation) -> Example:
    del installation
    body = {"name": "\u202ex\n", "slug": "Admin", "branding": {"logoUrl": "javascript:alert(1)"}}

    def check(answer: Any) -> None:
        paths = {each["path"] for each in answer["details"]}
        assert paths == {"name", "slug", "branding.logoUrl"}

    return Example(body=body, status=400, check=check)


@example("GET", "/organizations")
async def find(installation: Installation) -> Example:
    made = await installation.organization()

    def check(body: Any) -> None:
        assert [each["id"] for each in body["data"]] == [made.id]
        assert (body["total"], body["totalPages"]) == (1, 1)

    return Example(query={"search": made.slug[2:].upper(), "status": "active"}, check=check)


@example("GET", "/organizations")
async def find_by_cursor(installation: Installation) -> Example:
    await installation.organization()

    def check(body: Any) -> None:
        assert len(body["data"]) == 1
        assert body["hasMore"] is True
        assert body["cursor"] == body["nextCursor"]
        assert "total" not in body

    return Example(query={"limit": 1, "sort": "name", "order": "asc"}, check=check)


@example("GET", "/organizations")
async def find_in_no_order(installation: Installation) -> Example:
    del installation
    return Example(query={"sortBy": "password"}, status=400)


@example("GET", "/organizations/validate-slug")
async def slug_is_free(installation: Installation) -> Example:
    del installation

    def check(body: Any) -> None:
        assert body["isValid"] is body["data"]["available"] is True

    return Example(query={"slug": f"n{secrets.token_hex(6)}"}, check=check)


@example("GET", "/organizations/validate-slug")
async def slug_is_taken(installation: Installation) -> Example:
    slug = (await installation.organization()).slug

    def check(body: Any) -> None:
        assert body["isValid"] is body["data"]["available"] is False
        assert body["error"]

    return Example(query={"slug": slug}, status=200, check=check)


@example("GET", ONE)
async def read(installation: Installation) -> Example:
    made = await installation.organization()
    return Example(_at(made), check=shows(id=made.id, slug=made.slug))


@example("GET", ONE)
async def read_by_slug(installation: Installation) -> Example:
    made = await installation.organization()
    return Example({"idOrSlug": made.slug}, status=200, check=shows(id=made.id))


@example("GET", ONE)
async def read_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


def _changes(method: str, path: str, body: Any, check: Any) -> None:
    """Give a route that changes an organization its examples."""

    @example(method, path)
    async def change(installation: Installation) -> Example:
        return Example(_at(await installation.organization()), body=body, check=check)

    @example(method, path)
    async def change_none(installation: Installation) -> Example:
        del installation
        return Example({"idOrSlug": NOBODY}, body=body, status=404)

    @example(method, path)
    async def change_what_was_changed(installation: Installation) -> Example:
        made = await installation.organization()
        return Example(_at(made), body=body, headers=STALE, status=412)


def _refuses(method: str, path: str, body: Any) -> None:
    @example(method, path)
    async def refuse(installation: Installation) -> Example:
        return Example(_at(await installation.organization()), body=body, status=400)


_changes("PUT", ONE, {"name": "Other"}, shows(name="Other", defaultLocale="en"))
_changes("PATCH", ONE, {"branding": None, "requirePkce": True}, shows(requirePkce=True))
_changes("PATCH", ONE, {"registration": "open"}, shows(registration="open"))
_changes("PATCH", ONE, {"trustedDeviceDays": 30}, shows(trustedDeviceDays=30))
_refuses("PATCH", ONE, {"trustedDeviceDays": 91})
_refuses("PUT", ONE, {"name": None})
_refuses("PATCH", ONE, {"registration": "domain"})
_refuses("PATCH", ONE, {"slug": "other"})
_changes("PUT", f"{ONE}/branding", {"companyName": "Ltd."}, shows(brandingCompanyName="Ltd."))
_refuses("PUT", f"{ONE}/branding", {"primaryColor": "teal"})
_changes(
    "PUT",
    f"{ONE}/two-factor/policy",
    {"twoFactorPolicy": "required_totp"},
    shows(twoFactorPolicy="required_totp"),
)


def _turns(name: str, start: str, refused: str, end: str) -> None:
    """Give a route that changes a status its examples."""

    @example("POST", f"{ONE}/{name}")
    async def turn(installation: Installation) -> Example:
        made = await _in(installation, start)
        return Example(_at(made), body={"reason": "because"})

    @example("POST", f"{ONE}/{name}")
    async def turn_none(installation: Installation) -> Example:
        del installation
        return Example({"idOrSlug": NOBODY}, status=404)

    @example("POST", f"{ONE}/{name}")
    async def turn_what_does_not_follow(installation: Installation) -> Example:
        return Example(_at(await _in(installation, refused)), status=400)

    del end


_turns("suspend", "active", "suspended", "suspended")
_turns("activate", "suspended", "archived", "active")
_turns("archive", "suspended", "archived", "archived")
_turns("restore", "archived", "suspended", "active")


@example("POST", f"{ONE}/revoke-tokens")
async def revoke_tokens(installation: Installation) -> Example:
    made = await installation.organization()
    return Example(_at(made), body={"reason": "stolen laptop"})


@example("POST", f"{ONE}/revoke-tokens")
async def revoke_tokens_for_too_long_a_reason(installation: Installation) -> Example:
    made = await installation.organization()
    return Example(_at(made), body={"reason": "x" * 5000}, status=400)


@example("POST", f"{ONE}/revoke-tokens")
async def revoke_tokens_of_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


@example("POST", f"{ONE}/suspend")
async def suspend_the_super_admin(installation: Installation) -> Example:
    return Example({"idOrSlug": installation.admin_id}, status=400)


@example("GET", f"{ONE}/history")
async def history(installation: Installation) -> Example:
    made = await installation.organization()

    def check(body: Any) -> None:
        assert body == {"data": [], "hasMore": False, "nextCursor": None}

    return Example(_at(made), query={"event_type": "org.", "page": 1}, check=check)


@example("GET", f"{ONE}/history")
async def history_of_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


def _deletes(parameter: str | None) -> None:
    @example("DELETE", ONE)
    async def delete(installation: Installation) -> Example:
        made = await installation.organization()

        def check(body: Any) -> None:
            assert body["organization"]["id"] == made.id
            assert body["cascadeCounts"]["users"] == body["data"]["counts"]["clients"] == 0
            assert body["data"]["deleted"] is (parameter is None)

        query = {parameter: "true"} if parameter else {}
        return Example(_at(made), query=query, status=200, check=check)


_deletes("dry-run")
_deletes("dryRun")
_deletes(None)


@example("DELETE", ONE)
async def delete_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


@example("DELETE", ONE)
async def delete_the_super_admin(installation: Installation) -> Example:
    return Example({"idOrSlug": installation.admin_id}, status=400)


@example("DELETE", ONE)
async def delete_what_was_changed(installation: Installation) -> Example:
    return Example(_at(await installation.organization()), headers=STALE, status=412)


@example("GET", f"{ONE}/two-factor/policy")
async def policy(installation: Installation) -> Example:
    def check(body: Any) -> None:
        assert body["data"]["twoFactorPolicy"] == "optional"
        assert len(body["data"]["validPolicies"]) == 6

    return Example(_at(await installation.organization()), check=check)


@example("GET", f"{ONE}/two-factor/policy")
async def policy_of_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)


@example("GET", f"{ONE}/two-factor/summary")
async def summary(installation: Installation) -> Example:
    made = await installation.organization()
    await installation.person(organization_id=made.id)
    return Example(_at(made), check=shows(totalUsers=1, disabledCount=1, complianceRate=0.0))


@example("GET", f"{ONE}/two-factor/summary")
async def summary_of_none(installation: Installation) -> Example:
    del installation
    return Example({"idOrSlug": NOBODY}, status=404)
