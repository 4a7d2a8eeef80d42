"""Examples: invitations sent, shown beforehand, listed, sent once more, and taken back."""

from __future__ import annotations

from typing import Any

from tests import factories
from tests.factories import new_id
from tests.handlers.admin_api.examples import Example, example
from tests.handlers.admin_api.examples_of_operation import NOBODY
from tests.world.administrators import Installation, bearer

INVITE = "/organizations/{organizationId}/users/invite"
PREVIEW = f"{INVITE}/preview"
INVITATIONS = "/organizations/{organizationId}/invitations"
ONE = f"{INVITATIONS}/{{invitationId}}"
RESEND = f"{ONE}/resend"


@example("POST", PREVIEW)
async def preview(installation: Installation) -> Example:
    home = await installation.organization()
    body = {
        "email": "New@Acme.example",
        "givenName": "Ann <i>",
        "personalMessage": "Welcome <b>aboard</b>",
        "locale": "de",
    }

    def check(answer: Any) -> None:
        letter = answer["data"]
        assert letter["subject"] == f"super@admin.example lädt Sie zu {home.name} ein"
        assert "Welcome <b>aboard</b>" in letter["text"]
        assert "Welcome &lt;b&gt;aboard" in letter["html"]
        assert f"/{home.slug}/auth/accept-invite/PREVIEW_TOKEN" in letter["text"]

    return Example({"organizationId": home.id}, body=body, check=check)


@example("POST", PREVIEW)
async def preview_for_no_address(installation: Installation) -> Example:
    home = await installation.organization()
    body = {"email": "nobody", "personalMessage": "x" * 501}

    def check(answer: Any) -> None:
        assert {each["path"] for each in answer["details"]} == {"email", "personalMessage"}

    return Example({"organizationId": home.id}, body=body, status=400, check=check)


@example("POST", PREVIEW)
async def preview_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, body={"email": "a@acme.example"}, status=404)


async def _invitation(installation: Installation, **more: Any) -> tuple[str, str]:
    """Invite somebody; return the organization and the invitation."""
    home = await installation.organization()
    body = {"email": f"{new_id()}@acme.example", **more}
    made = await installation.post(INVITE.format(organizationId=home.id), body)
    return home.id, made["id"]


async def _role(installation: Installation) -> dict[str, str]:
    application_id = await installation.app()
    role = factories.role(application_id)
    await installation.runtime.storage.everywhere.roles.insert(role)
    return {"applicationId": application_id, "roleId": role.id}


@example("POST", INVITE)
async def invite(installation: Installation) -> Example:
    home = await installation.organization()
    body = {"email": "New@Acme.example", "givenName": "Ann", "personalMessage": "Welcome"}

    def check(answer: Any) -> None:
        told = answer["data"]
        assert (told["email"], told["created"], told["invitationSent"]) == (
            "new@acme.example", True, True,
        )  # fmt: skip
        assert told["expiresAt"] > "2026"

    return Example({"organizationId": home.id}, body=body, check=check)


@example("POST", INVITE)
async def invite_once_more(installation: Installation) -> Example:
    """Somebody who is there already, as in Porta 1.x: 200."""
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)

    def check(answer: Any) -> None:
        assert answer["data"]["created"] is False
        assert answer["data"]["userId"] == person.id

    return Example({"organizationId": home.id}, body={"email": person.email}, status=200,
                   check=check)  # fmt: skip


@example("POST", INVITE)
async def invite_with_what_there_is_not(installation: Installation) -> Example:
    home, role = await installation.organization(), await _role(installation)
    claim = {"applicationId": role["applicationId"], "claimDefinitionId": NOBODY, "value": 1}
    body = {
        "email": "ann@acme.example",
        "roles": [role, {**role, "roleId": NOBODY}],
        "claims": [claim],
    }

    def check(answer: Any) -> None:
        paths = {each["path"] for each in answer["details"]}
        assert paths == {"roles[1].roleId", "claims[0].claimDefinitionId"}

    return Example({"organizationId": home.id}, body=body, status=400, check=check)


@example("POST", INVITE)
async def invite_to_another_ones_client(installation: Installation) -> Example:
    home, client = await installation.organization(), await installation.client()
    body = {"email": "ann@acme.example", "clientId": client.client_id}
    return Example({"organizationId": home.id}, body=body, status=400)


