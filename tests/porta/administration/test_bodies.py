"""Bodies of the Admin API: how deep, and how dear, one may be."""

from __future__ import annotations

import time

import pytest

from porta.administration.bodies import MAX_DEPTH, parse_json
from porta.errors import Invalid

LARGEST = 64 * 1024


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"[{\\"":', "}")])
def test_a_body_has_a_deepest_level(opening: str, closing: str) -> None:
    """Brackets within texts are none."""
    for depth in (1, MAX_DEPTH):
        parse_json(f"{opening * depth}1{closing * depth}".encode())
    with pytest.raises(Invalid, match="levels deep"):
        parse_json((opening * (MAX_DEPTH + 1) + "1" + closing * (MAX_DEPTH + 1)).encode())


@pytest.mark.parametrize("piece", ['\\"', '"', '"\\', "\\", '"a', "{", '{"":', "1", "[]", '"\\""'])
def test_no_body_holds_up_the_loop(piece: str) -> None:
    """A text that does not end, begun anew at each mark, would be read for its length again."""
    raw = ('{"a":' + piece * LARGEST)[:LARGEST].encode()
    began = time.process_time()
    with pytest.raises(Invalid):
        parse_json(raw)
    assert time.process_time() - began < 1.0
