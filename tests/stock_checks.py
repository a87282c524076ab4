"""The promises of stock, asked of a store of one SKU, in plain Python beside the engine's sets."""

from dataclasses import dataclass

from stock_model import PLACES, SKU
from stock_world import balances

from oms_pipelines.store import Session

Listing = tuple[str, str]


def check_ledger(session: Session) -> None:
    """Promise 7: legs sum to zero, and what is kept is what a recompute gives."""
    kept = balances(session)
    movements = session.table("stock_movements")
    found: dict[tuple[str, str], int] = {}
    for row in movements.iter_rows(named=True):
        assert row["quantity"] > 0, f"promise 7: a movement of {row['quantity']}"
        for account, units in (
            (row["to_account"], row["quantity"]),
            (row["from_account"], -row["quantity"]),
        ):
            found[account, row["sku"]] = found.get((account, row["sku"]), 0) + units
    assert movements["movement_id"].is_unique().all(), "promise 7: a movement twice"
    assert {k: q for k, q in found.items() if q} == kept, "promise 7: balances differ"
    assert sum(kept.values()) == 0, "promise 7: legs"


def sellable(session: Session) -> dict[str, int]:
    return _of_places(balances(session), "sellable")


def on_hand(session: Session) -> dict[str, int]:
    """Return what the ledger has on the shelves of each place, allocated or not."""
    return _of_places(balances(session), "sellable", "allocated")


def _of_places(kept: dict[tuple[str, str], int], *shelves: str) -> dict[str, int]:
    return {p: sum(kept.get((f"{p}/{s}", SKU), 0) for s in shelves) for p in PLACES}


@dataclass
class Sold:
    """The order lines of a store, and the units of each order that a location has or shipped."""

    lines: list[dict]  # of open orders, with channel_id and placed_at
    given: dict[str, int]


def sold_of(session: Session) -> Sold:
    orders = session.table("orders").filter(order_status="open")
    if orders.is_empty():
        return Sold([], {})
    orders = orders.select("order_id", "channel_id", "placed_at")
    given: dict[str, int] = {}
    asked = session.table("fulfillment_lines").join(
        session.table("fulfillment_orders").select("fo_id", "order_id", "state"), on="fo_id"
    )
    for row in asked.iter_rows(named=True):
        has = shipped = row["shipped_quantity"]
        if row["state"] not in ("refused", "canceled"):
            has = max(row["quantity"] - row["refused_quantity"], shipped)
        given[row["order_id"]] = given.get(row["order_id"], 0) + has
    return Sold(session.table("order_lines").join(orders, on="order_id").to_dicts(), given)


def pool(session: Session, sold: Sold) -> int:
    """Return the units that channels can be promised: sellable, less what is sold and waits."""
    free = sellable(session).values()
    owed = sum(-q for q in free if q < 0)
    for line in sold.lines:  # an order has one
        wants = line["ordered_quantity"] * line["units_per"]
        owed += max(wants - sold.given.get(line["order_id"], 0), 0)
    return max(sum(q for q in free if q > 0) - owed, 0)


def desired(session: Session) -> dict[Listing, int]:
    rows = session.table("levels").select("channel_id", "channel_sku", "desired").iter_rows()
    return {(c, listing): n for c, listing, n in rows}


def may_show(session: Session, sold: Sold) -> dict[Listing, int]:
    """Return the most every listing may show: what it was sent, less what it sold since."""
    names = ("channel_id", "channel_sku", "held", "sent_at")
    rows = session.table("levels").select(names).iter_rows()
    held = {(c, listing): (n or 0, sent) for c, listing, n, sent in rows}
    most = {key: n for key, (n, _) in held.items()}
    for line in sold.lines:
        key = line["channel_id"], line["channel_sku"]
        if key in held and held[key][1] and line["placed_at"] > held[key][1]:
            most[key] = max(most[key] - line["ordered_quantity"], 0)
    return most


def units(numbers: dict[Listing, int], packs: dict[str, dict[str, int]]) -> int:
    """Return the sum of levels in SKU units."""
    return sum(n * packs[c][listing] for (c, listing), n in numbers.items())


def check_raises(
    before: dict[Listing, int], after: dict[Listing, int], packs: dict, most: int
) -> None:
    """Promise 10: whatever went up, went up within what can be promised."""
    rose = {k: n for k, n in after.items() if n > before.get(k, 0)}
    if rose:
        together = units(after, packs)
        assert together <= most, f"promise 10: {rose} rose, {together} may show of {most}"


def check_returns(session: Session) -> None:
    """Promise 11: of no line came back more than was delivered of it."""
    parcels = session.table("shipments")
    sent: dict[tuple[str, str], int] = {}
    whose = dict(parcels.select("shipment_id", "order_id").iter_rows())
    for row in session.table("shipment_lines").iter_rows(named=True):
        key = whose[row["shipment_id"]], row["line_id"]
        sent[key] = sent.get(key, 0) + row["quantity"]
    back: dict[tuple[str, str], int] = {}
    for row in session.table("return_receipts").iter_rows(named=True):
        if row["line_id"] is not None:
            key = row["order_id"], row["line_id"]
            back[key] = back.get(key, 0) + row["quantity"]
    for key, quantity in back.items():
        assert quantity <= sent.get(key, 0), f"promise 11: {quantity} of {key} came back"
