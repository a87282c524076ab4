"""Rules are checked at load, and run on rows where they cannot do harm."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from oms_pipelines.config import Routing, Rule
from oms_pipelines.errors import Misconfigured
from oms_pipelines.routing import check_rules, load_positions
from oms_pipelines.routing.calendar import Calendar, ship_by
from oms_pipelines.routing.positions import great_circle_km, locate
from oms_pipelines.routing.rules import LOCATION_COLUMNS, ORDER_COLUMNS, match


def faults(when="true", **more):
    return check_rules(Routing(rules=[Rule(id="first"), Rule(id="second", when=when, **more)]))


@pytest.mark.parametrize(
    "when",
    [
        "country = 'FR' AND value > 80",
        "delivery_choice IN ('any', 'together') OR priority BETWEEN 1 AND 3",
        "postal_code LIKE '69%' -- Lyon",
        "placed_at < as_of - INTERVAL 2 DAY",
        "CASE WHEN weight_g IS NULL THEN TRUE ELSE weight_g > 1000 END",
        "lower(service) = 'express' AND NOT several_parcels",
        "regexp_matches(order_id, '^shop')",
        "CAST(postal_code AS INTEGER) > 75000",
    ],
)
def test_a_predicate_over_the_columns_of_orders_passes(when):
    assert faults(when) == []


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("contry = 'FR'", "no column is called contry"),
        ("country = ", "not a SQL predicate"),
        ("country", "gives VARCHAR, not true or false"),
        ("", "one SQL predicate"),
        ("true, false", "one SQL predicate"),
        ("true) FROM orders; DROP TABLE orders; SELECT (1", "not a SQL predicate"),
        ("true) UNION SELECT (true", "one SQL predicate"),
        ("(SELECT true)", "a subquery"),
        ("country IN (SELECT 'FR')", "a subquery"),
        ("row_number() OVER () = 1", "a window"),
        ("sum(value) > 1", "sum cannot be used"),
        ("random() > 0.5", "random cannot be used"),
        ("now() > placed_at", "now cannot be used"),
        ("current_date > placed_at", "no column is called current_date"),
        ("read_text('/etc/hostname') IS NULL", "read_text cannot be used"),
        ("getenv('HOME') = 'x'", "getenv cannot be used"),
        ("$x", "a parameter"),
        ("unknown_function(country)", "unknown_function cannot be used"),
    ],
)
def test_another_predicate_is_told_with_its_path(when, fault):
    told = faults(when)
    assert told
    assert told[0].startswith("routing.rules[1].when: ")
    assert fault in told[0]


def test_locations_have_their_own_columns():
    told = faults(**{"from": "channel_id = 'x'"})
    assert told[0].startswith("routing.rules[1].from: no column is called channel_id")
    assert faults(**{"from": "kind = 'store' AND handling_cost < 2"}) == []


def test_a_predicate_that_fails_or_is_null_on_a_row_does_not_hold_there():
    orders = pl.DataFrame(
        [{"order_id": "a", "postal_code": "69007"}, {"order_id": "b", "postal_code": "1A"},
         {"order_id": "c", "postal_code": None}]
    ).with_columns(
        pl.lit(None, pl.String).alias(name)
        for name in ORDER_COLUMNS if name not in ("order_id", "postal_code")
    )  # fmt: skip
    locations = pl.DataFrame({"location_id": ["x", "y"], "kind": ["store", None]}).with_columns(
        pl.lit(None, pl.String).alias(name)
        for name in LOCATION_COLUMNS if name not in ("location_id", "kind")
    )  # fmt: skip
    routing = Routing(rules=[
        Rule(id="n", when="CAST(postal_code AS INTEGER) > 1", **{"from": "kind = 'store'"}),
        Rule(id="rest", when="order_id <> 'c'", **{"from": "collects = 'x'"}),
    ])  # fmt: skip
    rule, admitted = match(orders, locations, routing)
    assert rule.tolist() == [0, 1, -1]
    assert admitted.tolist() == [[True, False], [False, False]]


def spots(*rows):
    names = {"country": pl.String, "postal_code": pl.String, "latitude": pl.Float64,
             "longitude": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.mark.parametrize(
    ("country", "code", "near"),
    [
        ("FR", "69007", (45.8, 4.8)),
        ("FR", "F-75001", (48.9, 2.3)),
        ("FR", "97 110", (16.2, -61.6)),
        ("GB", "BN91 3AA", (50.8, -0.1)),
        ("LU", "L-4968", (49.6, 5.9)),
        ("LV", "LV-5101", (56.5, 25.4)),
        ("DE", "99999999", None),
        ("GR", "10431", None),
        (None, "75001", None),
        ("FR", None, None),
    ],
)
def test_a_postal_code_lies_about_where_its_first_characters_do(country, code, near):
    table = load_positions()
    found = locate(spots((country, code, None, None)), table).row(0, named=True)
    at = (found["latitude"], found["longitude"])
    if near is None:
        known = table.filter(country="DE", prefix="99").select("latitude", "longitude").rows()
        assert at in [(None, None), *known]
    else:
        assert at == pytest.approx(near, abs=0.2)


def test_the_longest_prefix_wins_and_a_known_position_stays(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("country,prefix,latitude,longitude\nFR,,46,2\nFR,69,45,4\nFR,69007,45.7,4.8\n")
    places = spots(("FR", "69007", None, None), ("FR", "69100", None, None),
                   ("FR", "01000", None, None), ("FR", "69007", 1.0, 2.0))  # fmt: skip
    found = locate(places, load_positions(str(path)))
    assert found.select("latitude", "longitude").rows() == [
        (45.7, 4.8), (45.0, 4.0), (46.0, 2.0), (1.0, 2.0)
    ]  # fmt: skip


def test_a_table_that_cannot_be_used_is_told(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_positions(str(tmp_path / "none.csv"))
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Misconfigured, match="lacks country, prefix"):
        load_positions(str(tmp_path / "odd.csv"))


def test_great_circles_are_those_of_the_sphere():
    paris, lyon = (None, None, 48.8566, 2.3522), (None, None, 45.7640, 4.8357)
    km = great_circle_km(spots(paris, (None, None, None, None)), spots(paris, lyon))
    assert km[0].tolist() == pytest.approx([0, 391.5], abs=0.1)
    assert np.isnan(km[1]).all()
    around = great_circle_km(spots((None, None, 0.0, 0.0)), spots((None, None, 0.0, 180.0)))
    assert around[0, 0] == pytest.approx(np.pi * 6371.0088, abs=0.01)


def test_a_place_without_a_cut_off_ships_until_the_day_ends():
    sunday = datetime.fromisoformat("2026-01-04T10:00:00+00:00")
    assert ship_by(sunday, None).isoformat() == "2026-01-05T23:59:00+00:00"
    assert ship_by(sunday, "09:00 UTC").isoformat() == "2026-01-05T09:00:00+00:00"


@pytest.mark.parametrize(
    ("day", "days", "then"),
    [("2026-01-09", 0, "2026-01-09"), ("2026-01-09", 1, "2026-01-12"),
     ("2026-01-10", 1, "2026-01-12"), ("2026-01-11", 2, "2026-01-13")],
)  # fmt: skip
def test_working_days_run_from_monday_to_friday(day, days, then):
    [after] = Calendar().after([date.fromisoformat(day)], days)
    assert str(after) == then


def test_a_calendar_has_its_own_week_and_its_days_off():
    shop = Calendar(("tue", "wed", "thu", "fri", "sat"), (date(2026, 1, 14),))
    days = [date(2026, 1, d) for d in (10, 11, 13, 14)]  # Saturday, Sunday, Tuesday, off
    assert shop.after(days, 0).astype(str).tolist() == [
        "2026-01-10", "2026-01-13", "2026-01-13", "2026-01-15"
    ]  # fmt: skip
    assert shop.after(days, 1).astype(str).tolist() == [
        "2026-01-13", "2026-01-13", "2026-01-15", "2026-01-15"
    ]  # fmt: skip
    assert Calendar.read(*shop.texts()) == shop
    assert Calendar.read(None, None) == Calendar()
    late = datetime.fromisoformat("2026-01-13T18:00:00+00:00")
    assert ship_by(late, "17:00 UTC", shop).isoformat() == "2026-01-15T17:00:00+00:00"
