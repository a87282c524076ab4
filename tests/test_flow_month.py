"""Real sales through the whole hub: days of the Online Retail table, as orders and returns."""

from datetime import date
from pathlib import Path

import pytest
from evidence import Evidence
from flow import flowing
from test_flow_sandbox import held, settled

from oms_pipelines.routing import saved_inputs, verify

SALES = "data/online_retail_2010_2011/order_lines.parquet"
COLUMNS = {
    "invoice": "InvoiceNo",
    "sku": "StockCode",
    "quantity": "Quantity",
    "placed_at": "InvoiceDate",
    "price": "UnitPrice",
    "country": "Country",
    "customer": "CustomerID",
    "title": "Description",
}


@pytest.mark.shared
def test_days_of_real_sales_are_all_taken_and_every_promise_holds(shared: Path, tmp_path: Path):
    table = {
        "sales": shared / SALES,
        "mapping": COLUMNS,
        "since": date(2011, 1, 6),
        "until": date(2011, 1, 7),
    }
    with flowing(tmp_path, seed=5, **table) as flow:
        for _ in range(3):
            flow.trade(20)
        settled(flow)
        found = flow.evidence()
        served = sum(c["orders"] for c in found.state["channels"].values())
        assert found.table("orders").height == served > 100
        assert held(found, 1, 2, 3, 4, 5, 6, 7, 8, 11) == {}
        assert found.state["oversells"] == []
        returned(found)
        plans = [verify(folder) for folder in saved_inputs(flow.root / "plans")]
        assert len(plans) > 1
        assert {plan["again"] for plan in plans} == {"same"}


def returned(found: Evidence) -> None:
    """Assert that what came back is counted: at the till, announced, or before it shipped."""
    tally, shops = found.state["tally"], found.state["channels"]
    announced = sum(n for name, n in tally.items() if name.startswith("announced/"))
    assert found.table("returns").height == tally["returns/till"] + announced
    told = sum(shops[shop]["refunds"] for shop in ("shop_fr", "shop_com", "market"))
    assert found.table("refunds").height == told
    units = found.table("return_receipts")["quantity"].sum()
    assert found.query("report/returns_daily")["received"].sum() == units > 0
