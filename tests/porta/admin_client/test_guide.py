"""What the guide shows of the client does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.world.administrators import Installation

GUIDE = Path(__file__).parents[3] / "docs" / "admin-api.md"


async def test_the_example_of_the_guide(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await installation.program("Script", "porta-org-admin")
    (example,) = GUIDE.read_text("utf-8").split("```python\n")[1:]
    code = example.partition("```")[0]
    for shown, here in (
        ("https://id.example.com", installation.runtime.settings.issuer_base_url),
        ("CLIENT_ID", made["clientId"]),
        ("SECRET", made["secret"]["plaintext"]),
    ):
        assert shown in code
        code = code.replace(shown, here)
    names: dict[str, Any] = {}
    exec(compile(code, str(GUIDE), "exec"), names)  # the guide is ours
    await names["main"]()
    assert _begins("initech 20", capsys.readouterr().out)
    assert (await installation.fetch("SELECT name FROM organizations WHERE slug = 'initech'")) == [
        ("Initech Ltd.",)
    ]
    await names["main"]()
    assert _begins("slug ", capsys.readouterr().out)  # it is taken


def _begins(words: str, out: str) -> bool:
    """Tell whether a line begins so; the log of the server may stand between them, or not."""
    return any(line.startswith(words) for line in out.splitlines())
