"""Walks that chance seldom takes, to another provider and back."""

from __future__ import annotations

from tests.handlers.interactions.sign_ins.beside import SignIns
from tests.handlers.interactions.sign_ins.people import Asked
from tests.handlers.interactions.sign_ins.stories import ANEW


def linked(walk: SignIns) -> None:
    """Whoever was elsewhere is whose account was proved, and said so; and nobody else's then."""
    walk.sign_in_there(0, Asked(), "one", 0)
    walk.sign_out()
    walk.sign_in_there(1, Asked(), "one", 1)
    walk.come_back_again(1, "one")
    walk.begin(0, ANEW)
    walk.go_there(0)
    walk.come_back_elsewhere(0, "one", 0)
    walk.come_back(0, "two", 1)
    walk.come_back_again(0, "one")
    walk.look(0)
    walk.link(0, stale=True)
    walk.password(0, 1)
    walk.link(0, stale=True)
    walk.finish(0)
    walk.look(0)
    walk.password(0, 0)
    walk.link(0, stale=True)
    walk.second(0, trusts=False)
    walk.link(0, stale=True)
    walk.link(0, stale=False)
    walk.resume(0)
    walk.begin(0, ANEW)
    walk.go_there(0)
    walk.come_back(0, "three", 0)
    walk.password(0, 0)
    walk.keep_apart(0)
    walk.finish(0)
    walk.sign_in_there(0, ANEW, "four", 1)
    walk.sign_in_there(1, ANEW, "four", 0)


def forgotten(walk: SignIns) -> None:
    """Who was elsewhere is forgotten once they let somebody else sign in, and after ten minutes."""
    for tab in (0, 1):
        walk.begin(tab, ANEW)
        walk.go_there(tab)
        walk.come_back(tab, "one", 0)
    walk.password(0, 1)
    walk.decide(0, "switch")
    walk.password(0, 1)
    walk.finish(0)
    walk.wait(601)
    walk.password(1, 1)
    walk.finish(1)


def linked_to_somebody_else(walk: SignIns) -> None:
    """Two who come from elsewhere as one are not two people here; nor does one wait for ever."""
    for tab in (0, 1):
        walk.begin(tab, ANEW)
        walk.go_there(tab)
        walk.come_back(tab, "one", 0)
        walk.password(tab, tab)
        walk.enrol(tab)
        walk.second(tab, trusts=True)
        walk.put_off(tab)
        walk.look(tab)
    walk.link(0, stale=False)
    walk.link(1, stale=False)
    walk.gain()
    walk.link(1, stale=True)
    walk.wait(601)
    walk.link(1, stale=True)
    walk.keep_apart(1)
    walk.resume(1)
