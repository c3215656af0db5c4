"""A real SMTP server that keeps what it takes, with STARTTLS, a login, and addresses that it refuses."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

from unused_ports import free_ports


class Mailbox:
    """What was taken, and for whom."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.unknown: set[str] = set()
        self.logins: list[str] = []
        self.refusal = ""
        self.port = 0

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, server: object, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        self.mails.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def authenticate(
        self, server: object, session: object, envelope: object, mechanism: str, data: object
    ) -> AuthResult:
        is_right = (data.login, data.password) == (b"calve", b"mail-" + b"passw0rd")
        self.logins.append(data.login.decode())
        return AuthResult(success=is_right, handled=False)


@contextmanager
def receiving(mailbox: Mailbox, context: ssl.SSLContext | None = None, **kw: object) -> Iterator[Mailbox]:
    """Run the server on a port of its own; with a context it offers STARTTLS."""
    (mailbox.port,) = free_ports(1)
    kw |= {"authenticator": mailbox.authenticate} if kw.get("auth_required") else {}
    controller = Controller(mailbox, "127.0.0.1", mailbox.port, tls_context=context, **kw)
    controller.start()
    yield mailbox
    controller.stop()
