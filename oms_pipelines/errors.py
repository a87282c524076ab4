"""The errors of the hub, named by what recovers from them.

    OmsError
    ├── Unreachable     try again later: the other side is down, slow, or throttles
    ├── Rejected        a person must look: the other side understood and refused
    ├── Malformed       quarantine and go on: bytes that cannot be read as promised
    └── Misconfigured   refuse to start: the configuration is wrong; carries every fault

Messages name the source, file, line or field and the cure. They never carry a secret or
personal data: values from payloads stay out of them.
"""

from typing import Any


class OmsError(Exception):
    """Root of every error the hub raises on purpose."""


class Unreachable(OmsError):
    """The other side did not answer in time, or asked for patience. A retry may help."""

    def __init__(self, message: str, *, retry_after: float | None = None):
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(OmsError):
    """The other side answered and refused. A retry will not help, a person will.

    `status` is the status it answered with and `code` its own machine word, where known.
    """

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None):
        super().__init__(message)
        self.status = status
        self.code = code


class Malformed(OmsError):
    """Received bytes are not what their format promises."""


class Misconfigured(OmsError):
    """The configuration cannot be used. `faults` lists every fault with its path."""

    def __init__(self, faults: list[str], sound: Any = None):
        super().__init__("; ".join(faults))
        self.faults = faults
        self.sound = sound  # the settings without those at fault, to look for more
