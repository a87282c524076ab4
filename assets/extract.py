"""Extract: one asset a source and stream, pulled side by side; one that is down fails alone."""

from collections.abc import Container, Iterator, Sequence

import dagster as dg

from assets.partitions import Days, window_of
from assets.summary import bars, table, totals
from oms_pipelines.config import Oms
from oms_pipelines.consolidate import Early
from oms_pipelines.hub import Hub
from oms_pipelines.stages.extract import Extracted, Source, extract_all, sources
from resources import plainly

REPORT = dg.AssetKey("extraction_report")
REACHABLE = "reachable"
CONSOLIDATE = "consolidate"  # the step that merges; a backfill may run without it


def key_of(source: Source) -> dg.AssetKey:
    """Return the asset key of a source's stream: `orders_raw/shop_fr`."""
    return dg.AssetKey([f"{source.stream}_raw", source.id])


def extraction(oms: Oms, partitions: Days) -> dg.AssetsDefinition:
    """Make the extraction assets of a configuration, and their always-present report."""
    found = sources(oms)
    specs = [_spec(oms, s, partitions) for s in found]
    answers = "The source answered, and gave all it had."
    checks = [dg.AssetCheckSpec(REACHABLE, asset=key_of(s), description=answers) for s in found]

    @dg.multi_asset(
        name="extract",
        specs=[*specs, _report_spec(specs, partitions)],
        check_specs=checks,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def extract(
        context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Pull the selected sources side by side into the landing zone."""
        wanted = [s for s in found if key_of(s) in context.selected_asset_keys]
        if context.job_def.has_node_named(CONSOLIDATE):
            hub.early = Early(hub.oms, hub.now())
        with plainly():
            done = extract_all(hub, wanted, window_of(context, partitions, hub.now()), hub.early)
        hub.results["extract"] = done
        for result in done:
            yield from _events(result, context.selected_asset_check_keys)
        if REPORT in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=REPORT, metadata=_report(done))

    return extract


def _spec(oms: Oms, source: Source, partitions: Days) -> dg.AssetSpec:
    return dg.AssetSpec(
        key_of(source),
        skippable=True,
        partitions_def=partitions,
        group_name="extract",
        kinds={_system(oms, source), source.stream},  # a node shows the end of its key alone
        tags={"oms/source": source.id, "oms/kind": source.kind},
        description=f"{source.stream.capitalize()} of {source.kind} {source.id}, as received.",
    )


def _report_spec(specs: Sequence[dg.AssetSpec], partitions: Days) -> dg.AssetSpec:
    return dg.AssetSpec(
        REPORT,
        deps=[s.key for s in specs],
        partitions_def=partitions,
        group_name="extract",
        kinds={"python"},
        description="What every source gave, and which were down. Always made, so that one "
        "source that is down stops nothing else.",
    )


def _system(oms: Oms, source: Source) -> str:
    if source.kind == "channel":
        return oms.channel(source.id).system
    return "csv" if source.kind == "location" else "api"


def _events(
    result: Extracted, checks: Container[dg.AssetCheckKey]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    key = key_of(result.source)
    if result.error is None:
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(result))
    if dg.AssetCheckKey(key, REACHABLE) in checks:
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=REACHABLE,
            passed=result.error is None,
            metadata={"error": result.error} if result.error else {},
        )


def _metadata(result: Extracted) -> dict:
    found = {
        "records": result.records,
        "pages": result.pages,
        "batches": dg.MetadataValue.text(", ".join(result.batches) or "none"),
        "seconds": round(result.seconds, 2),
    }
    if result.newest is not None and result.lag_seconds is not None:
        found["newest record"] = dg.MetadataValue.timestamp(result.newest)
        found["lag (minutes)"] = round(result.lag_seconds / 60, 1)
    return found


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
    gave = [(f"{r.source.id} {r.source.stream}", r.records) for r in done if r.records]
    return {
        "failed sources": sum(r.error is not None for r in done),
        **totals(rows, "records", "pages"),
        "records by source": bars(gave),
        "sources that gave or failed": table([r for r in rows if r["records"] or r["error"]]),
    }
