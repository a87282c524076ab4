"""Settings of carriers and of routing: rules, costs, calendars and borders."""

from typing import Literal

from pydantic import Field

from oms_pipelines.setting_types import (
    MOST,
    Day,
    Duration,
    Identifier,
    OwnIdentifier,
    Secret,
    Settings,
    Units,
    WebUrl,
    Weekday,
    ZoneCode,
)

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")


class WorkingDays(Settings):
    """On which days somebody works: a location ships, a carrier drives."""

    working_days: list[Weekday] = Field(default=list(WEEKDAYS), min_length=1)
    holidays: list[Day] = []  # days off besides: 2026-12-25


class Price(Settings):
    """What a parcel costs: first match by service, zone and weight wins."""

    service: str = "*"
    zone: ZoneCode = "*"  # a country code, or * for the rest
    up_to_g: int | None = Field(default=None, gt=0, le=MOST)
    amount: float = Field(ge=0)


class Transit(Settings):
    """How many working days a parcel takes: first match by service and zone wins."""

    service: str = "*"
    zone: ZoneCode = "*"
    days: int = Field(ge=0, le=365)


class Carrier(WorkingDays):
    """Who carries parcels, what it costs, and where tracking is read."""

    id: OwnIdentifier
    aliases: list[str] = []  # other names that returns call it; case and accents aside
    system: str = "unified"  # the file in logistics/carriers/
    url: WebUrl = ""
    credentials: dict[str, Secret] = {}
    services: list[str] = ["standard"]
    prices: list[Price] = []
    transit: list[Transit] = []
    transit_days: int = Field(default=2, ge=0, le=365)  # where no line of `transit` matches
    tracking_url: str | None = None  # a page for customers, with {number}


class Split(Settings):
    """Whether an order may be shipped in parts."""

    parts: int = Field(default=1, ge=1, le=100)  # 1 is never
    min_value: float = Field(default=0, ge=0)  # each part is worth at least this


class Unfilled(Settings):
    """What to do with what no location can ship."""

    action: Literal["wait", "backorder", "hold", "cancel"] = "wait"
    deadline: Duration | None = None


class Rule(Settings):
    """A routing rule; the first whose `when` holds for an order decides."""

    id: Identifier
    comment: str = ""
    when: str = "true"  # SQL predicate over order attributes
    from_: str = Field(default="true", alias="from")  # SQL predicate over locations
    rank: Literal["cost", "distance", "stock"] = "cost"
    split: Split = Split()
    keep_together: bool = True
    keep_promise: bool = False  # leave out who is too late, while anybody can be in time
    unfilled: Unfilled = Unfilled()
    max_distance_km: float | None = Field(default=None, gt=0)


class Load(Settings):
    """What a part costs more at a location that is nearly full; in between in proportion."""

    beyond: float = Field(default=0.8, ge=0, lt=1)  # of its capacity a day: nothing up to there
    amount: float = Field(ge=0)  # at one that is full


class Costs(Settings):
    """Declared costs, in one currency, and what stands for what is unknown."""

    per_km: float = Field(default=0, ge=0)
    parcel: float = Field(default=5, ge=0)  # where no carrier price matches
    late_per_day: float = Field(default=0, ge=0)
    load: Load | None = None
    unknown_distance_km: float = Field(default=1000, ge=0)  # never zero
    unknown_weight_g: int | None = Field(default=None, gt=0, le=MOST)  # a unit; else the heaviest
    unknown_promise_days: int | None = Field(default=None, ge=0, le=365)  # else never late


class Border(Settings):
    """What it takes to ship from one country into another; the first line that matches."""

    from_: ZoneCode = Field(default="*", alias="from")
    to: ZoneCode = "*"
    allowed: bool = True
    amount: float = Field(default=0, ge=0)  # a parcel: customs, duties
    days: int = Field(default=0, ge=0, le=365)  # working days that it takes longer


class Replan(Settings):
    """Plan again what stands in no dispatch file yet; a part that changes costs a price."""

    price: float = Field(ge=0)  # a part that gives up what it had planned


class Routing(Settings):
    """Rules in order, and costs."""

    comment: str = ""  # what changed; kept with each version that a plan was made by
    rules: list[Rule] = Field(default=[Rule(id="everything", **{"from": "ships"})], min_length=1)
    costs: Costs = Costs()
    borders: list[Border] = []
    # greedy: order after order, in a tenth of the time; auto: jointly where that takes no minutes
    solver: Literal["auto", "joint", "greedy"] = "auto"
    work: float = Field(default=1, gt=0, le=100)  # how much the joint plan tries, in its own units
    postal_codes: str | None = None  # CSV or Parquet: country, prefix, latitude, longitude
    safety_stock: Units = 0
    replan: Replan | None = None  # absent: what was planned stands
    # a file with a `routing` section that plans beside this one; it moves no plan
    shadow: str | None = Field(default=None, exclude=True)
