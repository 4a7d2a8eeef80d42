"""Download: a file that is sent while it is made; one that breaks off never looks whole."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from handlers.http.timeouts import Phase, Stream
from porta.administration.downloads import Download

if TYPE_CHECKING:
    from handlers.base import PortaHandler


async def send(handler: PortaHandler, file: Download) -> None:
    """Answer with `file`. What fails after its first bytes closes the connection in the middle of
    it: the last chunk, which ends a whole one (RFC 9112 §7.1), never comes.
    """
    stream = cast(Stream, cast(HTTP1Connection, handler.request.connection).stream)
    handler.set_header("Content-Type", file.media_type)
    handler.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
    async with aclosing(file.chunks) as chunks:
        if handler.request.method == "HEAD":
            handler.finish()
            return
        try:
            async for chunk in chunks:
                handler.write(chunk)
                stream.enter(Phase.ANSWER)  # it waits for the reader, not for us
                await handler.flush()
        except StreamClosedError:
            pass  # nobody reads any more
        except BaseException:
            if handler.is_begun:
                stream.close()
            raise
    handler.finish()
