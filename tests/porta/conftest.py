"""The pages, as they are loaded once by a process."""

from __future__ import annotations

import pytest

from porta.rendering import Pages


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages.load()
