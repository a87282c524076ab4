"""Faults between the settings of what is kept back and what is promised, each with its path."""

from collections.abc import Iterator

from oms_pipelines.settings import Channel, Location, Oms

ANY = "*"


def promise_faults(oms: Oms) -> Iterator[str]:
    """Yield faults of safety stock, of supply and of what is sold before it is there."""
    for i, location in enumerate(oms.locations):
        yield from _location(f"locations[{i}]", location)
    silent = {x.id: f"locations[{i}].sells" for i, x in enumerate(oms.locations) if not x.sells}
    for i, channel in enumerate(oms.channels):
        for j, place in enumerate(channel.stock.locations or []):
            if place in silent:
                yield f"channels[{i}].stock.locations[{j}]: {silent[place]} is false"
        if channel.stock.preorder is not None:
            yield from _preorder(f"channels[{i}].stock.preorder", channel, oms)
    yield from _shares(oms)


def _location(path: str, location: Location) -> Iterator[str]:
    seen: set[str] = set()
    for i, line in enumerate(location.safety):
        if line.class_ in seen or ANY in seen:
            yield f"{path}.safety[{i}].class: an earlier line matches first; put this one before it"
        seen.add(line.class_)
    if location.supply is not None and location.supply.absent != "unchanged":
        told = "a line of supply stands until it is told anew; leave it unchanged"
        yield f"{path}.supply.absent: {told}"


def _preorder(path: str, channel: Channel, oms: Oms) -> Iterator[str]:
    if channel.stock.mode == "none":
        yield f"{path}: the channel is told no levels; choose escrow or pooled"
    named = channel.stock.locations
    places = [x for x in oms.locations if x.sells and (named is None or x.id in named)]
    if not any(x.supply for x in places):
        yield f"{path}: no location it sells from has supply; name its file, as locations[].supply"
    if channel.stock.preorder is not None and channel.stock.preorder.horizon.total_seconds() == 0:
        yield f"{path}.horizon: is nothing; write how far ahead supply may be sold, such as 30d"


def _shares(oms: Oms) -> Iterator[str]:
    """Yield channels whose shares of one SKU's supply add up to more than there is of it."""
    wishes = [
        (i, c.stock.preorder)
        for i, c in enumerate(oms.channels)
        if c.stock.preorder is not None and c.stock.mode != "none"
    ]
    skus = {None, *(sku for _, p in wishes for sku in p.skus or [])}
    told: set[int] = set()
    for sku in sorted(skus, key=lambda x: (x is not None, x)):
        together = [(i, p.share) for i, p in wishes if p.skus is None or sku in p.skus]
        total = sum(share for _, share in together)
        if together and total > 1 + 1e-9 and together[-1][0] not in told:
            told.add(together[-1][0])
            whose = "the same supply" if sku is None else f"the supply of {sku}"
            yield (
                f"channels[{together[-1][0]}].stock.preorder.share: the shares of {whose} add up "
                f"to {total:g}, more than 1"
            )
