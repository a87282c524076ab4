"""Every fault of a configuration that its shape alone does not tell, with its path.

A look inside, without connecting anywhere: adapters and their options, profiles, routing
rules, places, languages. What `config.parse` refuses does not come here.
"""

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from oms_pipelines.channels import open_channel, systems
from oms_pipelines.config import Oms, load, untold
from oms_pipelines.errors import Misconfigured
from oms_pipelines.logistics import carriers, profiles
from oms_pipelines.logistics.kinds import ANNOUNCEMENT
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.routing import check_rules
from oms_pipelines.setting_types import without_secrets

_STORES = ("duckdb:///", "postgresql+psycopg://", "postgresql://")
_DATA = "://"


def faults(oms: Oms, *, data: bool = True) -> list[str]:
    """Return every fault, each with its path; none is an empty list.

    Without `data`, files that a run will read (the catalog) may be absent yet.
    """
    found = [
        *_places(oms),
        *_channels(oms),
        *_folders(oms),
        *_carriers(oms),
        *profiles.faults(oms),
        *check_rules(oms.routing, oms),
        *_crosswalk(oms),
        *_letters(oms),
        *((list(_files(oms)) or _kits(oms)) if data else ()),
    ]
    return without_secrets(oms, dict.fromkeys(found))


def load_sound() -> Oms:
    """Return the configuration of `config.load`. Raises Misconfigured with every fault, those
    of its shape and those that its shape does not tell.
    """
    try:
        oms = load()
    except Misconfigured as e:
        more = faults(e.sound) if e.sound is not None else []
        raise Misconfigured([*e.faults, *untold(more, e.faults)]) from None
    found = [*faults(oms), *shadow_faults(oms)]
    if found:
        raise Misconfigured(found)
    return oms


def shadow_faults(oms: Oms) -> list[str]:
    """Return what is wrong with `routing.shadow`; a run goes on without it."""
    if oms.routing.shadow is None:
        return []
    from oms_pipelines.routing.rule_sets import read_rules

    try:
        read_rules(Path(oms.routing.shadow), oms)
    except Misconfigured as e:
        return [f"routing.shadow: {fault}" for fault in e.faults]
    return []


def require_sound(oms: Oms, *, data: bool = True) -> None:
    """Refuse to start on a wrong configuration. Raises Misconfigured with every fault."""
    found = faults(oms, data=data)
    if found:
        raise Misconfigured(found)


def _places(oms: Oms) -> Iterator[str]:
    if not oms.store.url.startswith(_STORES):
        yield "store.url: write duckdb:///PATH or postgresql+psycopg://..."
    scheme, separator, _ = oms.landing.url.partition(_DATA)
    if separator and scheme not in ("file", "s3"):
        yield f"landing.url: {scheme}:// is not known; write file:// or s3://"
    if oms.clock is not None and not oms.clock.startswith(("http://", "https://")):
        yield "clock: write a URL that begins with http:// or https://"


def _channels(oms: Oms) -> Iterator[str]:
    for i, channel in enumerate(oms.channels):
        if channel.system not in systems():
            known = ", ".join(systems())
            yield f"channels[{i}].system: no system is called so; there are {known}"
        else:
            yield from _told(f"channels[{i}]", lambda c=channel: open_channel(c, oms.profiles))
        # the store of a till
        place = channel.options.get("location") if channel.system == "file" else None
        if place is not None and place not in [x.id for x in oms.locations]:
            yield f"channels[{i}].options.location: no such location"


def _carriers(oms: Oms) -> Iterator[str]:
    for i, carrier in enumerate(oms.carriers):
        if carrier.system not in carriers.systems():
            known = ", ".join(carriers.systems())
            yield f"carriers[{i}].system: no system is called so; there are {known}"
        elif carrier.url:
            yield from _told(f"carriers[{i}]", lambda c=carrier: carriers.open_carrier(c))


def _told(path: str, attempt: Callable[[], object]) -> Iterator[str]:
    """Yield the faults of an adapter under the path of its settings."""
    try:
        attempt()
    except Misconfigured as e:
        for fault in e.faults:
            _, named, rest = fault.partition(": ")
            if fault.startswith("profiles."):
                yield fault
            elif named and fault.startswith(("channel ", "carrier ")):
                yield f"{path}.{rest}"
            else:
                yield f"{path}: {fault}"


