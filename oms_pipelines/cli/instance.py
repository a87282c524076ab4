"""The Dagster instance's folder and its file: made from the shipped one, and renewed with it.

A file that was made here names in its first line what it was made with. As long as nobody
edited it, a newer shipped file replaces it; one with edits is kept, and told.
"""

import hashlib
import os
from pathlib import Path

from rich.markup import escape

from oms_pipelines.cli.show import say
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured

INSTANCE_FILE = Path(__file__).resolve().parents[2] / "deploy" / "dagster.local.yaml"
_MADE = "# Made by oms, which renews it while nobody edits it; sha256 of the lines below: "
_COPIED = (  # earlier releases copied the shipped file as it was
    "1b7a03dc21ab358b8ae3263fa1fc00654df49feed683b7a9661f02b8897f515e",
    "14b7e8676e832c5927853509d8ff150f32dc7ed3b314735756eadfff6d3c1e9d",
    "dcd0661568f1f71a20e5cbadc3c37f7ea2a2ef81544289df22f1b8c804ebf345",
)


def dagster_home(oms: Oms) -> Path:
    """Return the Dagster instance's folder, made ready with the local instance file.

    Raises Misconfigured where it has no instance file, and none lies beside the package.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or Path(oms.output) / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    file = home / "dagster.yaml"
    if INSTANCE_FILE.is_file():
        _bring_up(file, INSTANCE_FILE.read_text("utf-8"))
    elif not file.exists():
        raise Misconfigured(
            [f"{file}: no such file; copy deploy/dagster.local.yaml of the project there"]
        )
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _bring_up(file: Path, shipped: str) -> None:
    """Make the file, or renew it if it is as it was made; tell of one that must be kept."""
    if file.exists():
        made_with, body = _parts(file.read_text("utf-8", errors="replace"))
        if made_with == _hash(shipped) or body == shipped:
            return
        if made_with is None and _hash(body) not in _COPIED:
            return  # somebody's own, such as the deployment's
        if made_with is not None and _hash(body) != made_with:
            told = f"{file} has edits of your own, and is kept, though {INSTANCE_FILE} is newer"
            cure = "take over what changed, or delete yours to have it made anew"
            say(f"[yellow]note:[/] {escape(told)}; {cure}", error=True)
            return
    fresh = file.with_name(f".{file.name}.tmp")
    fresh.write_text(f"{_MADE}{_hash(shipped)}\n{shipped}", "utf-8")
    os.replace(fresh, file)


def _parts(text: str) -> tuple[str | None, str]:
    """Return the sha256 a file says it was made with, None when it says none, and the rest."""
    first, _, rest = text.partition("\n")
    return (first.removeprefix(_MADE), rest) if first.startswith(_MADE) else (None, text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
