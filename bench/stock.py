"""ATP and levels of 200,000 SKUs in 50 locations for 10 channels, in a tick of 10,000 movements.

One store has every SKU in every location, and a ledger of 20,000,000 movements. The ratio is
of two others that differ in the length of their ledger alone: every SKU in two locations,
20,000,000 movements against 1,000,000.
"""

import shutil
import tempfile
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.apart import apart
from oms_pipelines.config import parse
from oms_pipelines.stock import balances, ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.store import Session, open_store

SKUS, LOCATIONS, CHANNELS = 200_000, 50, 10
LONG, SHORT = 20_000_000, 1_000_000
NEWS = 10_000
ROUNDS = 3
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def measure() -> list[dict]:
    """Return the seconds and memory of a tick, its ratio over a short ledger, the recompute."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = _base(folder, LONG, LOCATIONS)
        ticks = [_tick(whole) for _ in range(ROUNDS)]
        (seconds, told), memory = min(t for t, _ in ticks), max(m for _, m in ticks)
        again, _ = apart(_recompute, whole)  # last: what it computed, a tick would not
        whole.unlink()
        few = {size: _base(folder, size, 2) for size in (LONG, SHORT)}
        best = dict.fromkeys(few, (float("inf"), ""))
        for _ in range(ROUNDS):
            for size, file in few.items():
                best[size] = min(best[size], _tick(file)[0])
    (long, long_told), (short, short_told) = best[LONG], best[SHORT]
    ratio = long / short
    grid = f"{SKUS:,} SKUs x {LOCATIONS} locations x {CHANNELS} channels, {LONG:,} movements"
    return [
        _row("tick of 10,000 movements: ATP and levels", seconds, "s", 3.0, f"{grid} ({told})"),
        _row("memory of that", memory / 1000, "GB", 2.0, "peak resident set"),
        _row(
            "tick on 20,000,000 movements",
            ratio,
            f"x on {SHORT:,}",
            1.3,
            f"{long:.2f} s ({long_told}) against {short:.2f} s ({short_told}), every SKU in two "
            f"locations; with every SKU in {LOCATIONS} it is {seconds / short:.2f}",
        ),
        _row("full recompute of balances and levels", again, "s", 60.0, grid),
    ]


def _row(name: str, value: float, unit: str, bar: float, against: str) -> dict:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "bar": f"<= {bar:g}",
        "holds": value <= bar,
        "against": against,
    }


def _base(folder: Path, movements: int, places: int) -> Path:
    """Make a store whose levels are computed, and then some news that the ledger lacks."""
    file = folder / f"{movements}-{places}.duckdb"
    apart(_make, file, movements, places)
    return file


def _make(file: Path, movements: int, places: int) -> None:
    _run(file, "stock_history.sql", movements=movements, places=places)
    with _opened(file) as session:
        levels = _levels(session)
    assert levels == SKUS * CHANNELS, levels
    with _opened(file) as session:
        balances.cluster(session)  # as each night does
    _run(file, "stock_news.sql", movements=movements, places=places)


def _run(file: Path, script: str, **params: int) -> None:
    open_store(f"duckdb:///{file}").migrate()
    params |= {"skus": SKUS, "locations": LOCATIONS, "news": NEWS}
    con = duckdb.connect(str(file), config={"memory_limit": "3GB"})
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    con.execute("SET preserve_insertion_order = false")
    for statement in (Path(__file__).parent / script).read_text("utf-8").split(";\n"):
        for name, value in params.items():
            statement = statement.replace(f"${name}", str(value))
        if statement.strip():
            con.execute(statement)
    con.close()


def _tick(base: Path) -> tuple[tuple[float, str], float]:
    """Return the seconds of a tick, told by part, and its megabytes, on a copy of a store."""
    copy = base.with_suffix(".tick")
    shutil.copyfile(base, copy)
    try:
        return apart(_timed, copy)
    finally:
        copy.unlink()


def _timed(file: Path) -> tuple[float, str]:
    """Post the news and compute levels; return the seconds, in all and by part."""
    started, used = time.perf_counter(), time.process_time()
    with _opened(file) as session:
        posted = ledger.post(session, NOW)
        mid = time.perf_counter()
        changed = _levels(session)
    done = time.perf_counter()
    assert posted.movements + posted.corrections == NEWS, posted
    assert changed > NEWS // 2, changed
    parts = f"ledger {mid - started:.2f}, levels {done - mid:.2f}"
    return done - started, f"{parts}, {time.process_time() - used:.2f} of CPU"


def _opened(file: Path) -> AbstractContextManager[Session]:
    return open_store(f"duckdb:///{file}").session()


def _levels(session: Session, *, full: bool = False) -> int:
    """Compute levels of ten channels, half in escrow; return how many changed."""
    stocks = [{"mode": "escrow", "share": 0.15}] * 5 + [{"mode": "pooled", "risk": 0.001}] * 5
    oms = parse(
        {
            "channels": [
                {"id": f"c{i}", "system": "file", "stock": stock} for i, stock in enumerate(stocks)
            ],
            "locations": [
                {"id": f"loc{i:02d}", "address": {"country": "FR"}, "safety_stock": 2}
                for i in range(LOCATIONS)
            ],
        },
        env={},
    )
    return compute_levels(session, oms, NOW, full=full).height


def _recompute(file: Path) -> float:
    """Return the seconds that balances and all levels take from the ledger alone."""
    started = time.perf_counter()
    with _opened(file) as session:
        assert ledger.differences(session).is_empty()
        _levels(session, full=True)
    return time.perf_counter() - started
