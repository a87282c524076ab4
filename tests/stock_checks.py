"""The promises of stock, asked of a store of one SKU, in plain Python beside the engine's sets."""

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
    kept = balances(session)
    return {p: kept.get((f"{p}/sellable", SKU), 0) for p in PLACES}


def on_hand(session: Session) -> dict[str, int]:
    """Return what the ledger has on the shelves of each place, allocated or not."""
    kept = balances(session)
    shelves = ("sellable", "allocated")
    return {p: sum(kept.get((f"{p}/{s}", SKU), 0) for s in shelves) for p in PLACES}


def pool(session: Session) -> int:
    """Return the units that channels can be promised: sellable, less what is sold and waits."""
    free = sellable(session).values()
    owed = sum(-q for q in free if q < 0)
    given: dict[str, int] = {}
    numbers = ("quantity", "shipped_quantity", "refused_quantity")  # each has one line
    lines = session.table("fulfillment_lines").select("fo_id", *numbers).iter_rows()
    units = {fo_id: found for fo_id, *found in lines}
    for fo in session.table("fulfillment_orders").iter_rows(named=True):
        quantity, shipped, refused = units[fo["fo_id"]]
        ended = fo["state"] in ("refused", "canceled")
        has = shipped if ended else max(quantity - refused, shipped)
        given[fo["order_id"]] = given.get(fo["order_id"], 0) + has
    opened = session.table("orders").filter(order_status="open")["order_id"].to_list()
    for line in session.table("order_lines").iter_rows(named=True):
        if line["order_id"] in opened:
            wants = line["ordered_quantity"] * line["units_per"]
            owed += max(wants - given.get(line["order_id"], 0), 0)
    return max(sum(q for q in free if q > 0) - owed, 0)


def levels(session: Session, column: str) -> dict[Listing, int]:
    """Return a number of every listing in sold units, 0 where it is unknown."""
    rows = session.table("levels").select("channel_id", "channel_sku", column).iter_rows()
    return {(c, listing): n or 0 for c, listing, n in rows}


def may_show(session: Session) -> dict[Listing, int]:
    """Return the most every listing may show: what it was sent, less what it sold since."""
    most = levels(session, "held")
    sent = {
        (r["channel_id"], r["channel_sku"]): r["sent_at"]
        for r in session.table("levels").iter_rows(named=True)
    }
    orders = session.table("orders").filter(order_status="open")
    sold = session.table("order_lines").join(orders, on="order_id")
    for line in sold.iter_rows(named=True):
        key = line["channel_id"], line["channel_sku"]
        if sent.get(key) and line["placed_at"] > sent[key]:
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
