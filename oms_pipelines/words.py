"""Words that stand in tables and that people ask for by name. Imports nothing."""

DRIFT_CAUSES = (
    "opening", "in_flight", "lost_confirmation", "doubled_receipt", "doubled_confirmation",
    "late_count", "doubled_count", "recount", "loss", "found",
)  # fmt: skip
LATE_FACTS = ("late_confirmation", "late_receipt", "late_sale", "late_adjustment")
CONTRADICTIONS = (
    "shipped_more", "shipped_unasked", "short_pick_in_stock", "received_more",
    "counted_below_allocated",
)  # fmt: skip
