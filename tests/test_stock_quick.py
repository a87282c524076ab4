"""The arrays of a simulation say what the hub's own functions say."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from soak_world import CHANNELS, SINCE, trace, world
from stock_world import channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock.listings import grants
from oms_pipelines.stock.quick import Levels, granted
from oms_pipelines.stock.shares import Sharing
from oms_pipelines.stock.trace import Names

units = st.integers(0, 12)
row = st.lists(units, min_size=4, max_size=4)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(row, row), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_what_may_be_raised_is_what_grants_says(rows: list, pooled: list[bool]):
    want, kept = (np.array([r[i] for r in rows]) for i in (0, 1))
    channels = [
        channel(c, mode="pooled", risk=0.1) if p else channel(c, mode="escrow", share=0.25)
        for c, p in zip("abcd", pooled, strict=True)
    ]
    s, c = (x.ravel() for x in np.indices(want.shape))
    levels = pl.DataFrame(
        {
            "channel_id": np.array(list("abcd"))[c], "channel_sku": [f"s{i}" for i in s],
            "sku": [f"s{i}" for i in s], "units_per": 1,
            "desired": want.ravel(), "held": kept.ravel(),
        }
    )  # fmt: skip
    oms = network(channels)
    said = {(x, y): n for x, y, n in grants(levels, oms.channels).iter_rows()}
    found = granted(want, kept, np.array(pooled))
    assert {("abcd"[j], f"s{i}"): int(n) for (i, j), n in np.ndenumerate(found)} == said


def both(oms: Oms, sharing: Sharing) -> tuple[np.ndarray, np.ndarray]:
    """Return levels as arrays make them and as frames do, of drawn stock and demand."""
    past = trace(1, 6, seed=3)
    names = Names.of(past, oms)
    random = np.random.default_rng(3)
    stock = random.integers(-3, 30, (6, len(names.locations)))
    demand = random.integers(0, 3, (6, len(names.channels))) * (random.random((6, 1)) < 0.5)
    levels = Levels(names, oms.channels, oms)
    levels.share_by(sharing)
    s = np.array([0, 2, 3, 5])
    shown = levels.of(s, stock[s], demand[s], np.full((4, len(names.channels)), 99))
    levels._shares = None
    return shown, levels.of(s, stock[s], demand[s], np.zeros((4, len(names.channels)), int))


def test_levels_are_those_of_desired_levels():
    kept = pl.DataFrame(
        [(c, s, n) for n, c in enumerate(CHANNELS) for s in ("*", "sku0002")],
        ["channel_id", "sku", "buffer"], orient="row",
    )  # fmt: skip
    cases = [
        (world("pooled"), Sharing(buffers=kept)),
        (world("pooled", cap=7, stop_below=2, buffer=1), Sharing(buffers=kept)),
        (world("escrow"), Sharing(SINCE)),
        (world("escrow", stop_below=2, minimum=1), Sharing(SINCE)),
    ]
    for oms, sharing in cases:
        shown, said = both(oms, sharing)
        assert shown.sum() > 0
        assert shown.tolist() == said.tolist()


def test_what_a_location_keeps_back_is_kept_back():
    places = [place(x, safety_stock=2, threshold=1) for x in ("lyon", "lille", "paris")]
    oms = network([channel(c, mode="escrow", share=0.2) for c in CHANNELS], places)
    shown, said = both(oms, Sharing(SINCE))
    assert shown.tolist() == said.tolist()


def test_no_more_is_kept_back_than_channels_out_of_reach_may_show():
    oms = world("pooled")
    past = trace(1, 1, seed=3)
    names = Names.of(past, oms)
    kept = pl.DataFrame({"channel_id": CHANNELS, "sku": "*", "buffer": 1, "unheard": 5})
    levels = Levels(names, oms.channels, oms)
    levels.share_by(Sharing(buffers=kept))
    stock, none = np.array([[10, 0, 0]]), np.zeros((1, 5), np.int64)
    assert levels.of(np.array([0]), stock, none, none).tolist() == [[9] * 5]
    shown = levels.of(np.array([0]), stock, none, np.array([[3, 0, 0, 0, 0]]))
    assert shown.tolist() == [[9, 6, 6, 6, 6]]
    shown = levels.of(np.array([0]), stock, none, np.array([[9, 0, 0, 0, 0]]))
    assert shown.tolist() == [[9, 4, 4, 4, 4]]
