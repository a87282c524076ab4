"""What `desired_levels` and `grants` say, as arrays: a simulation asks them at each of its ticks.

Frames take a fraction of a millisecond a step, whatever they hold, and a month has thousands
of ticks of hundreds of steps. Where all channels sell from the same places there is one pool,
and arrays do. Tests hold them equal.
"""

import numpy as np
import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.stock.availability import (
    atp_by_location,
    atp_terms,
    desired_levels,
    sells_from,
)
from oms_pipelines.stock.shares import Shares, Sharing
from oms_pipelines.stock.trace import Names


class Levels:
    """Decides levels of a replay; arrays are SKUs by channels or by locations, as in `names`."""

    def __init__(self, names: Names, channels: list[Channel], oms: Oms):
        self._names, self._channels, self._oms = names, channels, oms
        may = np.array([[sells_from(c, x) for x in oms.locations] for c in channels], bool)
        self._one_pool = bool(may.size and may.any() and (may == may[0]).all())
        self._from = may[0] if may.size else np.zeros(0, bool)
        self._back = self._kept_back() if self._one_pool else np.zeros(0, np.int64)
        self._skus, self._index = names.sku_index(), names.channel_index()
        self._shares: Shares | None = None
        self.share_by(Sharing())

    def share_by(self, sharing: Sharing) -> None:
        """Take what levels are shared by from now on."""
        self._sharing = sharing
        if self._one_pool:
            sells = np.ones((1, len(self._channels)), bool)
            skus = self._skus.select("sku")
            self._shares = Shares(sells, self._channels, skus, sharing)

    def of(
        self, s: np.ndarray, stock: np.ndarray, demand: np.ndarray, unreached: np.ndarray
    ) -> np.ndarray:
        """Return the levels of some SKUs (by number) out of their rows of sellable stock.

        `demand` is sold and not taken off yet; `unreached` what channels out of reach may show.
        """
        if self._shares is None:
            return self._by_frames(s, stock, demand)
        atp = np.maximum(stock - self._back, 0)[:, self._from].sum(axis=1)
        pool = np.maximum(atp - demand.sum(axis=1), 0)
        return self._shares.levels(pool[None, :], s, unreached)

    def _kept_back(self) -> np.ndarray:
        """Return the units of a SKU that each location keeps from channels."""
        ids = [x.id for x in self._oms.locations]
        one = pl.DataFrame({"location_id": ids, "sku": "", "quantity": 0})
        terms = atp_terms(one, self._oms)
        return terms.select(pl.sum_horizontal("safety", "store_reserve", "threshold"))[
            "safety"
        ].to_numpy()

    def _by_frames(self, s: np.ndarray, stock: np.ndarray, demand: np.ndarray) -> np.ndarray:
        skus = self._names.skus.gather(s)
        rows, shops = np.nonzero(demand)
        channels = pl.Series(self._names.channels, dtype=pl.String)
        places = [
            pl.DataFrame({"location_id": x, "sku": skus, "quantity": stock[:, i]})
            for i, x in enumerate(self._names.locations)
        ]
        wanted = pl.DataFrame(
            {
                "channel_id": channels.gather(shops),
                "sku": skus.gather(rows),
                "quantity": demand[rows, shops],
            }
        )
        atp = atp_by_location(
            pl.concat(places).with_columns(pl.col("location_id").cast(pl.String)), self._oms
        )
        levels = desired_levels(atp, wanted, self._oms, self._sharing)
        found = levels.join(self._skus, on="sku").join(self._index, on="channel_id")
        all_of = np.zeros((len(self._names.skus), demand.shape[1]), np.int64)
        all_of[found["s"].to_numpy(), found["c"].to_numpy()] = found["desired"].to_numpy()
        return all_of[s]


def granted(want: np.ndarray, kept: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """Return `listings.grants` of SKUs by channels, each listed once and sold by the unit.

    `want` are desired levels, `kept` what may be shown, `pooled` which channels are.
    """
    unit = np.where(pooled, np.argmax(pooled) if pooled.any() else 0, np.arange(pooled.size))
    own = np.unique(unit)
    wants, keeps = (
        np.stack([x[:, unit == u].max(axis=1) for u in own], axis=1) for x in (want, kept)
    )
    raised = np.maximum(wants - keeps, 0)
    room = np.maximum(wants.sum(axis=1) - keeps.sum(axis=1), 0)[:, None]
    before = raised.cumsum(axis=1) - raised
    most = keeps + np.clip(room - before, 0, raised)
    return np.minimum(want, most[:, np.searchsorted(own, unit)])
