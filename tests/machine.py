"""What a machine may lack, and whether the tests that need it are then skipped."""

from __future__ import annotations

import os

import pytest


def skip_without(found: object, reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that need what was `found`, or was not.

    They are skipped without it, unless PORTA_TEST_ALL is set, as .ci/run does: then they fail.
    """
    demanded = bool(os.environ.get("PORTA_TEST_ALL"))
    return pytest.mark.skipif(not found and not demanded, reason=reason)
