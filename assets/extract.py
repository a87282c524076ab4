"""Extract: one asset a source and stream, pulled side by side; one that is down fails alone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from assets.summary import table, totals
from oms_pipelines.channels.base import Window
from oms_pipelines.config import Oms
from oms_pipelines.hub import Hub
from oms_pipelines.stages.extract import Extracted, Source, extract_all, sources

REPORT = dg.AssetKey("extraction_report")
REACHABLE = "reachable"
LIVE = "oms/live"  # run tag: read on from the cursor; without it, whole days are read again


def key_of(source: Source) -> dg.AssetKey:
    """Return the asset key of a source's stream: `orders_raw/shop_fr`."""
    return dg.AssetKey([f"{source.stream}_raw", source.id])


def days(oms: Oms) -> dg.DailyPartitionsDefinition:
    """Return the days by update time (UTC), today included."""
    start = oms.backfill_from or date(2026, 1, 1)
    return dg.DailyPartitionsDefinition(start.isoformat(), end_offset=1)


def extraction(oms: Oms) -> dg.AssetsDefinition:
    """Make the extraction assets of a configuration, and their always-present report."""
    partitions = days(oms)
    found = sources(oms)
    specs = [
        dg.AssetSpec(
            key_of(s),
            skippable=True,
            partitions_def=partitions,
            group_name="extract",
            kinds={s.kind},
            description=f"{s.stream} of {s.kind} {s.id}, as received",
        )
        for s in found
    ]
    report = dg.AssetSpec(
        REPORT,
        deps=[s.key for s in specs],
        partitions_def=partitions,
        group_name="extract",
        description="What every source gave, and which were down",
    )
    checks = [
        dg.AssetCheckSpec(REACHABLE, asset=key_of(s), description="the source answered")
        for s in found
    ]

    @dg.multi_asset(
        name="extract",
        specs=[*specs, report],
        check_specs=checks,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def extract(
        context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Pull the selected sources side by side into the landing zone."""
        wanted = [s for s in found if key_of(s) in context.selected_asset_keys]
        window = None if LIVE in context.run.tags else _window(context)
        done = extract_all(hub, wanted, window)
        hub.results["extract"] = done
        for result in done:
            yield from _events(result)
        if REPORT in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=REPORT, metadata=_report(done))

    return extract


def _window(context: dg.AssetExecutionContext) -> Window:
    """Return the whole days of the run's partitions."""
    keys = context.partition_key_range
    first, last = (
        datetime.combine(date.fromisoformat(k), time(), UTC) for k in (keys.start, keys.end)
    )
    return Window(first, last + timedelta(days=1))


def _events(result: Extracted) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    key = key_of(result.source)
    check = dg.AssetCheckResult(
        asset_key=key,
        check_name=REACHABLE,
        passed=result.error is None,
        metadata={"error": result.error} if result.error else {},
    )
    if result.error is None:
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(result))
    yield check


def _metadata(result: Extracted) -> dict:
    lag = (
        {"lag of the newest record (minutes)": round(result.lag_seconds / 60, 1)}
        if result.lag_seconds is not None
        else {}
    )
    return {
        "records": result.records,
        "pages": result.pages,
        "batches": dg.MetadataValue.md(", ".join(result.batches) or "none"),
        "seconds": round(result.seconds, 2),
        **lag,
    }


def _report(done: list[Extracted]) -> dict:
    rows = [
        {
            "source": r.source.id,
            "stream": r.source.stream,
            "records": r.records,
            "pages": r.pages,
            "seconds": round(r.seconds, 2),
            "error": r.error,
        }
        for r in done
    ]
    return {
        "sources": table(rows),
        "failed sources": sum(r.error is not None for r in done),
        **totals(rows, "records", "pages"),
    }
