"""Where parcels are: carriers' events, and the status of each shipment."""

from oms_pipelines.tracking.status import apply_events, apply_tracking

__all__ = ["apply_events", "apply_tracking"]
