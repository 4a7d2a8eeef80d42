"""Client of the Admin API: one server, one caller, every resource."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from porta.admin_client.http import Http
from porta.admin_client.resources import Resources
from porta.admin_client.tokens import TokenSource
from porta.admin_client.transport import Transport


class AdminClient(Resources):
    """Everything that can be administered: `async with AdminClient(server, tokens) as admin`."""

    def __init__(
        self,
        server: str,
        tokens: TokenSource | None = None,
        *,
        ca_file: str | None = None,
        timeout: float = 30.0,
        attempts: int = 4,
        rehearses: bool = False,
    ) -> None:
        """Administer `server` (`https://id.example.com`) with `tokens`; without, what is public.

        `timeout` is in seconds, of each attempt. `ca_file` names the authorities that are trusted
        in place of those of the system. Who `rehearses` reads, and raises Rehearsed in place of a
        change. Raises InsecureAddress for what is not https, but on this machine.
        """
        self._http = Http(ca_file=ca_file, timeout=timeout)
        super().__init__(
            Transport(server, tokens, self._http, attempts=attempts, rehearses=rehearses)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()
