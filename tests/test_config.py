"""`oms.yaml`: every fault is told with its path, no value in it, and starts nothing."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_pipelines import clock, config
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured, Unreachable
from oms_pipelines.faults import faults
from oms_pipelines.hub import Hub

ENV = {"WOO_KEY": "ck_1", "WOO_SECRET": "cs_1"}
GOOD: dict[str, Any] = {
    "channels": [
        {
            "id": "shop",
            "system": "woocommerce",
            "url": "https://shop.example",
            "credentials": {"key": "env:WOO_KEY", "secret": "env:WOO_SECRET"},
            "stock": {"mode": "escrow", "share": 0.6, "locations": ["lyon"]},
        },
        {
            "id": "till",
            "system": "file",
            "options": {"folder": "till", "kind": "till", "location": "lyon"},
        },
    ],
    "locations": [
        {
            "id": "lyon",
            "address": {"country": "FR"},
            "stock": {"from": "lyon/out", "profile": "stock"},
            "dispatch": {"to": "lyon/in", "ack": {"within": "2h"}},
        }
    ],
    "carriers": [{"id": "colis"}],
    "routing": {"rules": [{"id": "all", "when": "units < 5", "from": "ships"}]},
    "returns": {"location": "lyon", "reasons": [{"code": "other", "label": {"en": "Other"}}]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the good configuration with one setting put in, by its path."""
    data = deepcopy(GOOD)
    steps = [
        int(x) if x.isdigit() else x for x in path.replace("[", ".").replace("]", "").split(".")
    ]
    place: Any = data
    for step in steps[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if isinstance(place, list) and steps[-1] == len(place):
        place.append(value)
    else:
        place[steps[-1]] = value
    return data


def told(data: Any, env: dict[str, str] = ENV) -> list[str]:
    """Return the faults of a configuration, of its shape or of what it names."""
    try:
        return faults(config.parse(data, env))
    except Misconfigured as e:
        return e.faults


def test_a_good_configuration_has_no_fault():
    assert told(GOOD) == []
    assert config.parse(GOOD, ENV).channel("shop").credentials["key"].get_secret_value() == "ck_1"


SHAPE = [
    ("channels[0].credentials.secret", "cs_1", "write a secret as env:NAME, never as its value"),
    ("channels[0].credentials.secret", "env:NO_SUCH", "environment variable NO_SUCH is not set"),
    ("store.url", "postgresql://oms:pw@db/oms", "write the whole URL as env:NAME"),
    ("store.url", "postgresql://db/oms?user=oms&password=pw", "write the whole URL as env:NAME"),
    ("store.url", "env:NO_SUCH", "environment variable NO_SUCH is not set"),
    ("landing.url", "s3://key:secret@bucket/prefix", "write the whole URL as env:NAME"),
    ("erp.url", "mssql+pyodbc://oms:p/w@db/erp", "write the whole URL as env:NAME"),
    ("erp.url", "mssql+pyodbc:///?odbc_connect=UID%3Doms%3BPWD%3Dpw", "write the whole URL"),
    ("channels[0].url", "https://ck:cs@shop.example", "write them under credentials, as env:NAME"),
    ("channels[0].url", "https://shop.example?token=t", "write them under credentials"),
    ("carriers[0].url", "https://u:p@carrier.example", "write them under credentials"),
    ("notifications.smtp", "smtp://me:pw@mail.example:587", "write them under credentials"),
    ("channels[0].stok", {}, "there is no such setting"),
    ("chanels", [], "there is no such setting"),
    ("channels[0].time_zone", "Europe/Lyon", "unknown time zone"),
    ("channels[0].every", "often", "write a duration such as 30s, 5m, 2h or 1d"),
    ("channels[0].every", "99999999999d", "write a duration of at most 100 years"),
    ("channels[0].stock.share", 1.5, "less than or equal to 1"),
    ("channels[0].stock.share", float("nan"), "finite number"),
    ("channels[0].stock.mode", "hope", "Input should be 'escrow', 'pooled' or 'none'"),
    ("channels[0].stock.cap", 10**30, "less than or equal to"),
    ("channels[0].id", "Shop FR", "use lower-case letters, digits and _"),
    ("channels[0].id", "hub", "the hub uses this word itself"),
    ("channels[0].country", "France", "two capital letters"),
    ("channels[0].currency", "euro", "three capital letters"),
    ("locations[0].address.country", "fr", "two capital letters"),
    ("locations[0].address.latitude", 91, "less than or equal to 90"),
    ("locations[0].capacity", "800", "write a capacity such as 800/day"),
    ("locations[0].cut_off", "3pm", 'write a cut-off such as "15:00 Europe/Paris"'),
    ("locations[0].cut_off", "15:00 Europe/Lyon", "unknown time zone"),
    ("locations[0].dispatch.ack.within", "soon", "write a duration"),
    ("routing.rules", [], "at least 1 item"),
    ("routing.rules[0].rank", "luck", "Input should be 'cost', 'distance' or 'stock'"),
    ("routing.rules[0].split", {"parts": 0}, "greater than or equal to 1"),
    ("returns.dispositions.damaged", "burn", "Input should be 'restock'"),
]
BETWEEN = [
    ("channels[0].stock.locations[1]", "mars", "no such location; there are lyon"),
    ("channels[1].id", "shop", "is the same as channels[0].id"),
    ("locations[0].id", "colis", "is the same as locations[0].id"),
    ("channels[0].stock.share", None, "escrow needs a share between 0 and 1"),
    ("channels[1].stock", {"mode": "pooled"}, "pooled needs a risk"),
    ("returns.location", "mars", "no such location"),
    ("returns.dispositions", {"wet": "scrap"}, "write one of as_new"),
    ("routing.rules[1]", {"id": "all"}, "is the same as routing.rules[0].id"),
    ("returns.reasons[1]", {"code": "other", "label": {}}, "is the same as returns.reasons[0]"),
]
SALE = {"id": "flash", "from": "2026-03-02T10:00:00", "to": "2026-03-04T10:00:00", "units": 5}
LATER = SALE | {"id": "later", "from": "2026-03-04T09:59:59", "to": "2026-03-05"}
SHARING = [
    ("channels[0].stock.weight", 2, "a share or a weight, not both"),
    ("channels[0].stock.risk", 0.1, "only a pooled channel has one"),
    ("channels[0].stock.cold_start", 1, "only a pooled channel has one"),
    ("channels[0].stock", {"share": 0.1, "minimum": 5, "cap": 4}, "more than the cap"),
    ("channels[0].stock", {"share": 0.1, "stop_below": 5, "cap": 4}, "nothing would ever"),
    ("channels[0].stock", {"mode": "pooled", "risk": 0.1, "share": 0.1}, "it has none"),
    ("channels[0].stock", {"mode": "pooled", "risk": 0.1, "weight": 1}, "it has none"),
    ("channels[0].stock", {"mode": "pooled", "risk": 0.1, "minimum": 1}, "only escrow"),
    ("channels[0].stock", {"mode": "pooled", "risk": 0.1, "quotas": [SALE]}, "make the channel"),
    ("channels[0].stock.quotas", [SALE | {"share": 0.1}], "units or share, one of them"),
    ("channels[0].stock.quotas", [SALE | {"units": None}], "units or share, one of them"),
    ("channels[0].stock.quotas", [SALE | {"to": SALE["from"]}], "not after from"),
    ("channels[0].stock.quotas", [SALE | {"skus": []}], "at least 1 item"),
    ("channels[0].stock.quotas", [SALE | {"to": "2026-03-04T10:00:00+01:00"}], "an offset"),
    ("channels[0].stock.quotas", [SALE, SALE], "is the same as channels[0].stock.quotas[0].id"),
    ("channels[0].stock.quotas", [SALE, LATER], "overlaps channels[0].stock.quotas[0]"),
    ("channels[0].stock.quotas", [SALE | {"skus": ["x"]}, LATER], "overlaps"),
    ("channels[0].stock.quotas", [SALE | {"units": None, "share": 0.6}, {**LATER, "units": None,
     "share": 0.6, "from": "2026-03-03"}], "add up to more than 1"),
]  # fmt: skip
INSIDE = [
    ("channels[0].system", "magento", "no system is called so; there are file"),
    ("channels[0].credentials", {}, "write it as env:NAME"),
    ("channels[0].options", {"per_page": "many"}, ""),
    ("channels[1].options.location", "mars", "no such location"),
    ("channels[1].options.folder", "sftp://x/out", ""),
    ("carriers[0].system", "pigeon", "no system is called so; there are unified"),
    ("locations[0].stock.from", "sftp://lyon/out", "write a folder, as a path or file:// URL"),
    ("locations[0].dispatch.to", "sftp://lyon/in", "write a folder"),
    ("routing.rules[0].when", "colour = 'red'", "no column is called colour"),
    ("routing.rules[0].when", "random() < 0.5", "cannot be used"),
    ("routing.rules[0].from", "ships AND", "not a SQL predicate"),
    ("returns.drop", {"from": "sftp://x"}, "write a folder"),
    ("returns.reasons[0].channels", {"magento": ["X"]}, "no such system"),
    ("notifications.languages", ["en", "de"], "no templates; there are en, fr"),
    ("notifications.default_language", "fr-FR", "write one of languages"),
    ("notifications.smtp", "mail.example", "write smtp://host:port"),
    ("store.url", "mysql://x", "write duckdb:///PATH"),
    ("landing.url", "ftp://x", "is not known; write file:// or s3://"),
    ("clock", "noon", "write a URL"),
    ("catalog.skus", "nowhere.csv", "is no file"),
    ("routing.postal_codes", "nowhere.csv", "is no file"),
]


@pytest.mark.parametrize(("path", "value", "says"), [*SHAPE, *BETWEEN, *SHARING, *INSIDE])
def test_each_kind_of_fault_names_its_path_and_the_cure(path: str, value: Any, says: str):
    found = told(changed(path, value))
    where = "carriers[0].id" if value == "colis" else path
    parents = {where, where.rpartition(".")[0] or where, where.rpartition("[")[0] or where}
    assert any(x.startswith(tuple(parents)) and says in x for x in found), found


def test_quotas_that_only_touch_or_have_other_skus_are_no_fault():
    next_one = LATER | {"from": SALE["to"]}
    beside = [SALE | {"skus": ["x"]}, LATER | {"skus": ["y"]}]
    for quotas in ([SALE, next_one], beside):
        assert told(changed("channels[0].stock.quotas", quotas)) == []
    only = {"quotas": [SALE], "locations": ["lyon"]}
    assert told(changed("channels[0].stock", only)) == []


def test_a_weight_that_the_shares_leave_nothing_is_a_fault():
    data = changed("channels[1].stock", {"weight": 1})
    assert told(data) == []
    data["channels"][0]["stock"]["share"] = 1.0
    cure = "the shares of the others leave nothing to weigh"
    assert told(data) == [f"channels[1].stock.weight: {cure}"]


@pytest.mark.parametrize(
    ("stock", "where"),
    [
        ({"quotas": [SALE | {"units": -5}]}, "channels[0].stock.quotas[0].units"),
        ({"share": 1.0, "weight": 2}, "channels[0].stock.weight"),
        ({"weight": -1}, "channels[0].stock.weight"),
    ],
)
def test_one_wrong_setting_of_stock_is_one_fault(stock: dict, where: str):
    data = changed("channels[0].stock", stock)
    data["channels"][1]["stock"] = {"mode": "none"}
    [fault] = told(data)
    assert fault.startswith(f"{where}: ")


def test_a_quota_of_a_sku_that_is_not_in_the_catalog_is_told_by_its_place(tmp_path: Path):
    file = tmp_path / "skus.csv"
    file.write_text("sku,title\nx,One\ny,Two\n", "utf-8")
    data = changed("channels[0].stock.quotas", [SALE | {"skus": ["y", "nope"]}])
    assert told(data) == []
    data["catalog"] = {"skus": str(file)}
    assert told(data) == ["channels[0].stock.quotas[0].skus[1]: not in the catalog"]
    file.write_text("no such column\n", "utf-8")
    assert told(data) == []  # the catalog's own faults are told when it is read


def test_profiles_that_are_wrong_or_not_there_are_told():
    unknown = told(changed("locations[0].stock.profile", "lyon_stock"))
    assert unknown == ["profiles.lyon_stock: no such profile; write it, or name stock"]
    wrong = {"lyon_stock": {"kind": "stock", "delimeter": ","}}
    found = told(changed("profiles", wrong))
    assert [x for x in found if x.startswith("profiles.lyon_stock.delimeter")], found
    drop = {"from": "drop", "profile": "stock_like"}
    assert told(changed("returns.drop", drop)) == [
        "profiles.stock_like: no such profile; write it, or name announcement"
    ]


def test_all_faults_are_told_at_once_a_missing_secret_hides_none():
    data = changed("returns.location", "mars")
    data["channels"][1]["stock"] = {"mode": "escrow", "share": 0.7}
    assert told(data, {}) == [
        "channels[0].credentials.key: environment variable WOO_KEY is not set",
        "channels[0].credentials.secret: environment variable WOO_SECRET is not set",
        "channels: the escrow shares add up to 1.3, more than 1",
        "returns.location: no such location; there are lyon",
    ]


# a predicate is told by the columns it names: that is its cure, and no place for a secret
PREDICATES = ("routing.rules[0].when", "routing.rules[0].from", "catalog.skus")
PLACES = [path for path, _, _ in (*SHAPE, *BETWEEN, *INSIDE) if path not in PREDICATES]


@pytest.mark.parametrize("path", ["store.url", "erp.url"])
def test_a_url_with_a_password_comes_whole_from_the_environment_and_is_not_shown(path: str):
    url = "postgresql+psycopg://oms:s3cret@db.example/oms?sslpassword=0ther"
    oms = config.parse(changed(path, "env:DB_URL"), ENV | {"DB_URL": url})
    entry, _, _ = path.partition(".")
    assert getattr(oms, entry).url == url
    assert faults(oms) == []
    for shown in (repr(oms), str(oms), repr(getattr(oms, entry))):
        assert "s3cret" not in shown
        assert "0ther" not in shown


@pytest.mark.parametrize(
    "url",
    [
        "duckdb:///var/a:b@c.duckdb",
        "postgresql://oms@db:5432/oms",
        "postgresql://postgres:@/oms?host=/tmp/pg",
        "var/erp:2026@lyon",
        "sqlite:///var/erp.db",
    ],
)
def test_a_url_without_a_password_is_taken_as_it_is(url: str):
    assert config.parse(changed("erp.url", url), ENV).erp.url == url


def test_a_secret_written_for_a_name_stands_in_no_fault():
    secret = "k0000000000000000"
    data = changed("locations[0].id", secret)
    env = {"WOO_KEY": secret, "WOO_SECRET": secret}
    faults = told(data, env)
    assert any("there are ***" in fault for fault in faults)
    assert not any(secret in fault for fault in faults)


@settings(max_examples=40, deadline=None)
@given(
    secret=st.text("abcdefghkmnpqrstuvwxyz0123456789-/+=", min_size=16, max_size=32),
    path=st.sampled_from([p for p in PLACES if not p.startswith("routing.postal")]),
)
def test_a_secret_stands_in_no_fault_wherever_it_was_written(secret: str, path: str):
    for data in (changed(path, secret), changed(path, {secret: secret})):
        for fault in told(data, {"WOO_KEY": secret, "WOO_SECRET": secret}):
            assert secret not in fault.partition(": ")[2], fault


def test_a_wrong_configuration_starts_nothing(tmp_path: Path):
    data = changed("routing.rules[0].when", "colour = 'red'")
    data["store"] = {"url": f"duckdb:///{tmp_path}/oms.duckdb"}
    with pytest.raises(Misconfigured, match=r"routing.rules\[0\].when: no column"):
        Hub.open(config.parse(data, ENV))
    assert list(tmp_path.iterdir()) == []


def written(folder: Path, text: str | bytes, env: str | None = None) -> Path:
    """Write a configuration file, and the secrets beside it."""
    file = folder / "oms.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    if env is not None:
        file.with_suffix(".env").write_text(env)
    return file


def test_secrets_come_from_the_file_beside_and_the_environment_goes_first(tmp_path: Path):
    text = 'channels: [{id: s, system: x, credentials: {a: "env:A", b: "env:B", c: "env:C"}}]'
    lines = "# comment\n\nA=one\nexport B='two = 2'\nC=\"three\"\n"
    file = written(tmp_path, text, lines)
    found = config.load(file, {"C": "mine"}).channel("s").credentials
    assert {k: v.get_secret_value() for k, v in found.items()} == {
        "a": "one", "b": "two = 2", "c": "mine",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("channels: [", "oms.yaml:1:12: not YAML"),
        ("a: 1\na: 2\n", "oms.yaml:2:1: not YAML: the key a stands twice"),
        ("store: *hidden", "not YAML: found undefined alias a word"),
        ("store: !secret hidden", "not YAML: could not determine"),
        ("- 1", "expected a mapping of settings"),
        ("", "expected a mapping of settings"),
        (b"\xff\xfe", "not UTF-8"),
        ("\x00", "not YAML"),
        ("backfill_from: 2026-02-30", "not YAML that can be read"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_by_name(tmp_path: Path, text, says):
    with pytest.raises(Misconfigured) as e:
        config.load(written(tmp_path, text), {})
    assert says in e.value.faults[0]
    assert "hidden" not in e.value.faults[0]


def test_a_file_that_is_not_there_or_a_folder_is_told_with_the_cure(tmp_path: Path):
    with pytest.raises(Misconfigured, match="no such file; set OMS_CONFIG"):
        config.load(tmp_path / "none.yaml", {})
    with pytest.raises(Misconfigured, match="cannot be read"):
        config.load(tmp_path, {})


def test_the_configuration_is_the_one_named_then_ones_own_then_the_demos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMS_CONFIG", raising=False)
    assert config.config_path() == Path("oms.yaml")
    demo = tmp_path / "var" / "demo" / "oms.yaml"
    demo.parent.mkdir(parents=True)
    demo.write_text("{}")
    assert config.config_path() == Path("var/demo/oms.yaml")
    (tmp_path / "oms.yaml").write_text("{}")
    assert config.config_path() == Path("oms.yaml")
    monkeypatch.setenv("OMS_CONFIG", "other.yaml")
    assert config.config_path() == Path("other.yaml")


def test_the_clock_says_what_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMS_NOW", "2026-03-02T06:00:00+01:00")
    assert clock.now(Oms()).isoformat() == "2026-03-02T05:00:00+00:00"
    for wrong in ("noon", "2026-03-02T06:00:00"):
        monkeypatch.setenv("OMS_NOW", wrong)
        with pytest.raises(Misconfigured, match="OMS_NOW: write a time"):
            clock.now(Oms())
    monkeypatch.delenv("OMS_NOW")
    with pytest.raises(Unreachable, match="is the sandbox running"):
        clock.now(Oms(clock="http://127.0.0.1:9/control/clock"))
