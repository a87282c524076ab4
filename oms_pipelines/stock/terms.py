"""What is taken off the stock of a location before any of it is promised or routed.

Expired lots, which nobody may sell; then safety stock, by class of SKU, in units and in days
of sales: the first line of `safety` that matches decides, and where none does `safety_stock`;
then the store's reserve for its own customers.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.config import Location, Oms
from oms_pipelines.stock.lots import EXPIRED, read_expired, unexpired
from oms_pipelines.stock.sales import location_rates
from oms_pipelines.store import Session

PAIR = ["location_id", "sku"]
ANY = "*"
_OTHER = ""  # every class that no line names, and none
CLASSES = {"sku": pl.String, "class": pl.String}
RATES = {"location_id": pl.String, "sku": pl.String, "per_day": pl.Float64}


@dataclass(frozen=True)
class Terms:
    """What is known of SKUs: classes (sku, class), rates (location_id, sku, per_day) of sales,
    and expired (location_id, sku, quantity) units on the shelf.
    """

    classes: pl.DataFrame
    rates: pl.DataFrame
    expired: pl.DataFrame


NO_TERMS = Terms(pl.DataFrame(schema=CLASSES), pl.DataFrame(schema=RATES),
                 pl.DataFrame(schema=EXPIRED))  # fmt: skip


def read_terms(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame | None = None
) -> Terms:
    """Read what settings make a difference by, of `skus` (sku) or of all.

    What no setting names is not read.
    """
    classes, rates = NO_TERMS.classes, NO_TERMS.rates
    if named := classes_named(oms):
        session.frame("tmp_classes", pl.DataFrame({"class": named}))
        none = pl.DataFrame(schema={"sku": pl.String})
        session.frame("tmp_class_skus", none if skus is None else skus.select("sku").unique())
        classes = session.query("stock/classes", all=skus is None)
    if days_named(oms):
        rates = location_rates(session, now, oms.stock.window, skus)
    return Terms(classes, rates, read_expired(session, oms, now, skus))


def routable(stock: pl.DataFrame, oms: Oms, terms: Terms) -> pl.DataFrame:
    """Return (location_id, sku, quantity >= 0): sellable units that routing may allocate.

    `stock` (location_id, sku, quantity) is on hand less what is allocated. Thresholds, and
    locations that do not sell, keep channels from promising stock, not routing from using it;
    routing's own safety stock comes off too.
    """
    kept = pl.col("safety") + pl.col("store_reserve") + oms.routing.safety_stock
    return (
        unexpired(stock, terms.expired)
        .pipe(with_kept_back, oms, terms)
        .select(*PAIR, (pl.col("quantity") - kept).clip(0).alias("quantity"))
    )


def with_kept_back(stock: pl.DataFrame, oms: Oms, terms: Terms) -> pl.DataFrame:
    """Return the stock of locations with safety and store_reserve, in units.

    `stock` has location_id and sku. Safety is the larger of the units and the days of sales,
    rounded up; what was not measured sold nothing. A place that is no location is left out.
    """
    named, safety = classes_named(oms), pl.col("units")
    rules, on = _rules(oms, [*named, _OTHER]), ["location_id"]
    found = stock
    if named:
        known = pl.when(pl.col("class").is_in(named)).then("class").otherwise(pl.lit(_OTHER))
        found = found.join(terms.classes, on="sku", how="left", maintain_order="left")
        found, on = found.with_columns(known.alias("class")), ["location_id", "class"]
    found = found.join(rules, on=on, maintain_order="left")
    if terms.rates.height:
        days = (pl.col("days") * pl.col("per_day").fill_null(0) - 1e-9).ceil().cast(pl.Int64)
        found = found.join(terms.rates, on=PAIR, how="left", maintain_order="left")
        safety = pl.max_horizontal("units", days)
    return found.select(*stock.columns, safety.alias("safety"), "store_reserve")


def classes_named(oms: Oms) -> list[str]:
    """Return the classes of SKUs that settings name, sorted."""
    return sorted({line.class_ for x in oms.locations for line in x.safety} - {ANY})


def days_named(oms: Oms) -> bool:
    """Tell whether any safety stock hangs on measured sales."""
    return any(line.days for x in oms.locations for line in x.safety)


def _rules(oms: Oms, classes: list[str]) -> pl.DataFrame:
    rows = [
        (x.id, name, *_of_class(x, name), x.store_reserve)
        for x in oms.locations
        for name in classes
    ]
    schema = {
        "location_id": pl.String,
        "class": pl.String,
        "units": pl.Int64,
        "days": pl.Float64,
        "store_reserve": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _of_class(location: Location, name: str) -> tuple[int, float]:
    fitting = (x for x in location.safety if x.class_ in (ANY, name))
    line = next(fitting, None)
    return (line.units, line.days) if line else (location.safety_stock, 0.0)
