"""The carrier's tracking API: parcels by update time, with a cursor, or one by number."""

from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox.carrier import LIMIT, as_json, listing
from oms_pipelines.sandbox.network import SECRETS
from oms_pipelines.sandbox.web import Answer, Call, answer, retry_after

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World


def _error(status: int, message: str) -> Answer:
    return answer({"meta": {"code": status, "message": message}}, status)


def refuse(status: int, fault: dict[str, Any]) -> Answer:
    """Answer as a busy carrier."""
    given = _error(status, {429: "Too many requests", 503: "Unavailable"}.get(status, "Error"))
    if status == 429:
        given.headers |= retry_after(fault)
    return given


def serve(world: "World", call: Call) -> Answer:
    """Answer one call."""
    if call.headers.get("as-api-key") != SECRETS["COLIS_KEY"]:
        return _error(401, "The API key is invalid.")
    path = call.path.strip("/").split("/")
    if call.method != "GET" or path[0] != "trackings" or len(path) > 2:
        return _error(404, "No such resource.")
    if len(path) == 2:
        parcel = world.truth.parcels.get(path[1])
        return answer(as_json(world, parcel)) if parcel else _error(404, "Tracking not found.")
    since = call.moment("updated_since")
    if "updated_since" in call.query and (since is None or since.tzinfo is None):
        return _error(400, "updated_since is no time with an offset.")
    return answer(listing(world, since, call.query.get("cursor"), call.number("limit", LIMIT)))
