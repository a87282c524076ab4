"""Try every connection of a configuration."""

import smtplib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from oms_pipelines import clock
from oms_pipelines.channels import open_channel
from oms_pipelines.config import Drop, Inbound, Oms, Outbound
from oms_pipelines.errors import OmsError, Unreachable
from oms_pipelines.landing import Landing
from oms_pipelines.logistics.carriers import open_carrier
from oms_pipelines.logistics.profiles import USES
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.outbox.letters import mailer
from oms_pipelines.store import open_store

_AT_ONCE = 8
_PATIENCE = 10.0  # seconds a mail server or database gets to answer


@dataclass(frozen=True)
class Tried:
    """A connection, whether it works, and what it answered."""

    connection: str
    works: bool
    answer: str


def connections(oms: Oms) -> list[Tried]:
    """Try the store, the landing zone, every channel, folder, carrier, mail and the ERP."""
    tries: list[tuple[str, Callable[[], str]]] = [
        ("store", lambda: _store(oms)),
        ("landing", lambda: f"{len(Landing(oms.landing.url).streams())} streams"),
    ]
    if oms.clock is not None:
        tries.append(("clock", lambda: f"{clock.now(oms):%Y-%m-%d %H:%M} UTC"))
    for channel in oms.channels:
        tries.append(
            (f"channel {channel.id}", lambda c=channel: open_channel(c, oms.profiles).ping())
        )
        if to := channel.stock.to:
            tries.append((f"channel {channel.id} levels", lambda to=to: _takes(to)))
    tries += [
        (f"location {x.id} {use}", lambda x=x, use=use: _place(getattr(x, use)))
        for x in oms.locations
        for use in USES
        if getattr(x, use) is not None
    ]
    for carrier in oms.carriers:
        if carrier.url:
            tries.append((f"carrier {carrier.id}", lambda c=carrier: open_carrier(c).ping()))
    if drop := oms.returns.drop:
        tries.append(("returns drop", lambda: _place(drop)))
    if oms.notifications.smtp:
        tries.append(("mail server", lambda: _mail(oms)))
    if erp := oms.erp:
        tries.append(("erp", lambda: _erp(erp.url)))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="check") as pool:
        return list(pool.map(lambda one: _tried(*one), tries))


def _tried(name: str, attempt: Callable[[], str]) -> Tried:
    try:
        return Tried(name, True, attempt())
    except OmsError as e:
        return Tried(name, False, str(e))
    except OSError as e:
        return Tried(name, False, e.strerror or type(e).__name__)


def _store(oms: Oms) -> str:
    store = open_store(oms.store.url)
    store.migrate()
    return "ready"


def _place(settings: Inbound | Outbound | Drop) -> str:
    if isinstance(settings, Outbound):
        return _takes(settings.to)
    return _gives(settings.source, settings.pattern)


def _gives(url: str, pattern: str) -> str:
    folder = open_folder(url)
    if not folder.path.is_dir():
        raise Unreachable(f"{folder.path}: no such folder; make it, or correct the path")
    return f"{len(folder.incoming(pattern))} files wait"


def _takes(url: str) -> str:
    """Try a folder that files go to; one that is not there is made by the first file."""
    folder = open_folder(url)
    if folder.path.is_dir():
        return f"{len(folder.incoming('*'))} files lie there"
    there = next(p for p in [*folder.path.absolute().parents, Path("/")] if p.exists())
    if not there.is_dir():
        raise Unreachable(f"{folder.path}: {there} is no folder")
    return "no such folder yet; the first file makes it"


def _mail(oms: Oms) -> str:
    sender = mailer(oms)
    assert sender is not None
    try:
        return sender.ping()
    except (OSError, smtplib.SMTPException) as e:
        raise Unreachable(f"no mail server answers ({type(e).__name__})") from None


def _erp(url: str) -> str:
    if "://" not in url or url.startswith("file://"):
        return _takes(url)
    try:
        engine = sa.create_engine(url, hide_parameters=True)
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
        engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError) as e:
        raise Unreachable(f"the ERP's database does not answer ({type(e).__name__})") from None
    return "answers"
