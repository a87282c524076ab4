"""Versions of the rules that plans were made by: whole, once, and never changed."""

from datetime import datetime

import orjson
import polars as pl
from pydantic import ValidationError

from oms_pipelines.config import Routing
from oms_pipelines.errors import Malformed
from oms_pipelines.routing.model import TIME, rules_text, rules_version
from oms_pipelines.store.base import Session


def keep_version(session: Session, rules: Routing, now: datetime) -> None:
    """Store rules and costs under their version, which is the hash of their text."""
    row = {
        "rules_version": rules_version(rules),
        "comment": rules.comment,
        "rules": rules_text(rules).decode(),
        "first_used_at": now,
    }
    session.insert_new("rule_versions", pl.DataFrame([row], {**dict.fromkeys(row, pl.String),
                                                             "first_used_at": TIME}))  # fmt: skip


def read_version(session: Session, version: str) -> dict:
    """Return the rules of a version, as they stand under `routing` in `oms.yaml`.

    Raises KeyError when no plan was made by it, and Malformed when its text is not what its
    name says.
    """
    kept = session.query("route/version", version=version)
    if kept.is_empty():
        raise KeyError(version)
    rules = orjson.loads(kept.item(0, "rules"))
    try:
        same = rules_version(Routing.model_validate(rules)) == version
    except ValidationError:
        same = False
    if not same:
        raise Malformed(f"rules {version}: their text was changed, or is of another release")
    return rules
