"""What every service does as a program: read its configuration from the environment, run until it is told to stop."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol

from kleinmaelzung_services.config import Config, ConfigError, read_config
from kleinmaelzung_services.migrate import SchemaError

VARIABLES = """
KLEINMAELZUNG_MQTT                mqtt://host:port
KLEINMAELZUNG_MQTT_USER           default service:NAME
KLEINMAELZUNG_MQTT_PASSWORD_FILE  file with its password
KLEINMAELZUNG_MQTT_KIND           mosquitto (default) or rabbitmq
KLEINMAELZUNG_MQTT_CA_FILE        with mqtts://: trust only this CA; absent: the system's
KLEINMAELZUNG_DSN                 postgresql://user:password@host:port/database
KLEINMAELZUNG_DSN_FILE            or a file that holds it
KLEINMAELZUNG_NAME                default {role}; of several each has its own, such as {role}-2
KLEINMAELZUNG_LOG_LEVEL           debug, info (default), warning, error
KLEINMAELZUNG_HEALTH_FILE         touched every 10 s while broker and database are there
KLEINMAELZUNG_DATABASE_PATH       a directory on the database's disk, to tell for how long it will do (logger)
KLEINMAELZUNG_KEEP_RAW            remove samples and frames that are older, such as 400d; absent: keep all (logger)
KLEINMAELZUNG_KEEP_ROLLUPS        and their minutes, such as 10y; absent: keep all (logger)
KLEINMAELZUNG_COMPRESS_AFTER      TimescaleDB's community edition: compress what is older, such as 30d (logger)
"""


class Runs(Protocol):
    """A service: `run()` until `stop` is set. Raises a group with SchemaError where its tables cannot be used."""

    async def run(self, stop: asyncio.Event) -> None: ...


def run(role: str, what: str, service: Callable[[Config], Runs]) -> None:
    """Be the program `kleinmaelzung-<role>`. Exits with 2 for a wrong configuration, with 1 for a wrong database."""
    parser = argparse.ArgumentParser(
        prog=f"kleinmaelzung-{role}",
        description=f"{what}\n\nConfigured by the environment:\n{VARIABLES.format(role=role)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    try:
        config = read_config(os.environ, role)
    except ConfigError as error:
        print("\n".join(error.mistakes), file=sys.stderr)
        sys.exit(2)
    logging.basicConfig(level=config.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_until_told(service(config)))
    except* SchemaError as errors:
        print(f"database: {errors.exceptions[0]}", file=sys.stderr)
        sys.exit(1)


async def _until_told(service: Runs) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await service.run(stop)
