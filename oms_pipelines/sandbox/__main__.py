"""`python -m oms_pipelines.sandbox ROOT OPTIONS`: a sandbox in a process of its own.

OPTIONS is a JSON object of the arguments of `Sandbox`. The first line of output is a JSON
object with its url and smtp_port, or with the errno and error that kept it from serving.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from oms_pipelines.sandbox.client import serve
from oms_pipelines.sandbox.server import Sandbox


def _ready(sandbox: Sandbox) -> None:
    print(json.dumps({"url": sandbox.url, "smtp_port": sandbox.smtp_port}), flush=True)


if __name__ == "__main__":
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    if options.get("start"):
        options["start"] = datetime.fromisoformat(options["start"])
    try:
        serve(Path(sys.argv[1]), ready=_ready, **options)
    except OSError as e:
        print(json.dumps({"errno": e.errno, "error": e.strerror}), flush=True)
        sys.exit(1)
