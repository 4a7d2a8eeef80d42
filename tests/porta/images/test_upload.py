"""Uploaded images: told by their content, made anew of what they need, refused for the rest."""

from __future__ import annotations

import re
import time

import pytest

from porta.images import upload
from porta.images.image import NoImage
from tests.porta.images.made import (
    bitmap,
    chunk,
    ico,
    jpeg,
    lossless,
    lossy,
    png,
    segment,
    svg,
    webp,
)

SECRET = b"48.1374 N, 11.5755 E; <script>alert(1)</script>"
_EXIF = b"Exif\0\0" + SECRET


@pytest.mark.parametrize(
    ("content", "content_type", "suffix"),
    [
        (png(), "image/png", "png"),
        (jpeg(), "image/jpeg", "jpg"),
        (jpeg(frame=0xC2), "image/jpeg", "jpg"),
        (webp(), "image/webp", "webp"),
        (webp((b"VP8 ", lossy())), "image/webp", "webp"),
        (webp((b"VP8X", bytes(10)), (b"ALPH", b"\0ab"), (b"VP8 ", lossy())), "image/webp", "webp"),
        (ico(png(), bitmap()), "image/x-icon", "ico"),
        (svg(), "image/svg+xml", "svg"),
        (svg(before="<?xml version='1.0'?>\n<!-- by hand -->\n"), "image/svg+xml", "svg"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_image_is_what_its_content_says(content: bytes, content_type: str, suffix: str) -> None:
    image = upload.clean(content)
    assert (image.content_type, image.suffix) == (content_type, suffix)
    assert upload.clean(image.content) == image


@pytest.mark.parametrize(
    "content",
    [
        png(chunk(b"tEXt", b"Comment\0" + SECRET)),
        png(chunk(b"eXIf", SECRET)),
        png(chunk(b"iTXt", SECRET)),
        png(chunk(b"iCCP", SECRET)),
        png(chunk(b"acTL", bytes(8)), chunk(b"fdAT", SECRET)),
        png() + SECRET,
        jpeg(segment(0xE1, _EXIF)),
        jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET)),
        jpeg(segment(0xE2, b"ICC_PROFILE\0" + SECRET)),
        jpeg(segment(0xED, SECRET)),
        jpeg(segment(0xFE, SECRET)),
        jpeg(segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x08\x08" + SECRET)),
        jpeg() + SECRET,
        webp((b"VP8X", bytes(10)), (b"VP8L", lossless()), (b"EXIF", SECRET), (b"XMP ", SECRET)),
        webp((b"VP8X", bytes(10)), (b"ICCP", SECRET), (b"VP8 ", lossy())),
        webp() + SECRET,
        ico(png(chunk(b"tEXt", SECRET)), between=SECRET),
        ico(bitmap() + SECRET) + SECRET,
        svg("<title>48.1374 N</title><desc>48.1374 N, <b>script</b></desc><path d='M0 0'/>"),
        svg("<!-- 48.1374 N script --><metadata>48.1374 N</metadata>"),
        svg('<s:view xmlns:s="urn:x" at="48.1374 N"><script/></s:view><path s:x="48.1374 N" '
            'xmlns:s="urn:x" d="M0 0"/>'),
    ],
)  # fmt: skip
def test_security_J2_nothing_that_was_written_about_a_picture_is_kept(content: bytes) -> None:
    kept = upload.clean(content).content
    assert b"48.1374" not in kept
    assert b"script" not in kept


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"GIF89a" + bytes(20),
        b"BM" + bytes(60),
        b"%PDF-1.7",
        b"PK\x03\x04" + bytes(40),
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n<script>",
        png()[:-12],
        png()[:40],
        png().replace(b"IDAT", b"IDAX"),
        png(width=0),
        png(chunk(b"ABCD", b"x")),
        png(chunk(b"IHDR", bytes(13))),
        b"\xff\xd8\xff\xd9",
        jpeg()[:-2],
        jpeg(frame=0xC3),
        jpeg(frame=0xC9),
        jpeg(segment(0xC0, b"\x08\x00\x08\x00\x08\x01\x01\x11\x00")),
        b"\xff\xd8\xff\xe0\xff\xff" + bytes(20),
        jpeg(*[segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"x"] * 200, frame=0xC2),
        webp((b"VP8X", bytes(10)), (b"ANIM", bytes(6)), (b"ANMF", bytes(20))),
        webp((b"VP8L", lossless()), (b"VP8 ", lossy())),
        webp((b"VP8L", b"\x2f")),
        webp((b"JUNK", b"x"), (b"VP8L", lossless())),
        webp()[:-4],
        b"RIFF\xff\xff\xff\x7fWEBP",
        ico(),
        ico(bitmap()[:60]),
        ico(b"<html>" + bytes(60)),
        b"\0\0\1\0\xff\xff",
        b"x" * (upload.LARGEST + 1),
    ],
)
def test_what_is_no_whole_image_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(NoImage, match=r"\w+ \w+"):
        upload.clean(content)


