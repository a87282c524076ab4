"""What is true in the sandbox, whatever the hub believes.

Money is in cents. Quantities of shops are sold units; stock of places is in SKU units, and
`units_per` of a line leads from one to the other.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms_pipelines.sandbox.people import Person


@dataclass
class Line:
    """A line of an order. `item` is the merchant's SKU, None when nobody knows this one."""

    id: int
    sku: str
    item: str | None
    units_per: int
    title: str
    quantity: int
    price: int
    canceled: int = 0
    shipped: int = 0
    returned: int = 0
    left: int = 0  # SKU units that truly left a place

    @property
    def outstanding(self) -> int:
        """SKU units that a place still has to give."""
        return max((self.quantity - self.canceled) * self.units_per - self.left, 0)

    @property
    def current(self) -> int:
        return self.quantity - self.canceled - self.returned

    @property
    def unshipped(self) -> int:
        return max(self.quantity - self.canceled - self.shipped, 0)


@dataclass
class Refund:
    """Money given back. `lines` are (line id, quantity, cents)."""

    id: int
    at: datetime
    amount: int
    reason: str
    lines: list[tuple[int, int, int]]
    restock: str


@dataclass
class Return:
    """Goods announced to come back. `lines` are (line id, quantity)."""

    id: int
    at: datetime
    updated: datetime
    reason: str
    text: str
    lines: list[tuple[int, int]]
    rma: str
    number: str
    state: str = "open"
    refund: int | None = None


@dataclass
class Tracking:
    """A parcel as the hub announced it to the channel. `lines` are (line id, quantity)."""

    id: int
    at: datetime
    number: str
    carrier: str
    url: str
    lines: list[tuple[int, int]]
    key: str = ""


@dataclass
class Order:
    """An order of a shop. `stage` is the shop's own word where it keeps one."""

    id: int
    channel: str
    placed: datetime
    updated: datetime
    visible: datetime
    person: Person
    lines: list[Line]
    currency: str
    shipping: int
    payment: str = "paid"
    state: str = "open"
    stage: str = ""
    collect: str | None = None
    choice: str = "any"
    service: str = "standard"
    customer: str = ""
    paid: datetime | None = None
    closed: datetime | None = None
    kind: str = "sale"
    printed: str = ""  # the order number on the papers in the parcel
    refunds: list[Refund] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    trackings: list[Tracking] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    meta: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(x.price * x.quantity for x in self.lines) + self.shipping

    @property
    def refunded(self) -> int:
        return sum(x.amount for x in self.refunds)

    @property
    def fulfillment(self) -> str:
        """unfulfilled, partial or fulfilled, from what the hub told the channel."""
        if any(x.shipped for x in self.lines):
            return "partial" if any(x.unshipped for x in self.lines) else "fulfilled"
        return "unfulfilled"

    def line(self, external: object) -> Line | None:
        """Return the line an identifier ends with the number of."""
        number = last_number(external)
        return next((x for x in self.lines if x.id == number), None)


@dataclass
class Shop:
    """A channel: what it sold, the level it holds of each of its SKUs, what it was told."""

    id: str
    system: str
    currency: str
    next_id: int
    next_ref: int = 1000
    orders: dict[int, Order] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    history: list[tuple[datetime, str, int, str]] = field(default_factory=list)
    offers: dict[str, tuple[str, int]] = field(default_factory=dict)
    lost: int = 0
    served: set[int] = field(default_factory=set)
    keys: dict[str, Any] = field(default_factory=dict)
    dropped: datetime = datetime.min  # until when its files tell
    files: list[str] = field(default_factory=list)

    def ref(self) -> int:
        self.next_ref += 1
        return self.next_ref

    def find(self, external: object) -> Order | None:
        return self.orders.get(last_number(external))


@dataclass
class JobLine:
    """A line to pick, in SKU units."""

    line_id: str
    sku: str
    quantity: int


@dataclass
class Job:
    """A fulfillment order a place has read."""

    fo_id: str
    order_id: str
    number: str
    file: str
    carrier: str
    country: str
    city: str
    lines: list[JobLine]
    state: str = "waiting"


@dataclass
class SeenFile:
    """A file a place has read, and how it was answered."""

    name: str
    flow: str
    sequence: int
    sha256: str
    rows: int
    status: str
    at: datetime
    refused: int = 0  # lines refused alone


@dataclass
class Place:
    """A location: what truly lies there, what it read and did."""

    id: str
    kind: str
    stock: dict[str, int] = field(default_factory=dict)
    files: list[SeenFile] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    expected: dict[str, dict[str, str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    outgoing: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def next(self, what: str) -> int:
        self.counters[what] = self.counters.get(what, 0) + 1
        return self.counters[what]


@dataclass
class Checkpoint:
    """A scan."""

    at: datetime
    tag: str
    subtag: str
    raw: str
    city: str
    returning: bool = False


@dataclass
class Parcel:
    """A parcel that left a place. `lines` are (line id, SKU, units)."""

    number: str
    tracking: str
    carrier: str
    place: str
    fo_id: str
    order_id: str
    country: str
    city: str
    shipped: datetime
    updated: datetime
    lines: list[tuple[str, str, int]]
    checkpoints: list[Checkpoint] = field(default_factory=list)

    @property
    def tag(self) -> str:
        return self.checkpoints[-1].tag if self.checkpoints else "Pending"


def last_number(external: object) -> int:
    """Return the number an identifier ends with: gid://shop/Order/12, Order_12-A, VP12 is 12."""
    match = re.search(r"(\d+)(?:-A)?$", str(external))
    return int(match[1]) if match else -1
