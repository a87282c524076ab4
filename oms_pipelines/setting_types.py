"""Types of settings: how a duration, a secret, a zone or a capacity is written in `oms.yaml`.

A fault names the cure and never the value: a secret may stand where it does not belong.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
)

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(s|m|h|d)$")
_USER_INFO = re.compile(r"[^:/@]*:[^@]+@")
_IN_QUERY = re.compile(r"(?i)(password|passwd|pwd|passphrase|secret|token)\s*=")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 36525 * 86400
_NO_WORD = 8  # letters from which a secret is no word that faults are made of
MOST = 10**12  # units, grams, orders: more is a slip of the pen
RESERVED = ("hub", "world", "erp", "mailer", "unknown")  # the hub's own names of accounts, files


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.match(str(value))
    if not match:
        raise ValueError("write a duration such as 30s, 5m, 2h or 1d")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST:
        raise ValueError("write a duration of at most 100 years")
    return timedelta(seconds=seconds)


def _written(value: timedelta) -> str:
    return f"{value.total_seconds():f}".rstrip("0").rstrip(".") + "s"


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except Exception as e:
        raise ValueError("unknown time zone; write one such as Europe/Paris") from e
    return value


def _secret(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value.startswith("env:"):
        raise ValueError("write a secret as env:NAME, never as its value")
    context = info.context or {}
    env = context.get("env", os.environ)
    name = value[4:]
    if context.get("lenient") and not env.get(name):
        return "not set"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("write a secret as env:NAME, the name of an environment variable")
    if not env.get(name):
        raise ValueError(f"environment variable {name} is not set")
    return env[name]


class HiddenUrl(str):
    """A URL whose repr shows neither a user nor a password: settings may be printed."""

    def __repr__(self) -> str:
        return repr(re.sub(r"//.*@", "//***@", self.partition("?")[0]))


def _place(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("env:"):
        return _secret(value, info)
    if _has_password(value):
        raise ValueError(
            "a password does not belong in this file; write the whole URL as env:NAME, the name "
            "of an environment variable"
        )
    return value


def _has_password(url: str) -> bool:
    """Tell whether a URL holds a password, where SQLAlchemy and libpq look for one."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return False
    if scheme in ("http", "https"):
        rest = rest.partition("/")[0]  # behind the host a colon and an @ are a path's own
    return bool(_USER_INFO.match(rest) or _IN_QUERY.search(unquote_plus(rest.partition("?")[2])))


def _web_url(value: str) -> str:
    there, _, query = value.partition("://")[2].partition("?")
    if "@" in there.partition("/")[0] or _IN_QUERY.search(unquote_plus(query)):
        raise ValueError(
            "credentials do not belong in a URL; write them under credentials, as env:NAME"
        )
    return value


def _cut_off(value: str) -> str:
    match = re.match(r"^([01]\d|2[0-3]):[0-5]\d (\S+)$", value)
    if not match:
        raise ValueError('write a cut-off such as "15:00 Europe/Paris"')
    _zone(match[2])
    return value


def _capacity(value: Any) -> Any:
    match = re.match(r"^(\d{1,9})/day$", str(value))
    if not match:
        raise ValueError("write a capacity such as 800/day")
    return int(match[1])


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", value):
        raise ValueError("use lower-case letters, digits and _, starting with a letter")
    return value


def _own(value: str) -> str:
    if value in RESERVED:
        raise ValueError("the hub uses this word itself; choose another")
    return value


def _code(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", value):
        raise ValueError("use letters, digits, _, . and -, starting with a letter or digit")
    return value


def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise ValueError("write a country as two capital letters (ISO 3166-1), such as FR")
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError("write a currency as three capital letters (ISO 4217), such as EUR")
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("write a day such as 2026-12-25")
    return value


def _zone_code(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}|\*", value):
        raise ValueError(
            'write a country as two capital letters (ISO 3166-1), such as FR, or "*" for the rest'
        )
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_written, return_type=str, when_used="json"),  # as it may be read again
]
Day = Annotated[date, BeforeValidator(_day)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ZoneCode = Annotated[str, AfterValidator(_zone_code)]
Zone = Annotated[str, AfterValidator(_zone)]
Place = Annotated[str, BeforeValidator(_place), AfterValidator(HiddenUrl)]  # itself, or env:NAME
WebUrl = Annotated[str, AfterValidator(_web_url)]  # without credentials
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
CutOff = Annotated[str, AfterValidator(_cut_off)]
Capacity = Annotated[int, BeforeValidator(_capacity)]


def folded(name: str) -> str:
    """Return a name without what makes no difference: case, accents, blanks, punctuation."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = (x if x.isalnum() else " " for x in plain if not unicodedata.combining(x))
    return " ".join("".join(kept).split())


Identifier = Annotated[str, AfterValidator(_identifier)]
OwnIdentifier = Annotated[str, AfterValidator(_identifier), AfterValidator(_own)]
Code = Annotated[str, AfterValidator(_code)]
Share = Annotated[float, Field(ge=0, le=1)]
Units = Annotated[int, Field(ge=0, le=MOST)]
CountryCode = Annotated[str, AfterValidator(_country)]
CurrencyCode = Annotated[str, AfterValidator(_currency)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are faults, values stay out of error texts."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


def without_secrets(settings: BaseModel, faults: Iterable[str]) -> list[str]:
    """Return faults with each secret blotted out: one may have been written for a name."""
    secrets = sorted((x for x in _secrets(settings) if len(x) >= _NO_WORD), key=len, reverse=True)
    found = []
    for fault in faults:
        path, colon, told = fault.partition(": ")
        for secret in secrets:
            told = told.replace(secret, "***")
        found.append(path + colon + told)
    return found


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets(list(vars(value).values()))
    elif isinstance(value, Mapping):
        yield from _secrets(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secrets(inner)
