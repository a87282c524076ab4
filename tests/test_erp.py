"""The ERP's export: every order version once, whole, to a folder or to a database."""

import csv
import hashlib
from decimal import Decimal
from pathlib import Path

import orjson
import polars as pl
import pytest
import sqlalchemy as sa
from stock_world import NOON, World, at, channel, network

from oms_pipelines import crash, erp
from oms_pipelines.config import Erp, Oms
from oms_pipelines.consolidate.resolve import resolve
from oms_pipelines.errors import Misconfigured, Rejected, Unreachable
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.manifest import render
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def settings(tmp_path: Path, url: str) -> Oms:
    oms = network([channel("shop", share=1)], output=str(tmp_path / "var"))
    told = Erp.model_validate({"url": "env:ERP"}, context={"env": {"ERP": url}})
    return oms.model_copy(update={"erp": told})


def fill(world: World) -> None:
    world.order("shop/1", {"sock": 2, "glove": 1}, number="Nº1")
    world.order("shop/2", {"sock": 5})


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_new_orders_go_out_in_one_file_with_its_manifest_and_once(world: World, tmp_path: Path):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    fill(world)
    assert erp.export_orders(world.store, oms, NOON) == 2
    found = files(tmp_path / "erp")
    name = "erp_orders_20260302_000001.csv"
    assert list(found) == [name, f"{name}.manifest.json"]
    manifest = orjson.loads(found[f"{name}.manifest.json"])
    assert manifest == {
        "file": name,
        "destination": "erp",
        "flow": "erp_orders",
        "sequence": 1,
        "schema": 2,
        "profile": "erp_orders",
        "rows": 3,
        "orders": 2,
        "quantity": 8,
        "value": {},
        "sha256": hashlib.sha256(found[name]).hexdigest(),
        "bytes": len(found[name]),
        "previous": None,
        "actions": {},
        "replaced": 0,
        "planned_at": "2026-03-02T12:00:00Z",
    }
    assert found[name].endswith(b"\r\n")
    rows = pl.read_csv(found[name], separator=";", infer_schema=False)
    assert rows["order_id"].to_list() == ["shop/1", "shop/1", "shop/2"]
    assert b"zoe" not in found[name]
    assert erp.export_orders(world.store, oms, at(1)) == 0
    assert files(tmp_path / "erp") == found
    with world.store.session() as s:
        [file] = s.table("files").iter_rows(named=True)
    assert (file["state"], file["row_count"], file["sha256"]) == (
        "delivered", 3, manifest["sha256"],
    )  # fmt: skip


def test_the_erp_s_manifest_has_the_shape_of_a_dispatch_file_s(world: World, tmp_path: Path):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    fill(world)
    erp.export_orders(world.store, oms, NOON)
    [path] = (tmp_path / "erp").glob("*.manifest.json")
    file = {"name": "f", "destination": "lyon", "flow": "dispatch", "sequence": 2}
    rows = pl.DataFrame({"order_id": ["shop/1"], "quantity": [1], "action": ["ship"]})
    other = render(file | {"planned_at": NOON}, ("e", "0"), rows, DEFAULTS["dispatch"])
    assert list(orjson.loads(path.read_bytes())) == list(orjson.loads(other.manifest))


def test_each_export_names_the_one_before_it(world: World, tmp_path: Path):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    told = []
    for hours in range(3):
        world.order(f"shop/{hours}", {"sock": 1}, at(hours))
        erp.export_orders(world.store, oms, at(hours))
        name = f"erp_orders_20260302_00000{hours + 1}.csv"
        told.append(orjson.loads((tmp_path / "erp" / f"{name}.manifest.json").read_bytes()))
    assert [m["previous"] for m in told] == [
        None,
        {"sequence": 1, "file": told[0]["file"], "sha256": told[0]["sha256"]},
        {"sequence": 2, "file": told[1]["file"], "sha256": told[1]["sha256"]},
    ]


