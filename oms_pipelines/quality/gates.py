"""Stored verdicts of quality suites: what is shut is not published."""

from collections.abc import Collection

from oms_pipelines.store import Session


def shut_gates(session: Session, gates: Collection[str] = ()) -> dict[str, str]:
    """Return the gates that are shut, with what failed; of those named, or of all.

    A gate that was never judged is open.
    """
    shut = session.query("quality/shut_gates").iter_rows()
    return {gate: reason for gate, reason in shut if not gates or gate in gates}


def gate_open(session: Session, gate: str) -> bool:
    """Tell whether a gate is open."""
    return gate not in shut_gates(session, (gate,))