def _folders(oms: Oms) -> Iterator[str]:
    for i, location in enumerate(oms.locations):
        for use in profiles.USES:
            settings = getattr(location, use)
            if settings is not None:
                key = "to" if hasattr(settings, "to") else "from"
                yield from _folder(f"locations[{i}].{use}.{key}", getattr(settings, "to", None)
                                   or settings.source)  # fmt: skip
    if oms.returns.drop is not None:
        yield from _folder("returns.drop.from", oms.returns.drop.source)
        try:
            profiles.profile(oms, oms.returns.drop.profile, ANNOUNCEMENT.kind)
        except Misconfigured as e:
            yield from e.faults


def _folder(path: str, url: str) -> Iterator[str]:
    try:
        open_folder(url)
    except Misconfigured as e:
        yield f"{path}: {e.faults[0]}"


def _crosswalk(oms: Oms) -> Iterator[str]:
    for i, reason in enumerate(oms.returns.reasons):
        for system in reason.channels:
            if system not in systems():
                known = ", ".join(systems())
                yield f"returns.reasons[{i}].channels.{system}: no such system; there are {known}"


def _letters(oms: Oms) -> Iterator[str]:
    notes = oms.notifications
    there = {x.name for x in files("oms_pipelines.outbox").joinpath("templates").iterdir()}
    known = sorted({name.split(".")[1] for name in there if name.endswith(".txt")})
    for i, language in enumerate(notes.languages):
        if language not in known:
            yield f"notifications.languages[{i}]: no templates; there are {', '.join(known)}"
    if notes.default_language not in notes.languages:
        yield "notifications.default_language: write one of languages"
    if notes.smtp is not None:
        try:
            place = urlsplit(notes.smtp)
            good = place.scheme in ("smtp", "smtps") and place.hostname and place.port != 0
        except ValueError:
            good = False
        if not good:
            yield "notifications.smtp: write smtp://host:port or smtps://host:port"


def _files(oms: Oms) -> Iterator[str]:
    named = {
        "catalog.skus": oms.catalog.skus,
        "catalog.sku_map": oms.catalog.sku_map,
        "catalog.kits": oms.catalog.kits,
        "routing.postal_codes": oms.routing.postal_codes,
    }
    for path, file in named.items():
        if file is not None and not Path(file).is_file():
            yield f"{path}: {file} is no file; paths start where the command runs"
    yield from _classes(oms)
    yield from _quota_skus(oms)


def _classes(oms: Oms) -> Iterator[str]:
    """Yield classes that settings name and no SKU of the catalog has."""
    from oms_pipelines.consolidate.reference import catalog_classes

    named = [
        (f"locations[{i}].safety[{j}].class", line.class_)
        for i, location in enumerate(oms.locations)
        for j, line in enumerate(location.safety)
        if line.class_ != "*"
    ]
    skus = oms.catalog.skus
    if not named or (skus is not None and not Path(skus).is_file()):
        return
    try:
        known = catalog_classes(oms)
    except Misconfigured as e:
        yield from e.faults
        return
    for path, name in named:
        if not known:
            yield f"{path}: no SKU has a class; give the catalog a column class"
        elif name not in known:
            there = ", ".join(sorted(known)[:10])
            yield f"{path}: no SKU of the catalog is {name}; there are {there}"


def _quota_skus(oms: Oms) -> Iterator[str]:
    """Yield the SKUs of quotas that the catalog does not hold, where it can be read."""
    import polars as pl

    named = [
        (f"channels[{i}].stock.quotas[{j}].skus[{k}]", sku)
        for i, channel in enumerate(oms.channels)
        for j, quota in enumerate(channel.stock.quotas)
        for k, sku in enumerate(quota.skus or [])
    ]
    if not named or oms.catalog.skus is None:
        return
    try:
        catalog = pl.read_csv(oms.catalog.skus, columns=["sku"], infer_schema=False)
    except (OSError, pl.exceptions.PolarsError):
        return
    known = set(catalog["sku"])
    yield from (f"{path}: not in the catalog" for path, sku in named if sku not in known)


def _kits(oms: Oms) -> list[str]:
    if oms.catalog.kits is None:
        return []
    from oms_pipelines.consolidate import check_kits  # it brings the stores

    try:
        check_kits(oms)
    except Misconfigured as e:
        return e.faults
    return []