@pytest.mark.parametrize(
    "content",
    [
        png(width=2049, height=1),
        png(width=1, height=100_000),
        jpeg(width=65_535),
        webp((b"VP8L", lossless(width=16_384))),
        webp((b"VP8 ", lossy(height=4000))),
        ico(bitmap(2100, 1)),
    ],
)
def test_no_image_has_more_pixels_than_a_page_should_load(content: bytes) -> None:
    with pytest.raises(NoImage, match="pixels"):
        upload.clean(content)


@pytest.mark.parametrize(
    "content",
    [
        svg("<script>alert(1)</script>"),
        svg('<script href="https://evil.example/x.js"/>'),
        svg(root='onload="alert(1)"'),
        svg('<path d="M0 0" OnClick="alert(1)"/>'),
        svg("<foreignObject><p>x</p></foreignObject>"),
        svg("<style>@import 'https://evil.example/x.css';</style>"),
        svg('<image href="https://evil.example/x.png"/>'),
        svg('<a href="javascript:alert(1)"><path d="M0 0"/></a>'),
        svg('<use href="#a"/>'),
        svg('<g xmlns:x="http://www.w3.org/1999/xlink"><path x:href="https://evil.example/"/></g>'),
        svg('<animate attributeName="href" to="javascript:alert(1)"/>'),
        svg('<set attributeName="onload" to="alert(1)"/>'),
        svg("<text>signed in</text>"),
        svg('<path d="M0 0" fill="url(https://evil.example/x.svg#a)"/>'),
        svg('<path d="M0 0" style="fill:url(//evil.example/x)"/>'),
        svg('<path d="M0 0" fill="u\\72l(https://evil.example/)"/>'),
        svg('<path d="M0 0" fill="&quot;&gt;&lt;script&gt;"/>'),
        svg('<g id="a&quot; onload=&quot;x"/>'),
        svg("<pattern id='a'/>"),
        svg("<filter id='a'/>"),
        svg("signed in"),
        svg("<svg/>"),
        svg(before='<!DOCTYPE svg [<!ENTITY a "aaaaaaaa">]>'),
        svg(before='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        svg(before='<?xml-stylesheet href="https://evil.example/x.css"?>'),
        svg("<g>" * 40 + "</g>" * 40),
        svg("<g/>" * 6000),
        svg('<path d="M0 0'),
        svg("<mask id='a'><g mask='url(#b)'/></mask>"),
        svg("<clipPath id='a' clip-path='url(#b)'><path d='M0 0'/></clipPath>"),
        svg("<path d='M0 0' mask='url(#b)'/>" * 101),
        svg('<linearGradient href="https://evil.example/#a"/>'),
        svg('<linearGradient href=""/>'),
        svg(f'<path d="M{"0 " * 70_000}"/>'),
        b"<svg xmlns='http://www.w3.org/1999/xhtml' viewBox='0 0 1 1'/>",
        b"<svg viewBox='0 0 1 1'/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<?xml version='1.0' encoding='no-such'?><svg/>",
    ],
)
def test_security_J2_a_drawing_that_could_do_something_is_refused(content: bytes) -> None:
    with pytest.raises(NoImage, match=r"\w+ \w+"):
        upload.clean(content)


def test_a_drawing_keeps_what_draws() -> None:
    inner = (
        '<defs><linearGradient id="a"><stop offset="0" style="stop-color:#fff;font:y"/>'
        '</linearGradient><radialGradient id="b" href="#a"/>'
        '<clipPath id="c"><circle cx="4" cy="4" r="4"/></clipPath></defs>'
        '<g fill="url(\'#a\')" clip-path="url( #c )" class="x"><path d="M0,0 L8 8z"/></g>'
    )
    drawn = upload.clean(svg(inner)).content.decode()
    assert 'xmlns="http://www.w3.org/2000/svg"' in drawn
    (stop,) = re.findall("<stop [^>]*>", drawn)
    assert set(stop[1:-1].split()) == {"stop", 'offset="0"', 'stop-color="#fff"'}
    assert re.search('<radialGradient (id="b" href="#a"|href="#a" id="b")>', drawn)
    assert {'fill="url(#a)"', 'clip-path="url(#c)"'} <= set(re.split("[ >]", drawn))
    assert '<path d="M0,0 L8 8z"></path></g>' in drawn
    assert not re.search("style|class", drawn)


def test_a_drawing_is_read_in_linear_time() -> None:
    """The longest one of each shape that is hard: nothing is looked at again and again."""
    begun = time.process_time()
    for inner in (
        "<!--" + "-x" * 60_000 + "-->",
        f'<path fill="{"url(" * 14_000}"/>',
        f'<path style="{";" * 100_000}"/>',
    ):
        try:
            upload.clean(svg(inner))
        except NoImage:
            continue
    assert time.process_time() - begun < 2
