"""The one way to fetch, for all channels and carriers.

A `Fetcher` speaks for one source: it streams under a byte cap and a total deadline, proves
that a body is whole before anyone reads it, retries what may be retried, keeps to the pace
the source asks for, and raises Unreachable, Rejected or Malformed without ever telling a
secret. The library that moves the bytes stays inside this package.
"""

from oms_pipelines.http.answers import Headers, Response, Unreadable
from oms_pipelines.http.auth import Auth, Credentials, basic_auth, header_auth
from oms_pipelines.http.fetch import Fetcher

__all__ = [
    "Auth",
    "Credentials",
    "Fetcher",
    "Headers",
    "Response",
    "Unreadable",
    "basic_auth",
    "header_auth",
]
