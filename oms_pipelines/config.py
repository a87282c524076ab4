"""`oms.yaml` as typed settings, validated whole: every fault is told with its path.

Secrets are written `env:NAME` and read from the environment when the file is loaded.
"""

import os
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from oms_pipelines.errors import Misconfigured

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(str(value))
    if not match:
        raise ValueError("write a duration such as 30s, 5m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except Exception as e:
        raise ValueError(f"unknown time zone {value!r}; write one such as Europe/Paris") from e
    return value


def _secret(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value.startswith("env:"):
        raise ValueError("write a secret as env:NAME, never as its value")
    env = (info.context or {}).get("env", os.environ)
    name = value[4:]
    if not env.get(name):
        raise ValueError(f"environment variable {name} is not set")
    return env[name]


def _cut_off(value: str) -> str:
    match = re.match(r"^([01]\d|2[0-3]):[0-5]\d (\S+)$", value)
    if not match:
        raise ValueError('write a cut-off such as "15:00 Europe/Paris"')
    _zone(match[2])
    return value


def _capacity(value: Any) -> Any:
    match = re.match(r"^(\d+)/day$", str(value))
    if not match:
        raise ValueError("write a capacity such as 800/day")
    return int(match[1])


def _identifier(value: str) -> str:
    if not re.match(r"^[a-z][a-z0-9_]*$", value):
        raise ValueError("use lower-case letters, digits and _, starting with a letter")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Zone = Annotated[str, AfterValidator(_zone)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
CutOff = Annotated[str, AfterValidator(_cut_off)]
Capacity = Annotated[int, BeforeValidator(_capacity)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are faults, values stay out of error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Url(Settings):
    """A place, by URL."""

    url: str


class ChannelStock(Settings):
    """How a channel's level is made (design: escrow or pooled)."""

    mode: Literal["escrow", "pooled", "none"] = "escrow"
    share: Share | None = None
    risk: float | None = Field(default=None, gt=0, lt=1)
    cap: int | None = Field(default=None, ge=0)
    stop_below: int = Field(default=0, ge=0)
    buffer: int = Field(default=0, ge=0)
    locations: list[str] | None = None  # sells from these; None is all
    to: str | None = None  # file channels: folder the stock file is written to
    profile: str | None = None  # file channels: format of that file


class Channel(Settings):
    """One sales channel. `options` are the system's own, checked by its adapter."""

    id: Identifier
    system: str
    url: str = ""
    credentials: dict[str, Secret] = {}
    time_zone: Zone = "UTC"
    every: Duration = timedelta(minutes=5)
    overlap: Duration = timedelta(minutes=10)
    country: str | None = None
    currency: str | None = None
    language: str | None = None
    stock: ChannelStock = ChannelStock(mode="none")
    tell_customer: bool = True
    requests_per_second: float | None = Field(default=None, gt=0)
    options: dict[str, Any] = {}


class Address(Settings):
    """Where a location stands."""

    country: str = Field(pattern="^[A-Z]{2}$")
    postal_code: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


class Inbound(Settings):
    """Files a location gives: `from` is a folder, `profile` names their columns."""

    format: Literal["csv"] = "csv"
    profile: str
    source: str = Field(alias="from")
    pattern: str = "*.csv"
    means: Literal["on_hand", "available"] = "on_hand"
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


class Location(Settings):
    """A warehouse, a store, or a logistics partner."""

    id: Identifier
    kind: Literal["warehouse", "store", "3pl"] = "warehouse"
    address: Address
    stock: Inbound | None = None
    dispatch: Outbound | None = None
    confirmations: Inbound | None = None
    acknowledgements: Inbound | None = None
    receipts: Inbound | None = None
    return_notices: Outbound | None = None
    capacity: Capacity | None = None
    cut_off: CutOff | None = None
    ships: bool = True
    collects: bool = False
    handling_cost: float = Field(default=0, ge=0)
    safety_stock: int = Field(default=0, ge=0)
    threshold: int = Field(default=0, ge=0)


class Price(Settings):
    """What a parcel costs: first match by service, zone and weight wins."""

    service: str = "*"
    zone: str = "*"  # a country code, or * for the rest
    up_to_g: int | None = Field(default=None, gt=0)
    amount: float = Field(ge=0)


class Carrier(Settings):
    """Who carries parcels, what it costs, and where tracking is read."""

    id: Identifier
    system: str = "unified"  # the file in logistics/carriers/
    url: str = ""
    credentials: dict[str, Secret] = {}
    services: list[str] = ["standard"]
    prices: list[Price] = []
    transit_days: int = Field(default=2, ge=0)
    tracking_url: str | None = None  # a page for customers, with {number}


class Split(Settings):
    """Whether an order may be shipped in parts."""

    parts: int = Field(default=1, ge=1)  # 1 is never
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
    unfilled: Unfilled = Unfilled()
    max_distance_km: float | None = Field(default=None, gt=0)


class Costs(Settings):
    """Declared costs, in one currency."""

    per_km: float = Field(default=0, ge=0)
    parcel: float = Field(default=5, ge=0)  # where no carrier price matches
    unknown_distance_km: float = Field(default=1000, ge=0)  # never zero
    late_per_day: float = Field(default=0, ge=0)


class Routing(Settings):
    """Rules in order, and costs."""

    rules: list[Rule] = [Rule(id="everything", **{"from": "ships"})]
    costs: Costs = Costs()
    postal_codes: str | None = None  # CSV or Parquet: country, prefix, latitude, longitude
    safety_stock: int = Field(default=0, ge=0)


class Notifications(Settings):
    """E-mail to customers."""

    smtp: str | None = None  # smtp://host:port or smtps://
    sender: str = "shop@example.com"
    credentials: dict[str, Secret] = {}
    steps: list[Literal["retrieved", "preparing", "shipped", "delivered"]] = []
    languages: list[str] = ["en", "fr"]
    default_language: str = "en"


class Reason(Settings):
    """One entry of the reason menu."""

    code: str
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
    dispositions: dict[str, Literal["restock", "repair", "scrap", "quarantine"]] = {
        "as_new": "restock",
        "opened": "restock",
        "damaged": "repair",
        "broken": "scrap",
        "unknown": "quarantine",
    }
    location: str | None = None  # where returns go by default
    window: Duration = timedelta(days=60)


class Erp(Settings):
    """Where consolidated orders go for the ERP: a folder of files, or a database URL."""

    url: str
    table: str = "oms_orders"


class Catalog(Settings):
    """CSV files of SKUs (sku,title,weight_g,value,currency) and of the SKU map."""

    skus: str | None = None
    sku_map: str | None = None


class Retention(Settings):
    """How long things are kept. What is not named here is kept."""

    landing: Duration | None = None  # received bytes; None keeps all: the store's other half
    runs: Duration = timedelta(days=14)  # Dagster's runs; the newest of each partition stays


class Oms(Settings):
    """The whole of `oms.yaml`."""

    store: Url = Url(url="duckdb:///var/oms.duckdb")
    landing: Url = Url(url="file://var/landing")
    output: str = "var"  # marts, pages, sent files, samples
    clock: str | None = None  # URL that answers {"now": ...}; the machine's clock if absent
    catalog: Catalog = Catalog()
    channels: list[Channel] = []
    locations: list[Location] = []
    carriers: list[Carrier] = []
    profiles: dict[str, dict[str, Any]] = {}  # file formats by name: see docs/profiles.md
    routing: Routing = Routing()
    notifications: Notifications = Notifications()
    returns: Returns = Returns()
    erp: Erp | None = None
    retention: Retention = Retention()
    backfill_from: date | None = None  # first day ops may backfill

    @model_validator(mode="after")
    def _consistent(self) -> "Oms":
        faults = list(_faults_between(self))
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def channel(self, channel_id: str) -> Channel:
        """Return one channel. Raises KeyError with its name."""
        return {c.id: c for c in self.channels}[channel_id]

    def location(self, location_id: str) -> Location:
        """Return one location. Raises KeyError with its name."""
        return {x.id: x for x in self.locations}[location_id]


def _faults_between(oms: Oms):
    """Yield faults that stand between settings, each with its path."""
    seen: dict[str, str] = {}
    for kind in ("channels", "locations", "carriers"):
        for i, item in enumerate(getattr(oms, kind)):
            if item.id in seen:
                yield f"{kind}[{i}].id: {item.id} is already the id of {seen[item.id]}"
            seen[item.id] = f"{kind}[{i}]"
    places = {x.id for x in oms.locations}
    for i, channel in enumerate(oms.channels):
        for j, location in enumerate(channel.stock.locations or []):
            if location not in places:
                yield f"channels[{i}].stock.locations[{j}]: no location is called {location}"
        if channel.stock.mode == "escrow" and channel.stock.share is None:
            yield f"channels[{i}].stock.share: escrow needs a share between 0 and 1"
        if channel.stock.mode == "pooled" and channel.stock.risk is None:
            yield f"channels[{i}].stock.risk: pooled needs a risk, such as 0.001"
    total = sum(c.stock.share or 0 for c in oms.channels if c.stock.mode == "escrow")
    if total > 1 + 1e-9:
        yield f"channels: the escrow shares add up to {total:g}, more than 1"
    if oms.returns.location and oms.returns.location not in places:
        yield f"returns.location: no location is called {oms.returns.location}"
    rules: set[str] = set()
    for i, rule in enumerate(oms.routing.rules):
        if rule.id in rules:
            yield f"routing.rules[{i}].id: {rule.id} stands twice"
        rules.add(rule.id)
    codes: set[str] = set()
    for i, reason in enumerate(oms.returns.reasons):
        if reason.code in codes:
            yield f"returns.reasons[{i}].code: {reason.code} stands twice"
        codes.add(reason.code)


def _path(location: tuple[int | str, ...]) -> str:
    parts = ""
    for step in location:
        parts += f"[{step}]" if isinstance(step, int) else f".{step}" if parts else str(step)
    return parts


def parse(data: Any, env: dict[str, str] | None = None) -> Oms:
    """Validate a mapping as configuration.

    Raises Misconfigured with every fault and its path; no value stands in the text.
    """
    try:
        return Oms.model_validate(data, context={"env": os.environ if env is None else env})
    except ValidationError as e:
        faults: list[str] = []
        for error in e.errors(include_input=False, include_url=False):
            message = error["msg"].removeprefix("Value error, ")
            path = _path(error["loc"])
            faults += [
                message_line if not path else f"{path}: {message_line}"
                for message_line in message.split("\n")
            ]
        raise Misconfigured(faults) from None


DEMO = Path("var/demo/oms.yaml")  # what `oms demo` leaves, so that commands work after it


def config_path() -> Path:
    """Return where the configuration is: `OMS_CONFIG`, else `oms.yaml` here, else the demo's."""
    named = os.environ.get("OMS_CONFIG")
    if named:
        return Path(named)
    own = Path("oms.yaml")
    return DEMO if DEMO.exists() and not own.exists() else own


def _beside(path: Path) -> dict[str, str]:
    """Return the variables of the `.env` file beside a configuration: NAME=value lines."""
    file = path.with_suffix(".env")
    if not file.is_file():
        return {}
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def load(path: Path | None = None, env: dict[str, str] | None = None) -> Oms:
    """Read and validate a configuration file. Raises Misconfigured.

    Secrets come from the environment, or from the `.env` file beside the configuration.
    """
    path = path or config_path()
    env = {**_beside(path), **(os.environ if env is None else env)}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misconfigured(
            [f"{path}: no such file; set OMS_CONFIG, or start from examples/oms.yaml"]
        ) from None
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise Misconfigured([f"{path}{where}: not YAML: {getattr(e, 'problem', e)}"]) from None
    if not isinstance(data, dict):
        raise Misconfigured([f"{path}: expected a mapping of settings"])
    return parse(data, env)


def as_time(value: str) -> datetime:
    """Parse an ISO 8601 time with its offset. Raises ValueError when it has none."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value}: a time needs its offset, such as Z")
    return moment
