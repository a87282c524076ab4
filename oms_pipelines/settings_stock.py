"""The settings of stock: how levels are made, shared, buffered and watched."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from oms_pipelines.setting_types import Duration, Identifier, Settings, Share, Units


def _local(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise ValueError("write a local time of the channel, without an offset")
    return value


LocalTime = Annotated[datetime, AfterValidator(_local)]


class Safety(Settings):
    """Units kept back of each SKU of a class: the larger of `units` and `days` of its sales."""

    class_: str = Field(default="*", alias="class")  # of the SKU, in the catalog; * is any
    units: Units = 0
    days: float = Field(default=0, ge=0, le=365)  # of sales, as measured over `stock.window`


class Quota(Settings):
    """Units of SKUs set aside for a channel for a while: a private sale.

    Opens and closes by the calendar, in the channel's own zone; what is unsold goes back.
    """

    id: Identifier
    skus: list[str] | None = Field(default=None, min_length=1)  # None is all
    units: Units | None = None  # of each SKU, for the whole of the sale; or
    share: Share | None = None  # of the pool
    from_: LocalTime = Field(alias="from")  # local time of the channel, without an offset
    to: LocalTime  # local time; not included

    def opens(self, zone: str) -> datetime:
        """Return the moment it opens, in UTC.

        A local time that the clocks skip is read as if they had not been put forward; of one
        that comes twice the first counts. So a quota opens when the one before it closes.
        """
        return self.from_.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    def closes(self, zone: str) -> datetime:
        """Return the moment from which it is closed, in UTC."""
        return self.to.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


class Preorder(Settings):
    """Units not there yet that may be sold: expected supply within a horizon."""

    horizon: Duration
    share: Share = 1.0  # of what is expected
    skus: list[str] | None = None  # None is all


class ChannelStock(Settings):
    """How a channel's level is made (design: escrow or pooled)."""

    mode: Literal["escrow", "pooled", "none"] = "escrow"
    share: Share | None = None  # escrow: of the pool; or
    weight: float | None = Field(default=None, gt=0, le=1e6)  # of what the shares leave
    minimum: Units = 0  # escrow: its first units, before all shares and counted in its own
    risk: float | None = Field(default=None, gt=0, lt=1)  # pooled: of an oversell, a SKU and lag
    cold_start: Units | None = None  # pooled: the buffer of a SKU too little was measured of
    cap: Units | None = None  # never shows more; the others get what it cannot take
    stop_below: Units = 0  # shows nothing rather than less; the others get those units
    buffer: Units = 0  # kept back whatever was measured
    locations: list[str] | None = None  # sells from these; None is all
    quotas: list[Quota] = []
    preorder: Preorder | None = None
    delay: Duration = timedelta(minutes=15)  # from acceptance to sight, until it is measured
    late_sales: Duration = timedelta(minutes=5)  # after which every sale is known to the hub
    read_share: Share = 0.02  # of the listings read back by each tick, besides the suspects
    to: str | None = None  # file channels: folder the stock file is written to
    profile: str | None = None  # file channels: format of that file


class Rebalance(Settings):
    """How far the shares of escrow follow demand."""

    strength: Share = 0.5  # 0 keeps the declared weights, 1 follows the measured demand
    every: Duration = timedelta(days=1)  # weights stand still in between


class Stock(Settings):
    """What holds for all channels and locations."""

    window: Duration = timedelta(days=28)  # of sales, from which demand is measured
    rebalance: Rebalance | None = None
    # of dispatch: how long confirmations take where a location has told of too few parcels
    confirmed_within: Duration = timedelta(days=2)
