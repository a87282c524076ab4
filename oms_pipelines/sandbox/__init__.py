"""A network of shops, warehouses, a carrier and customers to run the hub against.

It speaks each system's own protocol over loopback, has a clock of its own, and knows the
truth the hub's promises are tested by. Nothing of the hub imports it but its command.
"""

from oms_pipelines.sandbox.client import Box, running, serve
from oms_pipelines.sandbox.network import SECRETS, sandbox_config
from oms_pipelines.sandbox.server import Sandbox

__all__ = ["SECRETS", "Box", "Sandbox", "running", "sandbox_config", "serve"]
