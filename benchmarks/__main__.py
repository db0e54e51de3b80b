"""`scripts/bench [NAME...] [--json FILE]`: each figure beside its limit, measured in the same run (design §9)."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import backfill, fanout, history, instruments, latency, logged, page, row, stream
from benchmarks.row import Row

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "stream": stream.measure,
    "fanout": fanout.measure,
    "latency": latency.measure,
    "log-samples": logged.measure_samples,
    "log-frames": logged.measure_frames,
    "log-bundles": logged.measure_bundles,
    "backfill": backfill.measure,
    "history-week": history.measure,
    "instruments": instruments.measure,
    "page": page.measure,
}
TIMEOUT_S = 300.0  # each; all of them take eleven minutes


async def measure(names: list[str]) -> list[Row]:
    """Run benchmarks one after the other, and say what each gave."""
    rows: list[Row] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        async with asyncio.timeout(TIMEOUT_S):
            found = await BENCHMARKS[name]()
        rows += found
        print(row.table(found), file=sys.stderr, flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Speed, beside its limit in the same run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all if none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, with each round's")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    rows = asyncio.run(measure(arguments.names or list(BENCHMARKS)))
    print(row.table(rows))
    if arguments.json:
        machine = {"cpus": os.cpu_count(), "python": sys.version.split()[0], "at": int(time.time())}
        document = {"machine": machine, "rows": [found.to_map() for found in rows]}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
