"""SKUs, the SKU map and locations, as oms.yaml names them."""

from decimal import Decimal
from pathlib import Path

import pytest
from consolidate_world import NOW, oms

from oms_pipelines.consolidate import load_reference
from oms_pipelines.errors import Misconfigured
from oms_pipelines.faults import faults
from oms_pipelines.settings_stock import Safety
from oms_pipelines.store import Store

SKUS = "sku,title,weight_g,value,currency\n"
MAP = "channel_id,channel_sku,sku,units_per\n"


def catalog(tmp_path: Path, skus: str, sku_map: str | None = None):
    (tmp_path / "skus.csv").write_text(skus)
    files = {"skus": str(tmp_path / "skus.csv")}
    if sku_map is not None:
        (tmp_path / "map.csv").write_text(sku_map)
        files["sku_map"] = str(tmp_path / "map.csv")
    return oms(tmp_path, catalog=files)


def test_reference_is_loaded_once_and_then_says_nothing_changed(store: Store, tmp_path: Path):
    settings = catalog(tmp_path, f"{SKUS}1E5,Mug,300,4.50,EUR\n0100,,,,\n", f"{MAP}shop,A,1E5,2\n")
    assert load_reference(store, settings, NOW) == 4
    assert load_reference(store, settings, NOW) == 0
    with store.session(read_only=True) as session:
        skus = session.table("skus").to_dicts()
        assert [s["sku"] for s in skus] == ["0100", "1E5"]
        assert skus[1]["value"] == Decimal("4.5000")
        [place] = session.table("locations").to_dicts()
    assert (place["location_id"], place["country"], place["latitude"]) == ("lyon", "FR", None)


def test_an_entry_that_left_the_map_is_forgotten(duckdb_store: Store, tmp_path: Path):
    load_reference(
        duckdb_store, catalog(tmp_path, SKUS + "X,,,,\n", f"{MAP}shop,A,X,1\nshop,B,X,1\n"), NOW
    )
    load_reference(duckdb_store, catalog(tmp_path, SKUS + "X,,,,\n", f"{MAP}shop,B,X,1\n"), NOW)
    with duckdb_store.session(read_only=True) as session:
        assert session.table("sku_map")["channel_sku"].to_list() == ["B"]


@pytest.mark.parametrize(
    ("skus", "sku_map", "fault"),
    [
        ("sku;title\nA;B\n", None, r"catalog\.skus: .*skus\.csv"),
        (SKUS + "A,Mug,heavy,,\n", None, r"skus\.csv, line 2: weight_g"),
        (SKUS + "A,,,,\nB,,,,\nA,,,,\n", None, r"skus\.csv, line 2: sku stand twice"),
        (SKUS + "A,,,,\n", f"{MAP}shop,A,B,0\n", r"map\.csv, line 2: units_per"),
    ],
)
def test_a_fault_is_told_with_file_and_line_and_nothing_is_loaded(
    duckdb_store: Store, tmp_path: Path, skus: str, sku_map: str | None, fault: str
):
    with pytest.raises(Misconfigured, match=fault):
        load_reference(duckdb_store, catalog(tmp_path, skus, sku_map), NOW)
    with duckdb_store.session(read_only=True) as session:
        assert session.table("skus").is_empty()


def test_a_missing_file_is_told(duckdb_store: Store, tmp_path: Path):
    settings = oms(tmp_path, catalog={"skus": str(tmp_path / "no.csv")})
    with pytest.raises(Misconfigured, match=r"catalog\.skus: .* cannot be read"):
        load_reference(duckdb_store, settings, NOW)


def test_a_class_that_no_sku_of_the_catalog_has_is_a_fault_with_its_path(tmp_path: Path):
    (tmp_path / "skus.csv").write_text("sku,title,weight_g,value,currency,class\nA,,,,,fresh\n")
    settings = oms(tmp_path, channels=[], catalog={"skus": str(tmp_path / "skus.csv")})
    lines = [Safety.model_validate({"class": name}) for name in ("fresh", "frozen", "*")]
    place = settings.locations[0].model_copy(update={"safety": lines})
    settings = settings.model_copy(update={"locations": [place]})
    assert faults(settings) == [
        "locations[0].safety[1].class: no SKU of the catalog is frozen; there are fresh"
    ]
    (tmp_path / "skus.csv").write_text(SKUS + "A,,,,\n")
    none = "no SKU has a class; give the catalog a column class"
    assert faults(settings) == [f"locations[0].safety[{i}].class: {none}" for i in (0, 1)]


def test_the_class_of_a_sku_is_loaded_where_the_catalog_has_it(store: Store, tmp_path: Path):
    settings = catalog(tmp_path, "sku,title,weight_g,value,currency,class\nA,,,,,fresh\nB,,,,,\n")
    load_reference(store, settings, NOW)
    with store.session(read_only=True) as session:
        assert session.table("skus").select("sku", "class").rows() == [("A", "fresh"), ("B", None)]
