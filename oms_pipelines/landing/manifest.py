"""What a manifest says of its batch, and how batches are named and ordered."""

import re
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Literal, Protocol, get_args

import orjson

from oms_pipelines.errors import Malformed

Purpose = Literal["sync", "backfill", "mended"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
MANIFEST = "manifest.json"
BODY = "pages.gz"
_VERSION = 1
_STAMP = "%Y%m%dT%H%M%S%f"
_ID = re.compile(r"^(\d{8}T\d{12})-(\d{6})-([a-z]+)-[0-9a-f]{8}$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_WORD = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")


class Landable(Protocol):
    """A page or file as received; `stream` and `resume` are read where it has them."""

    @property
    def body(self) -> bytes: ...
    @property
    def records(self) -> int | None: ...
    @property
    def high_water(self) -> datetime | None: ...
    @property
    def name(self) -> str | None: ...


@dataclass(frozen=True)
class PageEntry:
    """One page of a batch: where it lies in the body, and what it is once decompressed.

    `records` is None for a page that could not be read; `name` the file it came from.
    """

    offset: int
    length: int
    size: int
    sha256: str
    records: int | None
    name: str | None


@dataclass(frozen=True)
class Manifest:
    """What is known of one batch. Times are UTC; `sha256` is of the body as stored.

    `complete` tells that the window ends with this batch; otherwise `resume` continues it
    after the batch's last page. `mended_of` names the quarantined record it replaces.
    """

    batch_id: str
    source: str
    stream: str
    purpose: Purpose
    fetched_at: datetime
    window_start: datetime | None
    window_end: datetime | None
    complete: bool
    resume: str | None
    records: int
    high_water: datetime | None
    sha256: str
    pages: tuple[PageEntry, ...] = ()
    mended_of: str | None = None

    @property
    def day(self) -> date:
        """The day it is filed under."""
        return day_of(self.batch_id)

    @property
    def folder(self) -> str:
        """Where it lies, under the landing's root."""
        return f"{self.source}/{self.stream}/{self.day}/{self.batch_id}"

    def to_json(self) -> bytes:
        """Return the manifest's file."""
        return orjson.dumps({"version": _VERSION, **asdict(self)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, text: bytes, where: str) -> "Manifest":
        """Read a manifest's file; `where` names it in errors. Raises Malformed."""
        try:
            fields = orjson.loads(text)
            version = fields.pop("version")
            for name in ("fetched_at", "window_start", "window_end", "high_water"):
                fields[name] = fields[name] and datetime.fromisoformat(fields[name])
            fields["pages"] = tuple(PageEntry(**page) for page in fields["pages"])
            manifest = cls(**fields)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            raise Malformed(f"{where}: not a manifest; restore or delete its batch") from None
        if version != _VERSION:
            raise Malformed(f"{where}: version {version}, this program reads {_VERSION}")
        return manifest


@dataclass(frozen=True)
class Cursor:
    """How far a source was read: the window of its newest batch, and whether it is done."""

    window_start: datetime | None
    window_end: datetime | None
    complete: bool
    resume: str | None
    fetched_at: datetime
    high_water: datetime | None
    batch_id: str

    @classmethod
    def of(cls, manifest: Manifest) -> "Cursor":
        """Return the cursor a manifest stands for."""
        return cls(
            window_start=manifest.window_start,
            window_end=manifest.window_end,
            complete=manifest.complete,
            resume=manifest.resume,
            fetched_at=manifest.fetched_at,
            high_water=manifest.high_water,
            batch_id=manifest.batch_id,
        )


def batch_id(now: datetime, purpose: Purpose, newest: str | None) -> str:
    """Return a name that sorts after `newest`, even if the clock stands still or goes back.

    Chance keeps two writers of one moment apart.
    """
    stamp, number = now.astimezone(UTC).strftime(_STAMP), 0
    if newest is not None and (match := _ID.match(newest)) and match[1] >= stamp:
        stamp, number = match[1], int(match[2]) + 1
    return f"{stamp}-{number:06d}-{purpose}-{secrets.token_hex(4)}"


def day_of(name: str) -> date:
    """Return the day a batch is filed under, from its name."""
    return date(int(name[:4]), int(name[4:6]), int(name[6:8]))


def stamp_of(name: str) -> datetime:
    """Return the moment in a batch's name, UTC."""
    return datetime.strptime(name.partition("-")[0], _STAMP).replace(tzinfo=UTC)


def purpose_of(name: str) -> str:
    """Return what a batch was fetched for, from its name."""
    return name.split("-")[2]


def is_batch_id(name: str) -> bool:
    """Tell whether a folder's name is a batch's."""
    return _ID.match(name) is not None


def is_day(name: str) -> bool:
    """Tell whether a folder's name is a day's."""
    return _DAY.match(name) is not None


def checked_word(word: str) -> str:
    """Return a source or stream name that is safe as a folder. Raises Malformed."""
    if not _WORD.match(word):
        raise Malformed("a source or stream name may hold letters, digits, _, - and . only")
    return word
