"""Faults on demand: what goes wrong on real networks, counted so that a test can see it did."""

from datetime import timedelta
from typing import Any

KINDS = {
    "throttle": "answer 429 (Shopify: THROTTLED), with retry_after seconds",
    "unavailable": "answer 503 and do nothing",
    "fail_after": "do what was asked, then answer 500 (writes only)",
    "repeat_page": "begin a page with the records of the page before",
    "reorder_page": "turn the records of a page round",
    "cut_gzip": "send half of a gzip body",
    "drop_stock": "answer that a level was taken, and keep the old one (of a share of levels)",
    "late": "show a share of new orders only some minutes after their time",
}


class Faults:
    """Faults waiting to happen, and how many did."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.done: dict[str, int] = {}
        self._pages: dict[str, list[Any]] = {}

    def add(self, fault: str, target: str = "*", count: int = 1, **options: Any) -> None:
        """Ask for a fault, for the next `count` times it can happen at a system (or `*`).

        Raises ValueError when there is no such fault.
        """
        if fault not in KINDS:
            raise ValueError(f"no fault is called {fault}; there are {', '.join(KINDS)}")
        self.waiting.append({"fault": fault, "target": target, "count": count, **options})

    def clear(self) -> None:
        """Ask for no more faults."""
        self.waiting.clear()

    def take(self, fault: str, target: str, chance: float = 0.0) -> dict[str, Any] | None:
        """Return a fault that is to happen now, and count it; None when none is.

        One that has a share happens where `chance`, drawn for what it would befall, is less.
        """
        for entry in self.waiting:
            hit = entry["fault"] == fault and entry["target"] in ("*", target)
            if hit and chance < entry.get("share", 1.0):
                entry["count"] -= 1
                if entry["count"] <= 0:
                    self.waiting.remove(entry)
                name = f"{fault}/{target}"
                self.done[name] = self.done.get(name, 0) + 1
                return entry
        return None

    def late(self, shop: str, chance: float) -> timedelta:
        """Return how long a new order stays unseen."""
        for entry in self.waiting:
            if entry["fault"] == "late" and entry["target"] in ("*", shop):
                if chance >= entry.get("share", 0.1):
                    return timedelta()
                found = self.take("late", shop) or {}
                return timedelta(minutes=found.get("minutes", 8))
        return timedelta()

    def page(self, target: str, records: list[Any]) -> list[Any]:
        """Disturb a page of records, if that was asked for. No record is ever lost."""
        before = self._pages.get(target, [])
        self._pages[target] = records
        if records and before and self.take("repeat_page", target):
            records = before + records
        if len(records) > 1 and self.take("reorder_page", target):
            records = records[::-1]
        return records
