"""What a channel adapter is: one file in this package, one class that fits `Channel`.

An adapter speaks one system's protocol: authentication, paging, limits, pushes. It gives
shapes to nothing: pages leave it as received, and `sql/normalize/<system>/` shapes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class Window:
    """Records changed in [start, end), UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Page:
    """One page or file as received.

    `stream` is where it lands (`orders`, `refunds`, `returns`); `records` how many records
    it holds (None when it cannot be read: it lands all the same and is quarantined);
    `resume` the token that continues the same window after this page, None on the last
    page; `high_water` the newest update time in it; `name` the file it came from, if any;
    `cut` its records, where the adapter has them at hand just as `records` cuts them.
    """

    stream: str
    body: bytes
    records: int | None
    resume: str | None = None
    high_water: datetime | None = None
    name: str | None = None
    cut: Sequence[bytes] | None = None


@dataclass(frozen=True)
class Level:
    """A level of a listing to publish, in sold units.

    `expected` is what the channel last accepted, if known.
    """

    sku: str
    channel_sku: str
    quantity: int
    version: int
    expected: int | None = None

    @property
    def key(self) -> str:
        return f"{self.channel_sku}#{self.version}"


@dataclass(frozen=True)
class ShippedLine:
    """A line of a parcel, in whole sold units of the channel that it completes.

    Zero where a parcel holds a part of a sold unit: of a pack of 6, 4 come in it.
    """

    line_id: str
    quantity: int


@dataclass(frozen=True)
class Parcel:
    """A parcel to announce to a channel. `complete` when nothing of the order is left.

    `parts`: number and page of earlier parcels that held nothing but parts of what this one
    makes whole; a channel that takes a number only with units hears of them now, if it can.
    """

    key: str
    external_id: str
    shipment_id: str
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    shipped_at: datetime
    lines: tuple[ShippedLine, ...]
    complete: bool
    parts: tuple[tuple[str, str | None], ...] = ()

    @property
    def whole_lines(self) -> tuple[ShippedLine, ...]:
        """The lines that it completes units of, for a channel that takes no zero."""
        return tuple(line for line in self.lines if line.quantity > 0)


@dataclass(frozen=True)
class Receipt:
    """What the channel answered for one item of a push. `text` is short and impersonal."""

    key: str
    outcome: Literal["accepted", "retry", "rejected"]
    text: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What a channel can express; routing and publishing respect it."""

    several_parcels: bool = True
    several_parcels_per_line: bool = True
    partial_cancel: bool = False
    idempotency_key: bool = False
    compare_and_set: bool = False
    needs_acceptance: bool = False
    stock_batch: int = 100
    reads_stock: bool = True
    streams: tuple[str, ...] = ("orders", "returns")


class Channel(Protocol):
    """One sales channel. Raises Unreachable, Rejected and Malformed, naming the channel."""

    capabilities: Capabilities

    def orders(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of orders (and of refunds, where they come apart) of a window."""
        ...

    def returns(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of returns of a window; nothing where the channel has none."""
        ...

    def accept(self, external_ids: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        """Accept orders (id, line ids), where the channel wants it; key is the order id."""
        ...

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Publish levels; one receipt a level."""
        ...

    def push_tracking(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Announce parcels; one receipt a parcel. A parcel the channel has is accepted."""
        ...

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return the level the channel shows of each SKU; unknown SKUs are left out."""
        ...

    def ping(self) -> str:
        """Try the connection; return a short line for people."""
        ...
