"""Claims: the one pipeline that every claim about a person comes through (Core §5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from porta.protocol.requests.claims_request import NO_CLAIMS, ClaimsRequest, RequestedClaim
from porta.protocol.requests.scopes import OPENID, registered_scope
from porta.protocol.tokens import claim_sources as sources
from porta.protocol.tokens.claim_placing import fits, is_told, place
from porta.protocol.tokens.claim_size import Built, bound, unbounded
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claim_trace import Claim, Target, Trace
from porta.protocol.tokens.standard_claims import RESERVED_CLAIMS, ROLE_CLAIMS, STANDARD_CLAIMS
from storage.models.clients import Client

_SCOPE_OF = {claim.name: claim.scope for claim in STANDARD_CLAIMS}


def build_claims(
    release: Release,
    claims_request: ClaimsRequest = NO_CLAIMS,
    target: Target = "userinfo",
    *,
    whole: bool = False,
    trace: Trace | None = None,
) -> Built:
    """Return every claim that `target` shall hold about the account, `sub` first.

    - `sub` always; `roles` and `permissions` with `openid`, in all three targets: empty where the
      account has none, left out where the application defines none.
    - Of those, and of custom claims, a third party gets the `consented` ones: what its application
      has defined since then was not shown to anybody.
    - Userinfo holds the standard claims of the granted `scope`. The ID token does not (Core §5.4),
      unless client or organization says so (`id_token_claims`): it then holds what userinfo would.
      An access token never holds them.
    - A claim asked for by the `claims` parameter is added to the target it was asked for (ID token
      or userinfo) when the client is registered for the scope that carries it, requested this
      time or not; the consent of third parties names those scopes too (`consent.consent_scope`).
    - Custom claims come with `openid` and follow the flags of their definition alone; the `claims`
      parameter cannot widen what an administrator decided, nor can a mapping.
    - Roles, permissions and custom claims stand where the client's `claim_mappings` say.
    - Unset values are left out (Core §5.3.2).
    - What is too large for a token stands elsewhere, and the token says where (Core §5.6.2):
      unless `whole` asks for an access token that nobody carries, as introspection does.

    `trace` is told of every claim that is absent, and why; what is released is the same.
    """
    claims = _of_target(release, claims_request, target, trace)
    if target == "id_token" and _fills_id_token(release):
        claims += _filling(release, claims, trace)
    if target == "userinfo" or whole:
        built = unbounded(claims)
    else:
        built = bound(claims, target, release.issuer, lambda: _elsewhere(release, claims, target))
    if trace is not None:
        trace.settle(built.claims, built.referenced)
    return built


def claims_with_openid(client: Client, scope: tuple[str, ...]) -> tuple[str, ...]:
    """Return what `build_claims` adds for `openid`, whatever the target, by the names that consent
    knows: those of the claims, and `roles` whatever the client calls them.
    """
    if OPENID not in scope:
        return ()
    roles = (client.defines_roles, client.defines_permissions)
    custom = (
        definition.claim_name
        for definition in client.claim_definitions
        if any(included(definition) for included in sources.INCLUDED.values())
        and definition.claim_name not in RESERVED_CLAIMS
    )
    return (
        *(name for name, defined in zip(ROLE_CLAIMS, roles, strict=True) if defined),
        *(name for name in custom if is_told(name, client)),
    )


def scopes_of_claims(names: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that carry the standard claims among `names`, each once."""
    wanted = {_SCOPE_OF[name] for name in names if name in _SCOPE_OF}
    return tuple(scope for scope in dict.fromkeys(_SCOPE_OF.values()) if scope in wanted)


def registered_claims(request: ClaimsRequest, client: Client) -> ClaimsRequest:
    """Return `request` without the standard claims whose scope `client` is not registered for.

    Once it is, they would come with an authorization at which nobody was shown them.
    """
    registered = registered_scope(client)

    def keep(asked: Mapping[str, RequestedClaim]) -> dict[str, RequestedClaim]:
        return {
            name: claim
            for name, claim in asked.items()
            if name not in _SCOPE_OF or _SCOPE_OF[name] in registered
        }

    return ClaimsRequest(id_token=keep(request.id_token), userinfo=keep(request.userinfo))


def _of_target(
    release: Release, request: ClaimsRequest, target: Target, trace: Trace | None
) -> list[Claim]:
    claims = [Claim("sub", release.facts.user.id, "users.id", "always")]
    claims += sources.standard(release, request, target, trace)
    found: list[Claim] = []
    if OPENID in release.scope:
        found += sources.roles(release, trace)
        found += sources.custom(release, target, trace)
        found = [claim for claim in found if sources.is_consented(release, claim, trace)]
    elif trace is not None:
        sources.without_openid(release, trace)
    claims += place(found, release.client, target, trace)
    return claims


def _filling(release: Release, claims: list[Claim], trace: Trace | None) -> list[Claim]:
    """Return what userinfo holds beyond `claims`."""
    return [
        claim._replace(rule=f"{claim.rule}, id_token_claims")
        for claim in _of_target(release, NO_CLAIMS, "userinfo", trace)
        if fits(claim, claims)
    ]


def _fills_id_token(release: Release) -> bool:
    own = release.client.id_token_claims
    return release.organization.id_token_claims if own is None else own


def _elsewhere(release: Release, claims: list[Claim], target: Target) -> list[Claim]:
    """Return what a reader of `target` finds at the other place: of an access token, introspection
    tells all; of an ID token, userinfo what it would tell anyway.
    """
    if target == "access_token":
        return claims
    return _of_target(release, NO_CLAIMS, "userinfo", None)
