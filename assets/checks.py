"""Quality checks: Great Expectations suites, whose verdict is the gate that publish reads."""

import dagster as dg

from oms_pipelines.hub import Hub
from oms_pipelines.quality.suites import GATES


def _check(table: str, asset: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset,
        name=f"{table}_suite",
        blocking=True,
        description=f"Great Expectations over {table}; shuts or opens the gate of publish",
    )
    def judge(hub: dg.ResourceParam[Hub]) -> dg.AssetCheckResult:
        # importing Great Expectations takes seconds: only when a check runs
        from oms_pipelines.quality.expectations import judge_table

        verdict = judge_table(hub.store, hub.oms, table, hub.now())
        return dg.AssetCheckResult(
            passed=verdict.verdict == "open",
            metadata={
                "failed expectations": verdict.reason or "none",
                "data docs": dg.MetadataValue.url(
                    (hub.output / "data_docs" / "index.html").resolve().as_uri()
                ),
            },
        )

    return judge


CHECKS = [_check(table, asset) for table, asset in GATES.items()]
