"""Rules to try, read from a file of their own: a YAML with a `routing` section as in oms.yaml."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from oms_pipelines import config
from oms_pipelines.config import Costs, Oms, Routing
from oms_pipelines.errors import Misconfigured
from oms_pipelines.routing.model import Inputs, conform
from oms_pipelines.routing.positions import load_positions
from oms_pipelines.routing.rules import check_rules

LIVE = "live"
TODAY = "today"


@dataclass(frozen=True)
class RuleSet:
    """Rules under a name. `positions` is None where those saved with a plan hold."""

    name: str
    rules: Routing
    positions: pl.DataFrame | None = None

    @property
    def notes(self) -> list[str]:
        """Return what must be known of them to read their back-test."""
        told = []
        if self.rules.replan:
            told.append("routing.replan moves nothing in a back-test: no saved plan of these days "
                        "tells of a part that waited for its file")  # fmt: skip
        if self.rules.costs == Costs():
            told.append("declares no costs: distance, lateness and load cost it nothing")
        return [f"{self.name}: {note}" for note in told]


def under(inputs: Inputs, rules: RuleSet) -> Inputs:
    """Return saved inputs under other rules.

    Saved stock is less the routing's own safety stock, and no less than nothing: of what rules
    keep less of, only stock that was left tells how much there is. What is planned again is for the
    saved rules to tell: where they do and these do not, it is at their price.
    """
    more = inputs.rules.safety_stock - rules.rules.safety_stock
    units = pl.col("available")
    known = inputs.positions if rules.positions is None else conform(rules.positions, "positions")
    theirs = rules.rules.replan or inputs.rules.replan
    again = theirs if inputs.held.height else rules.rules.replan
    return replace(
        inputs,
        rules=rules.rules.model_copy(update={"replan": again}),
        positions=known,
        stock=inputs.stock.with_columns(
            pl.when(units > 0).then((units + more).clip(0)).otherwise(units).alias("available")
        ),
    )


def read_rules(path: Path, oms: Oms) -> RuleSet:
    """Return the rules of a file, under its name. Raises Misconfigured with file and path."""
    data = config.read_mapping(path)
    faults = [f"{path.name}: {key}: write `routing` alone" for key in data if key != "routing"]
    if "routing" not in data:
        faults.append(f"{path.name}: routing: is missing")
    if path.stem == LIVE:
        faults.append(f"{path.name}: the rules that were live have this name; give it another")
    if faults:
        raise Misconfigured(faults)
    try:
        rules = config.part(Routing, data["routing"], "routing")
        faults = _faults(rules, oms)
        positions = load_positions(rules.postal_codes) if rules.postal_codes else None
    except Misconfigured as e:
        raise Misconfigured([f"{path.name}: {x}" for x in e.faults]) from None
    if faults:
        raise Misconfigured([f"{path.name}: {x}" for x in faults])
    return RuleSet(path.stem, rules, positions)


def _faults(rules: Routing, oms: Oms) -> list[str]:
    between = config.between(oms.model_copy(update={"routing": rules}))
    shadow = ["routing.shadow: belongs in oms.yaml"] if rules.shadow else []
    return [*(x for x in between if x.startswith("routing")), *check_rules(rules, oms), *shadow]


def of_today(oms: Oms) -> RuleSet:
    """Return the rules of oms.yaml. Raises Misconfigured with the path of each fault."""
    faults = check_rules(oms.routing, oms)
    if faults:
        raise Misconfigured(faults)
    own = load_positions(oms.routing.postal_codes) if oms.routing.postal_codes else None
    return RuleSet(TODAY, oms.routing, own)