def test_the_manifest_s_value_and_quantity_are_the_sums_of_the_file_s_columns(
    world: World, tmp_path: Path
):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    thirds = {"line_amount": Decimal("3.3333")}
    for n in range(3):
        world.order(f"shop/{n}", {"sock": 2, "glove": 1}, line=thirds)
    world.order("shop/usd", {"sock": 7}, currency="USD", line={"line_amount": Decimal("10.5")})
    world.order("shop/none", {"sock": 1}, currency="USD")
    erp.export_orders(world.store, oms, NOON)
    [body] = (tmp_path / "erp").glob("*.csv")
    told = orjson.loads(body.with_name(f"{body.name}.manifest.json").read_bytes())
    sums: dict[str, Decimal] = {}
    quantity = 0
    for row in csv.DictReader(body.read_text("utf-8").splitlines(), delimiter=";"):
        sums[row["currency"]] = sums.get(row["currency"], Decimal()) + Decimal(
            row["line_amount"] or 0
        )
        quantity += int(row["ordered_quantity"])
    assert {c: Decimal(v) for c, v in told["value"].items()} == sums
    assert told["value"] == {"EUR": "19.9998", "USD": "10.50"}
    assert told["quantity"] == quantity == 17
    with world.store.session(read_only=True) as s:
        [file] = s.table("files").iter_rows(named=True)
    assert orjson.loads(file["value_by_currency"]) == told["value"]
    assert file["total_quantity"] == quantity


def test_an_order_whose_sku_is_found_later_goes_out_again_and_once(world: World, tmp_path: Path):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    world.order("shop/1", {"NAME": 2}, line={"sku": None})
    world.order("shop/2", {"sock": 5})
    assert erp.export_orders(world.store, oms, NOON) == 2
    later = at(72)
    world.put("sku_map", {
        "channel_id": "shop", "channel_sku": "NAME", "sku": "glove", "units_per": 1,
    })  # fmt: skip
    with world.store.session() as s:
        assert resolve(s, later) == 2  # "sock" is in no catalog here: it waits again
    assert erp.export_orders(world.store, oms, later) == 2
    rows = pl.read_csv(tmp_path / "erp" / "erp_orders_20260305_000002.csv", separator=";")
    assert rows.select("order_id", "sku").rows() == [("shop/1", "glove"), ("shop/2", None)]
    with world.store.session() as s:
        assert resolve(s, at(73)) == 0
    assert erp.export_orders(world.store, oms, at(73)) == 0


def test_a_version_read_again_stays_and_a_newer_one_goes_out(world: World, tmp_path: Path):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    fill(world)
    erp.export_orders(world.store, oms, NOON)
    same = {"source_version": 1, "record_hash": "h1"}
    world.order("shop/1", {"sock": 2, "glove": 1}, number="Nº1", **same)
    assert erp.export_orders(world.store, oms, at(1)) == 0
    world.order("shop/2", {"sock": 4}, fetched_at=at(2))
    assert erp.export_orders(world.store, oms, at(2)) == 1
    rows = pl.read_csv(tmp_path / "erp" / "erp_orders_20260302_000002.csv", separator=";")
    assert rows.select("order_id", "ordered_quantity").rows() == [("shop/2", 4)]


def test_what_a_long_run_merged_under_its_own_clock_is_exported(world: World, tmp_path: Path):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    fill(world)
    erp.export_orders(world.store, oms, NOON)
    world.order("shop/3", {"sock": 1}, at(-40), **world.batch(at(-20)))
    assert erp.export_orders(world.store, oms, at(1)) == 1


class Killed(BaseException):
    pass


