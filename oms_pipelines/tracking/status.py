"""The status of each shipment, from all its carrier has said, in whatever order it came."""

from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.store import Session

_AGAIN = timedelta(days=2)  # delivered parcels with news since then are looked at again


def apply_events(session: Session, events: pl.DataFrame) -> int:
    """Keep a carrier's events (columns of tracking_events). Return how many are new."""
    new = session.insert_new("tracking_events", events)
    if new < events.height:
        session.frame("tmp_events", events.unique("event_id", keep="first", maintain_order=True))
        session.run("tracking/known_earlier")
    return new


def apply_tracking(session: Session, now: datetime) -> int:
    """Bring shipments to their newest event. Return how many changed. Idempotent.

    Delivered is final. A delivery on the way back to the sender is no delivery: the parcel
    stands as Exception. Waiting at a counter is AvailableForPickup, and stays open.
    """
    return session.run("tracking/apply", now=now, since=now - _AGAIN)
