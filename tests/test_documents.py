"""What the documents say of commands, settings and first steps, held to the code (people 4, 5)."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click
import pytest
import yaml

from porta.__main__ import main
from porta.config.settings import Settings, load_settings
from porta.config.system import Config
from porta.pages.contract import version
from porta.pages.values import PAGES
from porta.services.provisioning.file import load_document
from porta.services.provisioning.problems import DocumentInvalid
from tests.test_deploy import OF_THE_CONTAINER, names_of_settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
OPERATIONS = DOCS / "operations.md"
FOR_OPERATORS = [
    README, OPERATIONS, DOCS / "configuration.md", DOCS / "provisioning.md", DOCS / "succession.md",
]  # fmt: skip
OLDER_NAMES = {"NODE_ENV", "TRUST_PROXY"}
_SHELL = re.compile(r"^( *)```sh\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"`([^`\n]+)`")


def commands(document: Path) -> Iterator[list[str]]:
    """Yield the words of every command line of ours that `document` names."""
    text = document.read_text(encoding="utf-8")
    for code in [*_QUOTED.findall(text), *(line for block in blocks(text) for line in block)]:
        words = shlex.split(code.split(" # ")[0].split(" <")[0]) if "porta" in code else []
        if words[:1] == ["docker"] and "porta" in words:
            words = words[len(words) - words[::-1].index("porta") - 1 :]
        if words[:1] == ["porta"] and len(words) > 1:
            yield words[1:]


def blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each block of shell, without its indentation."""
    for _, block in _SHELL.findall(text):
        yield textwrap.dedent(block).splitlines()


def first_steps() -> str:
    text = OPERATIONS.read_text(encoding="utf-8")
    return text.split("\n## From an empty Debian to a sign-in\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("document", FOR_OPERATORS, ids=lambda path: path.stem)
def test_people_4_every_command_and_option_named_exists(document: Path) -> None:
    for words in commands(document):
        command: click.Command = main
        context = click.Context(main)
        for word in words:
            if word.startswith("-") and word != "-":
                known = {o for p in command.params for o in [*p.opts, *p.secondary_opts]}
                assert word.partition("=")[0] in known | {"--help"}, words
            elif isinstance(command, click.Group):
                found = command.get_command(context, word)
                assert found is not None, words
                command = found


def test_people_4_commands_are_found_where_they_stand() -> None:
    """The test above looks at something: commands in blocks, in sentences and in containers."""
    named = [" ".join(words) for words in commands(README)]
    assert "migrate up" in named
    assert "init" in named
    assert "health --url http://127.0.0.1:3000 --wait 60" in [
        " ".join(words) for words in commands(OPERATIONS)
    ]


def test_every_verb_of_make_that_is_named_exists() -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in [*FOR_OPERATORS, ROOT / "CONTRIBUTING.md", DOCS / "architecture.md"]:
        text = document.read_text(encoding="utf-8")
        named = re.findall(r"^make ([a-z]+)", text, re.MULTILINE)
        named += re.findall(r"`make ([a-z]+)", text)
        assert set(named) <= verbs, document.name


def _table(section: str) -> str:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    return re.split(r"\n##+ ", text.split(f"\n## {section}\n")[1])[0]


def test_people_5_every_setting_has_its_line_in_the_table_and_no_other_has() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", _table("Settings"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}
    assert named == names_of_settings() | OF_THE_CONTAINER | OLDER_NAMES


def test_people_5_the_table_tells_the_default_of_a_setting() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", _table("Settings"), re.MULTILINE)
    told = 0
    for names, defaults in rows:
        variables = re.findall(r"`([A-Z][A-Z0-9_]+)`", names)
        values = [value.strip(" `") for value in defaults.split(",")]
        if len(values) != len(variables):
            continue
        for variable, value in zip(variables, values, strict=True):
            field = Settings.model_fields.get(variable.lower())
            if field is not None and isinstance(field.default, bool | int | float):
                assert value == str(field.default).lower().removesuffix(".0"), variable
                told += 1
    assert told > 12


def test_every_key_of_config_that_is_named_exists_and_none_is_left_out() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", _table("Config"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z][a-z_]+)`", row)}
    known = set(Config.__annotations__)
    assert named <= known
    assert known - named - {f"{name.removesuffix('_max')}_window" for name in named} == set()


