"""The embedded store alone: its file, its lock, its death, its copy."""

import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest
from store_frames import frame, line, order

from oms_pipelines.errors import Misconfigured, OmsError, Rejected, Unreachable
from oms_pipelines.store import open_store
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.frames import Stream

WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from store_frames import frame, line, order
from oms_pipelines.store.duckdb import DuckdbStore

keys = [str(i) for i in range(int(sys.argv[3]))]
with DuckdbStore(sys.argv[1]).session() as s:
    s.merge_documents(
        "orders",
        frame("orders", *(order(k, version=2, content="b") for k in keys)),
        {"order_lines": frame("order_lines", *(line(k, n, 2, "b") for k in keys for n in (1, 2)))},
    )
    if sys.argv[4] == "hold":
        print("holding", flush=True)
        sys.stdin.read()
"""


def writer(path: Path, orders: int = 3, hold: str = "", **environment: str) -> subprocess.Popen:
    """Start a process that merges newer versions of orders into the store."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parent), str(orders), hold],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def held(path: Path) -> subprocess.Popen:
    """Start a process that holds the store open for writing until its input ends."""
    process = writer(path, hold="hold")
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def fill(store: DuckdbStore, orders: int = 3) -> None:
    keys = [str(i) for i in range(orders)]
    with store.session() as s:
        s.merge_documents(
            "orders",
            frame("orders", *(order(k) for k in keys)),
            {"order_lines": frame("order_lines", *(line(k, 1) for k in keys))},
        )


def state(store: DuckdbStore) -> tuple[list[str], list[tuple[str, str]]]:
    with store.session() as s:
        lines = s.table("order_lines").select("channel_sku", "line_id").rows()
        return s.table("orders")["record_hash"].to_list(), lines


BEFORE = (["a"] * 3, [("SKU a", "1")] * 3)
AFTER = (["b"] * 3, [("SKU b", "1"), ("SKU b", "2")] * 3)


@pytest.mark.parametrize(
    ("point", "found"), [("merge.before_commit", BEFORE), ("merge.after_commit", AFTER)]
)
def test_a_kill_around_the_commit_leaves_all_or_nothing(duckdb_store, point, found):
    fill(duckdb_store)
    process = writer(duckdb_store.path, OMS_CRASH_AT=point)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert state(duckdb_store) == found


def test_a_kill_at_any_time_leaves_all_or_nothing(duckdb_store):
    fill(duckdb_store)
    process = held(duckdb_store.path)
    process.kill()
    process.communicate(timeout=30)
    assert state(duckdb_store) == BEFORE


def test_a_session_waits_for_another_process_to_end(duckdb_store):
    fill(duckdb_store)
    process = held(duckdb_store.path)
    assert process.stdin is not None
    threading.Timer(0.2, process.stdin.close).start()
    assert state(duckdb_store) == AFTER
    process.wait(timeout=30)


def test_a_session_that_waits_in_vain_names_the_process(duckdb_store):
    process = held(duckdb_store.path)
    duckdb_store.wait = 0.05
    with pytest.raises(Unreachable, match=f"in use by process {process.pid}"):
        state(duckdb_store)
    process.kill()
    process.communicate(timeout=30)


