"""The solver of linear and integer programs, as the planner calls it."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from oms_pipelines.routing.program import Program, solve

FEW = Program(  # of three things two may be taken, at most
    cost=np.array([-5.0, -4.0, -3.0]), most=np.ones(3), whole=np.ones(3, dtype=bool),
    low=np.array([-np.inf]), high=np.array([2.5]), row=np.zeros(3, dtype=np.int64),
    column=np.arange(3), value=np.ones(3),
)  # fmt: skip


def test_an_integer_program_is_solved_and_a_linear_one_has_prices():
    found = solve(FEW)
    assert found.x.tolist() == [1, 1, 0]
    assert found.value == found.bound == -9
    shares = solve(replace(FEW, whole=np.zeros(3, dtype=bool)))
    assert shares.x.tolist() == [1, 1, 0.5]
    assert shares.price.tolist() == [3]


def test_a_solution_to_begin_with_stands_where_it_is_within_the_gap():
    start = np.array([0.0, 1.0, 1.0])
    found = solve(replace(FEW, start=start), gap=4.0)
    assert found.value <= -7
    assert found.bound == pytest.approx(-9, abs=1.5)
    assert solve(replace(FEW, start=start)).value == -9


def test_the_solver_closes_no_stream_and_says_nothing():
    """Its logging would close what stderr was when it was loaded, once logging is set up anew."""
    text = (
        "import io, logging.config, sys; sys.stderr = kept = io.StringIO()\n"
        "sys.path.insert(0, 'tests')\n"
        "from test_routing_program import FEW, solve\n"
        "solve(FEW); sys.stderr = sys.__stderr__; logging.config.dictConfig({'version': 1})\n"
        "assert not kept.closed and not kept.getvalue()"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
