"""E-mail to customers: one per (order, parcel, step), in their language."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Protocol
from urllib.parse import urlsplit

import jinja2
import polars as pl

from oms_pipelines.channels.base import Receipt
from oms_pipelines.config import Oms

# one address and nothing else: a comma would make it two, a line end another header
_ADDRESS = re.compile(r"""[^\s@,;:<>()\[\]"\\]+@[^\s@,;:<>()\[\]"\\]+""")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Letter:
    """One message, rendered. `key` is the outbox's."""

    key: str
    to: str | None
    subject: str
    text: str
    language: str


class Mailer(Protocol):
    """Something that sends letters and says what became of each."""

    def send(self, letters: Sequence[Letter]) -> Iterator[Receipt]:
        """Send letters; one receipt each. None leaves before the last receipt was taken."""
        ...


@cache
def _template(step: str, language: str) -> jinja2.Template:
    text = (
        files("oms_pipelines.outbox")
        .joinpath(f"templates/{step}.{language}.txt")
        .read_text("utf-8")
    )
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(text)


def language_of(wanted: str, oms: Oms, channel_language: str | None) -> str:
    """Return the customer's language if there are templates for it, else the default."""
    for candidate in (wanted, channel_language or ""):
        short = candidate.replace("_", "-").split("-")[0].lower()
        if short in oms.notifications.languages:
            return short
    return oms.notifications.default_language


def letters(rows: pl.DataFrame, oms: Oms) -> list[Letter]:
    """Render the rows of `outbox/letters` into letters."""
    pages = {c.id: c.tracking_url for c in oms.carriers}
    spoken = {c.id: c.language for c in oms.channels}
    made = []
    for row in rows.iter_rows(named=True):
        language = language_of(row["language"], oms, spoken.get(row["channel_id"]))
        page, number = pages.get(row["carrier_id"] or ""), row["tracking_number"]
        text = _template(row["step"], language).render(
            name=row["name"] or "",
            number=" ".join((row["number"] or row["order_id"].split("/", 1)[1]).split()),
            tracking_number=number,
            tracking_url=page.replace("{number}", number) if page and number else None,
            collect=row["delivery_mode"] == "collect",
        )
        subject, _, body = text.partition("\n")
        title = " ".join(subject.split())
        made.append(Letter(row["key"], row["email"], title, body.strip(), language))
    return made


@dataclass(frozen=True)
class SmtpMailer:
    """Send by SMTP: `smtp://host:port` or `smtps://host:port`."""

    url: str
    sender: str
    user: str | None = None
    password: str | None = None

    def send(self, letters: Sequence[Letter]) -> Iterator[Receipt]:
        """Send letters over one connection; what it did not take before it broke waits.

        A letter the server refuses for good is rejected alone. The server's own words may
        hold an address: receipts tell its code, never its text.
        """
        open_letters = iter(letters)
        broken = "no receipt"
        try:
            with self._connected() as server:
                for letter in open_letters:
                    try:
                        yield self._one(server, letter)
                    except (OSError, smtplib.SMTPServerDisconnected) as e:
                        yield Receipt(letter.key, "retry", _lost(e))
                        raise
        except (OSError, smtplib.SMTPException) as e:
            broken = _lost(e)
        for letter in open_letters:
            yield Receipt(letter.key, "retry", broken)

    def ping(self) -> str:
        """Try the connection and the login. Raises OSError, SMTPException."""
        with self._connected() as server:
            server.noop()
        return "answers"

    def _connected(self) -> smtplib.SMTP:
        """Connect: TLS is verified, taken where it is offered, and needed for a password."""
        place = urlsplit(self.url)
        host, trust = place.hostname or "", ssl.create_default_context()
        # a name of our own: asking the resolver for it may take seconds
        own: dict[str, Any] = {"local_hostname": _domain(self.sender), "timeout": 20}
        if place.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, place.port or 465, context=trust, **own)
        else:
            server = smtplib.SMTP(host, place.port or 25, **own)
        try:
            secure = place.scheme == "smtps"
            server.ehlo_or_helo_if_needed()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=trust)
                secure = True
            if self.user and self.password:
                if not secure and host not in _LOOPBACK:
                    raise smtplib.SMTPNotSupportedError("no password without TLS")
                server.login(self.user, self.password)
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server

    def _one(self, server: smtplib.SMTP, letter: Letter) -> Receipt:
        if not letter.to:
            return Receipt(letter.key, "rejected", "the order has no e-mail address")
        if not _ADDRESS.fullmatch(letter.to):
            return Receipt(letter.key, "rejected", "the order's e-mail address is none")
        try:
            server.send_message(self._message(letter), to_addrs=[letter.to])
        except smtplib.SMTPRecipientsRefused as e:
            code = next(iter(e.recipients.values()))[0]
            return _refusal(letter, "address", code)
        except smtplib.SMTPSenderRefused as e:
            return Receipt(
                letter.key, "retry", f"the mail server refused the sender ({e.smtp_code})"
            )
        except smtplib.SMTPResponseException as e:
            return _refusal(letter, "message", e.smtp_code)
        except smtplib.SMTPNotSupportedError:
            return Receipt(letter.key, "rejected", "the mail server takes no such address")
        return Receipt(letter.key, "accepted", "sent")

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, letter.to, letter.subject
        name = sha256(letter.key.encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{name}@{_domain(self.sender)}>"
        message["X-OMS-Key"] = " ".join(letter.key.split())
        message.set_content(letter.text)  # which drops every Content- header set before
        message["Content-Language"] = letter.language
        return message


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].strip("> ") or "localhost"


def _refusal(letter: Letter, what: str, code: int) -> Receipt:
    outcome = "rejected" if code >= 500 else "retry"
    return Receipt(letter.key, outcome, f"the mail server refused the {what} ({code})")


def _lost(error: Exception) -> str:
    return f"no mail server ({type(error).__name__})"


def mailer(oms: Oms) -> SmtpMailer | None:
    """Return the configured mailer, or None when no messages are to be sent."""
    notes = oms.notifications
    if not notes.smtp:
        return None
    user, password = notes.credentials.get("user"), notes.credentials.get("password")
    return SmtpMailer(
        notes.smtp,
        notes.sender,
        user.get_secret_value() if user else None,
        password.get_secret_value() if password else None,
    )
