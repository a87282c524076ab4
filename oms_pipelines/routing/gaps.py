"""Orders that are planned by a fallback, since something of them or of a location is unknown."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from oms_pipelines.routing.candidates import collects
from oms_pipelines.routing.costs import priced
from oms_pipelines.routing.past import Past
from oms_pipelines.routing.told import Finding, finding


def gaps(history: Past) -> Iterator[Finding]:
    """Yield what is unknown: positions, weights, prices, services, stock."""
    yield from _positions(history)
    yield from _weights(history)
    yield from _prices(history)
    yield from _stock(history)


def _positions(history: Past) -> Iterator[Finding]:
    rule, sent = history.rule(), _sent(history)
    lost = sent & history.orders["latitude"].is_null().to_numpy()
    for i, r in enumerate(history.inputs.rules.rules):
        mine = lost & (rule == i)
        if mine.any() and r.max_distance_km is not None:
            told = f"rule {r.id} limits a distance that is unknown: nothing ships these orders"
            cure = "give a finer routing.postal_codes, or a rule for unknown positions"
            yield finding("position", f"routing.rules[{i}].max_distance_km", history, mine, told,
                          cure, rule=r.id)  # fmt: skip
        elif mine.any() and (r.rank == "distance" or history.inputs.rules.costs.per_km):
            told = f"rule {r.id} counts a distance that is unknown: all locations are as far"
            cure = "give a finer routing.postal_codes"
            yield finding("position", f"routing.rules[{i}].rank", history, mine, told, cure,
                          rule=r.id)  # fmt: skip
    for name in history.places.filter(pl.col("latitude").is_null())["location_id"]:
        told = f"the position of {name} is unknown: it comes after all whose position is known"
        cure = "write its latitude and longitude"
        yield finding("position", f"{_place(history, name)}.address", history, sent, told, cure)


def _weights(history: Past) -> Iterator[Finding]:
    light = [p.up_to_g for c in history.inputs.carriers for p in c.prices if p.up_to_g is not None]
    unknown = _sent(history) & history.orders["weight_g"].is_null().to_numpy()
    if light and unknown.any():
        told = "a parcel whose weight is unknown is priced as the heaviest"
        cure = "give weight_g in the catalog"
        yield finding("weight", "catalog.skus", history, unknown, told, cure)


def _prices(history: Past) -> Iterator[Finding]:
    carriers = history.inputs.carriers
    if not carriers:
        return
    offered = {s for c in carriers for s in c.services}
    orders = history.orders.select("service", "country")
    sent = _sent(history)
    other = sent & ~orders["service"].is_in(list(offered)).fill_null(True).to_numpy()
    if other.any():
        told = f"no carrier offers {_named(orders.filter(other)['service'])}: sent as standard"
        cure = "add it to the services of a carrier"
        yield finding("service", "carriers[].services", history, other, told, cure)
    pairs = orders.unique().sort("service", "country")
    known = [priced(service, country, carriers) for service, country in pairs.rows()]
    pairs = pairs.with_columns(known=pl.Series(known, dtype=pl.Boolean))
    orders = orders.join(
        pairs, on=["service", "country"], nulls_equal=True, maintain_order="left"
    )  # fmt: skip
    bare = sent & ~orders["known"].to_numpy()
    if bare.any():
        told = (
            f"no carrier has a price to {_named(orders.filter(bare)['country'])}: "
            "routing.costs.parcel counts"
        )
        cure = 'add a price with the zone, or with zone "*"'
        yield finding("price", "carriers[].prices", history, bare, told, cure)


def _stock(history: Past) -> Iterator[Finding]:
    lines, told = history.inputs.lines, history.told
    silent = lines.join(told, on="sku", how="anti")
    if silent.height:
        some = history.orders["order_id"].is_in(silent["order_id"].unique().to_list()).to_numpy()
        what = f"no location ever told stock of {_named(silent['sku'])}: unknown, it counts as none"
        cure = "have a location count it, or correct the SKU map"
        yield finding("stock", "locations[].stock", history, some, what, cure)
    if lines.is_empty():
        return
    rule = history.rule()
    for at, name in enumerate(history.places["location_id"]):
        mine = history.admits[at][rule] & (rule >= 0)
        if mine.any() and name not in told["location_id"]:
            what = f"{name} never told stock of anything ordered: rules admit it, nothing ships"
            cure = "name its stock files, or leave it out of from"
            yield finding("stock", f"{_place(history, name)}.stock", history, mine, what, cure)


def _sent(history: Past) -> np.ndarray:
    return ~history.orders.select(collects()).to_series().to_numpy()


def _named(values: pl.Series) -> str:
    """Return the commonest of some values, and how many others there are."""
    counts = values.fill_null("nowhere").value_counts().sort(
        ["count", values.name], descending=[True, False]
    )  # fmt: skip
    named = ", ".join(counts[values.name].head(3))
    return f"{named} and {len(counts) - 3} more" if len(counts) > 3 else named


def _place(history: Past, name: str) -> str:
    """Return the path of a location. Places lie by key; settings in their own order."""
    return f"locations[{history.numbers[name]}]"