def test_a_disk_that_is_full_ends_the_session_and_loses_nothing(duckdb_store):
    fill(duckdb_store)
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (duckdb_store.path.stat().st_size, was[1]))
    try:
        with pytest.raises(Rejected, match="disk is full"):
            fill_many(duckdb_store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
        signal.signal(signal.SIGXFSZ, handler)
    assert state(duckdb_store) == BEFORE


def fill_many(store: DuckdbStore) -> None:
    with store.session() as s:
        s.insert_new("orders", many(frame("orders", order("x")), 300_000))


def many(one: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return so many orders that differ in key and number."""
    rows = pl.concat([one] * count).with_row_index("i").with_columns(
        order_id=pl.format("shop/x{}", "i"), number=pl.col("i").hash().cast(pl.String)
    )  # fmt: skip
    return rows.drop("i")


def test_a_snapshot_is_read_while_a_writer_works(duckdb_store, tmp_path):
    fill(duckdb_store)
    copy = DuckdbStore(duckdb_store.snapshot(tmp_path / "readers" / "copy.duckdb"))
    with duckdb_store.session() as s:
        s.upsert("orders", frame("orders", order("1", content="c")))
        with copy.session(read_only=True) as reader:
            assert reader.table("orders")["record_hash"].to_list() == ["a", "a", "a"]
    assert [p.name for p in (tmp_path / "readers").iterdir()] == ["copy.duckdb"]


def test_a_snapshot_waits_for_the_writer_of_another_process(duckdb_store, tmp_path):
    fill(duckdb_store)
    process = held(duckdb_store.path)
    assert process.stdin is not None
    threading.Timer(0.2, process.stdin.close).start()
    copy = duckdb_store.snapshot(tmp_path / "copy.duckdb")
    process.wait(timeout=30)
    assert state(DuckdbStore(copy)) == AFTER


def test_readers_of_one_process_read_side_by_side(duckdb_store):
    with duckdb_store.session(read_only=True) as one, duckdb_store.session(read_only=True) as two:
        assert one.table("orders").equals(two.table("orders"))


def test_a_session_within_a_session_is_refused_at_once(duckdb_store):
    fault = "session of this thread is open"
    with duckdb_store.session(), pytest.raises(OmsError, match=fault), duckdb_store.session():
        pass


def test_a_store_that_is_not_there_is_named(tmp_path):
    store = DuckdbStore(tmp_path / "none.duckdb")
    with pytest.raises(Misconfigured, match="no store at"), store.session(read_only=True):
        pass
    assert not store.path.exists()


def test_migrating_makes_the_folder(tmp_path):
    store = open_store(f"duckdb:///{tmp_path}/deep/down/oms.duckdb")
    store.migrate()
    assert (tmp_path / "deep/down/oms.duckdb").is_file()


def test_a_file_that_is_no_store_is_refused(tmp_path):
    path = tmp_path / "x.duckdb"
    path.write_text("zoe@example.com" * 1000)
    with pytest.raises(Rejected) as e, DuckdbStore(path).session():
        pass
    assert "zoe" not in str(e.value)


def test_statements_cannot_reach_files_or_variables_of_python(duckdb_store, tmp_path):
    reachable = pl.DataFrame({"a": [1]})
    (tmp_path / "x.csv").write_text("a\n1\n")
    for what in (f"'{tmp_path}/x.csv'", "reachable"):
        with duckdb_store.session() as s, pytest.raises(OmsError):
            s._query("test", f"SELECT * FROM {what}", {})
    assert reachable.height == 1


def test_tables_have_no_keys_or_indexes_to_slow_the_merge(duckdb_store):
    with duckdb.connect(str(duckdb_store.path), read_only=True) as con:
        kinds = con.execute("SELECT DISTINCT constraint_type FROM duckdb_constraints()").fetchall()
        indexes = con.execute("SELECT count(*) FROM duckdb_indexes()").fetchall()
    assert kinds == [("NOT NULL",)]
    assert indexes == [(0,)]


def row_groups(path: Path, table: str) -> list[int]:
    with duckdb.connect(str(path), read_only=True) as con:
        found = con.execute(
            "SELECT row_group_id, max(start + count) FROM pragma_storage_info(?)"
            " WHERE column_name = 'order_id' AND segment_type = 'VARCHAR'"
            " GROUP BY row_group_id ORDER BY row_group_id",
            [table],
        ).fetchall()
    return [rows for _, rows in found]


def test_a_checkpoint_has_little_to_write_anew(duckdb_store):
    one = frame("orders", order("x"))
    with duckdb_store.session() as s:
        s.insert_new("orders", many(one, 40_000))

    assert max(row_groups(duckdb_store.path, "orders")) <= 20_000


def test_a_file_of_larger_row_groups_is_read_and_merged_into(duckdb_store, tmp_path):
    path = tmp_path / "older.duckdb"
    with duckdb.connect(str(path)) as con:  # as releases before wrote it, by its own path
        con.execute(f"ATTACH '{duckdb_store.path}' AS empty (READ_ONLY)")
        con.execute("COPY FROM DATABASE empty TO older; DETACH empty")
        rows = many(frame("orders", order("x")), 150_000)
        con.register("rows", Stream(rows))
        con.execute("INSERT INTO orders BY NAME FROM rows")
    assert max(row_groups(path, "orders")) > 100_000
    store = DuckdbStore(path)
    newer = rows.sample(20_000, seed=1).with_columns(
        source_version=pl.col("source_version") + 1, number=pl.lit("newer")
    )

    with store.session() as s:
        merged = s.merge_documents("orders", newer, {})

    with store.session(read_only=True) as s:
        found = s.table("orders")
    assert (merged.new, merged.newer) == (0, 20_000)
    assert found["order_id"].n_unique() == found.height == 150_000
    assert (found["number"] == "newer").sum() == 20_000


def test_work_beyond_the_memory_lies_beside_the_store(duckdb_store):
    small = DuckdbStore(duckdb_store.path, memory="50MB")
    numbers = "SELECT md5(i::VARCHAR) AS a, md5((i + 1)::VARCHAR) AS b FROM range(1000000) t(i)"
    with small.session() as s:
        s._query("test", f"SELECT count(*) AS n FROM ({numbers} ORDER BY a LIMIT 999999)", {})
        scratch = [p for p in small.path.parent.iterdir() if p.name.endswith(".tmp")]

    assert [p.name for p in scratch] == [f"{small.path.name}.tmp"]
    assert not scratch[0].exists()


def test_a_store_that_lies_idle_is_held_by_nobody(duckdb_store):
    fill(duckdb_store)
    other = held(duckdb_store.path)
    other.communicate("", timeout=30)
    assert other.returncode == 0

    with duckdb_store.session(read_only=True) as s:
        assert s.table("orders")["source_version"].to_list() == [2, 2, 2]


def test_sessions_of_one_process_use_one_engine_again(duckdb_store, monkeypatch):
    fill(duckdb_store)
    monkeypatch.setattr(duckdb, "connect", None)  # no other is made

    assert state(duckdb_store) == BEFORE
    with pytest.raises(RuntimeError), duckdb_store.session():
        raise RuntimeError
    with pytest.raises(TypeError), duckdb_store.session():  # after an error it is not trusted
        pass


@pytest.mark.parametrize("how", ["alike", "by another name", "with other memory"])
def test_a_reader_that_ends_leaves_the_file_locked_for_the_others(duckdb_store, tmp_path, how):
    fill(duckdb_store)
    path, memory = duckdb_store.path, "1GB"
    if how == "by another name":
        path = tmp_path / "link.duckdb"
        path.symlink_to(duckdb_store.path)
    elif how == "with other memory":
        memory = "500MB"

    def orders() -> int:
        with DuckdbStore(path, memory=memory).session(read_only=True) as s:
            return s.table("orders").height

    with duckdb_store.session(read_only=True) as one:
        with ThreadPoolExecutor(1) as other:
            assert other.submit(orders).result() == 3
        process = writer(duckdb_store.path)
        with pytest.raises(subprocess.TimeoutExpired):  # it waits for us
            process.wait(4)
        assert one.table("orders").height == 3
    assert process.wait(30) == 0


FORK = """
import os, sys
from oms_pipelines.store.duckdb import DuckdbStore

stores = [DuckdbStore(f"{sys.argv[1]}/{n}.duckdb") for n in range(4)]
for store in stores:
    store.migrate()
child = os.fork()
with stores[0].session(read_only=True) as s:
    assert s.table("orders").is_empty()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.exit(0)
"""


def test_a_fork_of_a_process_reads_as_its_parent_does(tmp_path):
    done = subprocess.run([sys.executable, "-c", FORK, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == 0


def test_what_a_killed_session_spilled_costs_no_later_one_its_engine(duckdb_store, monkeypatch):
    Path(f"{duckdb_store.path}.tmp").mkdir()
    fill(duckdb_store)
    monkeypatch.setattr(duckdb, "connect", None)  # no other is made
    assert state(duckdb_store) == BEFORE


def test_a_memory_that_is_none_is_refused(duckdb_store):
    with (
        pytest.raises(Rejected),
        DuckdbStore(duckdb_store.path, memory="much").session(read_only=True),
    ):
        pass


def test_an_error_while_rows_are_read_tells_no_value(duckdb_store):
    fault = "SELECT CAST(a AS INTEGER) AS a FROM (VALUES ('zoe@example.com')) AS t(a)"
    with duckdb_store.session() as s, pytest.raises(OmsError) as e:
        s._query("test", fault, {})
    assert "zoe" not in str(e.value)
    assert e.value.__suppress_context__
