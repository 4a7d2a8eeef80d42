"""What a file may not be made of: aliases, depths, sizes and types that JSON does not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from porta.services.provisioning.file import LARGEST, build_document, load_document
from porta.services.provisioning.problems import DocumentInvalid
from porta.services.provisioning.syntax import Malformed, parse_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def refusal(tmp_path: Path, name: str, text: str | bytes) -> str:
    """Return what is said of a file of this text."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentInvalid) as refused:
        load_document(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    return said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BOMB, 1),
        ("version: '1.0'\norganizations: &a [*a]\n", 2),
        ("version: '1.0'\n\norganizations: *a\n", 3),
        ("version: &v '1.0'\n", 1),
    ],
)
def test_anchors_and_aliases_are_no_part_of_the_format(
    tmp_path: Path, text: str, line: int
) -> None:
    said = refusal(tmp_path, "seed.yaml", text)
    assert f"line {line}, column" in said
    assert "anchor" in said


@pytest.mark.parametrize("name", ["seed.yaml", "seed.json"])
def test_what_nests_too_deeply_is_refused(tmp_path: Path, name: str) -> None:
    assert "nested too deeply" in refusal(tmp_path, name, "[" * 100_000)
    assert "nested too deeply" in refusal(tmp_path, name, "[" * 200 + "]" * 200)


@pytest.mark.parametrize("name", ["seed.yaml", "seed.json"])
def test_a_number_beyond_all_measure_is_refused(tmp_path: Path, name: str) -> None:
    assert "number" in refusal(tmp_path, name, f'{{"version": {"9" * 5000}}}')
    assert "config.x: is a number" in refusal(tmp_path, name, f'{{"config": {{"x": {2**64}}}}}')


def test_a_number_of_many_parts_is_refused_before_it_is_computed(tmp_path: Path) -> None:
    said = refusal(tmp_path, "seed.yaml", "version: " + "1" + ":1" * 100_000)
    assert "line 1" in said


def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    assert "larger than" in refusal(tmp_path, "seed.yaml", b"#" * (LARGEST + 1))


def test_a_date_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    assert "line 2, column 12" in refusal(tmp_path, "seed.yaml", "a: 1\nbirthdate: 1990-02-30\n")


def test_a_key_that_stands_twice_is_told_with_its_place(tmp_path: Path) -> None:
    text = '{"version": "1.0", "organizations": [{"name": "A"}, {"name": "B", "name": "C"}]}'
    assert "organizations[1].name: stands twice" in refusal(tmp_path, "seed.json", text)


def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    assert "is empty" in refusal(tmp_path, "seed.yaml", "# nothing\n")


def claim(value: object) -> dict[str, Any]:
    """A document in which nothing but a claim's value, all of JSON, can be wrong."""
    listed = {"app": "crm", "claim": "level", "value": value}
    person = {"email": "alice@acme.test", "claims": [listed]}
    return {"version": "1.0", "organizations": [{"name": "Acme", "users": [person]}]}


VALUE = "organizations[0].users[0].claims[0].value"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("!!binary aGVsbG8=", VALUE),
        ("!!set {a, b}", VALUE),
        ("!!omap [a: b]", f"{VALUE}[0]"),
        (".nan", VALUE),
        ("[-.inf]", f"{VALUE}[0]"),
        ("{1: a}", VALUE),
        (r'{"a\0b": 1}', VALUE),
        (r'{"a": {"b\ud800": 1}}', f"{VALUE}.a"),
    ],
)
def test_what_json_does_not_have_is_refused(tmp_path: Path, value: str, path: str) -> None:
    written = json.dumps(claim(0)).replace('"value": 0', f'"value": {value}')
    said = refusal(tmp_path, "seed.yaml", written)
    assert f": {path}: " in said
    said.encode()


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "a\nb"])
def test_a_key_is_checked_like_a_value(tmp_path: Path, key: str) -> None:
    assert f": {VALUE}: holds a key" in refusal(tmp_path, "s.json", json.dumps(claim({key: 1})))
    with pytest.raises(DocumentInvalid) as refused:
        build_document("seed.json", claim(0) | {key: 1})
    str(refused.value).encode()


def test_what_json_has_is_accepted() -> None:
    assert build_document("", claim({"a b": [1, -2.5, True, None, {"ü": "two\nlines"}]}))


def test_applications_F10_who_writes_yaml_by_pyyaml_is_told_how() -> None:
    """It makes anchors of equal lists by itself, also of two that only look alike."""
    scopes = ["openid", "email"]
    with pytest.raises(Malformed, match="ignore_aliases") as refusal:
        parse_yaml(yaml.safe_dump({"a": scopes, "b": scopes}))
    assert "line 1, column 4" in str(refusal.value)

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    text = yaml.dump({"a": scopes, "b": scopes}, Dumper=Plain)
    assert parse_yaml(text) == {"a": scopes, "b": scopes}
