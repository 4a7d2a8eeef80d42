"""One canonical form of an e-mail address, and nothing that could be two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porta.errors import Invalid
from porta.text.email_addresses import canonical_email, trim


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


_BLANKS = [
    *"\t\n\v\f\r \u00a0\u1680\u202f\u205f\u3000\ufeff\u2028\u2029",
    *map(chr, range(0x2000, 0x200B)),  # all that String.prototype.trim removes
    *"\u200b\u200c\u200d\u2060\u00ad\u180e\u200e\u200f\u202a\u202c\u2066\u2069",
]


@pytest.mark.parametrize("blank", _BLANKS, ids=lambda blank: f"U+{ord(blank):04X}")
def test_K17_what_is_pasted_along_with_an_address_is_dropped(blank: str) -> None:
    for text in ("mira@x.test{0}", "{0}mira@x.test", "{0} \u200b{0}mira@x.test{0}\t{0}"):
        assert canonical_email(text.format(blank)) == "mira@x.test"
    for inside in ("mi{0}ra@x.test", "mira@{0}x.test", "mira{0}@x.test", "mira@x.te{0}st"):
        with pytest.raises(Invalid):
            canonical_email(inside.format(blank))


@pytest.mark.parametrize("other", ["\x00", "\x1c", "\x85", "\u2800", "\u3164", "\u034f", "\ue000"])
def test_K17_nothing_else_is_dropped(other: str) -> None:
    for text in (f"mira@x.test{other}", f"{other}mira@x.test"):
        with pytest.raises(Invalid):
            canonical_email(text)


def test_K17_blanks_alone_are_no_address() -> None:
    assert trim("".join(_BLANKS) * 3) == ""
    assert trim(" a \u200b b\u00a0") == "a \u200b b"


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
