"""Named points where a test may kill the process, to prove that nothing breaks there.

`OMS_CRASH_AT=point` kills the process at the first passing of that point, and
`OMS_CRASH_AT=point:3` at the third, as kill -9 would: no clean-up runs.
"""

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """Pass a named point; die there if the environment asks for it."""
    wanted = os.environ.get("OMS_CRASH_AT")
    if not wanted:
        return
    _passed[name] += 1
    at, _, count = wanted.partition(":")
    if at == name and _passed[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