@pytest.mark.parametrize("where", ["erp.planned", "erp.copy_written", "erp.delivered"])
def test_a_crash_is_mended_with_the_same_file_and_nothing_twice(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    oms = settings(tmp_path, str(tmp_path / "erp"))
    fill(world)

    def die(name: str) -> None:
        if name == where:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(erp, "point", die)
        with pytest.raises(Killed):
            erp.export_orders(world.store, oms, NOON)
    before = files(tmp_path / "erp") if (tmp_path / "erp").exists() else {}
    if where != "erp.planned":  # its bytes exist: a newer version waits for the next file
        world.order("shop/2", {"sock": 9}, fetched_at=at(0.5))
    assert erp.point is crash.point
    assert erp.export_orders(world.store, oms, at(1)) == 2
    after = files(tmp_path / "erp")
    assert {n: b for n, b in after.items() if n in before} == before
    assert len(after) == 2
    rows = pl.read_csv(tmp_path / "erp" / "erp_orders_20260302_000001.csv", separator=";")
    assert rows["ordered_quantity"].sum() == 8
    newer = erp.export_orders(world.store, oms, at(2))
    assert newer == (0 if where == "erp.planned" else 1)


def in_table(url: str) -> list[tuple]:
    engine = sa.create_engine(url)
    query = sa.text(
        "SELECT order_id, sku, ordered_quantity, unit_price FROM oms_orders ORDER BY 1, 2"
    )
    with engine.connect() as connection:
        rows = [tuple(r) for r in connection.execute(query)]
    engine.dispose()
    return rows


def test_a_database_gets_the_newest_version_of_each_order(
    duckdb_store: DuckdbStore, tmp_path: Path
):
    world, url = World(duckdb_store), f"sqlite:///{tmp_path}/erp.db"
    oms = settings(tmp_path, url)
    world.order("shop/1", {"sock": 2, "glove": 1}, line={"unit_price": Decimal("12.1")})
    world.order("shop/2", {"sock": 5})
    assert erp.export_orders(world.store, oms, NOON) == 2
    assert in_table(url) == [
        ("shop/1", "glove", 1, "12.1000"),
        ("shop/1", "sock", 2, "12.1000"),
        ("shop/2", "sock", 5, None),
    ]
    world.order("shop/1", {"sock": 3}, fetched_at=at(1))
    assert erp.export_orders(world.store, oms, at(1)) == 1
    assert in_table(url) == [("shop/1", "sock", 3, None), ("shop/2", "sock", 5, None)]
    assert erp.export_orders(world.store, oms, at(2)) == 0


def test_a_postgresql_database_gets_decimals_and_times(
    duckdb_store: DuckdbStore, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(erp, "AT_ONCE", 1)
    world = World(duckdb_store)
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    oms = settings(tmp_path, url)
    fill(world)
    assert erp.export_orders(world.store, oms, NOON) == 2
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        placed = connection.execute(sa.text("SELECT max(placed_at) FROM oms_orders")).scalar()
    engine.dispose()
    assert placed == NOON
    assert len(in_table(url)) == 3


def test_a_database_that_is_down_or_refuses_is_told_without_its_password(
    duckdb_store: DuckdbStore, tmp_path: Path
):
    world = World(duckdb_store)
    fill(world)
    down = settings(tmp_path, "postgresql+psycopg://oms:s3cret@127.0.0.1:1/erp")
    with pytest.raises(Unreachable) as told:
        erp.export_orders(world.store, down, NOON)
    assert "s3cret" not in str(told.value)
    strange = settings(tmp_path, "cobol://oms:s3cret@host/erp")
    with pytest.raises(Misconfigured) as told:
        erp.export_orders(world.store, strange, NOON)
    assert "s3cret" not in str(told.value)
    url = f"sqlite:///{tmp_path}/erp.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE oms_orders (order_id TEXT CHECK (order_id = 'x'), line_id TEXT)")
        )
    engine.dispose()
    with pytest.raises((Rejected, Unreachable)):
        erp.export_orders(world.store, settings(tmp_path, url), NOON)
    # mended, the same orders go out
    assert erp.export_orders(world.store, settings(tmp_path, str(tmp_path / "erp")), at(1)) == 2
