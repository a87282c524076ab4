"""The promises of the hub as checks over what both sides hold at the end of a flow.

Each `check_N` holds promise N of ARCHITECTURE.md against the sandbox's truth and the hub's
store; it raises AssertionError with the rows that break it. They change nothing.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from email.header import decode_header, make_header
from hashlib import sha256
from pathlib import Path

import polars as pl
from evidence import Evidence, nothing
from promises_private import check_13
from promises_store import check_6, check_7, check_8, check_11

from oms_pipelines.sandbox.truth import last_number

__all__ = [
    "check_1",
    "check_2",
    "check_3",
    "check_4",
    "check_5",
    "check_6",
    "check_7",
    "check_8",
    "check_11",
    "check_13",
    "delivered_files",
]

LIVE = ("planned", "dispatched", "accepted", "cancel_requested")
UNSEEN = ("planned",)  # states of a file that nobody was given yet


def _served(found: Evidence) -> dict[tuple[str, str], dict[int, int]]:
    """Return the units still wanted of each line, of every order a channel has shown.

    Lines of file channels that changed since the last file are left out: nobody was told.
    """
    orders: dict[tuple[str, str], dict[int, int]] = {}
    for channel, shop in found.truth.shops.items():
        shown = found.state["channels"][channel]["order_ids"]
        by_number = {last_number(x): x for x in shown}
        for order in shop.orders.values():
            if order.id not in by_number:
                continue
            told = shop.system != "file" or order.updated <= shop.dropped
            gone = order.state == "canceled"
            lines = {x.id: 0 if gone else x.quantity - x.canceled for x in order.lines}
            orders[channel, by_number[order.id]] = lines if told else {}
    return orders


def check_1(found: Evidence) -> None:
    """Orders in the store = orders each channel served: identifiers and open quantities."""
    served = _served(found)
    orders, lines = found.table("orders"), found.table("order_lines")
    stored = {(r["channel_id"], r["external_id"]) for r in orders.iter_rows(named=True)}
    nothing(sorted(served.keys() - stored), "served and not in the store")
    nothing(sorted(stored - served.keys()), "in the store and never served")
    assert len(stored) == orders.height
    held = lines.join(orders.select("order_id", "channel_id", "external_id", "order_status"),
                      on="order_id")  # fmt: skip
    # what was refunded before it shipped is in the line, in the refund, or in both
    refunded = found.table("refund_lines").filter(pl.col("restock") == "cancel")
    refunded = refunded.group_by("order_id", "line_id").agg(pl.col("quantity").sum())
    held = held.join(refunded, on=["order_id", "line_id"], how="left").fill_null(0)
    open_units: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for row in held.iter_rows(named=True):
        units = row["ordered_quantity"] - max(row["canceled_quantity"], row["quantity"])
        gone = row["order_status"] == "canceled"
        key = (row["channel_id"], row["external_id"])
        open_units[key][last_number(row["line_id"])] = 0 if gone else units
    wrong = [
        {"order": key, "served": wanted, "stored": open_units[key]}
        for key, wanted in served.items()
        if wanted and open_units[key] != wanted
    ]
    nothing(wrong, f"open quantities of {len(wrong)} orders differ")


def check_2(found: Evidence) -> None:
    """Live allocations never exceed what the ledger says a location has, per SKU."""
    lines = found.table("fulfillment_lines").join(
        found.table("fulfillment_orders").select("fo_id", "location_id", "state"), on="fo_id"
    )
    live = (
        lines.filter(pl.col("state").is_in(LIVE))
        .with_columns(
            left=(pl.col("quantity") - pl.col("shipped_quantity") - pl.col("refused_quantity"))
        )
        .group_by(pl.format("{}/allocated", "location_id").alias("account"), "sku")
        .agg(pl.col("left").clip(0).sum())
    )
    balances = found.table("stock_balances")
    allocated = balances.filter(pl.col("account").str.ends_with("/allocated"))
    nothing(allocated.filter(pl.col("quantity") < 0), "allocated is negative")
    both = live.join(allocated, on=["account", "sku"], how="full", coalesce=True).fill_null(0)
    nothing(both.filter(pl.col("left") != pl.col("quantity")), "live lines and ledger differ")
    nothing(_overdrawn(found.table("stock_movements")), "a plan took what was not there")


def _overdrawn(movements: pl.DataFrame) -> pl.DataFrame:
    """Return the shelves that an allocation left negative at the moment it was known.

    A later fact (a count, a sale at the till) may contradict, and is accepted; so each
    shelf is looked at as it was known when units of it were given.
    """
    legs = pl.concat(
        [
            movements.select("known_at", "sku", "cause", pl.col("to_account").alias("account"),
                             "quantity"),
            movements.select("known_at", "sku", "cause", pl.col("from_account").alias("account"),
                             -pl.col("quantity")),
        ]
    ).filter(pl.col("account").str.ends_with("/sellable"))  # fmt: skip
    moments = (
        legs.group_by("account", "sku", "known_at")
        .agg(
            pl.col("quantity").sum(),
            ((pl.col("cause") == "allocation") & (pl.col("quantity") < 0)).any().alias("given"),
        )
        .sort("account", "sku", "known_at")
        .with_columns(pl.col("quantity").cum_sum().over("account", "sku").alias("balance"))
    )
    return moments.filter("given" & (pl.col("balance") < 0))


def delivered_files(root: Path, flow: str = "dispatch") -> dict[str, tuple[str, bytes]]:
    """Return location and bytes of every file that stands, or stood, at a destination."""
    files: dict[str, tuple[str, bytes]] = {}
    for manifest in root.glob(f"*/in/{flow}/**/*.manifest.json"):
        path = manifest.with_name(manifest.name.removesuffix(".manifest.json"))
        body = path.read_bytes()
        assert json.loads(manifest.read_bytes())["sha256"] == sha256(body).hexdigest(), path.name
        place = manifest.relative_to(root).parts[0]
        before = files.setdefault(path.name, (place, body))
        assert before == (place, body), f"{path.name} stands there with other bytes"
    return files


def check_3(found: Evidence) -> None:
    """Each fulfillment line stands in one delivered file, which reaches one state."""
    for place, told in found.state["locations"].items():
        nothing(told["file_faults"], f"{place} found faults in files")
        assert told["lines_twice"] == 0, f"{place} was told lines twice"
    files = found.table("files").filter(pl.col("flow") == "dispatch")
    assert files["name"].n_unique() == files.height
    sent = files.filter(~pl.col("state").is_in(UNSEEN))
    there = delivered_files(found.root)
    assert set(sent["name"]) == set(there), "files in the store are not those delivered"
    digests = dict(sent.select("name", "sha256").iter_rows())
    rows: Counter[tuple[str, str, str]] = Counter()
    for name, (place, body) in there.items():
        assert sha256(body).hexdigest() == digests[name], f"{name}: other bytes than stored"
        assert name.startswith(f"{place}_dispatch_")
        for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"):
            if row["action"] == "ship":
                rows[row["fo_id"], row["line_id"], row["sku"]] += 1
    nothing([key for key, n in rows.items() if n != 1], "lines stand in several files")
    _same_lines(found, set(rows), sent)
    _same_states(found, sent)


def _same_lines(found: Evidence, rows: set[tuple[str, str, str]], sent: pl.DataFrame) -> None:
    """Every line of a sent fulfillment order stands in a file, and no other does."""
    orders = found.table("fulfillment_orders").filter(
        pl.col("file_name").is_in(sent["name"].implode())
    )
    lines = found.table("fulfillment_lines").join(orders.select("fo_id"), on="fo_id", how="semi")
    stored = set(lines.select("fo_id", "line_id", "sku").iter_rows())
    nothing(sorted(stored - rows), "lines of sent orders in no file")
    nothing(sorted(rows - stored), "lines in files that no sent order has")


def _same_states(found: Evidence, sent: pl.DataFrame) -> None:
    """What a location answered of a file is what the store says, once it has read it.

    Who refuses a line alone takes the rest, before it says so.
    """
    answered = {
        f["name"]: "accepted" if f["status"] == "received" and f["lines_refused"] else f["status"]
        for told in found.state["locations"].values()
        for f in told["files"]
        if f["flow"] == "dispatch"
    }
    final = sent.filter(pl.col("state").is_in(("accepted", "rejected")))
    wrong = [r for r in final.select("name", "state").iter_rows() if answered.get(r[0]) != r[1]]
    nothing(wrong, "files whose state is not the location's")


def check_4(found: Evidence) -> None:
    """Once idle, the level each channel holds is the level computed, of what it lists."""
    levels = found.table("levels")
    assert levels.height > 0
    for channel in found.oms.channels:
        if channel.stock.mode == "none":
            continue
        own = levels.filter(pl.col("channel_id") == channel.id)
        wanted = own.select(pl.col("channel_sku").alias("name"), pl.col("desired").alias("level"))
        shown = found.state["channels"][channel.id]["levels"]
        untold = _untold(found, channel.id)
        wrong = [
            {"sku": sku, "computed": level, "shown": shown[sku], "untold": untold[sku]}
            for sku, level in wanted.iter_rows()
            if sku in shown and not max(level - untold[sku], 0) <= shown[sku] <= level
        ]
        nothing(wrong, f"levels of {channel.id} are not those computed")
        assert set(shown) <= set(wanted["name"]), f"{channel.id} lists SKUs without a level"


def _untold(found: Evidence, channel_id: str) -> Counter[str]:
    """Return the units a file channel sold since its last file: nobody can know of them."""
    shop, units = found.truth.shops[channel_id], Counter[str]()
    if shop.system == "file":
        for order in shop.orders.values():
            if order.placed > shop.dropped:
                units.update({line.sku: line.quantity for line in order.lines})
    return units


def check_5(found: Evidence, resent: int = 0) -> None:
    """At most one message per (order, parcel, step).

    A message is its Message-ID, by which a mailbox knows a second delivery. Only a kill
    between a delivery and its receipt makes one come twice: `resent` says how many may.
    """
    mails = found.truth.mails
    ids = Counter(m["message_id"] for m in mails)
    repeated = sum(ids.values()) - len(ids)
    assert repeated <= resent, f"{repeated} messages came twice"
    keys: dict[str, set[str]] = defaultdict(set)
    for mail in mails:
        headers = {name.lower(): value for name, value in mail["headers"].items()}
        key = str(make_header(decode_header(headers["x-oms-key"])))
        keys[key.strip()].add(mail["message_id"])
    nothing([k for k, v in keys.items() if len(v) > 1], "messages of one step under two ids")
    outbox = found.table("outbox").filter(pl.col("kind") == "message")
    told = outbox.filter(pl.col("state") == "accepted")["key"]
    nothing(sorted(set(keys) - set(outbox["key"])), "messages nobody promised")
    nothing(sorted(set(told) - set(keys)), "messages said to be delivered that are not there")
