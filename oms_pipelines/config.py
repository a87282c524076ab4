"""`oms.yaml` as typed settings, validated whole: every fault is told with its path.

Secrets are written `env:NAME` and read from the environment when the file is loaded. No value
of the file stands in a fault: a secret may have been written where it does not belong.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from oms_pipelines.errors import Misconfigured
from oms_pipelines.setting_types import folded, without_secrets
from oms_pipelines.settings import (
    Ack,
    Address,
    Catalog,
    Channel,
    ChannelStock,
    Drop,
    Erp,
    Inbound,
    Location,
    Notifications,
    Oms,
    Outbound,
    Reason,
    Retention,
    Returns,
    Settings,
    Url,
)
from oms_pipelines.settings_promises import promise_faults
from oms_pipelines.settings_routing import (
    Border,
    Carrier,
    Costs,
    Load,
    Price,
    Replan,
    Routing,
    Rule,
    Split,
    Transit,
    Unfilled,
)
from oms_pipelines.settings_routing_faults import routing_faults
from oms_pipelines.settings_stock_faults import sharing_faults

__all__ = [
    "Ack",
    "Address",
    "Border",
    "Carrier",
    "Catalog",
    "Channel",
    "ChannelStock",
    "Costs",
    "Drop",
    "Erp",
    "Inbound",
    "Load",
    "Location",
    "Notifications",
    "Oms",
    "Outbound",
    "Price",
    "Reason",
    "Replan",
    "Retention",
    "Returns",
    "Routing",
    "Rule",
    "Settings",
    "Split",
    "Transit",
    "Unfilled",
    "Url",
    "as_time",
    "between",
    "config_path",
    "load",
    "parse",
    "part",
    "read_mapping",
    "untold",
]

DEMO = Path("var/demo/oms.yaml")  # what `oms demo` leaves, so that commands work after it
CONDITIONS = ("as_new", "opened", "damaged", "broken", "unknown")  # of goods at the dock
DISPOSED = (*CONDITIONS, "not_ordered")  # what `returns.dispositions` may name


def parse(data: Any, env: Mapping[str, str] | None = None) -> Oms:
    """Validate a mapping as configuration.

    Raises Misconfigured with every fault and its path; no value stands in the text.
    """
    env = os.environ if env is None else env
    oms, faults = _validated(data, {"env": env})
    if oms is None:
        # what hangs on none of these is told at once too
        oms, _ = _validated(_without_faults(data, {"env": env}), {"env": env, "lenient": True})
    if oms is not None:
        faults = without_secrets(oms, faults + untold(_faults_between(oms), faults))
    if faults or oms is None:
        raise Misconfigured(faults, oms)
    return oms


S = TypeVar("S", bound=Settings)


def part(model: type[S], data: Any, where: str) -> S:
    """Validate a part of the settings that stands elsewhere. Raises Misconfigured with paths."""
    try:
        return model.model_validate(data)
    except ValidationError as e:
        found = e.errors(include_input=False, include_url=False, include_context=False)
        faults = [_told(_path((where, *x["loc"])), x["type"], x["msg"]) for x in found]
        raise Misconfigured(faults) from None


def between(oms: Oms) -> list[str]:
    """Return the faults that stand between sound settings, each with its path."""
    return without_secrets(oms, _faults_between(oms))


def untold(more: Iterable[str], faults: Iterable[str]) -> list[str]:
    """Return what more is wrong, but for what follows from settings that are told already.

    What is said of a group of settings may follow from a wrong one among them.
    """
    told = tuple(fault.partition(": ")[0] for fault in faults)
    groups = {path.rpartition(".")[0] for path in told}
    paths = [(fault.partition(": ")[0], fault) for fault in more]
    return [fault for path, fault in paths if not path.startswith(told) and path not in groups]


def _validated(data: Any, context: dict[str, Any]) -> tuple[Oms | None, list[str]]:
    try:
        return Oms.model_validate(data, context=context), []
    except ValidationError as e:
        found = e.errors(include_input=False, include_url=False, include_context=False)
        return None, [_told(_path(x["loc"]), x["type"], x["msg"]) for x in found]


def _without_faults(data: Any, context: dict[str, Any]) -> Any:
    """Return the data without the settings that are wrong, where it can do without them."""
    try:
        Oms.model_validate(data, context={**context, "lenient": True})
    except ValidationError as e:
        data = deepcopy(data)
        for error in e.errors(include_input=False, include_url=False, include_context=False):
            place = data
            for step in error["loc"][:-1]:
                inside = step in place if isinstance(place, dict) else isinstance(place, list)
                place = place[step] if inside else None
            if isinstance(place, dict):
                place.pop(error["loc"][-1], None)
    return data


def _told(path: str, kind: str, message: str) -> str:
    told = {
        "extra_forbidden": "there is no such setting",
        "missing": "is missing",
    }.get(kind, message.removeprefix("Value error, "))
    return f"{path}: {told}" if path else told


def _path(location: tuple[int | str, ...]) -> str:
    parts = ""
    for step in location:
        if step == "[key]":  # pydantic's word for a key that is wrong itself
            continue
        parts += f"[{step}]" if isinstance(step, int) else f".{step}" if parts else str(step)
    return parts


def _faults_between(oms: Oms) -> Iterator[str]:
    """Yield faults that stand between settings, each with its path."""
    yield from _repeated(oms)
    places = {x.id for x in oms.locations}
    cure = f"no such location; there are {', '.join(sorted(places)) or 'none'}"
    for i, channel in enumerate(oms.channels):
        for j, location in enumerate(channel.stock.locations or []):
            if location not in places:
                yield f"channels[{i}].stock.locations[{j}]: {cure}"
    yield from sharing_faults(oms)
    yield from promise_faults(oms)
    yield from routing_faults(oms)
    if oms.returns.location and oms.returns.location not in places:
        yield f"returns.location: {cure}"
    for condition in oms.returns.dispositions.keys() - set(DISPOSED):
        yield f"returns.dispositions.{condition}: write one of {', '.join(DISPOSED)}"


def _repeated(oms: Oms) -> Iterator[str]:
    """Yield what may stand once only and stands twice: ids, codes, and what they map."""
    ids = [
        (f"{kind}[{i}].id", item.id)
        for kind in ("channels", "locations", "carriers")
        for i, item in enumerate(getattr(oms, kind))
    ]
    rules = [(f"routing.rules[{i}].id", x.id) for i, x in enumerate(oms.routing.rules)]
    codes = [(f"returns.reasons[{i}].code", x.code) for i, x in enumerate(oms.returns.reasons)]
    crosswalk = [
        (f"returns.reasons[{i}].channels.{system}[{j}]", f"{system} {word}")
        for i, reason in enumerate(oms.returns.reasons)
        for system, words in reason.channels.items()
        for j, word in enumerate(words)
    ]
    for group in (ids, rules, codes, crosswalk, _carrier_names(oms)):
        seen: dict[str, str] = {}
        for path, name in group:
            if name in seen:
                yield f"{path}: is the same as {seen[name]}; it may stand once only"
            seen.setdefault(name, path)


def _carrier_names(oms: Oms) -> list[tuple[str, str]]:
    """Return what carriers are called in returns: each may name one carrier only."""
    carriers = {c.id: (i, c) for i, c in reversed(list(enumerate(oms.carriers)))}
    found = [(f"carriers[{i}].id", folded(c.id)) for i, c in carriers.values()]
    for i, c in carriers.values():
        names = {folded(name): j for j, name in enumerate(c.aliases)}
        own = folded(c.id)
        found += [(f"carriers[{i}].aliases[{j}]", n) for n, j in names.items() if n != own]
    return found


def config_path() -> Path:
    """Return where the configuration is: `OMS_CONFIG`, else `oms.yaml` here, else the demo's."""
    named = os.environ.get("OMS_CONFIG")
    if named:
        return Path(named)
    own = Path("oms.yaml")
    return DEMO if DEMO.exists() and not own.exists() else own


