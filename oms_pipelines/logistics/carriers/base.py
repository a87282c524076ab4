"""What a carrier adapter is: one file in this package, one class that fits `Carrier`.

Its module also has `connect(settings)`, and `parse_tracking(body, carrier_id, known_at,
batch_id, page)`, which gives a landed page as rows of tracking_events.
"""

from collections.abc import Iterator
from typing import Protocol

from oms_pipelines.channels.base import Page, Window

STATUSES = (
    "Pending",
    "InfoReceived",
    "InTransit",
    "OutForDelivery",
    "AttemptFail",
    "Delivered",
    "AvailableForPickup",
    "Exception",
    "Expired",
)


class Carrier(Protocol):
    """One carrier's tracking. Raises Unreachable, Rejected and Malformed, naming it."""

    def tracking(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of parcels whose tracking changed in a window (stream `tracking`)."""
        ...

    def ping(self) -> str:
        """Try the connection; return a short line for people."""
        ...
