"""The floor: a Tornado handler that reads a form and answers, and nothing more."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import tornado.web
import uvloop


class BareHandler(tornado.web.RequestHandler):
    """POST / answers a constant."""

    async def post(self) -> None:
        self.get_body_argument("grant_type")
        self.set_header("Content-Type", "application/json")
        self.finish(b'{"ok":true}')


async def _serve(port: int) -> None:
    tornado.web.Application([(r"/", BareHandler)]).listen(port, "127.0.0.1")
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(int(sys.argv[1])))
