"""What it costs to ship: parcel prices by carrier, service, zone and weight.

Money is counted in ten-thousandths, as whole numbers, so that sums and ties are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from oms_pipelines.config import Carrier, Costs, Price

UNIT = 10_000  # one unit of money


def cents(amount: np.ndarray | float) -> np.ndarray:
    """Return money as whole ten-thousandths."""
    return np.rint(np.asarray(amount, dtype=np.float64) * UNIT).astype(np.int64)


@dataclass(frozen=True)
class Offer:
    """A carrier's service, its price for a parcel, and how many working days it takes."""

    carrier_id: str | None
    service: str | None
    amount: float
    transit_days: int


@dataclass(frozen=True)
class Tariff:
    """Offers by (service, zone) pair and weight class."""

    pairs: pl.DataFrame  # service, country, pair
    breaks: np.ndarray  # grams, ascending: a class goes up to each, the last has no limit
    offers: list[Offer]
    offer_of: np.ndarray  # pairs x classes -> offer

    def offer(self, services: pl.DataFrame, grams: np.ndarray) -> np.ndarray:
        """Return the offer of each row of service, country; nan grams are unknown.

        An unknown weight is priced as the heaviest class.
        """
        pair = services.join(
            self.pairs, on=["service", "country"], nulls_equal=True, maintain_order="left"
        )["pair"].to_numpy()
        heaviest = len(self.breaks)
        known = np.where(np.isnan(grams), np.inf, grams)
        klass = np.minimum(np.searchsorted(self.breaks, known, side="left"), heaviest)
        return self.offer_of[pair, klass]

    def cheapest(self, offer: np.ndarray) -> np.ndarray:
        """Return the least price (ten-thousandths) any weight has in the pair of each offer."""
        prices = cents(np.array([o.amount for o in self.offers]))[self.offer_of]
        least = np.full(len(self.offers), np.iinfo(np.int64).max)
        np.minimum.at(least, self.offer_of, np.broadcast_to(prices.min(1)[:, None], prices.shape))
        return least[offer]


def tariff(services: pl.DataFrame, carriers: Sequence[Carrier], costs: Costs) -> Tariff:
    """Return the offers for the pairs that stand in `services` (service, country).

    Among carriers that offer a service the cheapest takes the parcel, then the first by
    name. A service nobody offers is sent as `standard`, or as a carrier's first.
    """
    pairs = services.select("service", "country").unique().sort("service", "country")
    pairs = pairs.with_row_index("pair")
    limits = {p.up_to_g for c in carriers for p in c.prices if p.up_to_g is not None}
    breaks = np.array(sorted(limits), dtype=np.float64)
    offers: dict[tuple[int, Offer], int] = {}
    offer_of = np.zeros((len(pairs), len(breaks) + 1), dtype=np.int32)
    for pair, service, country in pairs.iter_rows():
        for klass in range(len(breaks) + 1):
            grams = breaks[klass] if klass < len(breaks) else np.inf
            best = _best(service, country, grams, carriers, costs)
            # one offer a pair, so that `cheapest` can tell pairs apart
            offer_of[pair, klass] = offers.setdefault((pair, best), len(offers))
    return Tariff(pairs, breaks, [offer for _, offer in offers], offer_of)


def _best(
    service: str | None, country: str | None, grams: float, carriers: Sequence[Carrier],
    costs: Costs,
) -> Offer:  # fmt: skip
    able = _able(service, carriers)
    if not able:
        return Offer(None, service, costs.parcel, 0)
    priced = [
        (amount is None, costs.parcel if amount is None else amount, c, word)
        for c, word in able
        for amount in [_price(c.prices, word, country, grams) if c.prices else costs.parcel]
    ]
    # one that names prices and none for this parcel is no match for one that does
    _, amount, carrier, word = min(priced, key=lambda x: (x[0], x[1], x[2].id))
    return Offer(carrier.id, word, amount, _transit(carrier, word, country))


def _able(service: str | None, carriers: Sequence[Carrier]) -> list[tuple[Carrier, str]]:
    """Return the carriers that take a service, and by which of theirs."""
    able = [(c, service) for c in carriers if service is not None and service in c.services]
    able = able or [(c, "standard") for c in carriers if "standard" in c.services]
    return able or [(c, c.services[0]) for c in carriers if c.services]


def _transit(carrier: Carrier, service: str, country: str | None) -> int:
    for line in carrier.transit:
        if line.service in ("*", service) and line.zone in ("*", country):
            return line.days
    return carrier.transit_days


def priced(service: str | None, country: str | None, carriers: Sequence[Carrier]) -> bool:
    """Tell whether a carrier that takes a service has a price to a country, whatever it weighs.

    Carriers without any price ship at the declared price of a parcel, which counts.
    """
    return any(
        not c.prices or _price(c.prices, word, country, np.inf) is not None
        for c, word in _able(service, carriers)
    )


def _price(
    prices: Sequence[Price], service: str, country: str | None, grams: float
) -> float | None:
    for price in prices:
        fits = price.up_to_g is None or grams <= price.up_to_g
        if price.service in ("*", service) and price.zone in ("*", country) and fits:
            return price.amount
    return None
