"""Walks that chance seldom takes: what the moves are for, in the order that they are made in."""

from __future__ import annotations

from tests.handlers.interactions.sign_ins.beside import SignIns
from tests.handlers.interactions.sign_ins.people import MFA, PASSWORD, Asked

ANEW = Asked(prompt="login")


def step_up(walk: SignIns) -> None:
    """One more factor beside a session, which is as old as it was."""
    walk.sign_in(0, Asked(), 1)
    walk.gain()
    walk.wait(6)
    walk.begin(1, Asked(acr=MFA))
    walk.second(1, trusts=False)
    walk.resume(1)


def ended(walk: SignIns) -> None:
    """What a factor was to be shown beside has ended: the factor alone signs nobody in."""
    walk.sign_in(0, Asked(), 1)
    walk.gain()
    walk.begin(1, Asked(acr=MFA))
    walk.sign_out()
    walk.resume(1)
    walk.look(1)
    walk.second(1, trusts=False)
    walk.password(1, 1)
    walk.finish(1)


def anew(walk: SignIns) -> None:
    """All of it shown again, with more than before; then by another person, in both tabs."""
    walk.sign_in(0, Asked(), 1)
    walk.gain()
    walk.wait(6)
    walk.sign_in_anew(0, 1)
    walk.begin(1, Asked(prompt="login", max_age=5))
    walk.sign_in_anew(0, 0)
    walk.resume(1)
    walk.sign_in(1, Asked(first_party=False, acr=PASSWORD), 1)


def put_off(walk: SignIns) -> None:
    """Declined in one tab; the other, where it was offered too, goes on."""
    walk.begin(1, Asked(prompt="login"))
    walk.password(0, 1)
    walk.password(1, 1)
    walk.put_off(0)
    walk.resume(0)
    walk.resume(1)
    walk.put_off(1)
    walk.resume(1)


def trusted(walk: SignIns) -> None:
    """A device that is trusted by one, by the other, where a client wants to be sure, and no more
    once everything of theirs was ended.
    """
    walk.gain()
    walk.sign_in(0, Asked(), 0)
    walk.sign_out()
    walk.begin(0, Asked())
    walk.password(0, 1)
    walk.password(0, 0)
    walk.resume(0)
    walk.begin(1, Asked(acr=MFA))
    walk.look(1)
    walk.wait(6)
    for asked in (ANEW, Asked(max_age=5), Asked(acr=MFA)):
        walk.begin(1, asked)
        walk.password(1, 0)
        walk.look(1)
    walk.recover(1, trusts=True)
    walk.end_sessions(0)
    walk.begin(0, Asked())
    walk.password(0, 0)
    walk.another_password(0)
    walk.second(0, trusts=True)
    walk.password(0, 0)
    walk.recover(0, trusts=True)
    walk.sign_out()
    walk.begin(0, Asked())
    walk.password(0, 0)
    walk.repeat(0)
    walk.finish(0)


def mailed(walk: SignIns) -> None:
    """A link is good once, here, at its own request; elsewhere it is worth a code."""
    for tab in (0, 1):
        walk.begin(tab, Asked())
        walk.ask_for_link(tab, 0)
    walk.scan(0, "GET")
    walk.press_at_another_tab(0)
    walk.press_elsewhere(0, "code")
    walk.press_link(0)
    walk.type_code(0, 1)
    walk.type_code(0, 0)
    walk.type_code(0, 0)
    walk.finish(0)
    walk.sign_out()
    walk.press_link(1)
    walk.press_link(1)
    walk.finish(1)
    walk.begin(0, ANEW)
    walk.ask_for_link(0, 1)
    walk.press_elsewhere(0, "code")
    walk.type_code(0, 0)
    walk.type_code(0, 0)
    walk.finish(0)
    walk.sign_in_by_link(1, Asked(first_party=False, acr=PASSWORD), 0, elsewhere=True)


def strayed(walk: SignIns) -> None:
    """A code that was mailed is good at its own request alone, and once."""
    for tab in (0, 1):
        walk.begin(tab, ANEW)
        walk.password(tab, 0)
    walk.stray(0)
    walk.second(0, trusts=True)
    walk.stray(1)
    walk.repeat(1)
    walk.finish(1)


def gained(walk: SignIns) -> None:
    """Whoever is offered a factor, and has one by now, is asked for it: nothing is put off."""
    walk.begin(0, ANEW)
    walk.password(0, 1)
    walk.gain()
    walk.put_off(0)
    walk.look(0)
    walk.finish(0)


def recovered(walk: SignIns) -> None:
    """A recovery code is good once, in whatever tab, and trusts no device."""
    for tab in (0, 1):
        walk.begin(tab, Asked(acr=MFA))
        walk.password(tab, 0)
    walk.recover(0, trusts=True)
    walk.repeat(1)
    walk.recover(1, trusts=True)
    walk.recover(1, trusts=True)
    walk.sign_out()
    walk.begin(0, Asked())
    walk.password(0, 0)
    walk.recover(0, trusts=False)
    walk.finish(0)


def set_up(walk: SignIns) -> None:
    """What is demanded or offered is set up in one tab; the other, begun before, asks for it."""
    for tab in (0, 1):
        walk.begin(tab, ANEW)
        walk.password(tab, 1)
        walk.look(tab)
    walk.second(0, trusts=True)
    walk.put_off(0)
    walk.password(0, 1)
    walk.enrol(1)
    walk.choose_factor(1, "mail")
    walk.enrol(1)
    walk.enrol(0)
    walk.second(0, trusts=True)
    walk.password(0, 1)
    walk.recover(0, trusts=False)
    walk.resume(0)


def by_passkey(walk: SignIns) -> None:
    """A passkey is two factors at once, good once, and beside a password a second one."""
    walk.begin(0, Asked(acr=MFA))
    walk.passkey(0, 1, repeats=True)
    assert walk.model.session is not None
    walk.resume(0)
    walk.begin(0, ANEW)
    walk.passkey(0, 0, repeats=True)
    walk.sign_out()
    walk.begin(1, Asked(acr=MFA))
    walk.password(1, 0)
    walk.second_by_passkey(1, 1)
    walk.second_by_passkey(1, 0)
    assert walk.model.session is not None
    walk.begin(0, ANEW)
    walk.password(0, 1)
    walk.second_by_passkey(0, 1)
    walk.resume(0)
    walk.sign_in_anew(1, 1)
