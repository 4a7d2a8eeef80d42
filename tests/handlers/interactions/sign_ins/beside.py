"""Moves: what a person says of a request, and what happens to them elsewhere meanwhile."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from porta.browser import interactions
from tests.handlers.interactions.sign_ins.drawn import TAB, WHO
from tests.handlers.interactions.sign_ins.others import Others
from tests.world.answers import hidden_fields

_MOST_SECONDS = 2000


class SignIns(Others):
    """All moves there are."""

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, step=st.sampled_from(["approve", "approve", "deny", "account", "switch"]))
    def decide(self, tab: int, step: str) -> None:
        """Answer for consent, go on as whoever is signed in, or let somebody else."""
        opened = self.tabs.get(tab)
        if step in ("account", "switch"):
            does = self.model.choose if step == "account" else self.model.switch
            self.post(opened, step, {}, does)
        else:
            approve = step == "approve"
            self.post(
                opened, "confirm", {"decision": step}, lambda at: self.model.decide(at, approve)
            )

    @rule()
    def sign_out(self) -> None:
        page = self.http.get(f"/{self.home.slug}/session/end")
        if "xsrf" in (fields := hidden_fields(page.text)):
            form = {"xsrf": fields["xsrf"], "logout": "yes"}
            self.http.post(f"/{self.home.slug}/session/end/confirm", data=form)
            self.model.sign_out()

    @precondition(lambda self: self.now - self.began < _MOST_SECONDS)
    @rule(seconds=st.sampled_from([1, 6, 101, 601]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def gain(self) -> None:
        """Whoever has no second factor gets one elsewhere: where they stand, it is asked for."""
        if self.home.people[1].factor is None:
            self.world.wait(self.world.give_mail(self.home, 1))

    @rule(who=WHO)
    def another_password(self, who: int) -> None:
        """What was shown before counts for nothing, in no tab and at no device."""
        self.now += 1
        person = self.home.people[who]
        self.world.wait(self.world.another_password(person, self.now))
        person.changed_at = self.now
        self.model.shut_out(person)

    @rule(who=WHO)
    def end_sessions(self, who: int) -> None:
        person = self.home.people[who]
        self.world.wait(self.world.end_sessions(person))
        self.model.shut_out(person)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def expire(self, tab: int) -> None:
        """The time of a request is over, wherever in it somebody was."""
        opened = self.tabs.get(tab)
        if opened is not None and not opened.is_over:
            self.world.wait(self._expire(opened.uid))
            opened.is_over = True

    async def _expire(self, uid: str) -> None:
        standing = await interactions.find(self.world.runtime, uid)
        assert standing is not None
        await self.world.runtime.storage.artifacts.delete(standing)