@example("POST", INVITE)
async def invite_with_roles_without_the_right(installation: Installation) -> Example:
    home = await installation.organization()
    inviter = await installation.person_with("admin:user:invite")
    body = {"email": "ann@acme.example", "roles": [await _role(installation)]}

    def check(answer: Any) -> None:
        assert "admin:role:assign" in answer["error"]

    headers = bearer(await installation.token(inviter))
    return Example({"organizationId": home.id}, body=body, headers=headers, status=403, check=check)


@example("POST", INVITE)
async def invite_who_is_suspended(installation: Installation) -> Example:
    home = await installation.organization()
    person = await installation.person(organization_id=home.id)
    await installation.post(f"/users/{person.id}/suspend", {})
    return Example({"organizationId": home.id}, body={"email": person.email}, status=409)


@example("POST", INVITE)
async def invite_too_often(installation: Installation) -> Example:
    home, body = await installation.organization(), {"email": f"{new_id()}@acme.example"}
    for _ in range(5):
        await installation.post(INVITE.format(organizationId=home.id), body)
    return Example({"organizationId": home.id}, body=body, status=429)


@example("POST", INVITE)
async def invite_to_nowhere(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, body={"email": "a@acme.example"}, status=404)


@example("GET", INVITATIONS)
async def list_invitations(installation: Installation) -> Example:
    role = await _role(installation)
    home, id = await _invitation(installation, givenName="Ann", roles=[role])

    def check(answer: Any) -> None:
        (told,) = answer["data"]
        assert (told["id"], told["status"], told["givenName"]) == (id, "pending", "Ann")
        assert (told["roles"], told["claims"]) == ([role], [])
        assert told["invitedBy"] == installation.made.user.id

    return Example({"organizationId": home}, check=check)


@example("GET", INVITATIONS)
async def list_expired_invitations(installation: Installation) -> Example:
    home, id = await _invitation(installation)
    await installation.execute(
        "UPDATE invitation_tokens SET expires_at = now() WHERE id = %(id)s", id=id
    )

    def check(answer: Any) -> None:
        assert [each["status"] for each in answer["data"]] == ["expired"]

    return Example({"organizationId": home}, query={"status": "expired"}, check=check)


@example("GET", INVITATIONS)
async def list_invitations_of_nobody(installation: Installation) -> Example:
    del installation
    return Example({"organizationId": NOBODY}, status=404)


@example("POST", RESEND)
async def resend(installation: Installation) -> Example:
    home, id = await _invitation(installation)

    def check(answer: Any) -> None:
        assert answer["data"]["id"] != id
        assert answer["data"]["created"] is False

    return Example({"organizationId": home, "invitationId": id}, check=check)


@example("POST", RESEND)
async def resend_what_was_taken_back(installation: Installation) -> Example:
    home, id = await _invitation(installation)
    taken = await installation.http.delete(ONE.format(organizationId=home, invitationId=id))
    assert taken.status_code == 204
    return Example({"organizationId": home, "invitationId": id}, status=404)


@example("POST", RESEND)
async def resend_roles_without_the_right(installation: Installation) -> Example:
    home, id = await _invitation(installation, roles=[await _role(installation)])
    headers = bearer(await installation.token(await installation.person_with("admin:user:invite")))
    return Example({"organizationId": home, "invitationId": id}, headers=headers, status=403)


@example("POST", RESEND)
async def resend_to_who_is_suspended(installation: Installation) -> Example:
    home, id = await _invitation(installation)
    await installation.execute(
        "UPDATE users SET status = 'suspended' WHERE organization_id = %(home)s", home=home
    )
    return Example({"organizationId": home, "invitationId": id}, status=409)


@example("POST", RESEND)
async def resend_too_often(installation: Installation) -> Example:
    home, id = await _invitation(installation)
    for _ in range(4):
        path = RESEND.format(organizationId=home, invitationId=id)
        id = (await installation.post(path, {}))["id"]
    return Example({"organizationId": home, "invitationId": id}, status=429)


@example("DELETE", ONE)
async def revoke(installation: Installation) -> Example:
    home, id = await _invitation(installation)
    return Example({"organizationId": home, "invitationId": id})


@example("DELETE", ONE)
async def revoke_of_another(installation: Installation) -> Example:
    _, id = await _invitation(installation)
    elsewhere = await installation.organization()
    return Example({"organizationId": elsewhere.id, "invitationId": id}, status=404)
