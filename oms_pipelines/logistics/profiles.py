"""File formats by profile: one object says how a partner's CSV file looks, both ways.

`kinds.py` has the built-in profile of each kind of file. `profiles` of `oms.yaml` names what a
partner does differently; `resolve` merges both, and every fault is told with its path.
"""

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field as Setting
from pydantic import ValidationError, field_validator

from oms_pipelines.config import Oms, Settings
from oms_pipelines.errors import Misconfigured

FieldType = Literal["key", "text", "integer", "units", "decimal", "time", "date", "choice"]
Unencodable = Literal["reject", "transliterate", "replace"]
DELIMITERS = {";": ";", ",": ",", "|": "|", "\t": "\t", "tab": "\t"}


@dataclass(frozen=True)
class Field:
    """One column. A `key` loses outer blanks, a `text` is kept exactly.

    `required`: a value must stand in every row. `column`: the default header has it; when
    `optional`, a file may leave the column out.
    """

    name: str
    type: FieldType
    doc: str
    title: str = ""
    required: bool = True
    column: bool = True
    optional: bool = False
    minimum: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """How one kind of file looks at one partner. `fields` stand in the order of the file.

    Control totals add up `quantity`, and by currency the product of the fields of `value`.
    """

    name: str
    kind: str
    doc: str
    fields: tuple[Field, ...]
    outbound: bool = False
    delimiter: str = ";"
    encoding: str = "utf-8"
    bom: bool = False
    decimal: Literal[",", "."] = ","
    date: str = "iso"
    time_zone: str = "UTC"
    unencodable: Unencodable = "reject"
    min_rows: int = 1
    defaults: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    quantity: str = "quantity"
    value: tuple[str, ...] = ()
    schema: int = 1

    @property
    def columns(self) -> tuple[Field, ...]:
        """Fields that have a column, in the order of the file."""
        return tuple(f for f in self.fields if f.column)

    @property
    def names(self) -> tuple[str, ...]:
        """Every canonical field name, those without a column too."""
        return tuple(f.name for f in self.fields)

    @property
    def titles(self) -> tuple[str, ...]:
        """Column titles in the order of the file."""
        return tuple(f.title or f.name for f in self.columns)


class _Differences(Settings):
    """What `profiles.<name>` of `oms.yaml` may say."""

    kind: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    bom: bool | None = None
    decimal: Literal[",", "."] | None = None
    date: str | None = None
    time_zone: str | None = None
    unencodable: Unencodable | None = None
    min_rows: int | None = Setting(default=None, ge=0)
    header: dict[str, str] | None = None
    defaults: dict[str, str] = Setting(default_factory=dict)
    values: dict[str, dict[str, str]] = Setting(default_factory=dict)

    @field_validator("delimiter")
    @classmethod
    def _delimiter(cls, value: str) -> str:
        if value not in DELIMITERS:
            raise ValueError('write one of ";", ",", "|" or "tab"')
        return DELIMITERS[value]

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError("no such encoding; write one such as utf-8 or cp1252") from None

    @field_validator("date")
    @classmethod
    def _date(cls, value: str) -> str:
        if value != "iso" and not all(part in value for part in ("%d", "%m", "%Y")):
            raise ValueError('write iso, or a pattern such as "%d/%m/%Y %H:%M"')
        if value != "iso":
            moment = datetime(2001, 2, 3)
            try:
                same = datetime.strptime(moment.strftime(value), value) == moment
            except ValueError:
                same = False
            if not same:
                raise ValueError("the pattern does not give a day back that it wrote")
        return value

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception:
            raise ValueError("unknown time zone; write one such as Europe/Paris") from None
        return value


def _header_faults(header: Mapping[str, str], base: Profile) -> Iterator[tuple[str, str]]:
    for name, title in header.items():
        if name not in base.names:
            yield f"header.{name}", f"a {base.kind} file has no such field; see docs/profiles.md"
        if not title.strip():
            yield f"header.{name}", "write the title of the column"
    titles = list(header.values())
    for title in sorted({t for t in titles if titles.count(t) > 1}):
        yield "header", f"the title {title!r} stands twice"


