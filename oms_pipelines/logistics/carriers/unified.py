"""Tracking by one API for many carriers, in the vocabulary of AfterShip.

`GET {url}/trackings?updated_since=...` pages by cursor. A status is one of nine tags; its
subtag says more. New subtags appear over time, so an unknown one counts as its tag; an
unknown tag tells that the parcel moves and nothing else, so it is InTransit. The carrier's
own word is kept beside. What a carrier says on the way back to the sender is `returning`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import polars as pl

from oms_pipelines.channels.base import Page, Window
from oms_pipelines.config import Carrier as Settings
from oms_pipelines.config import as_time
from oms_pipelines.elements import elements
from oms_pipelines.errors import Malformed, Misconfigured
from oms_pipelines.http import Fetcher, header_auth
from oms_pipelines.logistics.carriers.base import STATUSES
from oms_pipelines.logistics.verdicts import Parsed, hashed
from oms_pipelines.schema import columns_of

RETURNING = ("Exception_010", "Exception_011")  # returning to sender, returned to sender
_PAGE = 200
_CHECKPOINT = pl.Struct(
    {
        "checkpoint_time": pl.String,
        "tag": pl.String,
        "subtag": pl.String,
        "raw_status": pl.String,
        "return_to_sender": pl.Boolean,
    }
)


def connect(settings: Settings) -> "Unified":
    """Open the API of a carrier. Raises Misconfigured when it has no url."""
    if not settings.url:
        raise Misconfigured([f"carrier {settings.id}: url is missing"])
    return Unified(settings)


class Unified:
    """Reads tracking. `credentials.key` goes into the header `as-api-key`."""

    def __init__(self, settings: Settings):
        self._settings = settings
        key = settings.credentials.get("key")
        auth = header_auth("as-api-key", key.get_secret_value()) if key else None
        self._http = Fetcher(f"carrier {settings.id}", auth=auth)

    def tracking(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of parcels that changed since the window's start, oldest change first."""
        cursor = resume
        while True:
            body, answer = self._page(window.start, cursor, _PAGE)
            following = answer.get("next_cursor")
            if following is not None and (not isinstance(following, str) or following == cursor):
                raise Malformed(f"carrier {self._settings.id}: next_cursor does not lead on")
            found = answer["trackings"]
            yield Page("tracking", body, len(found), following, _newest(found))
            if following is None:
                return
            cursor = following

    def ping(self) -> str:
        """Ask for what changed just now."""
        self._page(datetime.now(UTC), None, 1)
        return f"carrier {self._settings.id} answers"

    def _page(
        self, since: datetime, cursor: str | None, limit: int
    ) -> tuple[bytes, dict[str, Any]]:
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self._http.request(
            "GET",
            f"{self._settings.url.rstrip('/')}/trackings",
            params={"updated_since": moment, "limit": limit, "cursor": cursor},
        )
        told = answer.json()
        if not isinstance(told, dict) or not isinstance(told.get("trackings"), list):
            raise Malformed(f"carrier {self._settings.id}: the answer has no list of trackings")
        return answer.body, told


def _newest(trackings: list[Any]) -> datetime | None:
    moments = []
    for tracking in trackings:
        try:
            moments.append(as_time(tracking["updated_at"]).astimezone(UTC))
        except (KeyError, TypeError, ValueError):
            continue  # the parcel itself is judged when its page is read
    return max(moments, default=None)


