"""Templates and texts of an operator's own: file by file, by contract, never at a page's cost."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from porta.emails.render import Emails
from porta.errors import Invalid
from porta.pages import contract, overrides
from porta.pages.render import Pages
from porta.pages.values import PAGES
from tests.porta.pages.page_documents import ACME, TEMPLATES, VALUES

GLOBEX = replace(ACME, id="2", slug="globex")
FIRST = "{# porta-template 1 #}"
ROOT = f"{FIRST}<h1>{{{{ t('root.title') }}}}</h1>"
_REST = f"{{# {' '.join(sorted(PAGES['login'].required))} #}}"
LOGIN = f"{FIRST}<p>Our own {{{{ uid }}}} {{{{ csrf }}}} {{{{ client_name }}}}</p>{_REST}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


def put(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def po(**texts: str) -> str:
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
    said = (f'msgid "{key.replace("__", ".")}"\nmsgstr "{text}"\n' for key, text in texts.items())
    return "\n".join([header, *said])


def load(folder: Path) -> Pages:
    return Pages.load(own_folder=str(folder))


def login(pages: Pages, organization: Any, locale: str = "en", **values: Any) -> str:
    return pages.render(
        "login", organization=organization, locale=locale, **VALUES["login"] | values
    )


def refused(folder: Path) -> str:
    with pytest.raises(Invalid) as raised:
        load(folder)
    return raised.value.message


def test_one_file_takes_the_place_of_one_page_for_one_organization(folder: Path) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN)
    pages, shipped = load(folder), Pages.load()
    assert login(pages, ACME) == "<p>Our own u1 c1 Portal</p>"
    assert login(pages, GLOBEX) == login(shipped, GLOBEX)
    for name in ("consent", "error", "root"):
        values: dict[str, Any] = {"organization": ACME, "locale": "en"} | VALUES[name]
        assert pages.render(name, **values) == shipped.render(name, **values)


def test_what_is_for_every_organization_yields_to_what_is_for_one(folder: Path) -> None:
    put(folder, "templates/default/pages/login.html", LOGIN)
    put(folder, "templates/acme/pages/login.html", LOGIN.replace("Our own", "Acme's"))
    put(folder, "templates/globex/pages/root.html", ROOT)
    pages = load(folder)
    assert login(pages, ACME).startswith("<p>Acme's u1")
    assert login(pages, GLOBEX).startswith("<p>Our own u1")
    assert login(pages, None).startswith("<p>Our own u1")


def test_values_are_escaped_there_too(folder: Path) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN)
    assert "&lt;script&gt;" in login(load(folder), ACME, client_name="<script>")


def test_a_layout_of_one_s_own_holds_the_shipped_pages(folder: Path) -> None:
    shipped = (TEMPLATES / "layouts/main.html").read_text()
    own = FIRST + shipped.replace('<footer class="footer">', '<footer class="footer">Acme only')
    put(folder, "templates/acme/layouts/main.html", own)
    pages = load(folder)
    assert "Acme only" in login(pages, ACME)
    assert "Acme only" not in login(pages, GLOBEX)


@pytest.mark.parametrize("failing", ["{{ nothing_of_this_name }}", "{{ 1 / 0 }}", "{{ uid.no }}"])
def test_one_that_fails_leaves_the_shipped_page_and_is_told_of_once(
    folder: Path, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN + failing)
    pages, shipped = load(folder), Pages.load()
    with caplog.at_level(logging.ERROR):
        for email in ("ada@acme.test", "bob@acme.test"):
            assert login(pages, ACME, email=email) == login(shipped, ACME, email=email)
    told = [record for record in caplog.records if record.message == "template.failed"]
    assert [record.__dict__["template"] for record in told] == ["templates/acme/pages/login.html"]


def test_what_is_logged_holds_no_value(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN + "{{ {}[csrf] }}")
    with caplog.at_level(logging.ERROR):
        login(load(folder), ACME, csrf="a secret of a form")
    assert "KeyError" in str([record.__dict__ for record in caplog.records])
    assert "a secret of a form" not in str([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("templates/acme/pages/login.html", "<p>{{ uid }}{{ csrf }}", "does not begin with"),
        ("templates/acme/pages/login.html", "{# porta-template 0 #}", "for version 0"),
        ("templates/acme/pages/login.html", "{# porta-template 9 #}", "none after 1"),
        ("templates/acme/pages/login.html", f"{FIRST}{{{{ uid }}}}", "never uses csrf"),
        ("templates/acme/pages/login.html", f"{LOGIN}{{% if %}}", "templates/acme/pages/login"),
        ("templates/acme/pages/login.html", f"{LOGIN}{{{{ ) }}}}", "templates/acme/pages/login"),
        ("templates/acme/pages/logon.html", FIRST, "is no template: emails/"),
        ("templates/acme/pages/login.hbs", FIRST, "is no template"),
        ("templates/acme/layouts/main.html", f"{FIRST}{{% block title %}}", "has no block body"),
        ("templates/Acme/pages/login.html", LOGIN, "like an organization's slug"),
        ("templates/pages/login.html", LOGIN, "stands where nothing is read"),
        ("pages/login.html", LOGIN, "stands where nothing is read"),
        ("locales/acme/xx.po", po(), "is no language of the pages"),
        ("locales/acme/de.json", "{}", "stands where nothing is read"),
        ("locales/acme/de.po", po(login__heading="x"), "login.heading is no message"),
        ("locales/acme/de.po", po(login__title_client="{x}"), "login.title_client has no value x"),
        ("locales/default/de.po", po(login__title="{"), "login.title is malformed"),
        ("locales/acme/de.po", 'msgid "a', "locales/acme/de.po"),
    ],
)
def test_what_cannot_be_used_is_refused_at_start_with_its_file(
    folder: Path, name: str, source: str, told: str
) -> None:
    put(folder, name, source)
    message = refused(folder)
    assert told in message
    assert Path(name).stem in message


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ("\n\n{{ f( }}", 3),
        ("\n\n\n{% set a b %}", 4),
        ("\n{% if uid %}\n<p>", 2),
        ("\n\n{% frobnicate %}", 3),
        ("\n{% for x in %}{% end %}", 2),
        ("\n\n{% return 1 %}", 3),
        ("\n\n{% break %}", 3),
    ],
    ids=["open", "set", "no end", "unknown", "for", "return", "break"],
)
def test_what_is_no_template_is_told_with_its_line(folder: Path, broken: str, line: int) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN + broken)
    message = refused(folder)
    assert message.startswith("templates/acme/pages/login.html: "), message
    assert f"pages/login.html:{line}" in message
    assert "generated" not in message, "of a file that nobody has"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ('{% extends "login.html" %}', "extends or includes itself"),
        ('{% include "../pages/login.html" %}', "extends or includes itself"),
        ('{% include "../partials/none.html" %}', "partials/none.html"),
        ("{% whitespace none %}", "whitespace"),
        ("{{ \0 }}", "null bytes"),
        ("{{ " + "(" * 500 + ")" * 500 + " }}", "nested"),
    ],
    ids=["itself", "within itself", "not there", "whitespace", "null", "deep"],
)
def test_whatever_cannot_be_read_is_told_with_its_file(
    folder: Path, broken: str, told: str
) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN + broken)
    message = refused(folder)
    assert message.startswith("templates/acme/pages/login.html: "), message
    assert told in message


def test_what_stands_in_a_layout_is_told_with_the_line_there(folder: Path) -> None:
    shipped = (TEMPLATES / "layouts/main.html").read_text()
    put(folder, "templates/acme/layouts/main.html", f"{FIRST}{shipped}\n{{{{ 1 + }}}}")
    put(
        folder,
        "templates/acme/pages/login.html",
        f'{FIRST}{{% extends "../layouts/main.html" %}}{_REST}',
    )
    lines = shipped.count("\n") + 2
    assert f"layouts/main.html:{lines}" in refused(folder)


def test_every_file_that_is_wrong_is_told(folder: Path) -> None:
    put(folder, "templates/acme/pages/login.html", "")
    put(folder, "templates/globex/pages/nothing.html", FIRST)
    message = refused(folder)
    assert "acme/pages/login.html" in message
    assert "globex/pages/nothing.html" in message


def test_every_template_that_does_not_compile_is_told(folder: Path) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN + "{{ f( }}")
    put(folder, "templates/globex/pages/root.html", ROOT + "{% if %}")
    message = refused(folder)
    assert "acme/pages/login.html" in message
    assert "globex/pages/root.html" in message


def test_one_of_an_older_version_is_refused_with_what_changed() -> None:
    name, said = "pages/login.html", ("`uid` is `interaction` now.", "The form needs `method`.")
    changes = {name: said}
    written = {
        number: list(contract.find_faults(name, LOGIN.replace("te 1", f"te {number}"), changes))
        for number in (1, 2, 3, 4)
    }
    assert written[1] == [f"is for version 1; this is 3. Since then: {said[0]} {said[1]}"]
    assert written[2] == [f"is for version 2; this is 3. Since then: {said[1]}"]
    assert written[3] == []
    assert written[4] == ["is for version 4, and there is none after 3"]


def test_what_everybody_may_write_or_leads_elsewhere_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    path = put(folder, "templates/acme/pages/login.html", LOGIN)
    path.chmod(0o666)
    assert "may be written by everybody" in refused(folder)
    path.unlink()
    secret = put(tmp_path, "elsewhere/login.html", LOGIN)
    path.symlink_to(secret)
    assert "leads out of the folder" in refused(folder)
    path.unlink()
    os.mkfifo(path)
    assert "is not a file" in refused(folder)
    path.unlink()
    path.write_text(LOGIN + "x" * 300_000)
    assert "is larger than" in refused(folder)
    path.write_bytes(FIRST.encode() + b"\xff")
    assert "is not UTF-8" in refused(folder)


def test_a_mounted_folder_of_links_is_read(folder: Path) -> None:
    """As orchestrators mount files: hidden folders, and links to what is in them."""
    put(folder, "..2026/templates/acme/pages/login.html", LOGIN)
    (folder / "templates").symlink_to(folder / "..2026/templates")
    assert login(load(folder), ACME) == "<p>Our own u1 c1 Portal</p>"


def test_a_folder_that_is_not_there_is_refused(folder: Path) -> None:
    assert "cannot be read" in refused(folder)


@pytest.mark.parametrize("slug", ["../acme", "..", "acme/../acme", "/etc", "default/pages", ""])
def test_no_slug_leads_to_another_folder(folder: Path, slug: str) -> None:
    put(folder, "templates/acme/pages/login.html", LOGIN)
    assert "Our own" not in login(load(folder), replace(ACME, slug=slug))


def test_texts_of_one_s_own_come_first_and_the_rest_is_ours(folder: Path) -> None:
    put(folder, "locales/default/en.po", po(login__title_client="Welcome to {client_name}"))
    put(folder, "locales/acme/en.po", po(login__submit="Let me in"))
    put(folder, "locales/acme/pt_BR.po", po(login__submit="Quero entrar"))
    pages, shipped = load(folder), Pages.load()
    assert "Let me in" in login(pages, ACME)
    assert "Welcome to" in login(pages, ACME)
    assert "Let me in" not in login(pages, GLOBEX)
    assert "Welcome to" in login(pages, GLOBEX)
    assert "Quero entrar" in login(pages, ACME, "pt-BR")
    assert login(pages, ACME, "de") == login(shipped, ACME, "de")


def test_mails_have_templates_and_texts_of_their_own(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, "templates/acme/emails/otp_code.txt", f"{FIRST}Acme: {{{{ code }}}}")
    put(folder, "templates/acme/emails/otp_code.html", f"{FIRST}{{{{ nothing }}}}")
    put(folder, "locales/globex/en.po", po(emails__otp_code__title="The code of Globex"))
    emails = Emails(load(folder), "https://id.example")
    values = {"code": "123456", "minutes": 10, "name": None}
    with caplog.at_level(logging.ERROR):
        acme = emails.render("otp_code", "Code", ACME, "en", **values)
    globex = emails.render("otp_code", "Code", GLOBEX, "en", **values)
    assert acme.text == "Acme: 123456\n"
    assert "123456" in acme.html
    assert "NameError" in str([record.__dict__ for record in caplog.records])
    assert "The code of Globex" in globex.text
    assert "The code of Globex" in globex.html


def test_every_shipped_template_keeps_its_own_contract() -> None:
    names = overrides.shipped_templates(TEMPLATES)
    assert names > {"pages/login.html", "layouts/main.html", "emails/otp_code.txt"}
    for name in names:
        source = (TEMPLATES / name).read_text()
        stated = f"{{# porta-template {contract.version(name)} #}}"
        assert not list(contract.find_faults(name, stated + source)), name
    assert contract.CHANGES.keys() <= names
