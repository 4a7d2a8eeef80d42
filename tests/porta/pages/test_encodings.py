"""What is the same for everybody is compressed once, and given to who can read it."""

from __future__ import annotations

import gzip
import random

import pytest

from porta.pages.encodings import encode

TEXT = b"body { color: red }\n" * 50


def test_people_29_both_codings_say_the_same_and_one_is_small() -> None:
    found = encode(TEXT)
    assert found.identity == TEXT
    assert found.gzip is not None
    assert gzip.decompress(found.gzip) == TEXT
    assert len(found.gzip) < len(TEXT) / 4
    assert encode(TEXT) == found


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("br;q=1.0, gzip;q=0.5", "gzip"),
        (None, ""),
        ("", ""),
        ("identity", ""),
        ("br", ""),
        ("gzip;q=0", ""),
        ("gzip; q=0.000, identity", ""),
        ("notgzip", ""),
        ("x" * 5000 + ", gzip", ""),
    ],
)
def test_the_coding_is_what_was_asked_for(header: str | None, coding: str) -> None:
    found = encode(TEXT)
    assert found.choose(header) == (found.gzip if coding else TEXT, coding)


@pytest.mark.parametrize("content", [b"", b"short", random.Random(7).randbytes(400)])
def test_what_would_grow_goes_as_it_is(content: bytes) -> None:
    assert encode(content).choose("gzip") == (content, "")
