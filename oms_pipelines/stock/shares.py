"""Pools shared out over channels. Pure functions over frames.

Escrow: open quotas are set aside first; of the rest each channel gets its share, or by its
weight of what the shares leave, in whole units by Webster's method (`apportion`). A minimum
counts towards the share and comes before all shares. What a capped channel cannot take goes to
the others by their claims, and so do the units of one that would show less than its
`stop_below`; of several such, the last in oms.yaml lets go first. So the levels together never
promise a unit twice, and as long as shares alone decide, a pool that changes by one unit
changes one level by one. Pooled channels show what escrow leaves, less their buffer.

Minimum, cap and stop-below are of all that a channel gets, from every pool. `buffer` is kept
back of what a channel gets; the cap and `stop_below` look at what it then shows.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from oms_pipelines.config import Channel
from oms_pipelines.stock.apportion import Claims, Units, apportion, whole
from oms_pipelines.stock.quotas import SALES, quota_claims
from oms_pipelines.touched import EVERYTHING

KEYS = ["channel_id", "sku"]
EVERY = EVERYTHING  # the SKU of a buffer that holds for all without one of their own
ENDLESS = 1 << 60
_OF_SKU = {"channel_id": pl.String, "sku": pl.String}
_LEVELS = {**_OF_SKU, "desired": pl.Int64}


def _none(**columns: type[pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=_OF_SKU | columns)


@dataclass(frozen=True)
class Sharing:
    """What sharing rests on beside the stock and oms.yaml; empty where nothing is measured.

    `now` opens quotas (None: none); `quota_sales` are (channel_id, quota, sku, sold);
    `weights` (channel_id, sku, factor) of the declared claim; `buffers` (channel_id, sku,
    buffer) of pooled channels, where the SKU `*` is any other; a column `unheard` has the units
    kept back besides for channels that are out of reach (`silences`).
    """

    now: datetime | None = None
    quota_sales: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SALES))
    weights: pl.DataFrame = field(default_factory=lambda: _none(factor=pl.Float64))
    buffers: pl.DataFrame = field(default_factory=lambda: _none(buffer=pl.Int64))


def declared_claims(channels: Sequence[Channel]) -> list[float]:
    """Return what part of a pool each channel claims: its share, or by weight of the rest."""
    escrow = [c.stock for c in channels if c.stock.mode == "escrow"]
    left = max(1 - sum(s.share or 0.0 for s in escrow), 0.0)
    weights = sum(s.weight or 0.0 for s in escrow)
    return [
        0.0 if c.stock.mode != "escrow" else c.stock.share
        if c.stock.share is not None
        else left * c.stock.weight / weights
        if c.stock.weight is not None
        else 0.0
        for c in channels
    ]  # fmt: skip


def share_out(
    pools: Sequence[pl.DataFrame],
    sellers: Sequence[frozenset[str]],
    channels: Sequence[Channel],
    sharing: Sharing,
) -> pl.DataFrame:
    """Split pools over channels; return (channel_id, sku, desired), sorted by both.

    `pools` are (sku, pool >= 0), one frame for each set of channels in `sellers`; a channel
    takes what it may from the earlier ones first. `channels` are in the order of oms.yaml.
    """
    if not pools:
        return pl.DataFrame(schema=_LEVELS)
    skus = pl.concat([p.select("sku") for p in pools]).unique().sort("sku")
    known = [skus.join(p, on="sku", how="left", maintain_order="left")["pool"] for p in pools]
    units = np.stack([k.fill_null(0).to_numpy().astype(np.int64) for k in known])
    sells = np.array([[c.id in own for c in channels] for own in sellers])
    levels = Shares(sells, channels, skus, sharing).levels(units)
    there = np.stack([k.is_not_null().to_numpy() for k in known])
    shown = [
        skus.select(pl.lit(c).alias("channel_id"), "sku", pl.Series("desired", levels[:, i]))
        .filter(pl.Series(there[sells[:, i]].any(axis=0)))
        .cast(_LEVELS)  # ty: ignore[invalid-argument-type]
        for c, i in sorted((c.id, i) for i, c in enumerate(channels))
    ]
    return pl.concat(shown) if shown else pl.DataFrame(schema=_LEVELS)


class Shares:
    """What each channel may take of each SKU's pools: looked up once, asked for levels often.

    `sells` tells of pools by channels who sells from which; `skus` is (sku).
    """

    def __init__(
        self, sells: np.ndarray, channels: Sequence[Channel], skus: pl.DataFrame, sharing: Sharing
    ):
        escrow = np.array([c.stock.mode == "escrow" for c in channels], dtype=bool)
        own = [c for c in channels if c.stock.mode == "escrow"]
        self.sells, self.channels = sells, channels
        self.own = np.flatnonzero(escrow)
        self.escrow = _Escrow(own, sells[:, escrow], skus, sharing)
        self.kept = {
            i: (_kept(c, "buffer", skus, sharing), _kept(c, "unheard", skus, sharing))
            for i, c in enumerate(channels)
            if c.stock.mode == "pooled"
        }

    def levels(
        self, units: Units, rows: Units | None = None, unreached: Units | None = None
    ) -> Units:
        """Return levels, SKUs by channels, out of units, pools by SKUs; `rows` names the SKUs.

        `unreached`, SKUs by channels, is what channels out of reach may still show: no more
        than that need be kept back for them. Without it all of `unheard` is.
        """
        rows = np.arange(units.shape[1]) if rows is None else rows
        got, rest = self.escrow.of(rows).divide(units)
        found = np.zeros((len(rows), len(self.channels)), np.int64)
        for i, channel in zip(self.own, got.T, strict=True):
            found[:, i] = np.maximum(channel - self.channels[i].stock.buffer, 0)
        for i, (buffer, unheard) in self.kept.items():
            more = unheard[rows]
            if unreached is not None:
                more = np.minimum(more, unreached.sum(axis=1) - unreached[:, i])
            pool = rest[self.sells[:, i]].sum(axis=0)
            found[:, i] = _pooled(self.channels[i], pool - more, buffer[rows])
        return found


def _kept(channel: Channel, column: str, skus: pl.DataFrame, sharing: Sharing) -> Units:
    """Return the units of a column of `buffers` that hold for each SKU; 0 where it has none."""
    if column not in sharing.buffers.columns:
        return np.zeros(skus.height, np.int64)
    own = sharing.buffers.filter(pl.col("channel_id") == channel.id)
    other = own.filter(pl.col("sku") == EVERY)[column]
    cold = channel.stock.cold_start or 0 if column == "buffer" else 0
    default = other[0] if other.len() else cold
    measured = skus.join(own.select("sku", column), on="sku", how="left", maintain_order="left")
    return measured[column].fill_null(default).to_numpy()


def _pooled(channel: Channel, rest: Units, buffer: Units) -> Units:
    """Return what a pooled channel shows of what escrow leaves: less its buffer, bounded."""
    stock = channel.stock
    kept = np.maximum(buffer, stock.buffer)
    shown = np.clip(rest - kept, 0, ENDLESS if stock.cap is None else stock.cap)
    return np.where(shown < stock.stop_below, 0, shown)


class _Escrow:
    """The channels that get units of their own, and what each may claim of each SKU.

    Arrays are pools by SKUs (units), or SKUs by channels (what they get).
    """

    def __init__(
        self, own: Sequence[Channel], sells: np.ndarray, skus: pl.DataFrame, sharing: Sharing
    ):
        shape = (skus.height, len(own))
        ids = [c.id for c in own]
        self.sells = sells.reshape(len(sells), len(own))
        self.minimum = np.array([c.stock.minimum for c in own], dtype=np.int64)
        self.stop = np.array([c.stock.stop_below for c in own], dtype=np.int64)
        self.buffer = np.array([c.stock.buffer for c in own], dtype=np.int64)
        caps = [ENDLESS if c.stock.cap is None else c.stock.cap + c.stock.buffer for c in own]
        self.most = np.tile(np.array(caps, dtype=np.int64), (shape[0], 1))
        self.base = [
            np.array(_spread(declared_claims([c for c, s in zip(own, row, strict=True) if s]), row))
            for row in self.sells
        ]
        quotas = quota_claims(own, sharing.now, sharing.quota_sales, skus)
        self.quota_units = _table(quotas, "units", ids, skus, 0)
        self.quota_share = _table(quotas, "share", ids, skus, 0.0)
        self.quotas = quotas["channel_id"].unique().to_list()
        self.columns = [i for i, c in enumerate(ids) if c in self.quotas]
        weights = sharing.weights.filter(pl.col("channel_id").is_in(ids))
        self.factors = _table(weights, "factor", ids, skus, 1.0) if weights.height else None

    def of(self, rows: Units) -> "_Escrow":
        """Return the same for some of the SKUs; dividing pools changes what it returns alone."""
        some = copy(self)
        some.most, some.quota_units, some.quota_share = (
            x[rows] for x in (self.most, self.quota_units, self.quota_share)
        )
        some.factors = None if self.factors is None else self.factors[rows]
        return some

    def divide(self, pools: Units) -> tuple[Units, Units]:
        """Return what each channel gets of each SKU, and what is left of each pool.

        Where SKUs differ in nothing but their pools, equal pools are divided once. Each round
        takes one channel away from the SKUs it would show too little of, so there are no more
        rounds than channels.
        """
        if self.factors is None and not self.columns:
            distinct, place = np.unique(pools, axis=1, return_inverse=True)
            got, rest = self._divide(distinct)
            return got[place.ravel()], rest[:, place.ravel()]
        return self._divide(pools)

    def _divide(self, pools: Units) -> tuple[Units, Units]:
        got = np.zeros((pools.shape[1], self.most.shape[1]), dtype=np.int64)
        rest = pools.copy()
        rows = np.arange(pools.shape[1])
        while rows.size and got.shape[1]:
            got[rows], rest[:, rows] = self._round(pools[:, rows], rows)
            under = (got[rows] > 0) & (got[rows] - self.buffer < self.stop)
            some = under.any(axis=1)
            last = under.shape[1] - 1 - np.argmax(under[:, ::-1], axis=1)
            rows, last = rows[some], last[some]
            self.most[rows, last] = 0
        return got, rest

    def _round(self, pools: Units, rows: np.ndarray) -> tuple[Units, Units]:
        got = np.zeros((len(rows), self.most.shape[1]), dtype=np.int64)
        rest = pools.copy()
        most = self.most[rows]
        for column in self.columns:
            units = self.quota_units[rows, column]
            share = self.quota_share[rows, column]
            for group in np.flatnonzero(self.sells[:, column]):
                part = np.minimum(units + whole(share * pools[group]), rest[group])
                part = np.minimum(part, most[:, column] - got[:, column])
                got[:, column] += part
                rest[group] -= part
                units = np.maximum(units - part, 0)
        for group, sells in enumerate(self.sells):
            claims = self._claims(group, rows)
            lower = np.where(sells, np.clip(self.minimum - got, 0, most - got), 0)
            upper = np.where(sells, most - got, 0)
            wanted = np.maximum(lower, claims * rest[group][:, None]).sum(axis=1)
            part = apportion(np.minimum(whole(wanted), rest[group]), claims, lower, upper)
            got += part
            rest[group] -= part.sum(axis=1)
        return got, rest

    def _claims(self, group: int, rows: np.ndarray) -> Claims:
        """Return the claims on a pool; demand moves them, and their sum stays as declared."""
        base = self.base[group]
        if self.factors is None:
            return np.broadcast_to(base, (len(rows), len(base)))
        moved = base * self.factors[rows]
        total = moved.sum(axis=1, keepdims=True)
        return moved * np.divide(base.sum(), total, out=np.zeros_like(total), where=total > 0)


def _spread(values: list[float], where: np.ndarray) -> list[float]:
    """Return the values where it is true, in order, and 0 elsewhere."""
    left = iter(values)
    return [next(left) if x else 0.0 for x in where]


def _table(
    frame: pl.DataFrame, column: str, ids: list[str], skus: pl.DataFrame, default: float
) -> np.ndarray:
    """Return a column of (channel_id, sku, ...) as an array of SKUs by channels."""
    found = np.full((skus.height, len(ids)), default)
    turn = pl.DataFrame({"channel_id": ids, "turn": range(len(ids))}).cast({"channel_id": str})
    rows = frame.join(skus.with_row_index("row"), on="sku").join(turn, on="channel_id")
    rows = rows.drop_nulls(column)
    found[rows["row"].to_numpy(), rows["turn"].to_numpy()] = rows[column].to_numpy()
    return found
