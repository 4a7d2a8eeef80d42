"""Sealed entries judged one by one: by their seal, their commitments and their code."""

from __future__ import annotations

from porta.audit import chain
from porta.audit.chain import Proof
from porta.audit.entries import authenticated
from porta.audit.findings import Fault, Problem, Report
from porta.security.audit_keys import AuditKeys
from storage.models.audit import ERASED, Recorded, Seal


class SealedEntries:
    """Judges entries, in the order of their places, and tells a report what is wrong with them."""

    def __init__(self, report: Report, keys: AuditKeys | None) -> None:
        """Without `keys` no code is judged."""
        self.closed_at: int | None = 0
        """The place after which each has a code. Until a checkpoint says otherwise: a trail without
        one is young.
        """
        self._report = report
        self._keys = keys
        self._erased: dict[tuple[str, str], Problem] = {}
        """Erasures that no entry tells of so far, each by its chain and person."""

    def judge(self, seal: Seal, entry: Recorded, previous: str) -> None:
        """Judge an entry whose seal follows on one with the hash `previous`."""
        whole = self.judge_commitments(seal, entry)
        if whole is None:
            return
        if chain.hash_of(seal, entry, previous) != seal.hash:
            told = "who, whom, what or when, or the seal itself"
            self._tell_altered(told, seal, entry)
            return
        if entry.event_type == ERASED:
            self._erased.pop((seal.chain, entry.user_id or ""), None)
        self._check_proof(seal, entry, whole=whole)

    def judge_unsealed(self, entry: Recorded, age: float, patience: float) -> None:
        """Judge an entry that has no seal, `age` seconds old."""
        proof = chain.prove(entry, self._keys) if self._keys is not None else None
        of = chain.chain_of(entry)
        if proof is Proof.OURS and entry.event_type == ERASED:
            self._erased.pop((of, entry.user_id or ""), None)
        if proof is Proof.WRONG or (proof is Proof.NONE and self.closed_at is not None):
            told = "not written by this installation, and not sealed"
            self._report.tell(Problem.about(Fault.APPENDED, told, of, None, entry))
        elif age > patience:
            told = f"written {age:.0f} seconds ago, and never sealed"
            self._report.tell(Problem.about(Fault.UNSEALED, told, of, None, entry))
        else:
            self._report.unsealed += 1

    def finish(self) -> None:
        """Tell of what was erased, and no entry says so."""
        for problem in self._erased.values():
            self._report.tell(problem)

    def _tell_altered(self, told: str, seal: Seal, entry: Recorded) -> None:
        """An entry with a good code was not altered: it, or its seal, stands for another one."""
        fault = Fault.ALTERED
        if self._keys is not None and chain.prove(entry, self._keys) is Proof.OURS:
            fault, told = Fault.MOVED, f"{told}: the entry is genuine, and not the one sealed here"
        self._report.tell(Problem.about(fault, told, seal.chain, seal, entry))

    def judge_commitments(self, seal: Seal, entry: Recorded) -> bool | None:
        """Whether nothing of an entry is erased; None where something is altered."""
        origin, content = chain.commit_origin, chain.commit_content
        for told, salt, expected, found, is_empty, person in (
            ("address or program", seal.origin_salt, seal.origin, origin,
             entry.ip_address is None and entry.user_agent is None,
             entry.actor_id or entry.user_id),
            ("description or metadata", seal.content_salt, seal.content, content,
             entry.description is None and entry.metadata in (None, "{}"), entry.user_id),
        ):  # fmt: skip
            if salt is not None and found(entry, salt) != expected:
                self._tell_altered(told, seal, entry)
                return None
            if salt is None and not is_empty:
                told = f"{told}, of what was erased"
                self._report.tell(Problem.about(Fault.ALTERED, told, seal.chain, seal, entry))
                return None
            if salt is None:
                told = f"{told} erased, and no entry tells of it"
                problem = Problem.about(Fault.ALTERED, told, seal.chain, seal, entry)
                self._erased.setdefault((seal.chain, person or ""), problem)
        whole = seal.origin_salt is not None and seal.content_salt is not None
        self._report.erased += not whole
        return whole

    def _check_proof(self, seal: Seal, entry: Recorded, *, whole: bool) -> None:
        if seal.proof == Proof.NONE and (self.closed_at is None or seal.place <= self.closed_at):
            self._report.without_code += 1
            return
        found: str = seal.proof
        if whole and self._keys is not None and entry.mac is not None and found == Proof.OURS:
            judged = self._keys.judge(authenticated(entry), entry.mac)
            found = Proof.WRONG if judged is False else found
        if found != Proof.OURS:
            told = "not written by this installation"
            self._report.tell(Problem.about(Fault.APPENDED, told, seal.chain, seal, entry))
