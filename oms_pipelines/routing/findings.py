"""What rules do to the orders of the past: what never happens, and what nothing decides.

A finding is no fault: a rule for Christmas matches nothing in May. It names the setting, how
many orders it is about, one of them, and what to do.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from oms_pipelines.routing.gaps import gaps
from oms_pipelines.routing.past import Past
from oms_pipelines.routing.rules import columns_named
from oms_pipelines.routing.told import Finding, finding
from oms_pipelines.routing.undecided import ties


def findings(history: Past) -> list[Finding]:
    """Return what is found, by rule in their order, then what is of no single rule."""
    return [*_of_rules(history), *_uncovered(history), *ties(history), *gaps(history)]


def _of_rules(history: Past) -> Iterator[Finding]:
    rules = history.inputs.rules.rules
    names = columns_named([r.when for r in rules])
    reached = history.reached()
    for i, rule in enumerate(rules):
        path, orders = f"routing.rules[{i}]", len(history.orders)
        holds = np.asarray(history.when[:, :, i].any(axis=0))
        decided = np.asarray((history.when & reached)[:, :, i].any(axis=0))
        if orders and not holds.any():
            told = f"rule {rule.id} holds for none of the {orders} orders looked at"
            cure = "correct it, or delete it if such orders never come"
            yield Finding("never", f"{path}.when", rule.id, 0, None, told, cure)
        elif orders and not decided.any():
            first, took = _takers(history, i)
            told = f"rule {rule.id} decides nothing: earlier rules take all it holds for ({took})"
            cure = f"put it before {first}, or narrow {first}"
            yield finding("hidden", f"{path}.when", history, holds, told, cure, rule=rule.id)
        yield from _null(history, i, path, reached, names[i])
        if not (history.admits[:, i] & _used(history)).any():
            told = f"rule {rule.id} admits no location that ships"
            cure = "correct its from; its orders wait for ever"
            yield finding("nowhere", f"{path}.from", history, decided, told, cure, rule=rule.id)


def _used(history: Past) -> np.ndarray:
    return history.places["ships"].fill_null(False).to_numpy()


def _takers(history: Past, i: int) -> tuple[str, str]:
    """Return the rule that takes most orders that rule i holds for, and how many each takes.

    An order counts at the first age at which rule i holds for it.
    """
    rules = history.inputs.rules.rules
    age, turn = history.when[:, :, i].argmax(axis=0), np.arange(len(history.orders))
    some = history.when[age, turn, i]
    count = np.bincount(history.when[age, turn].argmax(axis=1)[some], minlength=len(rules))
    most = np.argsort(-count, kind="stable")[:3]
    took = ", ".join(f"{rules[j].id}: {count[j]}" for j in most if count[j])
    return rules[most[0]].id, took


def _null(
    history: Past, i: int, path: str, reached: np.ndarray, names: Sequence[str]
) -> Iterator[Finding]:  # fmt: skip
    rule = history.inputs.rules.rules[i]
    unsure = np.asarray((history.when_null & reached)[:, :, i].any(axis=0))
    if unsure.any():
        some = history.orders.filter(unsure)
        missing = [c for c in names if some[c].null_count()]
        why = f"{', '.join(missing)} may be null" if missing else "it fails on what they hold"
        told = f"rule {rule.id} is neither true nor false for orders that reach it: {why}"
        cure = "null does not match: say what holds then, as in coalesce(...) or IS NULL"
        yield finding("null", f"{path}.when", history, unsure, told, cure, rule=rule.id)
    places = history.places["location_id"].filter(history.admits_null[:, i]).to_list()
    if places:
        told = f"rule {rule.id} is neither true nor false for {', '.join(places)}: not admitted"
        cure = "say what holds where a column is null"
        mine = history.rule() == i
        yield finding("null", f"{path}.from", history, mine, told, cure, rule=rule.id)


def _uncovered(history: Past) -> Iterator[Finding]:
    bare = np.asarray(~history.when.any(axis=2).all(axis=0))
    if bare.any():
        by = history.orders.filter(bare)["channel_id"].value_counts().sort("channel_id")
        channels = ", ".join(f"{name}: {n}" for name, n in by.rows())
        told = f"no rule covers some orders, and they wait for ever ({channels})"
        cure = "add a last rule without `when`"
        yield finding("uncovered", "routing.rules", history, bare, told, cure)
