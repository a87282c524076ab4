"""Returns: announced with a coded reason, found at the dock, received with a condition.

An announcement and a receipt are landed as files before they reach the store, as if a
partner had sent them: the landing zone can rebuild them, and one path handles all.
"""

from oms_pipelines.returns.announce import Announced, Announcement, announce
from oms_pipelines.returns.dock import Receipt, find, receive

__all__ = ["Announced", "Announcement", "Receipt", "announce", "find", "receive"]
