"""Microsoft Entra ID: one issuer a tenant, of those that the connection lets in.

Its `email` is whatever a tenant's administrator wrote: it counts as verified only where `xms_edov`
says that the domain's owner did.
"""

from __future__ import annotations

from typing import Any

from porta.protocol.federation.provider import Answers, Claims, Metadata, NotLetIn, Provider
from storage.models.connections import Connection

_TENANT = "{tenantid}"
_MOST_GROUPS = 999
_NEXT = "@odata.nextLink"
_GROUPS = f"/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=id&$top={_MOST_GROUPS}"


def _issuer_of(connection: Connection, metadata: Metadata, claims: Claims) -> str:
    del connection
    return metadata.issuer.replace(_TENANT, str(claims.get("tid")))


def _check(connection: Connection, claims: Claims) -> None:
    if claims.get("tid") not in connection.allowed_tenants:
        raise NotLetIn("tid is none of the tenants that are let in")


def _further(connection: Connection, metadata: Metadata, claims: Claims) -> tuple[str, ...]:
    """Of somebody in more than 200 groups the token says no more than where they are told; it is
    asked where the discovery document says, and not where a token does.
    """
    del connection
    if not _are_elsewhere(claims) or metadata.msgraph_host is None:
        return ()
    scheme = metadata.issuer.partition("://")[0]
    return (f"{scheme}://{metadata.msgraph_host}{_GROUPS}",)


def _to_claims(connection: Connection, claims: Claims, answers: Answers) -> Claims:
    told: dict[str, Any] = {**claims, "email_verified": claims.get("xms_edov") in (True, "1", 1)}
    for answer in answers:
        groups = answer.get("value") if isinstance(answer, dict) else None
        if not isinstance(groups, list):  # else whoever is in very many would lose all roles
            raise NotLetIn("the groups of somebody who is in very many are not told")
        told["groups"] = [each.get("id") for each in groups if isinstance(each, dict)]
    maps_groups = any(rule.claim == "groups" for rule in connection.role_mapping)
    if maps_groups and not _are_whole(claims, answers):
        raise NotLetIn("the groups of somebody who is in very many are not all told")
    return told


def _are_elsewhere(claims: Claims) -> bool:
    """Whether the token says no more of groups than that there are too many for it."""
    named = claims.get("_claim_names")
    return (isinstance(named, dict) and "groups" in named) or bool(claims.get("hasgroups"))


def _are_whole(claims: Claims, answers: Answers) -> bool:
    """Whether somebody is in no group that was not told: they would lose its roles."""
    if not answers:
        return not _are_elsewhere(claims)
    return not any(answer.get(_NEXT) for answer in answers)


PROVIDER = Provider(
    name="entra",
    issuer="https://login.microsoftonline.com/organizations/v2.0",
    template=_TENANT,
    has_tenants=True,
    parameters={"prompt": "select_account"},
    issuer_of=_issuer_of,
    check=_check,
    further=_further,
    to_claims=_to_claims,
)
