"""What is sold: SKUs, and what each channel calls them."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_PRODUCT = re.compile(r"^\d{5}[A-Za-z]*$")


@dataclass(frozen=True)
class Good:
    """Something to sell; price in cents, tax included."""

    sku: str
    title: str
    weight_g: int
    price: int
    currency: str


@dataclass(frozen=True)
class Catalog:
    """Goods by SKU, and by channel: SKU to (channel SKU, SKU units in one sold unit)."""

    goods: dict[str, Good]
    names: dict[str, dict[str, tuple[str, int]]]

    def listed(self, channel: str, sku: str) -> tuple[str, int]:
        """Return what a channel calls a SKU, and how many units it sells at once."""
        return self.names.get(channel, {}).get(sku, (sku, 1))

    def offers(self, channel: str) -> dict[str, tuple[str, int]]:
        """Return channel SKU to (SKU, units) of everything a channel lists."""
        pairs = ((self.listed(channel, sku), sku) for sku in self.goods)
        return {name: (sku, units) for (name, units), sku in pairs}


def is_product(code: str) -> bool:
    """Tell a stock code from postage, fees, discounts and vouchers in a table of sales."""
    return bool(_PRODUCT.match(code))


def read(folder: Path) -> Catalog:
    """Read skus.csv and sku_map.csv of a folder."""
    with (folder / "skus.csv").open(encoding="utf-8", newline="") as f:
        goods = {
            row["sku"]: Good(
                row["sku"],
                row["title"],
                int(row["weight_g"] or 0),
                round(float(row["value"]) * 100),
                row["currency"],
            )
            for row in csv.DictReader(f)
        }
    names: dict[str, dict[str, tuple[str, int]]] = {}
    with (folder / "sku_map.csv").open(encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            listing = (row["channel_sku"], int(row["units_per"]))
            names.setdefault(row["channel_id"], {})[row["sku"]] = listing
    return Catalog(goods, names)


def write(catalog: Catalog, folder: Path) -> None:
    """Write skus.csv and sku_map.csv, as the hub reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "skus.csv").open("w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(("sku", "title", "weight_g", "value", "currency"))
        for good in catalog.goods.values():
            value = f"{good.price / 100:.2f}"
            out.writerow((good.sku, good.title, good.weight_g, value, good.currency))
    with (folder / "sku_map.csv").open("w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(("channel_id", "channel_sku", "sku", "units_per"))
        for channel, listings in catalog.names.items():
            for sku, (name, units) in listings.items():
                out.writerow((channel, name, sku, units))
