"""Try every connection of a configuration, and every fault that only a look inside tells."""

from collections.abc import Callable
from dataclasses import dataclass

from oms_pipelines.channels import open_channel, systems
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured, OmsError
from oms_pipelines.landing import Landing
from oms_pipelines.logistics.carriers import open_carrier
from oms_pipelines.logistics.profiles import faults as profile_faults
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.outbox.letters import mailer
from oms_pipelines.routing import check_rules
from oms_pipelines.store import open_store


@dataclass(frozen=True)
class Tried:
    """A connection, whether it works, and what it answered."""

    connection: str
    works: bool
    answer: str


def faults(oms: Oms) -> list[str]:
    """Return the faults of profiles, systems, adapters' options and routing rules, with paths."""
    found = [*profile_faults(oms), *check_rules(oms.routing)]
    for i, channel in enumerate(oms.channels):
        if channel.system not in systems():
            known = ", ".join(systems())
            found.append(f"channels[{i}].system: no {channel.system}; there are {known}")
            continue
        try:
            open_channel(channel, oms.profiles)
        except Misconfigured as e:
            found += [f"channels[{i}]: {fault}" for fault in e.faults]
    return found


def connections(oms: Oms) -> list[Tried]:
    """Try the store, the landing zone, every channel, folder, carrier and the mail server."""
    tries: list[tuple[str, Callable[[], str]]] = [
        ("store", lambda: _store(oms)),
        ("landing", lambda: f"{len(Landing(oms.landing.url).streams())} streams"),
    ]
    for channel in oms.channels:
        tries.append(
            (f"channel {channel.id}", lambda c=channel: open_channel(c, oms.profiles).ping())
        )
    for location in oms.locations:
        for name in ("stock", "confirmations", "acknowledgements", "receipts"):
            inbound = getattr(location, name)
            if inbound is not None:
                what = f"location {location.id} {name}"
                tries.append((what, lambda i=inbound: _waiting(i.source, i.pattern)))
        for name in ("dispatch", "return_notices"):
            outbound = getattr(location, name)
            if outbound is not None:
                what = f"location {location.id} {name}"
                tries.append((what, lambda o=outbound: _waiting(o.to, "*")))
    for carrier in oms.carriers:
        if carrier.url:
            tries.append((f"carrier {carrier.id}", lambda c=carrier: open_carrier(c).ping()))
    if oms.notifications.smtp:
        tries.append(("mail server", lambda: _mail(oms)))
    return [_tried(name, attempt) for name, attempt in tries]


def _tried(name: str, attempt: Callable[[], str]) -> Tried:
    try:
        return Tried(name, True, attempt())
    except OmsError as e:
        return Tried(name, False, str(e))


def _store(oms: Oms) -> str:
    store = open_store(oms.store.url)
    store.migrate()
    return "ready"


def _waiting(url: str, pattern: str) -> str:
    return f"{len(open_folder(url).incoming(pattern))} files wait"


def _mail(oms: Oms) -> str:
    sender = mailer(oms)
    receipts = list(sender.send([])) if sender else []
    return "answers" if not receipts else receipts[0].text
