"""The hub's configuration for this network: `examples/sandbox.yaml`, put in its place."""

import json
from pathlib import Path
from typing import Any

import yaml

from oms_pipelines.sandbox.goods import EXAMPLES

URL, SMTP = "http://127.0.0.1:8800", "smtp://127.0.0.1:8825"
# Keys of a network that exists on loopback only: they open nothing.
SECRETS = {
    "WOO_KEY": "ck_sandbox_0000000000000000000000000000",
    "WOO_SECRET": "cs_sandbox_0000000000000000000000000000",
    "SHOPIFY_TOKEN": "shpat_sandbox_00000000000000000000",
    "MIRAKL_KEY": "sandbox-0000-0000-0000-000000000000",
    "COLIS_KEY": "sandbox-colis-key",
}


def sandbox_config(url: str, smtp_port: int, root: Path, var: Path | None = None) -> dict[str, Any]:
    """Return the configuration of a hub for a sandbox at `url` with its files under `root`.

    `var` is the hub's own folder; the folder above `root` if not given. The currency and the
    first day are those of the world that lives there. For `config.parse`.
    """
    text = (EXAMPLES / "sandbox.yaml").read_text(encoding="utf-8")
    text = text.replace(URL, url).replace(SMTP, f"smtp://127.0.0.1:{smtp_port}")
    text = text.replace("var/sandbox", root.absolute().as_posix())
    data = yaml.safe_load(text)
    own = (var or root.parent).absolute().as_posix()
    data["store"]["url"] = f"duckdb:///{own}/oms.duckdb"
    data["landing"]["url"] = f"file://{own}/landing"
    data["output"] = own
    if data.get("erp"):
        data["erp"]["url"] = data["erp"]["url"].replace("var/", f"{own}/", 1)
    world = root / "world.json"
    if world.exists():
        made = json.loads(world.read_bytes())
        data["backfill_from"] = made["start"][:10]
        for channel in data["channels"]:
            channel["currency"] = made["currency"]
    return data
