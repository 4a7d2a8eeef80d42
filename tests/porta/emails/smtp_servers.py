"""Mail servers to be spoken to: with TLS, with passwords, with refusals, with their own moods."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from porta.emails.mailer import MailServer

USER, PASSWORD = "porta", "a password"


@dataclass
class Caught:
    """What a server saw, and what it answers."""

    messages: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)
    rcpt: str = ""
    data: str = "250 OK"
    logins: list[bool] = field(default_factory=list)
    transports: list[asyncio.BaseTransport] = field(default_factory=list)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, _: Any
    ) -> str:
        if self.rcpt:
            return self.rcpt.format(address=address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            self.messages.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            self.sessions.append(session)
        return self.data

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> Any:
        right = data.login == USER.encode() and data.password == PASSWORD.encode()
        self.logins.append(right)
        return AuthResult(success=right, handled=False)

    def hang_up(self) -> None:
        for transport in self.transports:
            transport.close()


@asynccontextmanager
async def serving(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, auth: bool = False
) -> AsyncIterator[tuple[Caught, MailServer]]:
    """Run a mail server; yield what it catches, and how to speak to it without more."""
    caught = Caught()
    loop = asyncio.get_running_loop()

    class Watched(SMTP):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            caught.transports.append(transport)
            super().connection_made(transport)

    def protocol() -> SMTP:
        more: dict[str, Any] = {}
        if tls and not implicit:
            more = {"tls_context": tls, "require_starttls": True}
        if auth:
            more |= {"auth_require_tls": False, "authenticator": caught.authenticate}
        return Watched(caught, hostname="localhost", enable_SMTPUTF8=True, **more)

    context = tls if implicit else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield caught, MailServer("127.0.0.1", port, "none", None, None, "id.example.com")
    finally:
        server.close()
        caught.hang_up()


def certificate(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """Return the context of a server that is `host`, and the file of who vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    subject: x509.GeneralName
    try:
        subject = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(pem) + private)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context, file


@asynccontextmanager
async def raw(answer: Callable[[bytes], bytes | None], greeting: bytes) -> AsyncIterator[int]:
    """Run a server that says what it is told to; None hangs up. Yields its port."""
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            said = answer(line)
            if said is None:
                break
            writer.write(said)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def ended(task: asyncio.Task[Any]) -> None:
            writer.close()  # also of what was cancelled before it began
            tasks.discard(task)

        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(ended)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
