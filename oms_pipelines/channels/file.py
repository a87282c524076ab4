"""Channels that speak in files: private sales and store tills, by a declared profile.

Sales come as CSV or XLSX in a folder; each whole file is one page, taken whatever the window,
and moved to `archive/` once it has landed. Levels and parcels go out as CSV, each file under
its name in one step. What the partner was last told is kept beside them in `sent/`: that is
what `read_stock` answers, since a file cannot be asked what the partner shows.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import polars as pl
from pydantic import ValidationError

from oms_pipelines.channels._file_rows import grouped, mended_rows, read_rows, sales_profile
from oms_pipelines.channels.base import Capabilities, Level, Page, Parcel, Receipt, Window
from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.config import Settings
from oms_pipelines.errors import Malformed, Misconfigured, OmsError, Unreachable
from oms_pipelines.logistics import csvfile
from oms_pipelines.logistics.profiles import Field, Profile, resolve
from oms_pipelines.logistics.transport import Folder, open_folder

TRACKING = Profile(
    "tracking",
    "tracking",
    "A parcel told to a channel that takes files: one row a line of it.",
    (
        Field("order_number", "key", "the order"),
        Field("line_id", "key", "the line"),
        Field("quantity", "units", "sold units it makes whole; 0 if but parts", minimum=0),
        Field("carrier_id", "key", "who carries it", required=False),
        Field("tracking_number", "key", "the carrier's number", required=False),
        Field("tracking_url", "text", "page for the customer", required=False),
        Field("shipped_at", "time", "when it left"),
    ),
    outbound=True,
)
_MAYBE = ("carrier_id", "tracking_number", "tracking_url")
_SALES = ("*.csv", "*.CSV", "*.xlsx", "*.XLSX")


class Options(Settings):
    """Where a channel's files lie and how they look."""

    folder: str
    kind: Literal["private_sale", "till"] = "private_sale"
    profile: str = "orders"
    pattern: str | None = None  # of names; any .csv and .xlsx when absent
    location: str | None = None  # the store of a till
    returns_name: Literal["sale", "own"] = "sale"  # what the number of a return row names
    tracking_to: str | None = None


def read_options(settings: ChannelSettings) -> Options:
    """Return the options of a channel. Raises Misconfigured with every fault."""
    try:
        return Options.model_validate(settings.options)
    except ValidationError as e:
        raise Misconfigured(
            [
                f"channel {settings.id}: options.{'.'.join(map(str, x['loc']))}: {x['msg']}"
                for x in e.errors(include_input=False, include_url=False)
            ]
        ) from None


