"""The log: its lines, and what never stands in one (security requirement I.3)."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from porta.observability import log, redaction


class _Output(io.TextIOWrapper):
    """Standard output as a process has it: text over bytes."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def output() -> Iterator[_Output]:
    """Where the log goes; its configuration is put back afterwards."""
    root, handlers = logging.root, list(logging.root.handlers)
    levels = {name: logging.getLogger(name).level for name in ("", "tornado.general", "asyncio")}
    yield _Output()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_a_line_is_an_object_with_the_fields_of_1x(output: _Output) -> None:
    log.configure(level="info", json=True, stream=output)
    log.request_log().info("request", status=200)
    (line,) = output.lines()
    assert isinstance(line.pop("time"), int)
    assert isinstance(line.pop("pid"), int)
    assert isinstance(line.pop("hostname"), str)
    assert line == {"level": 30, "msg": "request", "status": 200}


@pytest.mark.parametrize("event", ["ready.degraded", "config.safety_skipped"])
def test_what_1x_named_an_event_is_one(output: _Output, event: str) -> None:
    log.configure(level="info", json=True, stream=output)
    log.request_log().warning(event, checks=1)
    (line,) = output.lines()
    assert (line["event"], line["msg"], line["checks"]) == (event, event, 1)


def test_the_standard_library_writes_the_same_lines(output: _Output) -> None:
    log.configure(level="info", json=True, stream=output)
    logging.getLogger("porta.config.system").warning("config.invalid_value", extra={"key": "x"})
    (line,) = output.lines()
    assert (line["level"], line["msg"], line["key"]) == (40, "config.invalid_value", "x")


@pytest.mark.parametrize(
    ("level", "expected"), [("debug", 2), ("info", 2), ("warn", 0), ("error", 0), ("fatal", 0)]
)
def test_the_level_filters_both(output: _Output, level: str, expected: int) -> None:
    log.configure(level=level, json=True, stream=output)
    log.request_log().info("request")
    logging.getLogger("x").info("told")
    assert len(output.lines()) == expected


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"cookie": "hunter2"},
        {"refresh_token": "hunter2"},
        {"headers": {"Authorization": "hunter2", "Set-Cookie": "hunter2"}},
        {"request": {"body": {"client_secret": "hunter2"}}},
        {"tried": [{"code": "hunter2"}, ({"token": "hunter2"},)]},
        {"deep": {"a": {"b": {"c": {"d": "hunter2"}}}}},
    ],
)
def test_secrets_are_redacted(output: _Output, fields: dict[str, Any], *, json_lines: bool) -> None:
    log.configure(level="info", json=json_lines, stream=output)
    log.request_log().info("told", **fields)
    logging.getLogger("x").warning("told", extra=fields)
    assert "hunter2" not in output.text()
    assert output.text().count("[Redacted]") >= 2


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_line_is_one_line(output: _Output, *, json_lines: bool) -> None:
    log.configure(level="info", json=json_lines, stream=output)
    log.request_log().info("a\nb", path="/x\r\nforged\u2028\x85line\x1b[2J\x00")
    assert len(output.text().splitlines()) == 1
    assert "\x1b[2J" not in output.text()


def test_an_error_is_told_with_its_traceback(output: _Output) -> None:
    log.configure(level="info", json=True, stream=output)
    try:
        raise ValueError("wrong")
    except ValueError:
        log.request_log().error("failed", exc_info=True)
        logging.getLogger("x").exception("failed")
    for line in output.lines():
        assert line["level"] == 50
        assert (line["err"]["type"], line["err"]["message"]) == ("ValueError", "wrong")
        assert "test_log.py" in line["err"]["stack"]


def test_the_request_at_hand_is_named(output: _Output) -> None:
    log.configure(level="info", json=True, stream=output)
    about = log.About("the-id")
    token = log.request.set(about)
    log.request_log().info("told")
    logging.getLogger("x").info("told")
    about.organization, about.client_id = "acme", "w\neb" + "x" * 1000
    log.request_log().info("told")
    log.request.reset(token)
    log.request_log().info("told")
    lines = output.lines()
    assert [line.get("requestId") for line in lines] == ["the-id"] * 3 + [None]
    assert [line.get("organization") for line in lines] == [None, None, "acme", None]
    assert lines[2]["client_id"] == "w?eb" + "x" * 196


def test_people_36_a_time_for_people_has_its_date_and_zone(output: _Output) -> None:
    log.configure(level="info", json=False, stream=output)
    log.request_log().info("told")
    stamp = output.text().split(" [")[0]
    assert time.strptime(stamp, "%Y-%m-%d %H:%M:%S%z").tm_gmtoff is not None, stamp


def test_what_strangers_send_is_not_quoted_by_libraries(output: _Output) -> None:
    log.configure(level="debug", json=True, stream=output)
    logging.getLogger("tornado.general").info("Malformed HTTP message: secret")
    assert output.lines() == []


def test_what_cannot_be_encoded_is_told_as_text(output: _Output) -> None:
    log.configure(level="info", json=True, stream=output)
    log.request_log().info("told", thing=object)
    assert output.lines()[0]["thing"] == "<class 'object'>"


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/", "/"),
        ("/acme/token", "/acme/token"),
        ("/acme/token/introspection", "/acme/token/introspection"),
        ("/interaction/" + "a" * 43, "/interaction/***"),
        ("/interaction/" + "a" * 43 + "/login", "/interaction/***/login"),
        ("/interaction/" + "a" * 1500 + "/login", "/interaction/***/login"),
        ("/acme/auth/" + "A_-9" * 10, "/acme/auth/***"),
        ("/a/b/c/d/e/f/g/" + "/secret" * 100, "/a/b/c/d/e/f/g/***"),
        ("/acme/account/ada@x.test", "/acme/account/***"),
        ("/acme/auth/ada%40x.test/b", "/acme/auth/***/b"),
        ("/acme/auth/ada%2540x.test/b", "/acme/auth/***/b"),
        ("/acme/auth/ada%25252540x.test", "/acme/auth/***"),
        ("/ada@x.test", "/***"),
        ("/ada%40x.test/auth", "/***/auth"),
        ("/ada%2540x.test", "/***"),
        ("ada@x.test", "***"),
        ("/acme/.well-known/openid-configuration", "/acme/.well-known/openid-configuration"),
        (
            "/.well-known/oauth-authorization-server/acme",
            "/.well-known/oauth-authorization-server/acme",
        ),
        ("/" + "s" * 100 + "/token", "/" + "s" * 100 + "/token"),
        ("/x\r\n\x00/y", "/x???/y"),
        ("/x\x85\u2028", "/x??"),
        ("/" + "x" * 5000, "/" + "x" * 199),
    ],
)
def test_a_path_is_logged_without_what_it_carries(path: str, masked: str) -> None:
    assert redaction.mask_path(path) == masked
