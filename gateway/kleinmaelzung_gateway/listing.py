"""What is known of instruments now, out of retained messages: pure."""

import logging
from typing import Any

from kleinmaelzung_bus.session import Message
from kleinmaelzung_wire import sockets, topics
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)


def listing(seeds: dict[str, Message]) -> list[dict[str, Any]]:
    """The retained messages, one map for each instrument: what it is, its state, its newest values, its agent."""
    instruments: dict[tuple[str, str], dict[str, Any]] = {}
    agents: dict[str, Any] = {}
    for message in seeds.values():
        try:
            # Not ours where an agent with MQTT of its own named its instrument wrongly: no harm to the others.
            address = topics.parse(message.topic)
            content = sockets.readable(message.payload, is_json=address.kind == "latest")
        except WireError as error:
            logger.warning("%.100r cannot be read: %s", message.topic, error)
            continue
        if address.instrument is None:
            agents[address.agent] = content
        else:
            instruments.setdefault((address.agent, address.instrument), {})[address.kind] = content
    return [
        {
            "instrument": f"{agent}/{instrument}",
            "description": known.get("description"),
            "state": known.get("state"),
            "latest": known.get("latest"),
            "control": known.get("control"),
            "alarm": known.get("alarm"),
            "calibration": known.get("calibration"),
            "agent": agents.get(agent),
        }
        for (agent, instrument), known in sorted(instruments.items())
        if known.keys() != {"calibration"}  # a certificate outlives an instrument that was taken away
    ]