class FileChannel:
    """A private sale or a till. `notes` tells people of files that were left alone."""

    def __init__(self, settings: ChannelSettings, profiles: Mapping[str, Any]):
        self._id = settings.id
        self._options = options = read_options(settings)
        self._profile = sales_profile(options.profile, profiles, settings.time_zone)
        self._levels = resolve(profiles, settings.stock.profile or "levels", "levels")
        self._in = open_folder(options.folder)
        self._stock = open_folder(settings.stock.to) if settings.stock.to else None
        self._tracking = open_folder(options.tracking_to) if options.tracking_to else None
        self.capabilities = Capabilities(
            stock_batch=1_000_000,
            reads_stock=self._stock is not None,
            streams=("orders", "returns"),
        )
        self.notes: list[str] = []

    def orders(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield each whole file, in order of names; returns in it are a page of their own.

        The window is of no use: a file is taken when it is there. Raises Unreachable, and
        Malformed when every file there is damaged.
        """
        taken = False
        for name in self._waiting():
            try:
                body = self._in.read(name)
            except Malformed as e:  # not the bytes of its manifest: it may be mended in place
                self.notes.append(f"{self._id}: {e}")
                continue
            taken = True
            yield from self._pages(name, body)
        if self.notes and not taken:
            raise Malformed("; ".join(self.notes))

    def _pages(self, name: str, body: bytes) -> Iterator[Page]:
        try:
            rows = read_rows(body, self._profile, till=self._options.kind == "till", name=name)
        except Malformed:
            yield Page("orders", body, None, name=name)  # lands all the same, to be told
            return
        newest = _newest(rows)
        for stream in ("returns", "orders"):
            count = sum(1 for _ in grouped(rows, stream))
            if count:
                yield Page(stream, body, count, None, newest, name)

    def landed(self, names: Iterable[str]) -> None:
        """Move files that have landed to `archive/`."""
        for name in dict.fromkeys(names):
            self._in.archive(name)

    def returns(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield nothing: returns stand in the files of sales, and come with them."""
        return iter(())

    def accept(self, external_ids: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        """Yield nothing: an order in a file needs no acceptance."""
        return iter(())

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Write a file of all levels told so far, these included; one receipt a level.

        The file with the highest number holds; none is written in place of another. Raises
        Unreachable when the folder refuses.
        """
        if self._stock is None:
            text = "write stock.to, the folder of this channel's levels"
            yield from (Receipt(x.key, "rejected", text) for x in levels)
            return
        if not levels:
            return
        sent = _Sent(self._stock, self._id)
        newest = {x.channel_sku: x for x in sorted(levels, key=lambda x: x.version)}
        told = {**sent.levels, **{sku: x.quantity for sku, x in newest.items()}}
        columns = {"sku": sorted(told), "quantity": [told[sku] for sku in sorted(told)]}
        frame = pl.DataFrame(columns, schema={"sku": pl.String, "quantity": pl.Int64})
        written = csvfile.write(frame, self._levels)
        unfit = set(frame["sku"].gather(written.rejected["row_nr"]).to_list())
        fit = {sku: units for sku, units in told.items() if sku not in unfit}
        sent.reserve()
        self._deliver(self._stock, f"{self._id}_levels_{sent.sequence:06d}.csv", written.body, fit)
        sent.keep(fit)
        for x in levels:
            if x.channel_sku in unfit:
                text = f"the SKU cannot be written in {self._levels.encoding}"
                yield Receipt(x.key, "rejected", text)
            else:
                yield Receipt(x.key, "accepted")

    def _deliver(self, folder: Folder, name: str, body: bytes, levels: Mapping[str, int]) -> None:
        manifest = {
            "file": name,
            "channel": self._id,
            "rows": len(levels),
            "quantity": sum(levels.values()),
            "sha256": hashlib.sha256(body).hexdigest(),
            "bytes": len(body),
        }
        folder.deliver(name, body)
        folder.deliver(f"{name}.manifest.json", orjson.dumps(manifest))

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return the levels the partner was last told: a file cannot tell what it shows."""
        if self._stock is None:
            return {}
        levels = _Sent(self._stock, self._id).levels
        return {sku: levels[sku] for sku in channel_skus if sku in levels}

    def push_tracking(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Write a file a parcel; its name is the parcel's, so that it is told once."""
        for parcel in parcels:
            if self._tracking is None:
                yield Receipt(parcel.key, "accepted", "not asked for")
                continue
            digest = hashlib.md5(parcel.key.encode()).hexdigest()[:16]
            try:
                body = csvfile.write(_parcel(parcel), TRACKING).body
                self._tracking.deliver(f"{self._id}_parcel_{digest}.csv", body)
                yield Receipt(parcel.key, "accepted")
            except OmsError as e:
                yield Receipt(parcel.key, "retry", str(e))

    def ping(self) -> str:
        """Look into the folder. Raises Unreachable when it is not there."""
        if not self._in.path.is_dir():
            raise Unreachable(f"{self._in.path}: no such folder; make it, or correct the path")
        return f"{len(self._waiting())} files wait in the folder"

    def _waiting(self) -> list[str]:
        pattern = self._options.pattern
        patterns = (pattern,) if pattern else _SALES
        return sorted({name for p in patterns for name in self._in.incoming(p)})


class _Sent:
    """What a partner was last told: a number that only grows, and its levels."""

    def __init__(self, folder: Folder, channel_id: str):
        self._folder = Folder(folder.path / "sent")
        self._name = f"{channel_id}_levels.json"
        found: dict[str, Any] = {}
        if self._name in self._folder.incoming(self._name):
            found = orjson.loads(self._folder.read(self._name))
        self.sequence: int = found.get("sequence", 0)
        self.levels: dict[str, int] = found.get("levels", {})

    def reserve(self) -> None:
        """Take the next number for good, before any file bears it."""
        self.sequence += 1
        self.keep(self.levels)

    def keep(self, levels: dict[str, int]) -> None:
        """Remember what the partner was told."""
        self.levels = levels
        state = {"sequence": self.sequence, "levels": levels}
        self._folder.replace(self._name, orjson.dumps(state))


def _newest(rows: pl.DataFrame) -> datetime | None:
    fitting = rows.filter(pl.col("fault").is_null())
    moment = fitting.select(pl.coalesce("updated_at", "placed_at").max()).item()
    return datetime.fromisoformat(moment).astimezone(UTC) if moment else None


def _parcel(parcel: Parcel) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "order_number": [parcel.external_id] * len(parcel.lines),
            "line_id": [x.line_id for x in parcel.lines],
            "quantity": [x.quantity for x in parcel.lines],
            "carrier_id": [parcel.carrier] * len(parcel.lines),
            "tracking_number": [parcel.tracking_number] * len(parcel.lines),
            "tracking_url": [parcel.tracking_url] * len(parcel.lines),
            "shipped_at": [parcel.shipped_at.astimezone(UTC)] * len(parcel.lines),
        },
        schema_overrides=dict.fromkeys(_MAYBE, pl.String),
    )


def records(
    stream: str, body: bytes, settings: ChannelSettings, profiles: dict[str, Any]
) -> Iterator[Any]:
    """Yield the orders of a file, or its returns, each as its rows in file order.

    `{"rows": [...]}` alone is one such record; with a `fault` it is one that was kept back,
    perhaps mended: its rows are judged anew. Raises Malformed when the file is not what its
    profile promises.
    """
    options = read_options(settings)
    profile = sales_profile(options.profile, profiles, settings.time_zone)
    till = options.kind == "till"
    if body[:1] != b"{":
        yield from grouped(read_rows(body, profile, till=till), stream)
        return
    record = _record(body)
    if "fault" in record:
        yield from grouped(mended_rows(record["rows"], profile, till=till), stream)
    else:
        yield record


def _record(body: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("the record is not JSON") from None
    rows = record.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Malformed("not an order: rows is missing")
    return record


def connect(settings: ChannelSettings, profiles: dict[str, Any]) -> FileChannel:
    """Return the adapter of a channel that speaks in files. Raises Misconfigured."""
    return FileChannel(settings, profiles)
