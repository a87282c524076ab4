"""Kits of the catalog: loaded with their bills, and refused where they cannot be."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from cli_world import command
from consolidate_world import NOW, oms

from oms_pipelines.consolidate import load_reference
from oms_pipelines.errors import Misconfigured
from oms_pipelines.faults import faults
from oms_pipelines.store import Store

SKUS = "sku,title,weight_g,value,currency\nA,,,,\nB,,,,\nC,,,,\n"
KITS = "kit_sku,sku,quantity\n"


def catalog(tmp_path: Path, kits: str) -> dict[str, str]:
    (tmp_path / "skus.csv").write_text(SKUS)
    (tmp_path / "kits.csv").write_text(KITS + kits)
    return {"skus": str(tmp_path / "skus.csv"), "kits": str(tmp_path / "kits.csv")}


def in_use(store: Store) -> list[tuple[str, str, int]]:
    with store.session(read_only=True) as s:
        rows = s.table("bills").filter("in_use").sort("kit_sku", "sku")
    return rows.select("kit_sku", "sku", "quantity").rows()


def test_nested_kits_are_exploded_once_and_loaded_again_change_nothing(
    store: Store, tmp_path: Path
):
    settings = oms(tmp_path, catalog=catalog(tmp_path, "K,A,1\nK,B,2\nBOX,K,3\nBOX,B,1\n"))
    assert load_reference(store, settings, NOW) == 3 + 4 + 4 + 1  # SKUs, kits, bills, a location
    assert in_use(store) == [("BOX", "A", 3), ("BOX", "B", 7), ("K", "A", 1), ("K", "B", 2)]
    assert load_reference(store, settings, NOW) == 0


def test_a_kit_that_changes_has_a_new_bill_and_the_old_one_stays_out_of_use(
    store: Store, tmp_path: Path
):
    load_reference(store, oms(tmp_path, catalog=catalog(tmp_path, "K,A,1\nJ,B,2\n")), NOW)
    load_reference(store, oms(tmp_path, catalog=catalog(tmp_path, "K,A,2\n")), NOW)
    assert in_use(store) == [("K", "A", 2)]
    with store.session(read_only=True) as s:
        assert s.table("kits").rows() == [("K", "A", 2)]
        old = s.table("bills").filter(~pl.col("in_use")).sort("kit_sku")
    assert old.select("kit_sku", "quantity").rows() == [("J", 2), ("K", 1)]


FAULTS = [
    ("K,X,1\n", "line 2: sku: X stands in no row of catalog.skus, and is no kit"),
    ("K,A,0\n", "line 2: quantity"),
    ("K,A,1\nK,A,2\n", "line 2: kit_sku, sku stand twice"),
    ("K,K,1\n", "line 2: a kit contains itself: K > K"),
    ("Z,A,1\nK,J,1\nJ,L,1\nL,A,1\nL,K,2\n", "line 3: a kit contains itself: J > L > K > J"),
    ("K,A,1000000\nL,K,2\n", "line 3: kit L holds more than 1000000 units of A"),
]


@pytest.mark.parametrize(("kits", "fault"), FAULTS)
def test_a_kit_that_cannot_be_is_refused_with_its_line_and_nothing_is_loaded(
    duckdb_store: Store, tmp_path: Path, kits: str, fault: str
):
    settings = oms(tmp_path, catalog=catalog(tmp_path, kits))
    with pytest.raises(Misconfigured) as refused:
        load_reference(duckdb_store, settings, NOW)
    assert any(x.startswith("catalog.kits: ") and fault in x for x in refused.value.faults)
    told = [x for x in faults(settings) if x.startswith("catalog.kits")]
    assert told == refused.value.faults
    with duckdb_store.session(read_only=True) as s:
        assert s.table("skus").is_empty()


def test_kits_without_a_catalog_of_skus_are_refused(duckdb_store: Store, tmp_path: Path):
    named = catalog(tmp_path, "K,A,1\n")
    with pytest.raises(Misconfigured, match=r"catalog\.kits: name catalog\.skus too"):
        load_reference(duckdb_store, oms(tmp_path, catalog={"kits": named["kits"]}), NOW)


def test_oms_check_refuses_a_kit_that_contains_itself_with_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    run = command(monkeypatch, capsys)
    settings = {
        "store": {"url": f"duckdb:///{tmp_path}/oms.duckdb"},
        "catalog": catalog(tmp_path, "SET,A,1\nSET,BOX,1\nBOX,SET,2\n"),
    }
    (tmp_path / "oms.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("OMS_CONFIG", str(tmp_path / "oms.yaml"))
    told = run("check")
    assert told.code == 2
    assert "a kit contains itself: BOX > SET > BOX" in " ".join((told.out + told.err).split())
