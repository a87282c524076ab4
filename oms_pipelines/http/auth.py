"""Who asks: credentials for one attempt, in headers or in the query."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, repr=False)
class Credentials:
    """What proves who asks, for one attempt: headers and query parameters to add."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


# Called before each attempt with the method, the address without its query, and the query.
Auth = Callable[[str, str, Pairs], Credentials]


def basic_auth(user: str, password: str) -> Auth:
    """Return HTTP Basic authentication (RFC 7617)."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return header_auth("Authorization", f"Basic {token}")


def header_auth(name: str, value: str) -> Auth:
    """Return authentication by one constant header."""
    credentials = Credentials({name: value})
    return lambda method, url, params: credentials
