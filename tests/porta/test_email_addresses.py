"""One canonical form of an e-mail address, and nothing that could be two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.email_addresses import canonical_email
from porta.errors import Invalid


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("alice@acme.test", "alice@acme.test"),
        ("Alice@ACME.Test", "alice@acme.test"),
        ("  alice@acme.test ", "alice@acme.test"),
        ("alice+tag@acme.test", "alice+tag@acme.test"),
        ("o'neil@acme.test", "o'neil@acme.test"),
        ("admin@porta.local", "admin@porta.local"),
        ("root@localhost", "root@localhost"),
        ("JOSÉ@acme.test", "josé@acme.test"),
        ("jose\u0301@acme.test", "josé@acme.test"),
        ("straße@straße.de", "straße@straße.de"),
        ("a@MÜNCHEN.de", "a@münchen.de"),
        ("a@xn--mnchen-3ya.de", "a@münchen.de"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("a" * 64 + "@b.test", "a" * 64 + "@b.test"),
    ],
)
def test_has_one_spelling(spelling: str, canonical: str) -> None:
    assert canonical_email(spelling) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "alice",
        "@acme.test",
        "alice@",
        "alice@acme..test",
        "alice@acme.test.",
        "alice@-acme.test",
        "alice@ac_me.test",
        "a" * 65 + "@b.test",
        "a@" + "b" * 260,
        # RFC 5321 §4.1.2: exactly one addr-spec, and no other way to write it
        "alice@acme.test,bob@acme.test",
        "alice@acme.test bob@acme.test",
        "alice@bob@acme.test",
        "Alice <alice@acme.test>",
        "<alice@acme.test>",
        "Alice <alice@acme",
        "alice(comment)@acme.test",
        '"alice"@acme.test',
        '"a b"@acme.test',
        "alice@[127.0.0.1]",
        # control and invisible characters
        "alice\x00@acme.test",
        "alice@acme.test\n",
        "alice@acme.test\r\nBcc: eve@evil.test",
        "al\tice@acme.test",
        "al\u200bice@acme.test",
        "al\u00adice@acme.test",
        "al\u202eice@acme.test",
        "alice\u00a0@acme.test",
        "alice\ufeff@acme.test",
        "alice\ud800@acme.test",
        "\u0301alice@acme.test",
        "al\u034fice@acme.test",
        "alice\ufe0f@acme.test",
        "alice\u2800@acme.test",
        "alice\u1160@acme.test",
        "alice\U000e0100@acme.test",
        # characters that become others: full width, ligature, Kelvin, long s, dotted capital I
        "ａlice@acme.test",
        "ﬁona@acme.test",
        "\u212aarl@acme.test",
        "mi\u017fter@acme.test",
        "\u0130an@acme.test",
        "alice@acme。test",
        "alice＠acme.test",
        "alice@acme\uff0etest",
    ],
)
def test_refuses_everything_else(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        canonical_email(text)
    assert refusal.value.message == "email is not a valid address"


@given(st.text(max_size=40))
def test_is_its_own_canonical_form(text: str) -> None:
    for candidate in (text, f"{text}@acme.test", f"a@{text}", f"a@{text}.test"):
        try:
            canonical = canonical_email(candidate)
        except Invalid:
            continue
        assert canonical_email(canonical) == canonical
        assert canonical == canonical.lower()
