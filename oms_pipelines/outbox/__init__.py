"""The outbox: what the hub has promised to tell, each under a stable key, told once."""

from oms_pipelines.outbox.delivery import Delivered, deliver
from oms_pipelines.outbox.intents import promise

__all__ = ["Delivered", "deliver", "promise"]
