"""Quality checks: Great Expectations suites, whose verdict is the gate that publish reads."""

import dagster as dg

from oms_pipelines.hub import Hub
from oms_pipelines.quality.suites import GATES
from resources import STORE, plainly


def _check(table: str, asset: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset,
        name=f"{table}_suite",
        blocking=True,
        pool=STORE,
        description=f"Great Expectations over the table {table}; its verdict shuts or opens the "
        f"gate {table} of publish.",
    )
    def judge(hub: dg.ResourceParam[Hub]) -> dg.AssetCheckResult:
        # importing Great Expectations takes seconds: only when a check runs
        from oms_pipelines.quality.expectations import judge_table

        with plainly():
            verdict = judge_table(hub.store, hub.oms, table, hub.now())
        told = {"error": f"gate {table} is shut: {verdict.reason}"} if verdict.reason else {}
        return dg.AssetCheckResult(
            passed=verdict.verdict == "open",
            metadata={
                **told,
                "expectations": verdict.total,
                "failed": verdict.total - verdict.passed,
                "data docs": dg.MetadataValue.path(
                    (hub.output / "data_docs" / f"{table}.html").resolve()
                ),
            },
        )

    return judge


CHECKS = [_check(table, asset) for table, asset in GATES.items()]
