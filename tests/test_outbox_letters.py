"""E-mail to customers, through a real SMTP server on the loopback."""

import contextlib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from stock_world import NOON, World, at, channel, network

from oms_pipelines.config import Oms
from oms_pipelines.outbox import deliver, promise
from oms_pipelines.outbox.letters import Letter, SmtpMailer, language_of, mailer
from oms_pipelines.store.duckdb import DuckdbStore


class Sink:
    """Keeps messages; refuses addresses and subjects by word, breaks off after `most`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.most: int | None = None
        self.lose_answer = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if "nobody" in address:
            return "550 5.1.1 no mailbox of nobody@example.com here"
        if "full" in address:
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        if self.most is not None and len(self.messages) >= self.most:
            server.transport.abort()
            return "421 bye"
        if "spam" in str(message["Subject"]):
            return "554 message refused"
        self.messages.append(message)  # type: ignore[arg-type]
        if self.lose_answer:
            server.transport.abort()
        return "250 OK"


class AnyPort(Controller):
    """A controller that learns its port from the system before it knocks at its own door."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def url(sink: Sink) -> Iterator[str]:
    controller = AnyPort(sink, hostname="127.0.0.1", port=0)
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def letter(key: str, to: str | None = "zoe@example.com", subject: str = "Hello") -> Letter:
    return Letter(key, to, subject, "Bonjour Zoë,\n\nœuf", "fr")


def sent(url: str, *letters: Letter) -> list[tuple[str, str, str]]:
    mail = SmtpMailer(url, "Shop <shop@example.com>")
    return [(r.key, r.outcome, r.text) for r in mail.send(letters)]


def test_a_letter_arrives_whole_with_the_message_id_of_its_key(url: str, sink: Sink):
    assert sent(url, letter("a"), letter("b")) == [
        ("a", "accepted", "sent"),
        ("b", "accepted", "sent"),
    ]
    first, second = sink.messages
    assert first["To"] == "zoe@example.com"
    assert first.get_content().split() == ["Bonjour", "Zoë,", "œuf"]
    assert first["Content-Language"] == "fr"
    assert first["Message-ID"] != second["Message-ID"]
    sent(url, letter("a"))
    assert sink.messages[2]["Message-ID"] == first["Message-ID"]


def test_a_refused_address_or_message_fails_alone_and_its_words_are_not_repeated(
    url: str, sink: Sink
):
    found = sent(
        url,
        letter("a", "nobody@example.com"),
        letter("b", "full@example.com"),
        letter("c", subject="spam"),
        letter("d", None),
        letter("e", "a@example.com, b@example.com"),
        letter("f", "a@example.com\r\nBcc: b@example.com"),
        letter("g"),
    )
    assert found == [
        ("a", "rejected", "the mail server refused the address (550)"),
        ("b", "retry", "the mail server refused the address (452)"),
        ("c", "rejected", "the mail server refused the message (554)"),
        ("d", "rejected", "the order has no e-mail address"),
        ("e", "rejected", "the order's e-mail address is none"),
        ("f", "rejected", "the order's e-mail address is none"),
        ("g", "accepted", "sent"),
    ]
    assert not any("@" in text for _, _, text in found)
    assert len(sink.messages) == 1


def test_a_connection_that_breaks_off_leaves_the_rest_waiting(url: str, sink: Sink):
    sink.most = 1
    found = sent(url, letter("a"), letter("b"), letter("c"))
    assert [(k, o) for k, o, _ in found] == [("a", "accepted"), ("b", "retry"), ("c", "retry")]
    assert len({k for k, _, _ in found}) == 3


def test_without_a_server_every_letter_waits():
    found = sent("smtp://127.0.0.1:1", letter("a"), letter("b"))
    assert [(k, o) for k, o, _ in found] == [("a", "retry"), ("b", "retry")]


def settings(url: str) -> Oms:
    shop = channel("shop", share=1) | {"language": "fr-FR"}
    return network(
        [shop],
        carriers=[{"id": "colis", "tracking_url": "https://track.example/{number}"}],
        notifications={
            "smtp": url,
            "sender": "Shop <shop@example.com>",
            "steps": ["retrieved", "preparing", "shipped", "delivered"],
        },
    )


def test_the_language_is_the_customers_then_the_channels_then_the_default():
    oms = settings("smtp://127.0.0.1:1")
    assert language_of("fr_CA", oms, None) == "fr"
    assert language_of("de", oms, "fr-FR") == "fr"
    assert language_of("", oms, None) == "en"


def test_every_step_is_written_in_french_and_english(
    url: str, sink: Sink, duckdb_store: DuckdbStore
):
    world, oms = World(duckdb_store), settings(url)
    world.order("shop/1", {"sock": 1}, language="fr")
    world.order("shop/2", {"sock": 1}, language="en-GB", number="#1002")
    for number in "12":
        world.give(number, "sock", 1, state="dispatched", dispatched_at=at(0.5))
        world.parcel(
            number, "sock", 1, at(1), carrier_id="colis", tracking_number=f"T{number}",
            status="Delivered", status_at=at(1.5),
        )  # fmt: skip
    with world.store.session() as s:
        promise(s, oms, at(2))
    [done] = deliver(world.store, oms, {}, mailer(oms), at(2))
    assert (done.accepted, done.waiting, done.rejected) == (8, 0, 0)
    subjects = {str(m["Subject"]) for m in sink.messages}
    assert subjects == {
        "Nous avons bien reçu votre commande 1",
        "Votre commande 1 est en préparation",
        "Votre commande 1 est en route",
        "Votre commande 1 a été livrée",
        "We have your order #1002",
        "Your order #1002 is being prepared",
        "Your order #1002 is on its way",
        "Your order #1002 has been delivered",
    }
    texts = [m.get_content() for m in sink.messages]
    assert sum("https://track.example/T1" in t for t in texts) == 1
    assert all("Zoë" in t for t in texts)


def test_a_crash_between_sending_and_storing_repeats_the_same_message_id(
    url: str, sink: Sink, duckdb_store: DuckdbStore
):
    world, oms = World(duckdb_store), settings(url)
    world.order("shop/1", {"sock": 1})
    with world.store.session() as s:
        promise(s, oms, NOON)
    sink.lose_answer = True
    [done] = deliver(world.store, oms, {}, mailer(oms), NOON)
    assert (done.accepted, done.waiting) == (0, 1)
    sink.lose_answer = False
    with contextlib.suppress(IndexError):
        [done] = deliver(world.store, oms, {}, mailer(oms), at(1))
    assert done.accepted == 1
    assert len(sink.messages) == 2
    assert len({m["Message-ID"] for m in sink.messages}) == 1
    assert deliver(world.store, oms, {}, mailer(oms), at(2)) == []
