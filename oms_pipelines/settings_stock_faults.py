"""Faults that stand between the settings of stock, each with its path."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oms_pipelines.settings import Channel, Oms
    from oms_pipelines.settings_stock import Quota

MOST = 1 + 1e-9  # shares that add up to one, whatever their binary fractions


def sharing_faults(oms: "Oms") -> Iterator[str]:
    """Yield what is wrong with how channels share stock."""
    for i, channel in enumerate(oms.channels):
        path = f"channels[{i}].stock"
        if channel.stock.mode == "escrow":
            yield from _escrow(path, channel)
        elif channel.stock.mode == "pooled":
            yield from _pooled(path, channel)
        if channel.stock.cap is not None and channel.stock.stop_below > channel.stock.cap:
            yield f"{path}.stop_below: more than the cap, so that nothing would ever be shown"
        yield from _dates(path, channel)
    escrow = [(i, c.stock) for i, c in enumerate(oms.channels) if c.stock.mode == "escrow"]
    total = sum(stock.share or 0 for _, stock in escrow)
    if total > MOST:
        yield f"channels: the escrow shares add up to {total:g}, more than 1"
    for i, stock in escrow:
        if stock.weight is not None and stock.share is None and total > 1 - 1e-9:
            yield f"channels[{i}].stock.weight: the shares of the others leave nothing to weigh"
    yield from _together(oms)


def _escrow(path: str, channel: "Channel") -> Iterator[str]:
    stock = channel.stock
    if stock.share is None and stock.weight is None and not stock.quotas:
        yield f"{path}: escrow needs a share between 0 and 1, a weight, or quotas"
    if stock.share is not None and stock.weight is not None:
        yield f"{path}.weight: a channel has a share or a weight, not both"
    for name in ("risk", "cold_start"):
        if getattr(stock, name) is not None:
            yield f"{path}.{name}: only a pooled channel has one"
    if stock.cap is not None and stock.minimum > stock.cap:
        yield f"{path}.minimum: more than the cap"


def _pooled(path: str, channel: "Channel") -> Iterator[str]:
    stock = channel.stock
    if stock.risk is None:
        yield f"{path}.risk: pooled needs a risk, such as 0.001"
    for name in ("share", "weight"):
        if getattr(stock, name) is not None:
            yield f"{path}.{name}: a pooled channel shows what escrow leaves; it has none"
    if stock.minimum:
        yield f"{path}.minimum: only escrow sets units aside"
    if stock.quotas:
        yield f"{path}.quotas: only escrow sets units aside; make the channel escrow"


def _dates(path: str, channel: "Channel") -> Iterator[str]:
    """Yield what is wrong with the quotas of one channel, by the moments they open and close."""
    zone = channel.time_zone
    quotas = [(q, q.opens(zone), q.closes(zone)) for q in channel.stock.quotas]
    seen: dict[str, int] = {}
    for j, (quota, opens, closes) in enumerate(quotas):
        own = f"{path}.quotas[{j}]"
        if quota.id in seen:
            yield f"{own}.id: is the same as {path}.quotas[{seen[quota.id]}].id"
        seen.setdefault(quota.id, j)
        if (quota.units is None) == (quota.share is None):
            yield f"{own}: write units or share, one of them"
        if opens >= closes:
            yield f"{own}.to: not after from"
        for k, (other, start, end) in enumerate(quotas[:j]):
            if opens < end and start < closes and _both(quota, other):
                yield f"{own}: overlaps {path}.quotas[{k}], which has a SKU of it at the same time"


def _both(one: "Quota", two: "Quota") -> bool:
    if one.skus is None or two.skus is None:
        return True
    return not set(one.skus).isdisjoint(two.skus)


def _together(oms: "Oms") -> Iterator[str]:
    """Yield the quotas at whose opening the open ones take more than the pool of a SKU."""
    quotas = [
        (f"channels[{i}].stock.quotas[{j}]", q, q.opens(c.time_zone), q.closes(c.time_zone))
        for i, c in enumerate(oms.channels)
        if c.stock.mode == "escrow"
        for j, q in enumerate(c.stock.quotas)
        if q.share is not None
    ]
    for path, quota, opens, _ in quotas:
        beside = [q for _, q, start, end in quotas if start <= opens < end]
        if _most(quota, beside) > MOST:
            yield f"{path}.share: the quotas open at its opening add up to more than 1"


def _most(quota: "Quota", beside: "list[Quota]") -> float:
    """Return the largest sum of shares over the SKUs of a quota; None is any other SKU."""
    named = {sku for q in (quota, *beside) for sku in q.skus or ()}
    skus = set(quota.skus) if quota.skus is not None else {*named, None}
    return max(sum(q.share or 0 for q in beside if q.skus is None or sku in q.skus) for sku in skus)
