"""Nodes of a RabbitMQ cluster killed under load, one after the other: was everything logged once, and how soon again?

    python -m tests.cluster.kill_a_node [--rounds 3] [--down 5] [--kind rabbitmq|mosquitto] [--parts NAME,NAME]

A round kills each node once (of Mosquitto: each gateway and each logger). Prints one JSON document; progress goes to
stderr. Exit codes: 0 nothing was wrong, 1 something was.
"""

import argparse
import asyncio
import json
import sys
from typing import Final

from kleinmaelzung_local.children import ChildFailed
from kleinmaelzung_local.mosquitto import MosquittoMissing
from tests.cluster import experiment, rabbitmq
from tests.cluster.experiment import Found
from tests.cluster.site import Size
from tests.faults.laboratory import Load

PARTS: Final = {
    "rabbitmq": ["node-1", "node-2", "node-3"],
    "mosquitto": ["gateway-1", "logger", "gateway-2", "logger-2"],
}
LOAD: Final = Load(agents=3, streams=2, polled=2, commanded=2)
COMMANDS_PER_S: Final = 2.0
EVERY_S: Final = 5.0  # a node that has just come back needs a while until clients are served by it again


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.kill_a_node")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--down", type=float, default=5.0, metavar="SECONDS", help="how long each stays away")
    parser.add_argument("--kind", choices=sorted(PARTS), default="rabbitmq", help="which broker")
    parser.add_argument("--parts", metavar="NAMES", help="what is killed instead, such as node-1,gateway-2,logger")
    arguments = parser.parse_args()
    if arguments.kind == "rabbitmq" and (why := rabbitmq.why_not()):
        sys.exit(f"the harness cannot run: {why}")
    try:
        found = asyncio.run(_run(arguments))
    except (ChildFailed, MosquittoMissing, TimeoutError, OSError) as error:
        sys.exit(f"the harness cannot run: {error or type(error).__name__}")
    print(json.dumps(found.to_json(), indent=1))
    sys.exit(0 if found.ok else 1)


async def _run(arguments: argparse.Namespace) -> Found:
    kind = arguments.kind
    parts = (arguments.parts.split(",") if arguments.parts else PARTS[kind]) * arguments.rounds
    commands = round(COMMANDS_PER_S * len(parts) * (EVERY_S + arguments.down))
    size = Size(kind=kind, gateways=3 if kind == "rabbitmq" else 2, load=LOAD)
    return await experiment.run(size, parts, commands=commands, down_s=arguments.down, every_s=EVERY_S, say=_say)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
