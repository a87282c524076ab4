"""An SMTP sink: it takes every mail, and remembers whom it told what."""

from email import message_from_bytes
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World


class Sink:
    """Takes mail. Its methods are called by aiosmtpd."""

    def __init__(self, world: "World"):
        self.world = world

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Note a mail by its envelope and headers."""
        message = message_from_bytes(envelope.content)
        if self.world.faults.take("unavailable", "smtp"):
            return "451 Try again later"
        with self.world.lock:
            self.world.truth.mails.append(
                {
                    "at": self.world.now,
                    "to": list(envelope.rcpt_tos),
                    "from": envelope.mail_from,
                    "subject": str(make_header(decode_header(message.get("Subject", "")))),
                    "message_id": message.get("Message-ID"),
                    "language": message.get("Content-Language"),
                    "headers": {k: v for k, v in message.items() if k.lower().startswith("x-")},
                }
            )
        if self.world.faults.take("fail_after", "smtp"):
            return "451 Try again later"
        return "250 Message accepted for delivery"
