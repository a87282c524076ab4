"""Places that hold stock: they count, read dispatch files, pick, ship, refuse, take back.

A place checks every file it reads (digest, rows, sequence, lines it was told before) and
remembers each fault, so that a test can prove there was none.
"""

import csv
import io
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import carrier, customers
from oms_pipelines.sandbox.files import put, table
from oms_pipelines.sandbox.shop import promise, reported, vanish
from oms_pipelines.sandbox.truth import Job, JobLine, Place, SeenFile

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

IN = ("dispatch", "return_notices")
COLUMNS = {
    "stock": ("sku", "quantity", "counted_at"),
    "confirmations": (
        "fo_id", "line_id", "sku", "shipped_quantity", "refused_quantity", "reason", "parcel",
        "carrier_id", "tracking_number", "shipped_at",
    ),
    "acknowledgements": ("file_name", "status", "line_no", "reason"),
    "receipts": (
        "receipt_id", "line_no", "rma", "order_number", "line_id", "sku", "quantity",
        "condition", "remark", "received_at",
    ),
}  # fmt: skip
OUT = tuple(COLUMNS)
SELLABLE = ("as_new", "opened")


def utc(world: "World") -> str:
    return world.now.isoformat().replace("+00:00", "Z")


def count(world: "World", place: str) -> None:
    """Write what lies on the shelves."""
    held = world.truth.places[place]
    rows = [
        {"sku": sku, "quantity": units, "counted_at": utc(world)}
        for sku, units in held.stock.items()
    ]
    _write(world, held, "stock", rows)


def _write(world: "World", place: Place, flow: str, rows: list[dict[str, Any]]) -> None:
    number = place.next(flow)
    name = f"{place.id}_{flow}_{world.now:%Y%m%d}_{number:06d}.csv"
    put(world.root / place.id / "out" / flow / name, table(COLUMNS[flow], rows))
    if flow == "stock":
        reported(world, place.id, f"{place.id}/out/stock/{name}")


def read_all(world: "World") -> None:
    """Let every place read what lies in its folders, and write what it has to say."""
    for place in world.truth.places.values():
        for flow in IN:
            folder = world.root / place.id / "in" / flow
            for manifest in sorted(folder.glob("*.manifest.json")):
                _read(world, place, flow, manifest)
        for flow, rows in place.outgoing.items():
            if rows:
                _write(world, place, flow, rows)
                place.outgoing[flow] = []


def _say(place: Place, flow: str, **row: Any) -> None:
    place.outgoing.setdefault(flow, []).append(row)


def _read(world: "World", place: Place, flow: str, manifest: Path) -> None:
    told = json.loads(manifest.read_bytes())
    path = manifest.with_name(manifest.name.removesuffix(".manifest.json"))
    body = path.read_bytes() if path.exists() else b""
    taken = path.parent / "taken"
    taken.mkdir(exist_ok=True)
    before = next((x for x in place.files if x.name == path.name and x.flow == flow), None)
    faults = list(_faults(place, flow, told, body, before))
    for fault in faults:
        place.faults.append({"file": path.name, "fault": fault, "at": world.now})
    if path.exists():
        path.replace(taken / path.name)
    manifest.replace(taken / manifest.name)
    if before:
        world.truth.count(f"files_again/{place.id}")
        return
    broken = any(x.startswith("refused") for x in faults)
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))
    digest = sha256(body).hexdigest()
    status = "rejected" if broken else "received"
    place.files.append(
        SeenFile(path.name, flow, int(told["sequence"]), digest, len(rows), status, world.now)
    )
    if flow == "dispatch":
        reason = "; ".join(faults) if broken else ""
        _say(place, "acknowledgements", file_name=path.name, status=status, reason=reason)
        if not broken:
            world.later(timedelta(minutes=40), "answer", place=place.id, name=path.name)
            _take(world, place, path.name, rows)
    else:
        place.expected |= {f"{x['return_id']}/{x['line_id']}": dict(x) for x in rows}


def _faults(place: Place, flow: str, told: dict[str, Any], body: bytes, before: SeenFile | None):
    """Yield what is wrong with a file, in the words of its reader."""
    digest = sha256(body).hexdigest()
    if before:
        if before.sha256 != digest:
            yield "changed after it was taken"
        return
    if told["sha256"] != digest:
        yield "refused: the digest is not the manifest's"
    rows = len(list(csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))) - 1
    if rows != told["rows"]:
        yield f"refused: {rows} rows, the manifest says {told['rows']}"
    last = max((x.sequence for x in place.files if x.flow == flow), default=0)
    if told["sequence"] <= last:
        yield f"refused: sequence {told['sequence']} was used before"
    elif told["sequence"] != last + 1:
        yield f"sequence jumps from {last} to {told['sequence']}"


