"""The settings of `oms.yaml`: what may be written, and what holds where nothing is."""

from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field

from oms_pipelines.setting_types import (
    Capacity,
    Code,
    CountryCode,
    CurrencyCode,
    CutOff,
    Duration,
    OwnIdentifier,
    Place,
    Secret,
    Settings,
    Share,
    Units,
    WebUrl,
    Zone,
)
from oms_pipelines.settings_routing import Carrier, Routing, WorkingDays
from oms_pipelines.settings_stock import ChannelStock, Safety, Stock


class Url(Settings):
    """A place, by URL."""

    url: Place


class Channel(Settings):
    """One sales channel. `options` are the system's own, checked by its adapter."""

    id: OwnIdentifier
    system: str
    url: WebUrl = ""
    credentials: dict[str, Secret] = {}
    time_zone: Zone = "UTC"
    every: Duration = timedelta(minutes=5)
    overlap: Duration = timedelta(minutes=10)
    country: CountryCode | None = None
    currency: CurrencyCode | None = None
    language: str | None = None
    stock: ChannelStock = ChannelStock(mode="none")
    tell_customer: bool = True
    requests_per_second: float | None = Field(default=None, gt=0)
    options: dict[str, Any] = {}


class Address(Settings):
    """Where a location stands."""

    country: CountryCode
    postal_code: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


class Inbound(Settings):
    """Files a location gives: `from` is a folder, `profile` names their columns."""

    format: Literal["csv"] = "csv"
    profile: str
    source: str = Field(alias="from")
    pattern: str = "*.csv"
    means: Literal["on_hand", "available", "delta"] = "on_hand"
    absent: Literal["zero", "unchanged"] = "unchanged"
    max_shrink: Share = 0.5  # a snapshot that loses more than this share of rows is refused


class Ack(Settings):
    """What a location promises to answer."""

    within: Duration = timedelta(hours=2)


class Outbound(Settings):
    """Files a location takes."""

    format: Literal["csv"] = "csv"
    profile: str = "dispatch"
    to: str
    ack: Ack | None = None


class Dispatch(Outbound):
    """Files of what a location is to ship."""

    before: Duration | None = None  # parts go into a file so long before they leave; else at once


class Location(WorkingDays):
    """A warehouse, a store, or a logistics partner."""

    id: OwnIdentifier
    kind: Literal["warehouse", "store", "3pl"] = "warehouse"
    address: Address
    stock: Inbound | None = None
    dispatch: Dispatch | None = None
    confirmations: Inbound | None = None
    acknowledgements: Inbound | None = None
    receipts: Inbound | None = None
    return_notices: Outbound | None = None
    capacity: Capacity | None = None
    cut_off: CutOff | None = None
    time_zone: Zone | None = None  # of its calendar days; that of its cut-off, else UTC
    ships: bool = True
    collects: bool = False
    handling_cost: float = Field(default=0, ge=0)
    safety_stock: Units = 0  # kept back of each SKU, where no line of `safety` matches
    safety: list[Safety] = []  # by class of SKU: the first that matches
    threshold: Units = 0
    store_reserve: Units = 0  # kept for customers who walk in
    sells: bool = True  # false: channels are promised nothing of it
    expiry_margin: Duration = timedelta(0)  # a lot is sellable until so long before it expires
    supply: Inbound | None = None  # what is expected to arrive: purchase orders, transfers


class Notifications(Settings):
    """E-mail to customers."""

    smtp: WebUrl | None = None  # smtp://host:port or smtps://
    sender: str = "shop@example.com"
    credentials: dict[str, Secret] = {}
    steps: list[Literal["retrieved", "preparing", "shipped", "delivered"]] = []
    languages: list[str] = ["en", "fr"]
    default_language: str = "en"


class Reason(Settings):
    """One entry of the reason menu."""

    code: Code
    label: dict[str, str]
    channels: dict[str, list[str]] = {}  # crosswalk: system -> its own codes


class Drop(Settings):
    """A folder where partners drop files of announced returns."""

    profile: str = "announcement"
    source: str = Field(alias="from")
    pattern: str = "*.csv"


class Returns(Settings):
    """Reason menu, crosswalk, and what to do with goods by condition."""

    reasons: list[Reason] = []
    drop: Drop | None = None
    dispositions: dict[str, Literal["restock", "repair", "damaged", "scrap", "quarantine"]] = {
        "as_new": "restock",
        "opened": "restock",
        "damaged": "repair",
        "broken": "scrap",
        "unknown": "quarantine",
        "not_ordered": "quarantine",  # whatever its condition; restock means by its condition
    }
    location: str | None = None  # where returns go by default
    window: Duration = timedelta(days=60)


class Erp(Settings):
    """Where consolidated orders go for the ERP: a folder of files, or a database URL."""

    url: Place
    table: str = "oms_orders"


class Catalog(Settings):
    """CSV files of SKUs (sku,title,weight_g,value,currency,class), the SKU map, and kits."""

    skus: str | None = None
    sku_map: str | None = None
    kits: str | None = None  # kit_sku,sku,quantity: a kit is its components


class Retention(Settings):
    """How long things are kept. What is not named here is kept."""

    landing: Duration | None = None  # received bytes; None keeps all: the store's other half
    runs: Duration = timedelta(days=14)  # Dagster's runs; the newest of each partition stays
    plans: Duration = timedelta(days=30)  # inputs of plans, which a back-test reads
    # closed alarms of levels and closed drift; a fact may still come late for half a year
    stock: Duration = Field(default=timedelta(days=400), ge=timedelta(days=180))


class Oms(Settings):
    """The whole of `oms.yaml`."""

    store: Url = Url(url="duckdb:///var/oms.duckdb")
    landing: Url = Url(url="file://var/landing")
    output: str = "var"  # marts, pages, sent files, samples
    clock: WebUrl | None = None  # URL that answers {"now": ...}; the machine's clock if absent
    catalog: Catalog = Catalog()
    channels: list[Channel] = []
    locations: list[Location] = []
    carriers: list[Carrier] = []
    profiles: dict[str, dict[str, Any]] = {}  # file formats by name: see docs/profiles.md
    routing: Routing = Routing()
    notifications: Notifications = Notifications()
    returns: Returns = Returns()
    erp: Erp | None = None
    stock: Stock = Stock()
    retention: Retention = Retention()
    backfill_from: date | None = None  # first day ops may backfill

    def channel(self, channel_id: str) -> Channel:
        """Return one channel. Raises KeyError with its name."""
        return {c.id: c for c in self.channels}[channel_id]

    def location(self, location_id: str) -> Location:
        """Return one location. Raises KeyError with its name."""
        return {x.id: x for x in self.locations}[location_id]
