"""Signers that a token response will need, asked for before anything is used up."""

from __future__ import annotations

from porta.provider.grants.base import TokenRequest


async def check(call: TokenRequest) -> None:
    """Raise NoSigningKey (503) where nothing could sign what this client may be issued.

    Of a code it is not known yet what it stands for, nor for which API resource; it works once, and
    must outlast the lack.
    """
    client = call.client
    algorithms = {client.access_token_signing_alg, client.id_token_signed_response_alg}
    for api in await call.runtime.api_resources(call.tenant.id):
        if api.access_token_signing_alg is not None:
            algorithms.add(api.access_token_signing_alg)
    for algorithm in sorted(algorithms):
        call.tenant.keys.signer(algorithm)