def parse_tracking(
    body: bytes, carrier_id: str, known_at: datetime, batch_id: str, page: int = 0
) -> Parsed:
    """Read a landed page; a record is a parcel. Accepted rows are tracking_events.

    A parcel with one scan that cannot be read is kept back alone, all its scans with it.
    Raises Malformed when the page is no list of trackings.
    """
    records = elements(body, "trackings")
    if records is None:
        records = [_lone(body)]
    rows = [_row(raw) for raw in records]
    parcels = pl.DataFrame(
        rows,
        schema={
            "tracking_number": pl.String,
            "checkpoints": pl.List(_CHECKPOINT),
            "reason": pl.String,
        },
        orient="row",
    ).with_row_index("record")
    scans = _scans(parcels.filter(pl.col("reason").is_null()))
    broken = scans.filter(pl.col("occurred_at").is_null())["record"].unique()
    unread = "a checkpoint_time is no ISO 8601 time with an offset"
    rejected = parcels.with_columns(
        pl.when(pl.col("record").is_in(broken.implode()))
        .then(pl.lit(unread))
        .otherwise("reason")
        .alias("reason")
    ).filter(pl.col("reason").is_not_null())
    events = _events(scans.filter(~pl.col("record").is_in(broken.implode())), carrier_id)
    events = events.with_columns(
        pl.lit(known_at).cast(pl.Datetime("us", "UTC")).alias("known_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    return Parsed(
        events.select(columns_of("tracking_events")),
        rejected.select(
            pl.lit(page, pl.Int32).alias("page"),
            pl.col("record").cast(pl.Int32),
            pl.col("tracking_number").alias("record_key"),
            "reason",
        ),
        len(records),
    )


def _lone(body: bytes) -> bytes:
    """Take a page that is one parcel: a mended record comes so."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("tracking: the page is not JSON") from None
    if not isinstance(told, dict) or "tracking_number" not in told:
        raise Malformed("tracking: the page has no list of trackings")
    return body


def _row(raw: bytes) -> tuple[str | None, list[dict] | None, str | None]:
    """Return number, checkpoints, and why the parcel cannot be read."""
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, None, "the parcel is not JSON"
    number = told.get("tracking_number") if isinstance(told, dict) else None
    if not isinstance(number, str) or not number:
        return None, None, "tracking_number is missing"
    points = told.get("checkpoints") or []
    if not isinstance(points, list) or not all(isinstance(p, dict) for p in points):
        return number, None, "checkpoints is no list of objects"
    if not all(_legible(p) for p in points):
        return number, None, "a checkpoint has a field of another type"
    return number, points, None


def _legible(point: dict) -> bool:
    words = ("checkpoint_time", "tag", "subtag", "raw_status")
    flag = point.get("return_to_sender")
    return (flag is None or isinstance(flag, bool)) and all(
        isinstance(point.get(w), str | None) for w in words
    )


def _scans(parcels: pl.DataFrame) -> pl.DataFrame:
    scans = parcels.explode("checkpoints", empty_as_null=False, keep_nulls=False)
    moment = pl.col("checkpoint_time")
    offset = moment.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$")
    plain = moment.str.replace(r"Z$", "+0000").str.replace(r"([+-]\d{2}):(\d{2})$", "$1$2")
    parsed = plain.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False)
    utc = pl.when(offset).then(parsed.dt.convert_time_zone("UTC"))
    flat = scans.select("record", "tracking_number", "checkpoints").unnest("checkpoints")
    return flat.with_columns(utc.alias("occurred_at"))


def _events(scans: pl.DataFrame, carrier_id: str) -> pl.DataFrame:
    tag = pl.coalesce("tag", pl.col("subtag").str.extract(r"^([A-Za-z]+)_\d+$"))
    known = pl.when(tag.is_in(STATUSES)).then(tag).otherwise(pl.lit("InTransit"))
    raw = pl.coalesce("raw_status", "subtag", "tag")
    back = pl.col("return_to_sender").fill_null(False) | pl.col("subtag").is_in(RETURNING)
    rows = scans.with_columns(
        pl.lit(carrier_id).alias("carrier_id"),
        known.alias("status"),
        raw.alias("raw_code"),
        back.fill_null(False).alias("returning"),
    )
    told = hashed(rows, "carrier_id", "tracking_number", "status", "raw_code", "occurred_at")
    return rows.with_columns(told.alias("event_id")).unique("event_id", keep="first")