def _faults(found: _Differences, base: Profile) -> Iterator[tuple[str, str]]:
    """Yield (key, fault) of differences that do not fit the kind they change."""
    header = found.header
    if header is not None:
        yield from _header_faults(header, base)
    for name, value in found.defaults.items():
        if name not in base.names:
            yield f"defaults.{name}", f"a {base.kind} file has no such field"
        elif not value.strip():
            yield f"defaults.{name}", "write a value"
    for f in base.fields:
        if header is not None and f.required and f.name not in {**header, **found.defaults}:
            yield f"header.{f.name}", "the field is needed: name its column, or give a default"
    for name, words in found.values.items():
        choices = {f.name: f.choices for f in base.fields}.get(name)
        if choices is None:
            yield f"values.{name}", f"a {base.kind} file has no such field"
        for word, ours in words.items():
            if choices and ours not in choices:
                yield f"values.{name}.{word}", f"write one of {', '.join(choices)}"


def _merged(found: _Differences, base: Profile, name: str) -> Profile:
    fields = base.fields
    if found.header is not None:
        by_name = {f.name: f for f in fields}
        named = [
            replace(by_name[n], title=title, column=True, optional=False)
            for n, title in found.header.items()
        ]
        left = [
            replace(f, column=False, required=f.required and f.name in found.defaults)
            for f in fields
            if f.name not in found.header
        ]
        fields = (*named, *left)
    keys = ("delimiter", "encoding", "bom", "decimal", "date", "time_zone", "unencodable")
    given = {k: getattr(found, k) for k in (*keys, "min_rows") if getattr(found, k) is not None}
    return replace(
        base, name=name, fields=fields, defaults=found.defaults, values=found.values, **given
    )


def resolve(profiles: Mapping[str, Any], name: str, kind: str) -> Profile:
    """Return a profile by name: the built-in of its kind with the differences laid over.

    A name that `profiles` does not have is a built-in one. Raises Misconfigured with every
    fault as `profiles.<name>.<key>: ...`.
    """
    from oms_pipelines.logistics.kinds import DEFAULTS

    if name not in profiles:
        # Locations name no profile for notices: their default is the one of dispatch files.
        if name == kind or (name == "dispatch" and DEFAULTS[kind].outbound):
            return DEFAULTS[kind]
        raise Misconfigured([f"profiles.{name}: no such profile; write it, or name {kind}"])
    try:
        found = _Differences.model_validate(profiles[name])
    except ValidationError as e:
        raise Misconfigured([_told(name, x) for x in e.errors(include_input=False)]) from None
    if found.kind not in DEFAULTS:
        told = f"write one of {', '.join(DEFAULTS)}"
        raise Misconfigured([f"profiles.{name}.kind: {told}"])
    if found.kind != kind:
        told = f"is {found.kind}, but the profile is used for {kind} files"
        raise Misconfigured([f"profiles.{name}.kind: {told}"])
    faults = [f"profiles.{name}.{key}: {fault}" for key, fault in _faults(found, DEFAULTS[kind])]
    if faults:
        raise Misconfigured(faults)
    return _merged(found, DEFAULTS[kind], name)


def _told(name: str, error: Any) -> str:
    path = ".".join(str(step) for step in (name, *error["loc"]))
    return f"profiles.{path}: {error['msg'].removeprefix('Value error, ')}"


def profile(oms: Oms, name: str, kind: str) -> Profile:
    """Return a profile of `oms.yaml` or a built-in one. Raises Misconfigured."""
    return resolve(oms.profiles, name, kind)


USES = {
    "stock": "stock",
    "supply": "supply",
    "dispatch": "dispatch",
    "confirmations": "confirmation",
    "acknowledgements": "acknowledgement",
    "receipts": "receipt",
    "return_notices": "return_notice",
}


def faults(oms: Oms) -> list[str]:
    """Return every fault of `profiles`, and of what locations say they use."""
    found: list[str] = []
    for name, differences in oms.profiles.items():
        kind = differences.get("kind") if isinstance(differences, Mapping) else None
        found += _tried(oms, name, kind if isinstance(kind, str) else "stock")
    for location in oms.locations:
        for use, kind in USES.items():
            settings = getattr(location, use)
            if settings is not None:
                delta = use == "stock" and location.stock and location.stock.means == "delta"
                found += _tried(oms, settings.profile, "stock_delta" if delta else kind)
    return list(dict.fromkeys(found))


def _tried(oms: Oms, name: str, kind: str) -> list[str]:
    from oms_pipelines.logistics.kinds import DEFAULTS

    try:
        resolve(oms.profiles, name, kind if kind in DEFAULTS else "stock")
    except Misconfigured as e:
        return e.faults
    return []
