"""Signers that a token response will need, asked for before anything is used up."""

from __future__ import annotations

from porta.provider.grants.call import TokenCall

ACCESS_TOKEN_ALG = "ES256"


def check(call: TokenCall) -> None:
    """Raise NoSigningKey (503) where nothing could sign what this client may be issued.

    Of a code it is not known yet what it stands for; it works once, and must outlast the lack.
    """
    for algorithm in (ACCESS_TOKEN_ALG, call.client.id_token_signed_response_alg):
        call.tenant.keys.signer(algorithm)
