"""Key rings: which key signs, and which ones verifiers are shown (RFC 7517 §5)."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from porta.security.encryption import EncryptionKeys
from porta.security.key_faults import NoSigningKey, NoUsableKey
from porta.security.key_schedule import ScheduledKey, State, build_schedule
from porta.security.keys import ALGORITHMS, Key, KeyUnusable, load_private
from storage.models.signing_keys import SigningKey

_LOG = logging.getLogger(__name__)
_JWKS_ORDER = (State.ACTIVE, State.PUBLISHED, State.RETIRED)


@dataclass(frozen=True, slots=True, eq=False)
class KeyRing:
    """The keys of one issuer at one moment."""

    jwks: dict[str, list[dict[str, str]]]
    """The JWK Set: public keys only, by algorithm, the signing one first. Not to be changed."""
    algorithms: tuple[str, ...]
    """What it can sign with now, in the order of ALGORITHMS."""
    _signers: Mapping[str, Key]
    _verifiers: Mapping[str, Key]
    _former: Mapping[str, Key] = field(default_factory=dict)
    _revoked: frozenset[str] = frozenset()

    def signer(self, algorithm: str) -> Key:
        """Return the key that signs with `algorithm` now. Raises NoSigningKey."""
        key = self._signers.get(algorithm)
        if key is None:
            raise NoSigningKey(algorithm)
        return key

    def verifier(self, kid: str) -> Key | None:
        """Return the published key of this `kid`, or None."""
        return self._verifiers.get(kid)

    def has_revoked(self, kid: object) -> bool:
        """Tell whether the key of this `kid` was revoked: what it has signed is worth nothing."""
        return kid in self._revoked

    def former_verifier(self, kid: str) -> Key | None:
        """Return the key of this `kid` that has left the JWKS unrevoked, or None.

        For `id_token_hint` alone: a session outlives the keys that signed its ID tokens.
        """
        return self._former.get(kid)

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...] | None:
        """None: every token of ours names its key."""
        del kid, algorithm
        return None


@dataclass(frozen=True, slots=True)
class _Timeline:
    """The schedule of one ring, with the moments at which the ring changes."""

    schedule: tuple[ScheduledKey, ...]
    moments: tuple[float, ...]


class KeyRings:
    """The rings of all issuers, from one reading of `signing_keys`.

    A ring that was computed is kept until the moment it changes; that, and the key objects handed
    on from one instance to the next, is all that is remembered.
    """

    def __init__(
        self,
        rows: Iterable[SigningKey],
        keys: Mapping[str, Key],
        longest_token_ttl: float,
        revoked: frozenset[str] = frozenset(),
    ) -> None:
        """Take rows whose keys are all in `keys` (by kid), and the kids of those that were revoked;
        `longest_token_ttl` is in seconds.
        """
        self._by_kid: dict[str, SigningKey] = {}
        self._by_owner: dict[str | None, list[SigningKey]] = {}
        for row in rows:
            self._by_kid[row.kid] = row
            self._by_owner.setdefault(row.organization_id, []).append(row)
        self._keys = keys
        self._ttl = longest_token_ttl
        self._revoked = revoked
        self._timelines: dict[str | None, _Timeline] = {}
        self._rings: dict[str | None, tuple[float, float, KeyRing]] = {}

    @classmethod
    def build(
        cls,
        rows: Iterable[SigningKey],
        encryption_keys: EncryptionKeys,
        *,
        longest_token_ttl: float,
        previous: KeyRings | None = None,
    ) -> KeyRings:
        """Load the keys of `rows`; those that `previous` holds already are taken over.

        A key that cannot be used is logged and left out, so that the others go on serving: what
        our encryption keys do not vouch for is shown to nobody, since verifiers would believe it.
        Without `previous`, at the start of a process, NoUsableKey is raised where there are none.
        """
        rows = tuple(rows)
        revoked = frozenset(row.kid for row in rows if row.status == "revoked")
        usable: list[SigningKey] = []
        lost: list[tuple[SigningKey, str]] = []
        keys: dict[str, Key] = {}
        for row in rows:
            # An algorithm we do not know is one that a later version serves beside us.
            if row.status == "revoked" or row.algorithm not in ALGORITHMS:
                continue
            kept = previous._reusable(row) if previous else None
            if kept is None:
                try:
                    kept = _load(row, encryption_keys)
                except KeyUnusable as unusable:
                    _LOG.error("signing_key.unusable", extra=_told(unusable))
                    lost.append((row, unusable.problem))
                    continue
            usable.append(row)
            keys[row.kid] = kept
        if previous is None:
            _check_signers(usable, lost)
        return cls(usable, keys, longest_token_ttl, revoked)

    def of(self, organization_id: str, now: float) -> KeyRing:
        """Return the ring of an organization at `now` (seconds since the epoch)."""
        owner = organization_id if organization_id in self._by_owner else None
        since, until, ring = self._rings.get(owner) or (inf, -inf, _EMPTY)
        if since <= now < until:
            return ring
        timeline = self._timelines.get(owner) or self._timeline(owner)
        index = bisect_right(timeline.moments, now)
        ring = self._compute(timeline.schedule, now)
        self._rings[owner] = (timeline.moments[index - 1], timeline.moments[index], ring)
        return ring

    def _timeline(self, owner: str | None) -> _Timeline:
        # Of its own rows and the global ones: thousands of organizations may have rings.
        rows = [
            row for each in dict.fromkeys((owner, None)) for row in self._by_owner.get(each, ())
        ]
        schedule = tuple(
            scheduled
            for algorithm in ALGORITHMS
            for scheduled in build_schedule(rows, owner, algorithm, self._ttl)
        )
        moments = {moment for scheduled in schedule for moment in scheduled[1:]}
        timeline = _Timeline(schedule, tuple(sorted(moments | {-inf, inf})))
        self._timelines[owner] = timeline
        return timeline

    def _compute(self, schedule: tuple[ScheduledKey, ...], now: float) -> KeyRing:
        states = {scheduled.row.kid: scheduled.state(now) for scheduled in schedule}
        shown = [self._keys[kid] for kid, state in states.items() if state in _JWKS_ORDER]
        # Python's sort is stable: within a state the order of the schedule stays, the oldest first.
        shown.sort(
            key=lambda key: (
                ALGORITHMS.index(key.algorithm),
                _JWKS_ORDER.index(states[key.kid]),
            )
        )
        signers = {key.algorithm: key for key in shown if states[key.kid] is State.ACTIVE}
        return KeyRing(
            {"keys": [key.jwk for key in shown]},
            tuple(signers),
            signers,
            {key.kid: key for key in shown},
            {kid: self._keys[kid] for kid, state in states.items() if state is State.GONE},
            self._revoked,
        )

    def _reusable(self, row: SigningKey) -> Key | None:
        """Return the key built from an equal row, unless this one may sign and that could not."""
        known = self._by_kid.get(row.kid)
        key = self._keys.get(row.kid)
        if known is None or key is None or _material(known) != _material(row):
            return None
        return key if key.private is not None or row.status != "active" else None


_EMPTY = KeyRing({"keys": []}, (), {}, {})


def _load(row: SigningKey, encryption_keys: EncryptionKeys) -> Key:
    """Return the key of a row. One that signs no more needs its private half as a proof only."""
    key = load_private(row, encryption_keys)
    return key if row.status == "active" else replace(key, private=None, headers={})


def _told(unusable: KeyUnusable) -> dict[str, str]:
    return {"kid": unusable.kid, "fault": str(unusable)}


def _check_signers(usable: Sequence[SigningKey], lost: Sequence[tuple[SigningKey, str]]) -> None:
    """Raise NoUsableKey where, with what is lost, an algorithm of a ring has nothing to sign."""
    missing = [
        (row, problem)
        for row, problem in lost
        if row.status == "active" and not _has_signer(usable, row)
    ]
    if missing:
        raise NoUsableKey(missing)


def _has_signer(usable: Sequence[SigningKey], lost: SigningKey) -> bool:
    schedule = build_schedule(usable, lost.organization_id, lost.algorithm, 0)
    return any(scheduled.row.status == "active" for scheduled in schedule)


def _material(row: SigningKey) -> tuple[object, ...]:
    return (
        row.organization_id,
        row.algorithm,
        row.public_key,
        row.private_key,
        row.private_key_iv,
        row.private_key_tag,
        row.encrypted,
    )
