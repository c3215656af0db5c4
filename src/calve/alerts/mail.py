"""Send a message by mail.

The password goes over an encrypted connection only. A mail has the name of its alert as Message-ID, so that a copy can
be told from news; a recovery answers the mail that it closes.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal, get_args

from calve.alerts.answer import TIMEOUT_SECONDS, Refusal
from calve.alerts.message import Message

logger = logging.getLogger(__name__)

HOST, PORT, SENDER = "CALVE_ALERTS_SMTP_HOST", "CALVE_ALERTS_SMTP_PORT", "CALVE_ALERTS_SMTP_FROM"
USER, PASSWORD, TLS = "CALVE_ALERTS_SMTP_USER", "CALVE_ALERTS_SMTP_PASSWORD", "CALVE_ALERTS_SMTP_TLS"

Encryption = Literal["required", "offered", "implicit", "off"]
_USUAL_PORTS: dict[str, int] = {"implicit": 465}
_SUBMISSION = 587


@dataclass(frozen=True)
class Server:
    """The SMTP server that all mail goes through.

    Attributes:
        tls: `required`: STARTTLS or nothing is sent. `offered`: STARTTLS when the server has it. `implicit`: TLS from
            the first byte. `off`: for a relay on the same machine.
    """

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Encryption = "required"


def server_of(environment: Mapping[str, str]) -> Server | Refusal:
    """Read the server from `CALVE_ALERTS_SMTP_…`."""
    host, sender, tls = environment.get(HOST, ""), environment.get(SENDER, ""), environment.get(TLS, "required")
    if not host or not sender:
        return Refusal(f"mail: {HOST} or {SENDER} is not set; set both")
    if tls not in get_args(Encryption):
        return Refusal(f"mail: {TLS} is not one of {', '.join(get_args(Encryption))}; correct it")
    port = environment.get(PORT, "") or str(_USUAL_PORTS.get(tls, _SUBMISSION))
    if not port.isdecimal():
        return Refusal(f"mail: {PORT} is no number; correct it")
    encryption: Encryption = tls  # type: ignore[assignment]  # one of them, as was looked
    return Server(host, int(port), sender, environment.get(USER, ""), environment.get(PASSWORD, ""), encryption)


def send_by_mail(to: tuple[str, ...], message: Message, environment: Mapping[str, str]) -> Refusal | None:
    """Hand the mail to the server; None when it took it for at least one of the addresses."""
    server = server_of(environment)
    if isinstance(server, Refusal):
        return server
    where = f"mail: {server.host}:{server.port}"
    try:
        return _sent(server, mail_of(message, server.sender, to), where)
    except smtplib.SMTPResponseException as error:
        return Refusal(f"{where} answered {error.smtp_code}, expected 250")
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        return Refusal(f"{where} refused every address ({', '.join(map(str, codes))}), expected 250; look at the route")
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return Refusal(f"{where} gave no answer ({type(error).__name__}), expected 250")


def mail_of(message: Message, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """Return the mail: plain text, one for all addresses."""
    mail = EmailMessage()
    mail["Subject"] = f"[{message.source}] {message.subject}"
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = _message_id(message, message.event)
    if message.event == "recovered":
        mail["In-Reply-To"] = mail["References"] = _message_id(message, "opened")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.as_text())
    return mail


def _message_id(message: Message, event: str) -> str:
    return f"<{hashlib.sha256(f'{message.incident}/{event}'.encode()).hexdigest()[:32]}@calve.invalid>"


def _sent(server: Server, mail: EmailMessage, where: str) -> Refusal | None:
    context = ssl.create_default_context()
    if server.tls == "implicit":
        client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        client.ehlo()
        is_encrypted = server.tls == "implicit"
        if server.tls in ("required", "offered") and (server.tls == "required" or client.has_extn("starttls")):
            if not client.has_extn("starttls"):
                return Refusal(f"{where} offers no STARTTLS, expected it; set {TLS} if that is meant")
            client.starttls(context=context)
            client.ehlo()
            is_encrypted = True
        if server.user:
            if not is_encrypted:
                return Refusal(
                    f"{where} offers no encryption, expected it for a password; take {USER} out or set {TLS}"
                )
            client.login(server.user, server.password)
        if some := client.send_message(mail):
            # The others have it: trying again would double theirs.
            logger.warning("mail refused for some addresses", extra={"server": server.host, "refused": len(some)})
        return None
    finally:
        _leave(client)


def _leave(client: smtplib.SMTP) -> None:
    """Say goodbye; what was taken is taken, whatever the server says to that."""
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()