def _take(world: "World", place: Place, name: str, rows: list[dict[str, str]]) -> None:
    """Make jobs of a dispatch file; lines that cannot be done are refused by number."""
    for row in rows:
        job = place.jobs.get(row["fo_id"])
        if row["action"] == "cancel":
            _cancel(place, name, row, job)
            continue
        if job is None:
            job = place.jobs[row["fo_id"]] = Job(
                row["fo_id"], row["order_id"], row["number"], name, row["carrier_id"],
                row["country"], row["city"], [],
            )  # fmt: skip
            hours = 2 + 4 * world.draw("pick", job.fo_id)
            world.later(timedelta(hours=hours), "ship", place=place.id, fo_id=job.fo_id)
        key = (row["line_id"], row["sku"])
        if any((x.line_id, x.sku) == key for x in job.lines):
            fault = f"line {row['line_no']} was told before"
            place.faults.append({"file": name, "fault": fault, "at": world.now})
            continue
        if world.draw("blocked", job.fo_id, *key) < 0.004:
            _refuse_line(place, name, row["line_no"], "article is blocked")
            continue
        job.lines.append(JobLine(row["line_id"], row["sku"], int(row["quantity"])))


def _refuse_line(place: Place, name: str, line_no: str, reason: str) -> None:
    next(x for x in place.files if x.name == name).refused += 1
    _say(
        place, "acknowledgements", file_name=name, status="rejected", line_no=line_no, reason=reason
    )


def _cancel(place: Place, name: str, row: dict[str, str], job: Job | None) -> None:
    if job is None:
        _refuse_line(place, name, row["line_no"], "nobody told us of this order")
    elif job.state == "shipped":
        _refuse_line(place, name, row["line_no"], "it has left")
    else:
        job.lines = [x for x in job.lines if (x.line_id, x.sku) != (row["line_id"], row["sku"])]
        job.state = "waiting" if job.lines else "canceled"


def answer(world: "World", place: str, name: str) -> None:
    """Accept a file that was received."""
    held = world.truth.places[place]
    seen = next(x for x in held.files if x.name == name)
    seen.status = "accepted"
    _say(held, "acknowledgements", file_name=name, status="accepted")


def ship(world: "World", place: str, fo_id: str) -> None:
    """Pick a job, hand over what was found, and refuse the rest."""
    held = world.truth.places[place]
    job = held.jobs[fo_id]
    if job.state != "waiting" or not job.lines:
        return
    job.state = "shipped"
    _, order = customers.order_of(world, job.order_id)
    if order:
        order.printed = job.number or order.printed
    apart = len(job.lines) > 1 and world.draw("two parcels", fo_id) < 0.06
    parcels: dict[int, list[JobLine]] = {}
    for n, line in enumerate(job.lines):
        found, reason = _pick(world, held, job, line)
        if found:
            parcels.setdefault(n % 2 if apart else 0, []).append(
                JobLine(line.line_id, line.sku, found)
            )
        if found < line.quantity:
            _confirm(held, job, line, refused=line.quantity - found, reason=reason)
    collected = bool(order and order.collect == place)
    for lines in parcels.values():
        _hand_over(world, held, job, lines, collected)


def _pick(world: "World", place: Place, job: Job, line: JobLine) -> tuple[int, str]:
    """Take a line from the shelf; return the units found and why some were not."""
    chance = world.draw("shelf", job.fo_id, line.line_id, line.sku)
    there = place.stock.get(line.sku, 0)
    found, reason = min(line.quantity, there), "not on the shelf"
    if chance < 0.010:
        found, reason = 0, "packaging is damaged"
    elif chance < 0.022 and found:
        found, reason = found - 1, "one unit broke"
        place.stock[line.sku] = there - 1
        vanish(world, place.id, line.sku, 1)
    place.stock[line.sku] = place.stock.get(line.sku, 0) - found
    _, order = customers.order_of(world, job.order_id)
    sold = order.line(line.line_id) if order else None
    if sold and sold.item == line.sku:
        before = sold.outstanding
        sold.left += found
        promise(world, sold, sold.outstanding - before)
    return found, reason


def _confirm(
    place: Place, job: Job, line: JobLine, *, shipped: int = 0, refused: int = 0, **more: str
) -> None:
    _say(
        place, "confirmations", fo_id=job.fo_id, line_id=line.line_id, sku=line.sku,
        shipped_quantity=shipped, refused_quantity=refused, **more,
    )  # fmt: skip


def _hand_over(
    world: "World", place: Place, job: Job, lines: list[JobLine], collected: bool
) -> None:
    number = f"{place.id[:3].upper()}{place.next('parcel'):06d}"
    tracking = "" if collected else f"6Q{sum(place.id.encode()) % 90 + 10}{number[3:]:0>9}"
    for line in lines:
        _confirm(
            place, job, line, shipped=line.quantity, parcel=number, tracking_number=tracking,
            carrier_id="" if collected else job.carrier or "colis", shipped_at=utc(world),
        )  # fmt: skip
    if collected:
        world.truth.count(f"collected/{place.id}")
    else:
        contents = [(x.line_id, x.sku, x.quantity) for x in lines]
        carrier.hand_in(world, place.id, job, number, tracking, contents)


def receive(world: "World", place: str, rows: list[dict[str, Any]]) -> None:
    """Take goods back at the dock; what can be sold goes to the shelf at once."""
    held = world.truth.places[place]
    receipt = f"R{held.next('receipt'):06d}"
    for n, row in enumerate(rows, 1):
        _say(held, "receipts", receipt_id=receipt, line_no=n, received_at=utc(world), **row)
        condition = row["condition"]
        if condition in SELLABLE:
            held.stock[row["sku"]] = held.stock.get(row["sku"], 0) + row["quantity"]
        world.truth.returned[condition] = world.truth.returned.get(condition, 0) + row["quantity"]
