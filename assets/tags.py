"""Tags of runs that change what assets do."""

FULL = "oms/full_levels"  # every level is computed and published, changed or not
