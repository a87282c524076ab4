"""The command that writes the page of a plan."""

from pathlib import Path
from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.show import Json, document, tell, waiting


def page(
    plan: Annotated[
        str | None,
        typer.Argument(help="Id of a plan, or its beginning; the newest that gave anything."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the page of a plan: a map of its parcels, by location, splits, and what waits.

    It opens offline and holds no personal data. Where the inputs of the plan are no longer kept
    (`retention.plans`), it tells what the store knows.
    """
    from oms_pipelines.routing.planned import find_plan, read_planned
    from oms_pipelines.stages.plan_page import write_plan_page

    oms = config.load()
    output = Path(oms.output)
    with reading(oms) as session:
        head = find_plan(session, plan)
        if head is None:
            if as_json:
                document({"plan_id": None, "page": None})
                return
            tell("No plan gave anything to a location yet; `oms sync` makes plans.")
            return
        with waiting("drawing"):
            planned = read_planned(session, head, output / "plans" / head["plan_id"])
    done = write_plan_page(planned, output)
    if as_json:
        document({"plan_id": head["plan_id"], "page": str(done.path)})
        return
    if planned.missing is not None:
        tell(f"{planned.missing}, so the page has no map.")
    tell(f"Page: {done.path}")
