"""Why a SKU's level is what it is: the terms of what may be promised, by location."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.stock.availability import atp_terms, pools_of
from oms_pipelines.stock.bills import read_bills, widen, with_kit_demand
from oms_pipelines.stock.decide import at_hand, decide
from oms_pipelines.stock.lots import unexpired
from oms_pipelines.stock.quotas import quota_claims
from oms_pipelines.stock.rebalance import effective_claims
from oms_pipelines.stock.shares import Shares, Sharing, declared_claims
from oms_pipelines.stock.sharing import read_sharing
from oms_pipelines.stock.supply import open_supply
from oms_pipelines.stock.terms import read_terms
from oms_pipelines.store import Session

PAIR = ["location_id", "sku"]
_SHARES = {
    "channel_id": pl.String, "mode": pl.String, "pool": pl.Int64, "percent": pl.Float64,
    "quota": pl.Int64, "minimum": pl.Int64, "gets": pl.Int64, "buffer": pl.Int64, "cap": pl.Int64,
    "stop_below": pl.Int64, "shows": pl.Int64,
}  # fmt: skip
_KIT = {
    "location_id": pl.String, "sku": pl.String, "in_one": pl.Int64, "atp": pl.Int64,
    "makes": pl.Int64,
}  # fmt: skip


def explain_locations(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame
) -> pl.DataFrame:
    """Return the terms of ATP of `skus` (sku), a row a location and SKU that has any, in units.

    on_hand - allocated - expired - safety - store_reserve - threshold = atp, but never below
    zero, and zero where the location does not sell. `supply` is still to come, the first of it
    at `expected_at`, and is no part of atp. Grain and order: location_id, sku.
    """
    session.frame("tmp_skus", skus.select("sku").unique())
    stock, shelf = session.query("stock/availability"), session.query("stock/allocated_of")
    terms = read_terms(session, oms, now, skus)
    supply = (
        open_supply(session, skus)
        .group_by(PAIR)
        .agg(pl.col("quantity").sum().alias("supply"), pl.col("expected_at").min())
    )
    expired = terms.expired.rename({"quantity": "expired"})
    found = (
        atp_terms(unexpired(stock, terms.expired), oms, terms)
        .join(shelf, on=PAIR, how="left")
        .join(expired, on=PAIR, how="left")
        .with_columns(pl.col("allocated", "expired").fill_null(0))
        .with_columns((pl.col("quantity") + pl.col("expired")).alias("sellable"))
        .join(supply, on=PAIR, how="full", coalesce=True)
    )
    return found.select(
        *PAIR,
        (pl.col("sellable") + pl.col("allocated")).alias("on_hand"),
        *("allocated", "expired", "safety", "store_reserve", "threshold", "sells", "atp"),
        *("supply", "expected_at"),
    ).sort(PAIR)


def explain_kit(session: Session, oms: Oms, now: datetime, kit_sku: str) -> pl.DataFrame:
    """Return what a kit is made of, a row a location and component, the scarcest first.

    location_id, sku, in_one (units in one kit), atp, makes (kits that the units make; a location
    makes the least of them). Nothing where it is no kit, or no location ever had a component.
    """
    bill = read_bills(session).filter(pl.col("kit_sku") == kit_sku).drop("kit_sku")
    if bill.is_empty():
        return pl.DataFrame(schema=_KIT)
    terms = explain_locations(session, oms, now, bill.select("sku"))
    places = terms.filter("sells").select("location_id").unique()
    return (
        places.join(bill.rename({"quantity": "in_one"}), how="cross")
        .join(terms.select(*PAIR, "atp"), on=PAIR, how="left")
        .with_columns(pl.col("atp").fill_null(0))
        .with_columns((pl.col("atp") // pl.col("in_one")).alias("makes"))
        .select(list(_KIT))
        .sort("location_id", "makes", "sku")
    )


def explain_channels(session: Session, oms: Oms, now: datetime, skus: pl.DataFrame) -> pl.DataFrame:
    """Return (channel_id, sku, on_hand, preorder): both parts of each level of `skus`, in SKU
    units, as they would be computed now.
    """
    bills = read_bills(session)
    lines = with_kit_demand(open_lines(session))
    demand = lines.group_by("channel_id", "sku").agg(pl.col("quantity").sum())
    found = decide(session, oms, demand, widen(skus, bills), bills, now)
    return found.join(skus, on="sku", how="semi")


def explain_shares(session: Session, oms: Oms, now: datetime, sku: str) -> pl.DataFrame:
    """Return how each channel's number of a SKU comes from ATP, a row a channel, in units.

    `pool` is the ATP of the places it sells from, less what is sold and given to no location;
    `percent` its claim on it, `quota` what is set aside for it now. `gets` is what these, the
    minimum and the cap give it, or for a pooled channel what escrow leaves; `shows` is that
    less `buffer`, no more than `cap`, and nothing rather than less than `stop_below`.
    """
    bills = read_bills(session)
    lines = with_kit_demand(open_lines(session))
    demand = lines.group_by("channel_id", "sku").agg(pl.col("quantity").sum())
    one = pl.DataFrame({"sku": [sku]})
    skus = widen(one, bills)
    pools, sellers = pools_of(*at_hand(session, oms, demand, skus, now), oms, bills)
    pools = [p.filter(pl.col("sku") == sku) for p in pools]
    sharing = read_sharing(session, oms, now, skus)
    channels = [c for c in oms.channels if c.stock.mode != "none"]
    units = [p["pool"].sum() for p in pools]
    sells = {
        c.id: sum(u for u, own in zip(units, sellers, strict=True) if c.id in own) for c in channels
    }
    percent = _percent(oms, sharing, sku)
    claims = quota_claims(channels, now, sharing.quota_sales, one)
    quotas = {r["channel_id"]: r for r in claims.iter_rows(named=True)}
    rows = []
    for c, (gets, buffer, shows) in zip(
        channels, _divided(pools, sellers, channels, sharing, sku), strict=True
    ):
        quota = quotas.get(c.id)
        aside = quota and (quota["units"] or int((quota["share"] or 0) * sells[c.id]))
        rows.append(
            (c.id, c.stock.mode, sells[c.id], percent.get(c.id), aside, c.stock.minimum or None,
             gets, buffer, c.stock.cap, c.stock.stop_below or None, shows)
        )  # fmt: skip
    return pl.DataFrame(rows, schema=_SHARES, orient="row")


def _divided(
    pools: Sequence[pl.DataFrame],
    sellers: Sequence[frozenset[str]],
    channels: Sequence[Channel],
    sharing: Sharing,
    sku: str,
) -> list[tuple[int, int, int]]:
    """Return of one SKU, by channel, what it gets, the buffer kept of it, and what it shows.

    A pooled channel gets what escrow leaves where it sells from.
    """
    sells = np.array([[c.id in own for c in channels] for own in sellers], dtype=bool)
    sells = sells.reshape(len(pools), len(channels))
    units = np.array([[p["pool"].sum()] for p in pools], dtype=np.int64).reshape(-1, 1)
    shares = Shares(sells, channels, pl.DataFrame({"sku": [sku]}), sharing)
    shown = shares.levels(units)[0]
    got, rest = shares.escrow.of(np.arange(1)).divide(units)
    gets = dict(zip(shares.own.tolist(), got[0].tolist(), strict=True))
    found = []
    for i, c in enumerate(channels):
        buffer = c.stock.buffer
        if i in shares.kept:
            kept, unheard = shares.kept[i]
            buffer = max(int(kept[0]), buffer) + int(unheard[0])
        left = int(rest[sells[:, i]].sum())
        found.append((gets.get(i, left), buffer, int(shown[i])))
    return found


def _percent(oms: Oms, sharing: Sharing, sku: str) -> dict[str, float]:
    """Return what part of a pool each escrow channel claims, as demand has moved it."""
    claims = zip(oms.channels, declared_claims(oms.channels), strict=True)
    declared = {c.id: 100 * claim for c, claim in claims if claim}
    moved = effective_claims(sharing.weights, oms.channels).filter(pl.col("sku") == sku)
    found = declared | dict(moved.select("channel_id", "effective").iter_rows())
    return {name: round(part, 2) for name, part in found.items()}