def test_people_4_the_settings_of_the_first_steps_start_in_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (written,) = re.findall(r"<<END\n(.*?)\n *END\n", first_steps(), re.DOTALL)
    made = {"-base64 48": "k" * 64, "-hex 32": "12" * 32}
    text = re.sub(r"\$\(openssl rand ([^)]+)\)", lambda match: made[match[1]], written)
    assert "$" not in text
    for name in names_of_settings() | {"NODE_ENV"}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(textwrap.dedent(text), encoding="utf-8")
    settings = load_settings()
    assert settings.environment == "production"
    assert settings.secure
    names = re.findall(r"^ *([A-Z_]+)=", text, re.MULTILINE)
    assert set(names) <= names_of_settings()


def test_people_4_the_files_of_the_first_steps_are_there() -> None:
    named = set(re.findall(r"/opt/porta/((?!\.venv)[\w./-]+)", first_steps()))
    assert named >= {"requirements.txt", "deploy/porta", "deploy/porta.service"}
    for name in named:
        assert (ROOT / name).is_file(), name
    assert (ROOT / "deploy" / "porta").stat().st_mode & 0o111


def test_people_4_the_first_sign_in_is_one_that_its_file_allows(tmp_path: Path) -> None:
    (url,) = re.findall(r"```text\n\s*(\S+)\n", first_steps())
    sent = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    example = ROOT / "examples" / "first-sign-in.yaml"
    (organization,) = yaml.safe_load(example.read_text())["organizations"]
    (client,) = organization["applications"][0]["clients"]
    assert urlsplit(url).path == f"/{organization['name'].lower()}/auth"
    assert sent["client_id"] == client["client_id"]
    assert set(sent["scope"].split()) <= set(client["scope"].split())
    without_port = re.sub(r":\d+/", "/", sent["redirect_uri"].removeprefix("http:"))
    assert [f"http:{without_port}"] == client["redirect_uris"]
    (exchange,) = [line for line in first_steps().splitlines() if "/token " in line]
    posted = dict(part.split("=", 1) for part in re.findall(r"-d (\S+)", exchange))
    assert posted["redirect_uri"] == sent["redirect_uri"]
    assert posted["client_id"] == sent["client_id"]
    digest = hashlib.sha256(posted["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == sent["code_challenge"]


def test_people_4_the_example_is_refused_until_a_password_is_chosen(tmp_path: Path) -> None:
    example = ROOT / "examples" / "first-sign-in.yaml"
    with pytest.raises(DocumentInvalid, match="password"):
        load_document(example)
    (pattern,) = re.findall(r's/([^/]+)/\$\(openssl rand -hex 12\)/"', first_steps())
    chosen, count = re.subn(pattern, "0f" * 12, example.read_text())
    assert count == 1
    (tmp_path / "chosen.yaml").write_text(chosen)
    assert load_document(tmp_path / "chosen.yaml")


@pytest.mark.parametrize(
    ("language", "file"), [("nginx", "nginx.conf"), ("caddyfile", "Caddyfile")]
)
def test_what_is_shown_for_a_proxy_is_the_file_that_is_installed(language: str, file: str) -> None:
    (shown,) = re.findall(rf"```{language}\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    assert shown == (ROOT / "deploy" / file).read_text()


def test_every_document_is_found_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([^)#]+)", README.read_text(encoding="utf-8")))
    assert {path.name for path in DOCS.glob("*.md")} <= linked
    assert {"integrations/README.md", "decisions/README.md"} <= linked


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_values_of_every_page_are_documented(name: str) -> None:
    """A template of an operator's own relies on them: see porta/pages/contract.py for CHANGES."""
    always, perhaps = (
        ", ".join(f"`{value}`" for value in sorted(values))
        for values in (PAGES[name].required, PAGES[name].optional)
    )
    line = f"| `{name}` | {version(f'pages/{name}.html')} | {always} | {perhaps} |"
    text = (DOCS / "templates.md").read_text(encoding="utf-8")
    assert line in text.splitlines(), f"docs/templates.md needs this line, in this order: {line}"
