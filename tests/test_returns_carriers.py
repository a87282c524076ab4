"""Carriers of returns: one id, however a source spells the name."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from returns_world import ANNOUNCED, announcement, drop, opened, shipped, sold, table, take_in

from oms_pipelines.channels.base import Page
from oms_pipelines.config import Carrier, parse
from oms_pipelines.consolidate import consolidate
from oms_pipelines.errors import Misconfigured
from oms_pipelines.landing import Landing
from oms_pipelines.returns.announce import Announcement, announce
from oms_pipelines.returns.carriers import carrier_ids, listed
from oms_pipelines.store import Store

SAMPLES = Path(__file__).parent / "samples"
CARRIERS = [
    {"id": "colis_prive", "aliases": ["CP"]},
    {"id": "poste", "aliases": ["La Poste", "Colissimo"]},
]


def carriers() -> list[Carrier]:
    return parse({"carriers": CARRIERS}, {}).carriers


@pytest.mark.parametrize(
    ("said", "carrier_id"),
    [
        ("colis_prive", "colis_prive"),
        ("Colis Privé", "colis_prive"),
        ("COLIS-PRIVÉ ", "colis_prive"),
        ("cp", "colis_prive"),
        ("la poste", "poste"),
        ("Chrono", "Chrono"),
        ("-", "-"),
        (None, None),
    ],
)
def test_a_name_leads_to_the_carrier_or_stays_as_it_was_said(said: str, carrier_id: str):
    rows = pl.DataFrame({"carrier_id": [said]}, schema={"carrier_id": pl.String})
    assert carrier_ids(rows, carriers())["carrier_id"].to_list() == [carrier_id]


def test_a_carrier_that_is_none_of_ours_is_listed_as_unknown():
    daily = pl.DataFrame({"carrier": ["poste", "Chrono", None]})
    assert listed(daily, carriers())["carrier"].to_list() == ["poste", "unknown: Chrono", None]


def test_two_carriers_of_one_name_are_a_fault():
    with pytest.raises(Misconfigured, match=r"carriers\[1\].aliases\[0\]: is the same as carriers"):
        parse({"carriers": [{"id": "poste"}, {"id": "cp", "aliases": ["POSTÉ"]}]}, {})


def test_a_channel_that_tells_of_a_return_names_the_carrier_by_its_id(store: Store, tmp_path: Path):
    market = {
        "id": "market", "system": "mirakl", "url": "https://market.example", "currency": "EUR",
        "credentials": {"key": "env:KEY"},
    }  # fmt: skip
    post = {"id": "poste", "aliases": ["LaPoste"]}
    oms = parse({"channels": [market], "carriers": [post]}, {"KEY": "k"})
    landing = Landing(str(tmp_path / "landing"))
    page = Page("returns", (SAMPLES / "mirakl_returns.json").read_bytes(), None)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    landing.write("market", "returns", [page], None, True, None, now)
    consolidate(store, landing, oms, now)
    said = table(store, "returns").filter(pl.col("tracking_number") == "RR2")["carrier_id"]
    assert said.to_list() == ["poste"]


def test_files_and_commands_that_announce_a_return_name_the_carrier_by_its_id(
    store: Store, tmp_path: Path
):
    sold(store, "1", 3)
    shipped(store, "1", 1, 3)
    hub = opened(store, tmp_path)
    hub.oms = hub.oms.model_copy(update={"carriers": carriers()})
    drop(
        tmp_path, "drop", "a.csv", ANNOUNCED,
        announcement("P1", "N1", carrier="Colis Privé"), announcement("P2", "N1", carrier="Chrono"),
    )  # fmt: skip
    [told] = take_in(hub, "announcements")
    assert told.quarantined == 0
    announce(hub, Announcement("N1", "too_small", ("1=1",), carrier_id="COLISSIMO"))
    found = table(store, "returns").select("rma", "carrier_id").sort("carrier_id")["carrier_id"]
    assert found.to_list() == ["Chrono", "colis_prive", "poste"]
