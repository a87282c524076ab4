"""Routing: which location ships each open line, by rules as data, and why."""

from oms_pipelines.routing.again import changes
from oms_pipelines.routing.explain import explain
from oms_pipelines.routing.findings import findings
from oms_pipelines.routing.inputs import load_inputs, read_inputs, replay, save_inputs, verify
from oms_pipelines.routing.keep import fulfillment_frames, replaced_lines, store_plan
from oms_pipelines.routing.model import Inputs, Plan
from oms_pipelines.routing.past import read_past
from oms_pipelines.routing.positions import load_positions
from oms_pipelines.routing.rules import check_rules
from oms_pipelines.routing.saved import (
    delete_saved,
    erase_saved,
    saved_between,
    saved_inputs,
    was_erased,
)
from oms_pipelines.routing.solve import inputs_of, plan
from oms_pipelines.routing.versions import keep_version, read_version

__all__ = [
    "Inputs",
    "Plan",
    "changes",
    "check_rules",
    "delete_saved",
    "erase_saved",
    "explain",
    "findings",
    "fulfillment_frames",
    "inputs_of",
    "keep_version",
    "load_inputs",
    "load_positions",
    "plan",
    "read_inputs",
    "read_past",
    "read_version",
    "replaced_lines",
    "replay",
    "save_inputs",
    "saved_between",
    "saved_inputs",
    "store_plan",
    "verify",
    "was_erased",
]
