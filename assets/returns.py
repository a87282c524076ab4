"""The form by which ops announce a return: a job whose words come from `oms.yaml`."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from oms_pipelines.config import Oms
from oms_pipelines.hub import Hub
from oms_pipelines.returns.announce import INITIATORS, Announced, Announcement, announce
from resources import STORE, plainly


def return_form(oms: Oms) -> dg.JobDefinition:
    """Make the job `announce_return`; its form offers the reasons and places of `oms.yaml`."""

    @dg.op(name="announcement", config_schema=_form(oms), pool=STORE)
    def announcement(context: dg.OpExecutionContext, hub: dg.ResourceParam[Hub]) -> None:
        """Announce one return."""
        with plainly():
            made = announce(hub, _announcement(context.op_config))
        told = _told(made)
        context.log.info(", ".join(f"{name} {value}" for name, value in told.items()))
        context.add_output_metadata(told)

    @dg.job(
        name="announce_return",
        description="Announce a return: fill in the form of the Launchpad. The warehouse is told "
        "by the next tick.",
    )
    def announce_return() -> None:
        """Announce a return."""
        announcement()

    return announce_return


def _announcement(form: Mapping[str, Any]) -> Announcement:
    return Announcement(
        order=form["order"],
        reason=form["reason"],
        lines=tuple(form["lines"]),
        text=form.get("text") or None,
        initiator=form["initiator"],
        carrier_id=form.get("carrier"),
        tracking_number=form.get("tracking_number") or None,
        location_id=form.get("expected_at"),
    )


def _told(made: Announced) -> dict[str, Any]:
    return {
        "rma": made.rma,
        "return": made.return_id,
        "order": made.order_id,
        "units": made.quantity,
        "expected at": made.location_id or "no place",
    }


def _form(oms: Oms) -> dict[str, dg.Field]:
    menu = {r.code: r.label.get("en", r.code) for r in oms.returns.reasons}
    return {
        "order": dg.Field(
            str, description="Order id, number or the channel's own id, such as shop_fr/1042."
        ),
        "reason": dg.Field(_words("Reason", menu), description="A code of the reason menu."),
        "lines": dg.Field(
            [str],
            default_value=[],
            description="LINE or LINE=QUANTITY; none announces all that may come back.",
        ),
        "initiator": dg.Field(
            _words("Initiator", dict.fromkeys(INITIATORS, "")),
            default_value="customer",
            description="Who sends it back.",
        ),
        "text": dg.Field(
            str,
            is_required=False,
            description="The reason in the sender's words. The form is kept in the history of "
            "runs: write nothing here that tells who somebody is.",
        ),
        "carrier": _choice("Carrier", (c.id for c in oms.carriers), "Who brings it."),
        "tracking_number": dg.Field(str, is_required=False, description="The parcel's number."),
        "expected_at": _choice(
            "Location", (x.id for x in oms.locations), "Where it goes; else as oms.yaml says."
        ),
    }


def _choice(name: str, words: Iterable[str], description: str) -> dg.Field:
    kind = _words(name, dict.fromkeys(words, ""))
    return dg.Field(kind, is_required=False, description=description)


def _words(name: str, words: Mapping[str, str]) -> Any:
    """Return a type that the form completes; free text where there are no words."""
    if not words:
        return str
    return dg.Enum(name, [dg.EnumValue(w, description=told or None) for w, told in words.items()])
