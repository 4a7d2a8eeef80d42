"""A name server, made up: it answers for TXT records over UDP, as it should or otherwise."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass(slots=True)
class NameServer:
    """What it says may be changed at any time: names it does not know do not exist."""

    address: str
    """As DNS_RESOLVERS spells it."""
    texts: dict[str, list[str]] = field(default_factory=dict)
    """The records by their name."""
    refuses: set[str] = field(default_factory=set)
    """Names that it fails at."""
    ignores: set[str] = field(default_factory=set)
    """Names that it does not answer for."""
    asked: list[str] = field(default_factory=list)

    def answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if name in self.ignores:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if name in self.refuses:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.texts:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif self.texts[name]:
            quoted = [_quoted(text) for text in self.texts[name]]
            response.answer.append(
                dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", *quoted)
            )
        return response.to_wire()


def _quoted(text: str) -> str:
    """A record is made of strings of 255 bytes at most."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


@contextmanager
def name_server() -> Iterator[NameServer]:
    """Run one on the loopback, in a thread of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.1)
        made = NameServer(f"127.0.0.1:{listening.getsockname()[1]}")
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    wire, sender = listening.recvfrom(4096)
                except TimeoutError:
                    continue
                answer = made.answer(wire)
                if answer is not None:
                    listening.sendto(answer, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            over.set()
            thread.join()
