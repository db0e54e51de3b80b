"""`scripts/chaos`: breaks a whole running system by a seeded schedule, and counts whether every value was logged once.

Exit codes: 0 nothing was wrong, 1 something was, 2 wrong usage.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from kleinmaelzung_local.children import ChildFailed
from kleinmaelzung_local.mosquitto import MosquittoMissing
from kleinmaelzung_local.postgres import PostgresMissing
from tests.faults import experiment, field, schedule, verdict
from tests.faults.agents import find_faketime
from tests.faults.experiment import NotWorking, Settings
from tests.faults.field import FieldError
from tests.faults.laboratory import Load, Serve, in_processes
from tests.faults.schedule import Kind
from tests.faults.verdict import Verdict

SHORTEST_S = 10.0


def main() -> None:
    arguments = _parser().parse_args()
    found = judge(_settings(arguments))
    print(json.dumps(found.to_json()) if arguments.json else verdict.to_text(found), flush=True)
    sys.exit(0 if found.ok else 1)


def judge(settings: Settings, serve: Serve = in_processes) -> Verdict:
    """Make one run; where that cannot be done, a sentence says why and the program ends."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s: %(message)s")
    try:
        return asyncio.run(_until_told(settings, serve))
    except (ChildFailed, MosquittoMissing, PostgresMissing, FieldError, NotWorking, TimeoutError, OSError) as error:
        sys.exit(f"the harness cannot run: {error or type(error).__name__}")
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit("stopped; nothing was judged")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Breaks the whole system, and counts.")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same faults (1)")
    parser.add_argument("--for", dest="seconds", type=seconds, default=120.0, metavar="SECONDS", help="(120)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout; progress goes to stderr")
    parser.add_argument(
        "--trust-broker",
        action="store_true",
        help="agents forget a frame when the broker has it: this must lose, or the harness finds nothing",
    )
    parser.add_argument(
        "--allow-missing-kinds",
        action="store_true",
        help="be content without the faults that need root, libfaketime or a longer run",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where files are kept if the run fails")
    return parser


def seconds(text: str) -> float:
    found = float(text)
    if not SHORTEST_S <= found <= 7 * 24 * 3600:
        raise argparse.ArgumentTypeError(f"{text} seconds: expected {SHORTEST_S:g} to a week")
    return found


def _settings(arguments: argparse.Namespace) -> Settings:
    load = Load()
    kinds, reasons = possible_kinds()
    for reason in reasons:
        say(f"left out: {reason}")
    return Settings(
        seed=arguments.seed,
        seconds=arguments.seconds,
        faults=schedule.plan(arguments.seed, arguments.seconds, load.agent_names, kinds),
        load=load,
        trust_broker=arguments.trust_broker,
        may_miss_kinds=arguments.allow_missing_kinds,
        keep=arguments.keep,
    )


def possible_kinds() -> tuple[Sequence[Kind], list[str]]:
    """What can go wrong on this machine, and a sentence for each thing that cannot."""
    reasons: list[str] = []
    kinds: Sequence[Kind] = schedule.KINDS
    if why := field.why_not_apart():
        reasons.append(f"network and disk: {why}")
        kinds = [kind for kind in kinds if not kind.needs_root]
    if find_faketime() is None:
        reasons.append("clocks: libfaketime is not installed (Debian: libfaketime)")
        kinds = [kind for kind in kinds if not kind.name.startswith("clock")]
    return kinds, reasons


async def _until_told(settings: Settings, serve: Serve) -> Verdict:
    """Run; the first SIGTERM or Ctrl-C ends it with everything taken away, further ones change nothing."""
    running = asyncio.current_task()
    assert running is not None
    signals = (signal.SIGTERM, signal.SIGINT)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        running.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)
    return await experiment.run(settings, say, serve)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