def load(path: Path | None = None, env: Mapping[str, str] | None = None) -> Oms:
    """Read and validate a configuration file. Raises Misconfigured.

    Secrets come from the environment, or from the `.env` file beside the configuration.
    """
    path = path or config_path()
    data = read_mapping(path, "set OMS_CONFIG, or start from examples/oms.yaml")
    return parse(data, {**_beside(path), **(os.environ if env is None else env)})


def read_mapping(path: Path, cure: str = "write its name right") -> dict[str, Any]:
    """Read a YAML file of settings. Raises Misconfigured where it is none."""
    text = _read(path, cure)
    try:
        data = yaml.load(text, _Loader)
    except yaml.YAMLError as e:
        raise Misconfigured([f"{path}{_where(e)}: not YAML: {_problem(e)}"]) from None
    except (ValueError, RecursionError):  # a date that is none; lists in lists without end
        raise Misconfigured([f"{path}: not YAML that can be read"]) from None
    if not isinstance(data, dict):
        raise Misconfigured([f"{path}: expected a mapping of settings"])
    return data


def _read(path: Path, cure: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Misconfigured([f"{path}: no such file; {cure}"]) from None
    except UnicodeDecodeError:
        raise Misconfigured([f"{path}: not UTF-8; save it as UTF-8"]) from None
    except OSError as e:
        raise Misconfigured([f"{path}: cannot be read ({e.strerror})"]) from None


class _Loader(yaml.SafeLoader):
    """YAML without surprises: a key that stands twice in one mapping is a fault."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(
                    problem=f"{_named(key.value)} stands twice", problem_mark=key.start_mark
                )
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _named(key: Any) -> str:
    plain = isinstance(key, str) and re.fullmatch(r"[A-Za-z_][\w-]{0,63}", key)
    return f"the key {key}" if plain else "a key"


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}:{mark.column + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    """Return what is wrong, without the words of the file that it quotes."""
    problem = str(getattr(error, "problem", None) or "a character that may not stand there")
    return re.sub(r"""(['"]).{2,}\1""", "a word", problem)


def _beside(path: Path) -> dict[str, str]:
    """Return the variables of the `.env` file beside a configuration: NAME=value lines."""
    file = path.with_suffix(".env")
    if not file.is_file():
        return {}
    lines = (x.strip() for x in _read(file, "write NAME=value lines").splitlines())
    pairs = (x.removeprefix("export ").partition("=") for x in lines if x and x[0] != "#")
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def as_time(value: str) -> datetime:
    """Parse an ISO 8601 time with its offset. Raises ValueError when it has none."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value}: a time needs its offset, such as Z")
    return moment
