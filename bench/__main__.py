"""Run every benchmark in a process of its own, print the ratios, write `var/bench.json`.

make bench                    all
python -m bench ingest plan   some
"""

import json
import multiprocessing
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import measure

ALL = ("merge", "plan", "joint", "freight", "tick", "stock", "ingest")


def main() -> int:
    """Run the benchmarks named, or all; return 1 when a bar is missed."""
    names = sys.argv[1:] or list(ALL)
    if unknown := [name for name in names if name not in ALL]:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
        return 2
    context = multiprocessing.get_context("spawn")
    found: list[dict] = []
    for name in names:
        print(f"measuring {name} ...", flush=True)
        out = context.Queue()
        process = context.Process(target=measure, args=(name, out))
        process.start()
        while process.is_alive() and out.empty():
            process.join(0.2)
        if out.empty():
            found.append(
                {
                    "name": name,
                    "value": None,
                    "unit": "",
                    "bar": "",
                    "holds": False,
                    "against": f"failed with {process.exitcode}",
                }
            )
        else:
            found += out.get()
        process.join()
    table = Table(title="Benchmarks", title_justify="left")
    for column in ("name", "value", "unit", "bar", "holds", "against"):
        table.add_column(column, overflow="fold")
    for row in found:
        table.add_row(*(str(row[c]) for c in ("name", "value", "unit", "bar", "holds", "against")))
    Console().print(table)
    file = Path("var/bench.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"written to {file}")
    return 0 if all(row["holds"] for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
