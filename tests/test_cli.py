"""The `oms` command: what it answers people and programs, and how it fails."""

import stat
from pathlib import Path

import cli_world
import polars as pl
import pytest
from cli_world import NOW, Oms, command, configured

from oms_pipelines import config
from oms_pipelines.store.duckdb import DuckdbStore


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the configuration of a store that has traded."""
    return cli_world.traded(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def oms(traded, monkeypatch, capsys) -> Oms:
    """Return the command over the store that has traded."""
    monkeypatch.setenv("OMS_CONFIG", str(traded))
    monkeypatch.setenv("OMS_NOW", NOW.isoformat())
    return command(monkeypatch, capsys)


@pytest.fixture
def fresh(tmp_path, monkeypatch, capsys) -> Oms:
    """Return the command over a configuration whose store is empty."""
    monkeypatch.setenv("OMS_CONFIG", str(configured(tmp_path)))
    monkeypatch.setenv("OMS_NOW", NOW.isoformat())
    return command(monkeypatch, capsys)


READS = [
    ("orders", "list"),
    ("orders", "list", "--status", "held"),
    ("orders", "show", "shop/1"),
    ("stock", "show", "MUG"),
    ("stock", "drift"),
    ("stock", "levels"),
    ("route", "explain", "shop/1"),
    ("route", "check"),
    ("route", "rules"),
    ("route", "backtest"),
    ("route", "shadow"),
    ("files", "list"),
    ("files", "show", "lyon_dispatch_20260301_000001.csv"),
    ("files", "show", "erp_orders_20260301_000001.csv"),
    ("returns", "find", "shop/1"),
    ("returns", "stats", "--by", "sku"),
    ("quarantine", "list"),
]


def test_levels_of_an_empty_store_are_told_to_be_none(fresh: Oms):
    assert "Every channel shows what it should." in fresh("stock", "levels").out
    assert fresh("stock", "levels", "--json").json == {"channels": [], "levels": []}
    assert fresh("stock", "levels", "--channel", "nowhere").code == 2


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_every_read_speaks_to_people_and_as_json_to_programs(oms: Oms, words: tuple[str, ...]):
    told = oms(*words)
    assert (told.code, told.err) == (0, "")
    assert told.out.strip()
    as_json = oms(*words, "--json")
    assert as_json.code == 0
    assert isinstance(as_json.json, list | dict)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("orders", "list"), "No orders. `oms sync` brings them in."),
        (("files", "list"), "No file was written yet"),
        (("stock", "drift"), "No count differs"),
        (("quarantine", "list"), "No such record is kept back."),
        (("returns", "stats"), "Nothing has been returned yet."),
        (("route", "backtest"), "No plan of these days is stored"),
        (("returns", "find", "X"), "X is no order, RMA or tracking number"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, tuple) else "",
)
def test_an_empty_store_is_told_with_what_to_do(fresh: Oms, words: tuple[str, ...], says: str):
    told = fresh(*words)
    assert (told.code, says in told.out) == (0, True), told
    assert fresh(*words, "--json").json == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("orders", "show", "99"), "no order is called 99; `oms orders list` shows some"),
        (("route", "explain", "99"), "no order is called 99"),
        (("stock", "show", "mug"), "no SKU is called mug"),
        (("files", "show", "x.csv"), "x.csv: no such file"),
        (("files", "resend", "x.csv"), "x.csv: no such file"),
        (("quarantine", "show", "beef"), "beef: no such record"),
        (("quarantine", "release", "beef"), "beef: no such record"),
        (("quarantine", "release", "beef", "nowhere.json"), "nowhere.json: cannot be read"),
        (("returns", "announce", "99", "--reason", "too_small"), "99 names no orders"),
        (("returns", "announce", "shop/2", "--reason", "too_small"), "nothing of it has left"),
        (("returns", "receive", "lyon", "R1", "--line", "MUG"), "write SKU=QUANTITY=CONDITION"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, tuple) else "",
)
def test_what_is_not_there_fails_by_name(oms: Oms, words: tuple[str, ...], says: str):
    told = oms(*words)
    assert (told.code, told.out) == (1, "")
    assert says in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("orders", "list", "--channel", "web"), "web is none of shop"),
        (("orders", "list", "--status", "lost"), "lost is none of open, held"),
        (("orders", "list", "--limit", "0"), "--limit"),
        (("orders", "list", "--colour", "red"), "--colour"),
        (("orders",), ""),
        (("ordres",), "ordres"),
        (("files", "list", "--destination", "mars"), "mars is none of lyon, paris, erp"),
        (("quarantine", "list", "--state", "lost"), "lost is none of waiting"),
        (("quarantine", "list", "--source", "mars"), "mars is none of"),
        (("returns", "announce", "shop/1", "--reason", "bored"), "bored is none of too_small"),
        (("returns", "receive", "mars", "R1", "--line", "MUG=1"), "mars is none of lyon, paris"),
        (("returns", "stats", "--by", "moon"), "moon is none of reason"),
        (("replay", "--from", "soon", "--to", "2026-03-02"), "write a day such as"),
        (("replay", "--from", "2026-03-02", "--to", "2026-03-01"), "is before --from"),
        (("replay", "--from", "2026-03-01", "--to", "2026-03-02", "--source", "x"), "x is none"),
        (("inspect", "payload", "nowhere.json", "--system", "shopify"), "nowhere.json"),
        (("inspect", "payload", __file__, "--system", "magento"), "magento is none of file"),
        (("inspect", "payload", __file__), "name a system"),
        (("inspect", "file", __file__, "--profile", "stok"), "stok is none of"),
        (("sandbox", "--from", "soon"), "write a day such as"),
    ],
    ids=lambda x: " ".join(x).replace(__file__, "FILE") if isinstance(x, tuple) else "",
)
def test_wrong_usage_ends_with_2_and_names_the_option(oms: Oms, words: tuple[str, ...], says: str):
    told = oms(*words)
    assert told.code == 2
    flat = " ".join((told.out + told.err).replace("│", " ").split())
    assert says in flat
    assert "Traceback" not in told.err


def test_orders_are_shown_with_lines_and_what_happened(oms: Oms):
    told = oms("orders", "show", "1")
    assert "shop/1 number 1, placed 2026-02-01 10:00 UTC" in told.out
    assert "given to lyon" in told.out
    found = oms("orders", "show", "1", "--json").json
    assert [line["allocated"] for line in found["lines"]] == [2]
    statuses = {o["order_id"]: o["order_status"] for o in oms("orders", "list", "--json").json}
    assert statuses["shop/2"] == "held"
    assert statuses["shop/5"] == "canceled"


@pytest.mark.parametrize(
    ("order", "why", "given"),
    [
        ("shop/1", "given to locations", 2),
        ("shop/2", "held: ", 0),
        ("shop/3", "the SKU is unknown; add it to catalog.skus or catalog.sku_map", 0),
        ("shop/4", "no location can ship it yet; see why below", None),
        ("shop/5", "the order is canceled", 0),
        ("shop/6", "the channel says it has shipped", 0),
    ],
)
def test_why_an_order_ships_or_waits_is_told(oms: Oms, order: str, why: str, given: int | None):
    found = oms("route", "explain", order, "--json").json
    assert why in found["lines"][0]["why"], found["lines"]
    if given is not None:
        assert found["lines"][0]["given"] == given
    if order == "shop/1":
        [chosen] = [c for c in found["candidates"] if c["verdict"] == "chosen"]
        assert (chosen["location_id"], chosen["rank"]) == ("lyon", 1)
        assert {c["failed_test"] for c in found["candidates"]} == {None, "no stock"}
    if order in ("shop/2", "shop/3"):
        assert "No plan has looked at this order" in oms("route", "explain", order).out


def test_what_one_unit_more_would_have_changed_is_told(oms: Oms):
    now, one, all_ = oms("route", "explain", "shop/4", "--json").json["planned_again"]
    assert (now["change"], now["units"], now["better"]) == ("as planned", 0, False)
    assert [x["change"].split()[0] for x in (one, all_)] == ["1", "9"]
    assert [(x["units"], x["better"]) for x in (one, all_)] == [(0, False), (9, True)]
    assert "Planned again, with one change" in oms("route", "explain", "shop/4").out
    assert oms("route", "explain", "shop/4", "--no-again", "--json").json["planned_again"] == []
    assert "It lacked nothing" in oms("route", "explain", "shop/1", "--again").out


def test_an_order_not_planned_yet_is_left_to_the_next_sync(oms: Oms, traded: Path):
    store = DuckdbStore(traded.parent / "oms.duckdb")
    with store.session() as session:
        late = session.table("orders").filter(order_id="shop/1")
        session.merge_documents(
            "orders",
            late.with_columns(late["order_id"].str.replace("1", "8"), external_id=late["number"]),
            {"order_lines": session.table("order_lines").filter(order_id="shop/1").with_columns(
                late["order_id"].str.replace("1", "8"))},
        )  # fmt: skip
    found = oms("route", "explain", "shop/8", "--json").json
    assert found["lines"][0]["why"] == "the next sync plans it"


def test_the_past_is_replayed_under_the_rules_of_today_and_of_a_file(oms: Oms, tmp_path: Path):
    told = oms("route", "backtest", "--json").json
    assert [x["again"] for x in told["plans"]] == ["same"]
    assert {(x["settings"], x["more"]) for x in told["measures"]} >= {("today", 0.0)}
    assert Path(told["page"]).is_file()
    (tmp_path / "paris.yaml").write_text("routing: {rules: [{id: p, from: kind = 'store'}]}")
    paris = ("--rules", str(tmp_path / "paris.yaml"))
    told = oms("route", "backtest", *paris, "--from", "2026-03-01", "--to", "2026-03-01")
    assert told.code == 0, told.err
    assert "1 of 1 plans" in told.out
    [waiting] = [x for x in told.out.splitlines() if "units waiting" in x and "paris" in x]
    assert waiting.split()[3] != "0.00"
    assert "No plan of these days" in oms("route", "backtest", "--from", "2027-01-01").out
    twice = oms("route", "backtest", *paris, *paris)
    assert (twice.code, "two files are called paris" in twice.err) == (2, True)


def test_stored_plans_are_planned_again_and_one_that_was_changed_is_told(oms: Oms, traded: Path):
    days = ("--from", "2026-03-01", "--to", "2026-03-31")
    told = oms("replay", *days, "--check", "--json")
    assert told.code == 0, told.err
    assert [x["again"] for x in told.json] == ["same"] * len(told.json)
    assert told.json
    folder = Path(config.load(traded, {}).output) / "plans" / told.json[0]["plan"]
    stock = folder / "stock.parquet"
    before = stock.read_bytes()
    pl.read_parquet(stock).with_columns(available=pl.lit(0, pl.Int64)).write_parquet(stock)
    told = oms("replay", *days, "--check", "--json")
    assert (told.code, told.json[0]["again"]) == (1, "differs")
    stock.write_bytes(b"no parquet")
    assert oms("replay", *days, "--check", "--json").json[0]["again"] == "unreadable"
    stock.write_bytes(before)
    assert (
        "No plan of these days"
        in oms("replay", "--from", "2020-01-01", "--to", "2020-01-02", "--check").out
    )
    assert oms("replay", *days, "--check", "--dry-run").code == 2


def test_files_are_shown_and_sent_again_byte_for_byte(oms: Oms, traded: Path):
    for folder, name in (
        ("lyon/dispatch", "lyon_dispatch_20260301_000001.csv"),
        ("erp", "erp_orders_20260301_000001.csv"),
    ):
        sent = traded.parent / folder / name
        before = sent.read_bytes()
        sent.unlink()
        assert oms("files", "resend", name).code == 0
        assert sent.read_bytes() == before
        assert oms("files", "show", name, "--json").json["lines"]


def test_a_record_kept_back_is_shown_as_it_came_and_let_through_mended(oms: Oms, tmp_path: Path):
    [kept] = oms("quarantine", "list", "--json").json
    assert (kept["record_key"], kept["stream"]) == ("7", "orders")
    told = oms("quarantine", "show", kept["quarantine_id"])
    assert '"[red]7"' in told.out, "markup in a record is text"
    mended = tmp_path / "mended.json"
    record = oms("quarantine", "show", kept["quarantine_id"], "--json").json["record"]
    mended.write_text("{", "utf-8")
    assert oms("quarantine", "release", kept["quarantine_id"], str(mended)).code == 1
    mended.write_text(record.replace("[red]7", "7.00"), "utf-8")
    assert oms("quarantine", "release", kept["quarantine_id"], str(mended)).code == 0
    assert oms("quarantine", "list", "--json").json == []
    assert oms("orders", "show", "shop/7").code == 0


def test_goods_are_received_and_counted_by_every_dimension(oms: Oms):
    told = oms("returns", "receive", "lyon", "R1", "--parcel", "6", "--line", "MUG=1=as_new")
    assert (told.code, told.out.splitlines()[0][:24]) == (0, "1 units booked at lyon; "), told
    for by in ("reason", "sku", "channel", "location", "carrier", "initiator"):
        counted = oms("returns", "stats", "--by", by, "--json").json
        assert sum(row["received"] for row in counted) == 1
    again = oms("returns", "announce", "6", "--reason", "too_small")
    assert (again.code, "nothing of it has left" in again.err) == (1, True)


def test_payloads_and_files_are_inspected_without_a_store(fresh: Oms, tmp_path: Path):
    sample = tmp_path / "order.json"
    sample.write_text('[{"id": 1}, 7]', "utf-8")
    told = fresh("inspect", "payload", "--system", "woocommerce", str(sample), "--json")
    assert (told.code, told.json["received"], len(told.json["rejected"])) == (1, 2, 2)
    assert told.err.startswith("failed: 2 of 2 would be kept back; order.json record 0: ")
    sample.write_bytes(b"\xff\x00")
    for words in (("--system", "shopify"), ("--channel", "shop"), ("--system", "file")):
        told = fresh("inspect", "payload", *words, str(sample))
        assert told.code == 1
        assert "order.json" in told.out
        assert "order.json: " in told.err
    table = tmp_path / "stock.csv"
    table.write_text("sku;quantity\r\nA;1\r\nB;x\r\n", "utf-8")
    sample.write_text("<html>", "utf-8")
    told = fresh("inspect", "file", "--format", "stock", str(table), str(sample), "--json")
    assert [(len(f["rows"]), len(f["rejected"]), bool(f["refused"])) for f in told.json] == [
        (1, 1, False),
        (0, 0, True),
    ]
    assert told.code == 1
    assert not (tmp_path / "oms.duckdb").exists()


def test_what_a_file_is_refused_for_is_named_with_line_field_and_cure(fresh: Oms, tmp_path: Path):
    good, bad, whole = (tmp_path / f"{name}.csv" for name in ("good", "bad", "whole"))
    good.write_text("sku;quantity\r\nA;1\r\n", "utf-8")
    bad.write_text("sku;quantity\r\nA;1\r\nB;x\r\n", "utf-8")
    whole.write_text("sku;amount\r\nA;1\r\n", "utf-8")
    assert fresh("inspect", "file", "--profile", "stock", str(good)).code == 0
    told = fresh("inspect", "file", "--profile", "stock", str(good), str(bad), str(whole))
    assert told.code == 1
    some, refused = told.err.splitlines()
    assert some.startswith("failed: bad.csv: 1 of 2 rows rejected; line 3: quantity is not ")
    assert "write digits" in some
    assert refused.startswith("failed: refused whole: whole.csv line 1: ")
    assert "quantity" in refused


def test_a_row_is_a_line_in_a_pipe_and_markup_is_text(fresh: Oms, tmp_path: Path):
    table = tmp_path / "[bold]stock.csv"
    table.write_text(f"sku;quantity\r\n{'[red]' * 50};1\r\n", "utf-8")
    told = fresh("inspect", "file", "--profile", "stock", str(table))
    assert "[red]" * 50 in told.out
    assert "[bold]stock.csv" in told.out


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("orders", "list"), None),
        (("quarantine", "list", "--state", "any"), None),
        (("files", "list"), None),
        (("stock", "show", "MUG"), "movements"),
        (("stock", "levels"), "levels"),
    ],
)
def test_a_list_that_is_cut_says_how_many_more_there_are(oms: Oms, words, key: str | None):
    found = oms(*words, "--json", "--limit", "999")
    left = len(found.json[key] if key else found.json) - 1
    assert "to see them" not in found.err
    assert left > 0 or words[0] == "quarantine" or key == "levels"
    told = f"{left} more; --limit to see them"
    assert (told in oms(*words, "--limit", "1").out) == (left > 0), told
    as_json = oms(*words, "--limit", "1", "--json")
    assert (told in as_json.err) == (left > 0)
    assert "of_all" not in as_json.out


def test_a_lot_beside_one_that_is_kept_back_is_kept_back_as_a_sync_does(fresh: Oms, tmp_path: Path):
    table = tmp_path / "lots.csv"
    table.write_text("sku;quantity;lot\r\nMILK;1;a\r\nMILK;-1;b\r\nTEA;1;c\r\n", "utf-8")
    [told] = fresh("inspect", "file", "--profile", "stock", str(table), "--json").json
    assert [x["sku"] for x in told["rows"]] == ["TEA"]
    assert told["rejected"][0]["reason"].startswith("line 2: another lot of its SKU is kept back")


@pytest.mark.skipif(stat.S_IMODE(Path("/").stat().st_mode) == 0, reason="no root folder")
def test_a_file_nobody_may_read_is_named(fresh: Oms, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    told = fresh("quarantine", "release", "beef", str(tmp_path / "folder"))
    assert told.code == 1
    assert "folder: cannot be read" in told.err


PERIOD = ("--from", "2026-02-01", "--to", "2026-02-01")  # before anything was counted


def test_other_shares_are_replayed_over_the_past_and_refused_where_they_are_wrong(oms, tmp_path):
    file = tmp_path / "less.yaml"
    file.write_text("shop: {share: 0.1}")
    told = oms("stock", "whatif", "--shares", str(file), *PERIOD, "--json")
    assert told.code == 0, told.err
    rows = {(x["settings"], x["channel_id"]): x for x in told.json["settings"]}
    assert set(rows) == {(s, c) for s in ("live", "less") for c in ("shop", "total")}
    assert rows["live", "total"]["wanted"] == rows["live", "total"]["lost_out"] > 0
    assert rows["less", "total"]["more_lost"] == 0
    said = oms("stock", "whatif", "--shares", str(file), *PERIOD).out
    assert "not seen" in said
    assert "lyon has no stock before its first count, 2026-03-01 05:00 UTC" in said, said
    file.write_text("web: {share: 0.1}")
    told = oms("stock", "whatif", "--shares", str(file), *PERIOD)
    assert (told.code, "less.yaml: web: there is no such channel" in told.err) == (2, True)
    assert (
        oms(
            "stock", "whatif", "--shares", str(file), "--from", "2026-03-02", "--to", "2026-03-01"
        ).code
        == 2
    )
