"""E-mail to customers: one per (order, parcel, step), in their language."""

import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Protocol
from urllib.parse import urlsplit

import jinja2
import polars as pl

from oms_pipelines.channels.base import Receipt
from oms_pipelines.config import Oms


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
        """Send letters; one receipt each."""
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
            number=row["number"] or row["order_id"].split("/", 1)[1],
            tracking_number=number,
            tracking_url=page.replace("{number}", number) if page and number else None,
            collect=row["delivery_mode"] == "collect",
        )
        subject, _, body = text.partition("\n")
        made.append(Letter(row["key"], row["email"], subject.strip(), body.strip(), language))
    return made


@dataclass(frozen=True)
class SmtpMailer:
    """Send by SMTP: `smtp://host:port` or `smtps://host:port`."""

    url: str
    sender: str
    user: str | None = None
    password: str | None = None

    def send(self, letters: Sequence[Letter]) -> Iterator[Receipt]:
        """Send letters over one connection. A refused address is rejected, a lost line waits."""
        place = urlsplit(self.url)
        done = 0
        kind = smtplib.SMTP_SSL if place.scheme == "smtps" else smtplib.SMTP
        try:
            with kind(place.hostname or "", place.port or 25, timeout=20) as server:
                if self.user and self.password:
                    server.login(self.user, self.password)
                for letter in letters:
                    yield self._one(server, letter)
                    done += 1
        except (OSError, smtplib.SMTPException) as e:
            # the error's own text may hold an address: its name is enough
            for letter in letters[done:]:
                yield Receipt(letter.key, "retry", f"no mail server ({type(e).__name__})")

    def _one(self, server: smtplib.SMTP, letter: Letter) -> Receipt:
        if not letter.to:
            return Receipt(letter.key, "rejected", "the order has no e-mail address")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, letter.to, letter.subject
        domain = self.sender.rpartition("@")[2].strip("> ")
        message["Message-ID"] = f"<{sha256(letter.key.encode()).hexdigest()[:32]}@{domain}>"
        message["X-OMS-Key"] = letter.key
        message["Content-Language"] = letter.language
        message.set_content(letter.text)
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as e:
            code = next(iter(e.recipients.values()))[0]
            outcome = "rejected" if code >= 500 else "retry"
            return Receipt(letter.key, outcome, f"the mail server refused the address ({code})")
        return Receipt(letter.key, "accepted", "sent")


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
