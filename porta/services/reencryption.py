"""Re-encryption: what is encrypted at rest, encrypted anew under the key at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from porta.audit import events
from porta.errors import Conflict
from porta.security.connection_secrets import open_secret as open_sealed
from porta.security.connection_secrets import seal_secret
from porta.security.encryption import EncryptionKeys, encrypt
from porta.security.keys import is_encrypted_under, is_sealed, reseal
from porta.security.totp_secrets import open_secret
from porta.services import legacy_keys
from storage.models.signing_keys import SigningKey
from storage.models.users import TotpSecret

if TYPE_CHECKING:
    from storage.router import Storage

_BATCH = 500
"""TOTP secrets of one transaction."""
_NAMED = 5
"""People that a refusal names."""


@dataclass(frozen=True, slots=True)
class AtRest:
    """The keys of both kinds, the one to encrypt with first; without any of `two_factor` TOTP
    secrets stay as they are.
    """

    signing: EncryptionKeys
    two_factor: EncryptionKeys = ()


@dataclass(frozen=True, slots=True)
class Outdated:
    """What is to be encrypted anew."""

    signing_keys: tuple[str, ...]
    """Their kids."""
    in_the_clear: tuple[str, ...]
    """Kids of those that Porta 1.x, or somebody else, left in the clear: refused as they are."""
    totp_secrets: int
    client_secrets: int
    """Of connections to identity providers, and of what is typed to be one."""
    ignored: int
    """TOTP secrets for which there is no key."""


async def find(storage: Storage, at_rest: AtRest) -> Outdated:
    """Return what is encrypted under another key than the first, or in another form.

    Raises Conflict, naming each, where a secret is encrypted under none of the keys.
    """
    rows = _standing(await storage.signing_keys.list())
    _check_keys(rows, at_rest.signing)
    totp_secrets = ignored = 0
    lost: list[str] = []
    async for batch in _batches(storage):
        if not at_rest.two_factor:
            ignored += len(batch)
            continue
        lost += [each.user_id for each in batch if open_secret(each, at_rest.two_factor) is None]
        totp_secrets += sum(open_secret(each, at_rest.two_factor[:1]) is None for each in batch)
    _check_people(lost)
    sealed = await storage.connections.secrets()
    _check_connections(sealed, at_rest.signing)
    sealed += _openable(await storage.setup_links.secrets(), at_rest.signing)
    return Outdated(
        tuple(row.kid for row in _outdated(rows, at_rest.signing)),
        tuple(row.kid for row in rows if not row.encrypted),
        totp_secrets,
        sum(open_sealed(secret, id, at_rest.signing[:1]) is None for id, secret in sealed),
        ignored,
    )


async def run(
    storage: Storage,
    at_rest: AtRest,
    *,
    vouched: Collection[str] = (),
    done: Callable[[int], object] = lambda number: None,
) -> Outdated:
    """Encrypt anew what `find` returns, and return that; `done` is called with how many TOTP
    secrets were looked at, after each transaction.

    Signing keys are encrypted in one transaction, TOTP secrets in many, and each is good for
    whoever has all of the keys at any moment: whoever is interrupted calls again. Of the keys in
    the clear those are encrypted that somebody `vouched` for. Before anything is written Conflict
    is raised as by `find`, and for a kid that names no key in the clear.
    """
    outdated = await find(storage, at_rest)
    unknown = sorted({*vouched} - {*outdated.in_the_clear})
    if unknown:
        raise Conflict(f"No signing key in the clear has the kid {', '.join(unknown)}.")
    async with storage.transaction() as tx:
        await _renew_client_secrets(tx, at_rest.signing)
        others = outdated.totp_secrets + outdated.client_secrets
        await _renew_signing_keys(tx, at_rest.signing, outdated, others)
        for kid in vouched:
            await legacy_keys.adopt(tx, at_rest.signing, kid)
    if at_rest.two_factor:
        await _renew_totp_secrets(storage, at_rest.two_factor, done)
    return outdated


async def _renew_client_secrets(tx: Storage, keys: EncryptionKeys) -> None:
    sealed = await tx.connections.secrets(lock=True)
    _check_connections(sealed, keys)
    for id, secret in sealed:
        plain = open_sealed(secret, id, keys)
        if plain is not None and open_sealed(secret, id, keys[:1]) is None:
            await tx.connections.replace_secret(id, seal_secret(plain, id, keys))
    for id, secret in _openable(await tx.setup_links.secrets(lock=True), keys):
        plain = open_sealed(secret, id, keys)
        if plain is not None and open_sealed(secret, id, keys[:1]) is None:
            await tx.setup_links.replace_secret(id, seal_secret(plain, id, keys))


def _openable(
    sealed: Sequence[tuple[str, str]], keys: EncryptionKeys
) -> tuple[tuple[str, str], ...]:
    """Return those of drafts that one of `keys` opens: what is lost there is typed anew."""
    return tuple(each for each in sealed if open_sealed(each[1], each[0], keys) is not None)


async def _renew_signing_keys(
    tx: Storage, keys: EncryptionKeys, found: Outdated, others: int
) -> None:
    await tx.signing_keys.lock()
    rows = _standing(await tx.signing_keys.list())
    _check_keys(rows, keys)
    outdated = _outdated(rows, keys)
    for row in outdated:
        await tx.signing_keys.replace(reseal(row, keys))
    if outdated or others:
        metadata = {
            "kids": [row.kid for row in outdated],
            "totp_secrets": found.totp_secrets,
            "client_secrets": found.client_secrets,
        }
        await events.record(tx, "key.reencrypted", metadata=metadata)


async def _renew_totp_secrets(
    storage: Storage, keys: EncryptionKeys, done: Callable[[int], object]
) -> None:
    after, seen = None, 0
    while True:
        async with storage.transaction() as tx:
            batch = await tx.totp_secrets.batch(after, _BATCH, lock=True)
            await tx.totp_secrets.replace([*_renewed(batch, keys)])
        if not batch:
            return
        after, seen = batch[-1].id, seen + len(batch)
        done(seen)


def _renewed(batch: Sequence[TotpSecret], keys: EncryptionKeys) -> Iterator[TotpSecret]:
    for each in batch:
        secret = open_secret(each, keys)
        if secret is not None and open_secret(each, keys[:1]) is None:
            ciphertext, iv, tag = encrypt(secret, keys[0])
            yield msgspec.structs.replace(
                each, encrypted_secret=ciphertext, encryption_iv=iv, encryption_tag=tag
            )


async def _batches(storage: Storage) -> AsyncIterator[tuple[TotpSecret, ...]]:
    after = None
    while batch := await storage.totp_secrets.batch(after, _BATCH):
        yield batch
        after = batch[-1].id


def _standing(rows: Sequence[SigningKey]) -> list[SigningKey]:
    """Those whose private half is still there."""
    return [row for row in rows if row.status != "revoked"]


def _outdated(rows: Sequence[SigningKey], keys: EncryptionKeys) -> list[SigningKey]:
    fresh = [row for row in rows if is_sealed(row) and is_encrypted_under(row, keys[:1])]
    return [row for row in rows if row.encrypted and row not in fresh]


def _check_keys(rows: Sequence[SigningKey], keys: EncryptionKeys) -> None:
    lost = [row.kid for row in rows if row.encrypted and not is_encrypted_under(row, keys)]
    if lost:
        raise Conflict(
            f"Signing keys {', '.join(lost)} are encrypted under another key, or for another row;"
            " nothing was changed. Name the key in SIGNING_KEY_DECRYPTION_KEYS; if it is lost, give"
            " up each of them: porta keys revoke KID --force"
        )


def _check_connections(sealed: Sequence[tuple[str, str]], keys: EncryptionKeys) -> None:
    lost = [id for id, secret in sealed if open_sealed(secret, id, keys) is None]
    if lost:
        raise Conflict(
            f"The client secrets of connections {', '.join(lost[:_NAMED])} are encrypted under"
            " another key; nothing was changed. Name the key in SIGNING_KEY_DECRYPTION_KEYS; if it"
            " is lost, give each of them its secret anew"
        )


def _check_people(lost: Sequence[str]) -> None:
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        raise Conflict(
            f"The TOTP secrets of {', '.join(lost[:_NAMED])}{more} are encrypted under another key;"
            " nothing was changed. Name the key in TWO_FACTOR_DECRYPTION_KEYS"
        )
