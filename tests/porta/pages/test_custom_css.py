"""Custom CSS styles: it neither loads, nor moves, nor covers, nor hides."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porta.pages.custom_css import LONGEST, root_color, sanitize

BASE = Path(__file__).parents[3] / "templates/static/page.css"


# What stays


@pytest.mark.parametrize(
    "css",
    [
        ".btn-primary{background:#0f766e;border-radius:4px;}",
        ".container,.header > img{padding:2rem 1.5rem;box-shadow:0 -2px 4px rgb(0 0 0 / 20%);}",
        'body{font-family:Georgia,"Times New Roman",serif;color:#222;}',
        "body{background:linear-gradient(-45deg,#fff 0%,rgba(0,0,0,.2) 100%);}",
        "a:hover{color:var(--primary);text-decoration:none;}",
        ":root{--primary:#ff0000;}",
        "input[type=email]:focus{border-color:hsl(210deg 50% 40%);}",
        "h1{font-size:1.5rem;font-weight:700;letter-spacing:.02em;line-height:1.3;}",
        ".footer{margin:0 auto;text-align:center;color:red!important;}",
        "h1{font-size:18pt;}",
        "h2{font-size:X-Large;}",
        "p{font-size:inherit;}",
    ],
)
def test_ordinary_styling_stays(css: str) -> None:
    assert sanitize(css) == css + "\n"


@pytest.mark.parametrize(
    ("css", "color"),
    [
        (":root{--primary:#e11d48}", "#e11d48"),
        (":root { --primary : #E11D48 !important }", "#e11d48"),
        (":root{--primary:#f0a;color:red}", "#ff00aa"),
        (":root{--primary:#111}:root{--primary:#222}", "#222222"),
        ("", None),
        (":root{color:#e11d48}", None),
        (":root{--primary:red}", None),
        (":root{--primary:#11111180}", None),
        (":root{--primary:#1112}", None),
        (":root{--primary:#111111 #222222}", None),
        (":root{--primary:rgb(1 2 3)}", None),
        (":root{--primary:var(--primary)}", None),
        (".a{--primary:#e11d48}", None),
        (":root .a{--primary:#e11d48}", None),
        ("h1{color:red}@media print{h1{color:red}:root{--primary:#e11d48}}", None),
        (":root{--PRIMARY:#e11d48}", None),
    ],
)
def test_the_colour_of_the_root_is_found(css: str, color: str | None) -> None:
    assert root_color(sanitize(css)) == color


def test_media_queries_stay() -> None:
    css = "@media (prefers-color-scheme: dark) and (min-width: 30rem){h1{color:#fff}}"
    assert "h1{color:#fff;}" in sanitize(css)
    assert sanitize(css).startswith("@media (prefers-color-scheme: dark)")


def test_a_fault_costs_its_declaration_only() -> None:
    css = "h1{position:fixed;color:red;width:expression(alert(1));;}}} p{color:blue} @@@ {"
    assert sanitize(css) == "h1{color:red;}\n"
    assert sanitize("h1{color:red;position:fixed} p{color:blue}") == (
        "h1{color:red;}\np{color:blue;}\n"
    )


# What goes


@pytest.mark.parametrize(
    "css",
    [
        "@import url(https://evil.example/x.css);",
        "@import 'https://evil.example/x.css';",
        "@IMPORT 'x';",
        "@\\69mport 'x';",
        "@font-face{font-family:x;src:url(https://evil.example/x.woff)}",
        "@namespace url(https://evil.example);",
        "@charset 'utf-7';",
        "@layer guard{.consent{color:red}}",
        "@keyframes x{from{color:red}}",
        "@supports (color:red){h1{color:red}}",
        "@media (min-width:url(x)){h1{color:red}}",
        "@media screen{@media print{@import 'x'}}",
        "h1{background:url(https://evil.example/a.png)}",
        "h1{background:URL('//evil.example')}",
        "h1{background:u\\72l(https://evil.example)}",
        "h1{background:image-set('https://evil.example' 1x)}",
        "h1{background:src('https://evil.example')}",
        "h1{background:image('https://evil.example')}",
        "h1{background:linear-gradient(red,url(x))}",
        "h1{background:var(--x,url(x))}",
        "h1{background:var(--guard-card)}",
        "h1{background:attr(data-x)}",
        "h1{background:element(#x)}",
        "h1{cursor:url(https://evil.example),auto}",
        "h1::before{content:'You are safe'}",
        "h1::before{content:url(https://evil.example)}",
        "li::marker{color:red}",
        "h1{content:'x'}",
        "h1{behavior:url(x.htc)}",
        "h1{-moz-binding:url(x.xml#y)}",
        "h1{width:expression(alert(1))}",
        "h1{color:expression(alert(1))}",
        "h1{filter:progid:DXImageTransform.Microsoft.Alpha(opacity=0)}",
        "</style><script>alert(1)</script>",
        "h1{font-family:'</style><script>'}",
        ".\\<\\/style\\>{color:red}",
        "h1{color:red<}",
        "input[value^='a']{color:red}",
        "input[value=a]{color:red}",
        "input[name='_csrf']{color:red}",
        "a:visited{color:red}",
        "p:has(input){color:red}",
        "p:not(.x){color:red}",
    ],
)
def test_what_loads_runs_or_reads_is_gone(css: str) -> None:
    assert sanitize(css) == ""


@pytest.mark.parametrize(
    "declaration",
    [
        "position:fixed",
        "POSITION:absolute",
        "pos\\69tion:fixed",
        "display:none",
        "visibility:hidden",
        "opacity:0",
        "transform:scale(0)",
        "translate:-999px",
        "scale:0",
        "clip-path:circle(0)",
        "height:0",
        "width:0",
        "max-height:0",
        "max-width:0",
        "max-width:1px",
        "max-width:0%",
        "overflow:hidden",
        "z-index:9999",
        "inset:0",
        "float:right",
        "order:9",
        "flex-direction:row-reverse",
        "direction:rtl",
        "text-indent:-9999px",
        "font-size:0",
        "font-size:0px",
        "font-size:1px",
        "font-size:.01rem",
        "font-size:1%",
        "font-size:calc(0px)",
        "font-size:1.5em",
        "font-size:2EM",
        "font-size:3ch",
        "font-size:120%",
        "font-size:300%",
        "font-size:larger",
        "font-size:smaller",
        "font-size:x-small",
        "font-size:xx-small",
        "font-size:math",
        "font-size:16px larger",
        "font-size:max(0px,0px)",
        "font-size:1e999px",
        "font-size:9999px",
        "font:0/0 a",
        "line-height:0",
        "line-height:-1",
        "letter-spacing:-1em",
        "margin-top:-9999px",
        "margin:0 0 0 -50px",
        "margin-top:100vh",
        "padding-top:9999px",
        "padding:50%",
        "box-shadow:0 0 0 9999px #fff",
        "border-width:500px",
        "border-top:500px solid #fff",
        "outline:none",
        "pointer-events:none",
        "user-select:none",
        "mask:none",
        "mix-blend-mode:difference",
        "animation:x 1s",
        "transition:all 1s",
        "color-scheme:dark",
        "--guard-text:#fff",
        "--PRIMARY:red",
        "--link:#fff",
        "all:unset",
        "zoom:0",
        "content-visibility:hidden",
        "-webkit-text-security:disc",
        "-webkit-text-fill-color:transparent",
        "background-clip:text",
        "color:",
        "color:}",
    ],
)
def test_what_moves_covers_or_hides_is_gone(declaration: str) -> None:
    assert sanitize(f".scope-list{{{declaration}}}") == ""
    assert sanitize(f".scope-list{{{declaration} !important}}") == ""
    assert sanitize(f"@media all{{.scope-list{{{declaration}}}}}") == ""


def test_nested_rules_are_gone() -> None:
    assert sanitize(".a{color:red;.b{position:fixed;color:blue}&:hover{color:blue}}") == (
        ".a{color:red;}\n"
    )


def test_the_guard_comes_before_every_other_rule() -> None:
    """Important declarations of an earlier layer win over all that comes later (CSS Cascade 5)."""
    base = BASE.read_text()
    assert base.index("@layer guard, base;") < base.index("{")
    assert base.count("@layer base {") == base.count("@layer guard {") == 1
    assert ".consent" in base[: base.index("@layer base {")]


@pytest.mark.parametrize(
    "css",
    ["(" * 19_000, "a{b:" * 4_000, "[" * 19_000, "a{color:f(" * 1_900, "/*" * 9_000, "\\" * 19_000],
)
def test_malicious_nesting_is_cheap(css: str) -> None:
    began = time.process_time()
    assert sanitize(css) == ""
    assert time.process_time() - began < 2.0


def test_too_much_is_nothing() -> None:
    assert sanitize("h1{color:red}" * (LONGEST // 10)) == ""


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            [
                "h1",
                "{",
                "}",
                ";",
                ":",
                "!",
                "important",
                "url(",
                ")",
                "'",
                '"',
                "\\",
                "/",
                "*",
                "@import",
                "@media",
                "var(",
                "--x",
                "color",
                "background",
                "position",
                "fixed",
                "red",
                "<",
                ">",
                "<!--",
                "-->",
                "</style>",
                "\x00",
                "\n",
                "(",
                "[",
                "]",
                "https://e.example",
                ",",
                ".",
                "#",
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_whatever_comes_in_nothing_dangerous_comes_out(css: str) -> None:
    clean = sanitize(css)
    for forbidden in ("<", "url(", "@import", "position", "\\", "http", "content", "expression("):
        assert forbidden not in clean.lower()
    assert sanitize(clean) == clean
