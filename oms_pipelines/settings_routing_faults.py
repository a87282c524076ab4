"""Faults between settings of carriers, calendars and borders, each with its path."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from oms_pipelines.settings import Oms
from oms_pipelines.settings_routing import Border, Carrier, Price, Transit

ANY = "*"
L = TypeVar("L")


def routing_faults(oms: Oms) -> Iterator[str]:
    """Yield lines that never match, services and zones without a price, days that stand twice."""
    for i, carrier in enumerate(oms.carriers):
        path = f"carriers[{i}]"
        yield from _services(f"{path}.prices", carrier.prices, carrier)
        yield from _services(f"{path}.transit", carrier.transit, carrier)
        yield from _hidden(f"{path}.prices", carrier.prices, _as_wide)
        yield from _hidden(f"{path}.transit", carrier.transit, _as_wide)
        yield from _unpriced(path, carrier)
    borders = oms.routing.borders
    yield from _hidden("routing.borders", borders, _as_open)
    for j, border in enumerate(borders):
        if border.from_ == border.to != ANY:
            yield f"routing.borders[{j}].to: is the country it comes from; there is no border"
    for kind in ("locations", "carriers"):
        for i, x in enumerate(getattr(oms, kind)):
            if len(set(x.working_days)) < len(x.working_days):
                yield f"{kind}[{i}].working_days: a day stands twice"


def _services(
    path: str, lines: Sequence[Price | Transit], carrier: Carrier
) -> Iterator[str]:  # fmt: skip
    for j, line in enumerate(lines):
        if line.service not in (ANY, *carrier.services):
            known = ", ".join(carrier.services) or "none"
            yield f"{path}[{j}].service: no service of this carrier; there are {known}"


def _hidden(path: str, lines: Sequence[L], wide: Callable[[L, L], bool]) -> Iterator[str]:
    for j, line in enumerate(lines):
        if any(wide(before, line) for before in lines[:j]):
            yield f"{path}[{j}]: an earlier line matches first; put this one before it"


def _as_wide(one: Price | Transit, other: Price | Transit) -> bool:
    """Tell whether one line matches all that the other does."""
    up_to, other_up_to = (getattr(x, "up_to_g", None) for x in (one, other))
    as_heavy = up_to is None or (other_up_to is not None and up_to >= other_up_to)
    return one.service in (ANY, other.service) and one.zone in (ANY, other.zone) and as_heavy


def _as_open(one: Border, other: Border) -> bool:
    return one.from_ in (ANY, other.from_) and one.to in (ANY, other.to)


def _unpriced(path: str, carrier: Carrier) -> Iterator[str]:
    """Yield services that have no price to a zone the carrier names, or none for all weights.

    A carrier without any prices ships at `routing.costs.parcel`.
    """
    if not carrier.prices:
        return
    for service in carrier.services:
        lines = [p for p in carrier.prices if p.service in (ANY, service)]
        named = [x.zone for x in (*lines, *carrier.transit) if x.service in (ANY, service)]
        if not lines:
            yield f"{path}.prices: no price for {service}; add one"
        for zone in sorted(set(named)) if lines else ():
            fits = [p for p in lines if p.zone in (ANY, zone)]
            where = "the rest (*)" if zone == ANY else zone
            if not fits:
                yield f"{path}.prices: no price for {service} to {where}; add a line with its zone"
            elif all(p.up_to_g is not None for p in fits):
                most = max(p.up_to_g or 0 for p in fits)
                yield (
                    f"{path}.prices: no price for {service} to {where} above {most} g; "
                    "add a line without up_to_g"
                )
