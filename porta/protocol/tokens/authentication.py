"""Authentication context: acr, amr and auth_time of a sign-in (Core §2, RFC 8176)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from porta.protocol.requests.claims_request import ClaimsRequest
from storage.models.sign_ins import Proof

ACR_FEDERATED = "urn:porta:acr:federated"
"""What another identity provider says, and nobody here has seen."""
ACR_PASSWORD = "urn:porta:acr:password"
ACR_POSSESSION = "urn:porta:acr:possession"
ACR_MFA = "urn:porta:acr:mfa"

ACR_VALUES: tuple[str, ...] = (ACR_FEDERATED, ACR_PASSWORD, ACR_POSSESSION, ACR_MFA)
"""Every authentication context that a sign-in can reach, weakest first; of a password and of what
somebody has, neither is stronger than the other.
"""


SESSION = "session"
"""The method of a proof that a living session is: where one more factor is asked for beside it."""
OF_SESSIONS = {ACR_PASSWORD: "knowledge", ACR_FEDERATED: "federated"}
"""The kind of such a proof, by the context of the session: what something a person has adds to."""


class Kind(Enum):
    """What an authenticator shows: two of one kind are no two factors (NIST SP 800-63B-4 §2.2)."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    FEDERATED = "federated"
    """That another identity provider is sure of them."""


_ALONE = {
    Kind.KNOWLEDGE.value: ACR_PASSWORD,
    Kind.POSSESSION.value: ACR_POSSESSION,
    Kind.FEDERATED.value: ACR_FEDERATED,
}
"""What a single factor reaches, by its kind."""


class AuthenticationContext(NamedTuple):
    """What tokens tell of a sign-in. `auth_time` is in seconds since the epoch."""

    amr: tuple[str, ...]
    acr: str
    auth_time: int


def context_of(proofs: Sequence[Proof]) -> AuthenticationContext:
    """Return what `proofs`, at least one, amount to: nothing else is ever told of a sign-in. Beside
    a session it is as old as that: the first factor was not shown again.
    """
    values = dict.fromkeys(value for proof in proofs for value in proof.amr)
    several = len({proof.kind for proof in proofs}) > 1 or any(proof.verified for proof in proofs)
    if several:
        values["mfa"] = None
    acr = ACR_MFA if several else _ALONE[proofs[0].kind]
    first = proofs[0]
    at = first.at if first.method == SESSION else max(proof.at for proof in proofs)
    return AuthenticationContext(tuple(values), acr, at)


def wanted_acr(acr_values: Sequence[str], claims: ClaimsRequest) -> tuple[Any, ...]:
    """Return the contexts of which a request demands one; () for none.

    Those of an essential `acr` claim (Core §5.5.1.1); else those of `acr_values` that there are
    here, which RFC 9470 §5 has taken as necessary. What nobody here knows stays voluntary.
    """
    requested = claims.id_token.get("acr")
    if requested is not None and requested.essential and requested.values:
        return requested.values
    return tuple(value for value in acr_values if value in ACR_VALUES)


def met_acr(acr: str | None, wanted: Sequence[object]) -> str | None:
    """Return which of the contexts that a client wants a sign-in of `acr` reached; None for none.

    A stronger one meets a weaker one, and is told as what was asked for (Core §5.5.1.1).
    """
    if acr in wanted:
        return acr
    weaker = ACR_VALUES[: ACR_VALUES.index(acr)] if acr in ACR_VALUES else ()
    if acr == ACR_POSSESSION:
        weaker = (ACR_FEDERATED,)
    return next((value for value in reversed(weaker) if value in wanted), None)
