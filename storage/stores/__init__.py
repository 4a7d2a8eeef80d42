"""Where artifacts live: the interface every store keeps, and how a record becomes bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from storage.errors import AlreadyConsumed, AlreadyExists, StorageError
from storage.models.artifact import Artifact
from storage.models.artifacts import ANY_ORGANIZATION, ArtifactKind
from storage.models.interactions import Interaction

_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[type[Artifact], msgspec.json.Decoder[Artifact]] = {}
Change = Callable[[Artifact], tuple[Artifact, float]]
"""What becomes of an artifact, and for how many seconds it is kept then."""
MOST_AMENDMENTS = 10
"""How often one change is tried, when others are always first."""
SHORTEST_LIFE = 0.001
"""Seconds. Whatever is saved with less, or with nothing left, is gone at once."""


class ArtifactStore(Protocol):
    """One place for artifacts. Every failure to reach it is `Unreachable`.

    An artifact exists for the organization it was saved for, and for as long as it was saved for,
    by the clock of the store. For anyone else, and afterwards, it is as if it had never been.
    """

    async def save(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        """Keep `artifact` for `ttl` seconds, in the place of what had its id before.

        What was consumed stays consumed, and a kind that is `created_once` is saved once ever:
        AlreadyConsumed, with the record that stands. An id that is another's is AlreadyExists.
        """

    async def find(self, kind: ArtifactKind, id: str, organization_id: str) -> Artifact | None:
        """Return the artifact unless it is absent, expired, another's, or consumed."""

    async def find_by(
        self, kind: ArtifactKind, organization_id: str, index: str, value: str
    ) -> Artifact | None:
        """The same by a further index of the kind (`found_by`)."""

    async def consume(
        self, kind: ArtifactKind, id: str, organization_id: str, client_id: str | None = None
    ) -> Artifact | None:
        """Give the artifact to one caller ever, decided by one statement or script.

        Whoever comes later, while it lives: AlreadyConsumed, with the record as it was saved. With
        a `client_id`, what is another client's is not there, and stays as it is.
        """

    async def delete(self, kind: ArtifactKind, id: str, organization_id: str) -> bool:
        """Forget the artifact, unless it is another's; tell whether it was there."""


class AmendingStore(ArtifactStore, Protocol):
    """One whose artifacts several change, each a part of them."""

    async def amend(self, kind: ArtifactKind, known: Artifact, change: Change) -> Artifact | None:
        """Keep what `change` makes of the artifact that stands, decided by one statement or script;
        return it. `known` is as it was read: what another changed since is in what is changed.

        None where it is absent, expired or another's; AlreadyConsumed where it was consumed;
        Contended where others are always first. It is of a kind that no further index finds.
        """


def encode(artifact: Artifact) -> bytes:
    """Return the record as a JSON object without its id: the id is the key it is kept under."""
    raw = _ENCODER.encode(artifact)
    head = b'{"id":"%b",' % artifact.id.encode()
    if not raw.startswith(head):
        raise ValueError("the id of an artifact comes from artifact_id()")
    return b"{" + raw[len(head) :]


def decode(kind: ArtifactKind, id: str, payload: bytes) -> Artifact:
    """Return the record that `encode` took apart; whatever this version does not know is left out.

    Raises StorageError when the record cannot be read.
    """
    decoder = _DECODERS.get(kind.record)
    if decoder is None:
        decoder = _DECODERS[kind.record] = msgspec.json.Decoder(kind.record)
    try:
        return decoder.decode(b'{"id":"%b",%b' % (id.encode(), payload[1:]))
    except msgspec.DecodeError as failure:
        raise StorageError(f"unreadable {kind.record.__name__}") from failure


def check_index(kind: ArtifactKind, index: str) -> None:
    """Raise ValueError unless `index` is declared in ARTIFACTS."""
    if index not in kind.found_by:
        raise ValueError(f"{kind.record.__name__} is not found by {index}")


def check_look_up(kind: ArtifactKind, organization_id: str) -> None:
    """Raise ValueError when a look-up that has a tenant does not name its organization.

    ANY_ORGANIZATION is for the one look-up that comes before the tenant: an interaction's.
    """
    if organization_id == ANY_ORGANIZATION and kind.record is not Interaction:
        raise ValueError(f"a look-up of {kind.record.__name__} names its organization")


def is_open_to(owner: str, organization_id: str) -> bool:
    """Tell whether what `owner` holds is there for whoever asks for `organization_id`."""
    return organization_id in (owner, ANY_ORGANIZATION)


def is_held_by(artifact: Artifact, client_id: str | None) -> bool:
    """Tell whether `artifact` is there for a caller who stands for `client_id`, or for none."""
    return client_id is None or getattr(artifact, "client_id", None) == client_id


def refusal(kind: ArtifactKind, artifact: Artifact, standing: Artifact | None) -> StorageError:
    """Return why `artifact` was not saved. `standing` is what has its id; None for another's."""
    if standing is not None:
        return AlreadyConsumed(standing)
    return AlreadyConsumed(artifact) if kind.created_once else AlreadyExists()
