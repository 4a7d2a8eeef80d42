"""Trusted-device tokens: a secret for one person of one organization, and for nothing else."""

from __future__ import annotations

from porta.security import known_browsers
from porta.security.trusted_devices import find, keep
from storage.models.artifact import artifact_id

NOW = 1_800_000_000.25
KEYS = ("k" * 32,)
WHO = ("acme", "ann")


def test_a_device_holds_the_secret_of_which_the_digest_is_kept() -> None:
    cookie, digest = keep(KEYS, None, *WHO, NOW, 30)
    assert find(KEYS, cookie, *WHO, NOW) == digest == artifact_id(cookie[10:32])
    assert digest not in cookie
    assert "ann" not in cookie
    assert find(KEYS, cookie, "globex", "ann", NOW) is None
    assert find(KEYS, cookie, "acme", "bob", NOW) is None
    assert find(("x" * 32,), cookie, *WHO, NOW) is None
    assert find(KEYS, None, *WHO, NOW) is None


def test_it_ends_with_the_days_that_it_was_given() -> None:
    cookie, digest = keep(KEYS, None, *WHO, NOW, 2)
    end = int(NOW) + 2 * 86_400
    assert (find(KEYS, cookie, *WHO, end - 1), find(KEYS, cookie, *WHO, end)) == (digest, None)


def test_a_browser_that_is_known_is_not_trusted_for_that_and_the_other_way_round() -> None:
    """One form, two purposes: moved into the other cookie, either is worth nothing."""
    known = known_browsers.remember(KEYS, None, *WHO, NOW)
    assert known_browsers.find(KEYS, known, *WHO, NOW)
    assert find(KEYS, known, *WHO, NOW) is None
    trusted, _ = keep(KEYS, None, *WHO, NOW, 30)
    assert known_browsers.find(KEYS, trusted, *WHO, NOW) is None


def test_people_of_several_organizations_trust_one_browser_and_a_new_secret_replaces_the_old() -> (
    None
):
    cookie, first = keep(KEYS, None, *WHO, NOW, 30)
    cookie, other = keep(KEYS, cookie, "globex", "gus", NOW, 30)
    assert (find(KEYS, cookie, *WHO, NOW), find(KEYS, cookie, "globex", "gus", NOW)) == (
        first,
        other,
    )
    cookie, second = keep(KEYS, cookie, *WHO, NOW, 30)
    assert find(KEYS, cookie, *WHO, NOW) == second != first
    for number in range(9):
        cookie, _ = keep(KEYS, cookie, "acme", f"person-{number}", NOW, 30)
    assert len(cookie) <= 512, "what is taken for a cookie of ours at all"
    assert find(KEYS, cookie, *WHO, NOW) is None
