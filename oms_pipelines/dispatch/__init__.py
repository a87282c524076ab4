"""Files to locations, and what they answer: each line in exactly one file, for good."""

from oms_pipelines.dispatch.answers import apply_acknowledgements
from oms_pipelines.dispatch.confirm import apply_confirmations
from oms_pipelines.dispatch.facts import Applied
from oms_pipelines.dispatch.listing import mark_overdue, show_file
from oms_pipelines.dispatch.plan import Planned, plan_files
from oms_pipelines.dispatch.write import Written, resend, write_files

__all__ = [
    "Applied",
    "Planned",
    "Written",
    "apply_acknowledgements",
    "apply_confirmations",
    "mark_overdue",
    "plan_files",
    "resend",
    "show_file",
    "write_files",
]
