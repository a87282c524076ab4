"""The table a sync ends with: what each source, location and channel gave and got."""

from pathlib import Path

from rich.markup import escape

from oms_pipelines.cli.show import rows, say, tell
from oms_pipelines.cli.tick import Tick

STAGES = {  # of the steps of a tick; the others are checks and reports
    "extract": "extract",
    "consolidate": "consolidate",
    "stock_ledger": "plan",
    "allocations": "plan",
    "levels": "plan",
    "dispatch_files": "publish",
    "published_levels": "publish",
    "tracking_and_messages": "publish",
    "erp_orders": "publish",
}


def summary(tick: Tick) -> dict:
    """Return what a run did as plain data: sources, locations, channels, messages, seconds."""
    results = tick.results
    page = results.get("plan_page")
    return {
        "sources": _sources(results),
        "locations": _locations(tick),
        "channels": _channels(results),
        "messages": sum(r.accepted for r in results.get("told", []) if r.kind == "message"),
        "erp_orders": results.get("erp", 0),
        "stages": _stages(tick.seconds),
        "seconds": {k: round(v, 2) for k, v in tick.seconds.items()},
        "failed": tick.failed,
        "plan_page": str(page.path.resolve()) if page else None,
        "output": str(Path(tick.hub.output).resolve()),
    }


def _stages(seconds: dict[str, float]) -> dict[str, float]:
    """Return the seconds of each stage, in the order of the route; checks are told apart."""
    found = dict.fromkeys((*dict.fromkeys(STAGES.values()), "checks", "report"), 0.0)
    for step, spent in seconds.items():
        found[STAGES.get(step, "checks" if step.endswith("_suite") else "report")] += spent
    return {stage: round(spent, 2) for stage, spent in found.items() if spent}


def _sources(results: dict) -> list[dict]:
    merged = {(r.source, r.stream): r for r in results.get("consolidate", [])}
    pulled = {(r.source.id, r.source.stream): r for r in results.get("extract", [])}
    keys = list(dict.fromkeys([*pulled, *merged]))
    found = []
    for source, stream in keys:
        one, two = pulled.get((source, stream)), merged.get((source, stream))
        found.append(
            {
                "source": source,
                "stream": stream,
                "pulled": one.records if one else None,
                "accepted": two.accepted if two else 0,
                "quarantined": two.quarantined if two else 0,
                "changed": two.changed if two else 0,
                "error": (one.error if one else None) or (two.error if two else None),
            }
        )
    return found


def _locations(tick: Tick) -> list[dict]:
    plan, dispatch = tick.results.get("plan"), tick.results.get("dispatch")
    lines: dict[str, int] = {}
    if plan is not None:
        by = plan.allocations.group_by("location_id").len("lines")
        lines = dict(zip(by["location_id"], by["lines"], strict=True))
    files = dispatch.written.delivered if dispatch else []
    return [
        {
            "location": x.id,
            "lines": lines.get(x.id, 0),
            "files": sum(name.startswith(f"{x.id}_") for name in files),
        }
        for x in tick.hub.oms.locations
    ]


def _channels(results: dict) -> list[dict]:
    changed = results["levels"].changed if "levels" in results else {}
    told: dict[str, int] = {}
    for r in results.get("told", []):
        if r.kind == "tracking":
            told[r.destination] = r.accepted
    return [
        {
            "channel": r.channel_id,
            "levels changed": changed.get(r.channel_id, 0),
            "sent": r.sent,
            "accepted": r.accepted,
            "rejected": r.rejected,
            "unsettled": r.unsettled,
            "tracking told": told.get(r.channel_id, 0),
            "error": r.error,
        }
        for r in results.get("published", [])
    ]


def changes(told: dict) -> list[str]:
    """Return what a run changed or sent, in words; nothing when it was quiet."""
    found = [f"{r['source']}/{r['stream']} changed" for r in told["sources"] if r["changed"]]
    found += [f"{r['location']} got lines" for r in told["locations"] if r["lines"] or r["files"]]
    found += [
        f"{r['channel']} was told" for r in told["channels"] if r["sent"] or r["tracking told"]
    ]
    found += ["messages were sent"] if told["messages"] else []
    return found + (["the ERP got orders"] if told["erp_orders"] else [])


def show(told: dict) -> None:
    """Print a summary for people."""
    moving = [r for r in told["sources"] if r["pulled"] or r["accepted"] or r["error"]]
    rows(moving, False, "Sources", "No source gave anything new.")
    rows(told["locations"], False, "Locations", "No locations.")
    rows(told["channels"], False, "Channels", "No channel is told levels.")
    spent = sum(told["stages"].values())
    stages = ", ".join(f"{k} {v:.1f} s" for k, v in told["stages"].items())
    kept = sum(r["quarantined"] for r in told["sources"])
    if kept:
        tell(f"Kept back: {kept}; `oms quarantine list` says what and why.")
    tell(f"Messages sent: {told['messages']}.  ERP orders: {told['erp_orders']}.")
    tell(f"Stages: {stages} (together {spent:.1f} s).")
    if told["plan_page"]:
        tell(f"The plan on a page: {told['plan_page']}")
    tell(f"Everything lies in {told['output']}")
    for line in told["failed"]:
        say(f"[red]failed:[/] {escape(line)}", error=True)
