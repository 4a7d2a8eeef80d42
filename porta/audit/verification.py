"""Verification of the audit trail: seals and checkpoints in order, and what is wrong with them.

It is a function of what it is fed, whether that comes from a database or from a file.
"""

from __future__ import annotations

from porta.audit import checkpoints
from porta.audit.chain import GENESIS
from porta.audit.checkpoints import Content, Malformed, Start
from porta.audit.findings import Fault, Problem, Report
from porta.audit.sealed_entries import SealedEntries
from porta.security.audit_keys import AuditKeys, Verifiers
from storage.models.audit import (
    Checkpoint,
    Head,
    Recorded,
    Seal,
    SealedEntry,
    SealingState,
)


class Verification:
    """Takes every checkpoint once to `learn`, then all seals and checkpoints to `take`, in order.

    Without `verifiers` no signature is judged; without `keys` no code. `only` is the one chain that
    there is, of an export of one.
    """

    def __init__(
        self, verifiers: Verifiers, keys: AuditKeys | None = None, *, only: str | None = None,
    ) -> None:  # fmt: skip
        self.report = Report()
        self.backlog = 2**63
        """The number of the last entry that was there before the chain, as it was signed."""
        self._verifiers = verifiers
        self._entries = SealedEntries(self.report, keys)
        self._only = only
        self._heads: dict[str, Head] = {}
        self._starts: dict[str, Head] = {}
        self._place = 0
        self._skipped: dict[tuple[str, int], Problem] = {}
        self._gap: Problem | None = None
        self._previous: Checkpoint | None = None
        self._judged: bool | None = None

    def learn(self, checkpoint: Checkpoint) -> Content | None:
        """Judge a checkpoint by itself and as the successor of the last one."""
        self.report.checkpoints += 1
        name = f"checkpoint {checkpoint.number}"
        previous, self._previous = self._previous, checkpoint
        expected = previous.number + 1 if previous else 1
        if checkpoint.number != expected:
            fault = Fault.MISSING if checkpoint.number > expected else Fault.DUPLICATED
            self.report.tell(Problem(fault, f"checkpoint {expected}: {name} stands in its place"))
        judged = self._judge(checkpoint)
        try:
            content = checkpoints.parse(checkpoint)
        except Malformed:
            self.report.tell(Problem(Fault.ALTERED, f"{name}: it says nothing that can be read"))
            return None
        if content.number != checkpoint.number or judged is False:
            self.report.tell(Problem(Fault.ALTERED, f"{name}: its signature is of something else"))
            return None
        follows = checkpoints.digest(previous) if previous else ""
        if checkpoint.number == expected and content.previous != follows:
            self.report.tell(
                Problem(Fault.ALTERED, f"{name}: it follows on another one than stands")
            )
        self._entries.closed_at, self.backlog = content.closed_at, content.backlog
        if content.start is not None:
            self._begin(content.start)
        return content

    def learned(self) -> None:
        """Be told that all checkpoints were: the last one vouches for all before it."""
        if self._previous is not None and self._judged is None:
            told = f"checkpoint {self._previous.number}: its key {self._previous.kid} is needed"
            self.report.tell(Problem(Fault.UNPROVEN, told))

    def take(self, item: Checkpoint | SealedEntry) -> None:
        """Judge what comes next, in the order of places; a checkpoint after what it covers."""
        if isinstance(item, Checkpoint):
            self._compare(item)
        else:
            self._take_seal(item.seal, item.entry)

    def take_unsealed(self, entry: Recorded, age: float, patience: float) -> None:
        """Judge an entry that has no seal, `age` seconds old."""
        self._entries.judge_unsealed(entry, age, patience)

    def compare_state(self, state: SealingState | None, heads: list[Head]) -> None:
        """Judge where the next entries, and the next checkpoint, will follow on."""
        last = self._previous.number if self._previous is not None else 0
        if state is None:
            self.report.tell(Problem(Fault.MISSING, "where sealing stands"))
        elif state.checkpoint > last:
            several = f"checkpoints {last + 1} to {state.checkpoint}: they were signed"
            one = f"checkpoint {state.checkpoint}: it was signed"
            told = one if state.checkpoint == last + 1 else several
            self.report.tell(Problem(Fault.MISSING, told))
        elif state.checkpoint < last or (
            self._previous is not None
            and state.checkpoint_hash != checkpoints.digest(self._previous)
        ):
            told = "where sealing stands is not what the last checkpoint says"
            self.report.tell(Problem(Fault.ALTERED, told))
        if state is not None and last == 0:
            self._entries.closed_at = state.closed_at
        known = {head.chain: head for head in heads}
        for of, reached in self._heads.items():
            head = known.pop(of, None)
            if head is None or head.position < reached.position:
                self.report.tell(Problem(Fault.ALTERED, "the end of the chain is forgotten", of))
            else:
                self._check_end(of, head, "its end is on record")
        for of, head in known.items():
            if not self._is_removed(of, head):
                self._check_end(of, head, "its end is on record")

    def compare_anchor(self, anchored: Checkpoint, standing: Checkpoint | None) -> None:
        """Judge a checkpoint that was kept elsewhere against the one that stands here."""
        judged = self._judge(anchored, quiet=True)
        name = f"checkpoint {anchored.number}"
        if judged is False:
            self.report.tell(
                Problem(Fault.ALTERED, f"{name} of the anchor: its signature does not hold")
            )
        elif standing is None:
            self.report.tell(Problem(Fault.MISSING, f"{name}: the anchor has it"))
            self._compare(anchored)
        elif standing.content != anchored.content:
            self.report.tell(Problem(Fault.ALTERED, f"{name}: the anchor has another one"))
            self._compare(anchored)

    def finish(self) -> Report:
        """Return what was found."""
        self._entries.finish()
        if self._gap is not None and not self.report.count:
            self.report.tell(self._gap)
        if self.report.entries and not self.report.checkpoints:
            self.report.tell(Problem(Fault.MISSING, "every checkpoint: nothing is signed"))
        self.report.chains = len(self._heads)
        return self.report

    def _judge(self, checkpoint: Checkpoint, *, quiet: bool = False) -> bool | None:
        try:
            signature = bytes.fromhex(checkpoint.signature)
        except ValueError:
            return False
        judged = self._verifiers.judge(checkpoint.kid, checkpoint.content, signature)
        if not quiet:
            self._judged = judged
            self.report.unjudged += judged is None
        return judged

    def _begin(self, start: Start) -> None:
        self._place = max(self._place, start.place)
        for head in start.heads:
            if head.position >= self._starts.get(head.chain, head).position:
                self._starts[head.chain] = head

    def _take_seal(self, seal: Seal, entry: Recorded | None) -> None:
        self.report.entries += 1
        before = self._heads.get(seal.chain) or self._starts.get(seal.chain)
        position, previous = (before.position, before.hash) if before else (0, GENESIS)
        if not self._follows(seal, entry, position):
            return
        self._place = seal.place
        self._heads[seal.chain] = Head(seal.chain, seal.position, seal.hash)
        if entry is None:
            self.report.tell(
                Problem.about(Fault.MISSING, "it was sealed, and is not there", seal.chain, seal)
            )
            return
        if seal.position == position + 1:
            self._entries.judge(seal, entry, previous)

    def _follows(self, seal: Seal, entry: Recorded | None, position: int) -> bool:
        """Whether a seal stands where the chain goes on, or after a gap."""
        if seal.position <= position or seal.place <= self._place:
            self._place = max(self._place, seal.place)
            skipped = self._skipped.pop((seal.chain, seal.position), None)
            if skipped is not None:
                skipped.fault = Fault.SWAPPED
                skipped.told = f"it stands after position {seal.position + 1}, or later"
                return False
            start = self._starts.get(seal.chain)
            if start is not None and seal.position <= start.position:
                told = "it stands where entries were removed as too old"
                self.report.tell(Problem.about(Fault.APPENDED, told, seal.chain, seal, entry))
            else:
                told = "another one stands at this place"
                self.report.tell(Problem.about(Fault.DUPLICATED, told, seal.chain, seal, entry))
            return False
        if seal.position > position + 1:
            for gone in range(position + 1, min(seal.position, position + 1 + self.report.most)):
                told = f"position {seal.position} stands in its place"
                problem = Problem(Fault.MISSING, told, seal.chain, gone)
                self._skipped[seal.chain, gone] = problem
                self.report.tell(problem)
            if entry is not None:  # it cannot be chained; its commitments can be judged
                self._entries.judge_commitments(seal, entry)
        elif self._only is None and seal.place != self._place + 1:
            # Whose they were, the chain that lacks them will tell, or its end.
            told = f"the seals of places {self._place + 1} to {seal.place - 1}"
            self._gap = self._gap or Problem(Fault.MISSING, told)
        return True

    def _compare(self, checkpoint: Checkpoint) -> None:
        try:
            content = checkpoints.parse(checkpoint)
        except Malformed:
            return  # it was told of
        for head in content.heads:
            if self._only in (None, head.chain) and not self._is_removed(head.chain, head):
                self._check_end(head.chain, head, f"checkpoint {content.number} has it")

    def _is_removed(self, of: str, head: Head) -> bool:
        start = self._starts.get(of)
        return start is not None and head.position <= start.position and (
            head.position < start.position or head.hash == start.hash
        )  # fmt: skip

    def _check_end(self, of: str, head: Head, why: str) -> None:
        reached = self._heads.get(of) or self._starts.get(of) or Head(of, 0, GENESIS)
        if reached.position < head.position:
            first = reached.position + 1
            told = f"and all up to position {head.position}: {why}"
            self.report.tell(Problem(Fault.MISSING, told, of, first))
            self._heads[of] = head
        elif reached.position == head.position and reached.hash != head.hash:
            told = f"the chain up to here was written anew: {why}, with another hash"
            self.report.tell(Problem(Fault.ALTERED, told, of, head.position))
