"""Where demand comes from: invented customers, or a table of what people once bought.

Demand is what customers want at a time; what they get is up to the level the shop shows.
"""

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox.chance import draw, stream
from oms_pipelines.sandbox.goods import Good

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

ORDERS_A_DAY = 210
SHARES = {"shop_fr": 0.30, "shop_com": 0.25, "market": 0.20, "private_sale": 0.10}
TRAFFIC = {
    "shop_fr": 0.33,
    "shop_com": 0.27,
    "market": 0.18,
    "private_sale": 0.10,
    "till_paris": 0.12,
}
COUNTRIES = {
    "shop_fr": ("FR",) * 17 + ("BE", "CH", "BE"),
    "shop_com": ("GB",) * 6 + ("IE", "DE", "NL", "ES", "IT", "FR", "PT"),
    "market": ("FR",) * 12 + ("BE", "ES", "DE"),
    "private_sale": ("FR",),
    "till_paris": ("FR",),
}
SPLIT = {"lyon": 0.5, "lille": 0.3, "paris": 0.2}


def fill_shelves(world: "World") -> None:
    """Put stock in every place, and give every shop its first levels of it."""
    truth = world.truth
    for sku in world.catalog.goods:
        total = _first_stock(world, sku)
        left = total
        for place, share in SPLIT.items():
            units = left if place == "paris" else int(total * share)
            truth.places[place].stock[sku] = units
            left -= units
    for shop in truth.shops.values():
        shop.offers = world.catalog.offers(shop.id)
        for name, (sku, units) in shop.offers.items():
            total = sum(p.stock[sku] for p in truth.places.values())
            level = int(total * SHARES.get(shop.id, 0) / units)
            shop.levels[name] = level
            shop.history.append((truth.now, name, level, "start"))


def _first_stock(world: "World", sku: str) -> int:
    if world.table:
        return world.table.wanted.get(sku, 0) * 6 + 60
    random = stream(world.truth.seed, "stock", sku)
    scarce = random.random() < 0.12
    return round(world.truth.scale * (random.randint(8, 20) if scarce else random.randint(70, 240)))


def open_day(world: "World") -> None:
    """Put a day's demand and everybody's fixed hours on the agenda, and the next day."""
    now = world.now
    midnight = now.replace(hour=0, minute=0, second=0)
    demands = world.table.demands(now) if world.table else invented(world, midnight)
    for at, kind, demand in demands:
        if at >= now:
            world.later(at, kind, **demand)
    for place in world.truth.places:
        _at_hour(world, midnight, 5, "count", place=place)
    _at_hour(world, midnight, 16, "campaign")
    _at_hour(world, midnight, 19, "close_till")
    world.later(midnight + timedelta(days=1), "day")


def _at_hour(world: "World", midnight: datetime, hour: int, kind: str, **what: Any) -> None:
    at = midnight + timedelta(hours=hour)
    if at > world.now:
        world.later(at, kind, **what)


def invented(world: "World", midnight: datetime) -> list[tuple[datetime, str, dict[str, Any]]]:
    """Return a day's invented demand as (time, event, demand)."""
    seed, day = world.truth.seed, midnight.date()
    goods = sorted(world.catalog.goods.values(), key=lambda g: draw(seed, "fashion", g.sku))
    weights = [1 / (rank + 4) for rank in range(len(goods))]
    count = round(ORDERS_A_DAY * world.truth.scale * (0.9 + 0.2 * world.draw("busy", day)))
    demands = []
    for n in range(count):
        random = stream(seed, "demand", day, n)
        shop = random.choices(list(TRAFFIC), list(TRAFFIC.values()))[0]
        at_till = shop == "till_paris"
        seconds = random.randint(9 * 3600, 18 * 3600) if at_till else random.randrange(86400)
        wish = _wish(world, shop, random, goods, weights)
        kind = "till_sale" if at_till else "sale"
        demands.append((midnight + timedelta(seconds=seconds), kind, wish))
    return demands


def _wish(
    world: "World", shop: str, random: Random, goods: list[Good], weights: list[float]
) -> dict[str, Any]:
    chosen = random.choices(goods, weights, k=random.choice((1, 1, 1, 2, 2, 3, 4)))
    lines = []
    for good in {g.sku: g for g in chosen}.values():
        name, units = world.catalog.listed(shop, good.sku)
        quantity = random.choice((1, 1, 1, 1, 2, 2, 3))
        lines.append([name, good.sku, units, good.title, quantity, good.price * units])
    if random.random() < 0.012:
        lines.append([f"OLD-{random.randint(100, 999)}", None, 1, "Last season", 1, 990])
    collects = shop in ("shop_fr", "shop_com") and random.random() < 0.10
    unpaid = shop in ("shop_fr", "shop_com") and random.random() < 0.05
    return {
        "shop": shop,
        "customer": f"{shop}-{random.randrange(600)}",
        "country": "FR" if collects else random.choice(COUNTRIES[shop]),
        "lines": lines,
        "currency": chosen[0].currency,
        "shipping": 0 if collects or shop == "till_paris" else random.choice((0, 490, 690)),
        "collect": "paris" if collects else None,
        "choice": random.choices(("any", "together", "first_now"), (0.8, 0.14, 0.06))[0],
        "service": random.choices(("standard", "express"), (0.85, 0.15))[0],
        "payment": "pending" if unpaid else "paid",
    }
