"""A plan depends on its inputs alone: neither rows, threads, processes nor time move it."""

import dataclasses
import os
import subprocess
import sys
from datetime import timedelta

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_cases import cases
from test_routing_plan import NOW, line, place, rules

from oms_pipelines.config import Carrier, Price, Split, Unfilled
from oms_pipelines.errors import Malformed
from oms_pipelines.routing import inputs_of, plan, replay, save_inputs, verify
from oms_pipelines.routing.best import best
from oms_pipelines.routing.candidates import build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.compare import columns_of
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.model import digest


def many(seed=0):
    lines = [line(f"o{i:03d}", f"s{(i * 7 + k) % 11}", 1 + i % 3, priority=i % 2,
                  latitude=44.0 + i % 5, placed_at=NOW - timedelta(minutes=i % 17))
             for i in range(200) for k in range(1 + i % 3)]  # fmt: skip
    stock = {(f"l{p}", f"s{s}"): 3 + (p * s) % 9 for p in range(6) for s in range(11)}
    places = [place(f"l{p}", 43.0 + p, capacity_left=40) for p in range(6)]
    held = [{"location_id": p, "sku": s, "available": n} for (p, s), n in stock.items()]
    frames = [pl.DataFrame(x, infer_schema_length=None) for x in (lines, held, places)]
    if seed:
        frames = [f.sample(fraction=1, shuffle=True, seed=seed) for f in frames]
    return inputs_of(*frames, rules(split=Split(parts=3)), NOW)


def told(made):
    return f"{made.plan_id} {digest(made.decisions)} {made.cost} {made.bound}"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_row_order_moves_no_hash(seed):
    made, shuffled = plan(many()), plan(many(seed))
    assert made.plan_id == shuffled.plan_id
    assert made.inputs_hash == shuffled.inputs_hash
    assert made.decisions.equals(shuffled.decisions)


@settings(max_examples=25, deadline=None)
@given(cases(), st.integers(1, 99))
def test_row_order_moves_no_hash_of_any_small_batch(inputs, seed):
    mixed = {
        kind: getattr(inputs, kind).sample(fraction=1, shuffle=True, seed=seed)
        for kind in ("lines", "stock", "locations", "refused")
    }
    again = inputs_of(**mixed, rules=inputs.rules, as_of=inputs.as_of, carriers=inputs.carriers,
                      positions=inputs.positions)  # fmt: skip
    one, other = plan(inputs), plan(again)
    assert one.plan_id == other.plan_id
    assert one.decisions.equals(other.decisions)


def test_thread_count_and_process_move_no_hash():
    code = "from test_routing_replay import *; print(told(plan(many())))"
    root = os.path.dirname(__file__)
    ids = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True,
            env={**os.environ, "POLARS_MAX_THREADS": n, "OMP_NUM_THREADS": n},
        ).stdout.strip()
        for n in ("1", "4")
    }  # fmt: skip
    assert ids == {told(plan(many()))}


def test_the_work_and_the_way_of_planning_are_inputs(tmp_path):
    inputs = many()
    ways = [inputs, *(
        dataclasses.replace(inputs, rules=inputs.rules.model_copy(update=more))
        for more in ({"work": 0.5}, {"solver": "greedy"})
    )]  # fmt: skip
    made = [plan(x) for x in ways]
    assert len({x.rules_version for x in made}) == len({x.inputs_hash for x in made}) == 3
    folder = save_inputs(tmp_path / made[1].plan_id, ways[1])
    assert verify(folder)["again"] == "same"
    assert 0 < made[0].bound <= made[0].cost
    problem = build(inputs)
    maker = Maker(problem, demands_of(problem))
    joint, queue = (columns_of(maker, best(problem, x.rules).taken) for x in (ways[0], ways[2]))
    assert (joint.weight.sum(), joint.cost.sum()) <= (queue.weight.sum(), queue.cost.sum())


def test_a_change_of_any_input_moves_the_inputs_hash():
    inputs = many()
    other = inputs_of(inputs.lines, inputs.stock, inputs.locations, inputs.rules,
                      NOW + timedelta(seconds=1))  # fmt: skip
    assert plan(inputs).inputs_hash != plan(other).inputs_hash


def test_what_returns_call_a_carrier_moves_no_hash(tmp_path):
    made = [
        dataclasses.replace(many(), carriers=(Carrier(id="c", aliases=names),))
        for names in ([], ["Colis Privé"])
    ]
    assert plan(made[0]).plan_id == plan(made[1]).plan_id
    assert replay(save_inputs(tmp_path / "p", made[1])).plan_id == plan(made[0]).plan_id


def test_a_stored_plan_is_planned_again_with_the_same_hash(tmp_path):
    inputs = many()
    unfilled = Unfilled(deadline=timedelta(days=1))
    routing = rules(split=Split(parts=3), unfilled=unfilled)
    inputs = inputs_of(inputs.lines, inputs.stock, inputs.locations, routing, NOW,
                       carriers=[Carrier(id="c", prices=[Price(up_to_g=9, amount=1)])])  # fmt: skip
    made = plan(inputs)
    folder = save_inputs(tmp_path / made.plan_id, inputs)
    assert save_inputs(folder, inputs) == folder
    again = replay(folder)
    assert (again.plan_id, again.plan_hash) == (made.plan_id, made.plan_hash)
    settings = orjson.loads((folder / "settings.json").read_bytes())
    settings["rules"]["rules"][0]["rank"] = "color"
    (folder / "settings.json").write_bytes(orjson.dumps(settings))
    with pytest.raises(Malformed, match=r"does not take: rules\.0\.rank"):
        replay(folder)
    assert verify(folder)["again"] == "unreadable"
    (folder / "stock.parquet").write_bytes(b"cut")
    with pytest.raises(Malformed, match="not whole"):
        replay(folder)
