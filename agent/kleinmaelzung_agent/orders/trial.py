"""A configuration on trial when the agent starts: gone on with once, and given up when the agent has ended again.

agent.toml and `orders/trial` in, perhaps the agent.toml of before in its place. Blocking.
"""

import contextlib
import logging
import tomllib
from pathlib import Path
from typing import Final

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.orders import carrying_out
from kleinmaelzung_agent.orders.orders_held import OrdersHeld, Trial
from kleinmaelzung_agent.spool import lock

logger = logging.getLogger(__name__)

STARTS: Final = 2  # with a configuration on trial: the second one means that the agent has ended twice


def at_start(path: Path, now_us: int) -> None:
    """Before the configuration is read: put the one before back where the new one has shown that it is no good."""
    data = _data(path)
    if data is None or lock.find_holder(data):
        return  # nothing is known of it, or another process runs with it and sees to it
    held = OrdersHeld(data)
    if (trial := held.trial()) is None:
        return
    try:
        _decide(path, held, trial, now_us)
    except OSError as error:
        logger.error("the configuration that is on trial cannot be looked at: %s", error)


def _decide(path: Path, held: OrdersHeld, trial: Trial, now_us: int) -> None:
    text = path.read_bytes().decode(errors="replace")
    if text == trial.old:
        held.end_trial()  # the process ended before the new one was in its place, or when the old one was back
        return
    if text != trial.new:
        return  # somebody changed it here: carrying_out.py says so
    trial = trial.started()
    if why := _why_given_up(path, trial):
        carrying_out.go_back(held, path, trial, why, now_us)
    else:
        held.try_out(trial)


def _why_given_up(path: Path, trial: Trial) -> str:
    if trial.starts >= STARTS:
        return "the agent ended twice with the new configuration before it had proved good"
    try:
        config.load(path)
    except ConfigError as error:
        return f"the agent cannot start with the new configuration: {error.in_one_line}"
    return ""


def _data(path: Path) -> Path | None:
    """The data directory, even if something else is wrong."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = tomllib.loads(path.read_bytes().decode())["agent"]["data"]
        if isinstance(found, str):
            return path.parent / found
    return None
