"""kleinmaelzung-batches: what was made with which instruments, when, in which stages. Configured by the environment:

KLEINMAELZUNG_MQTT                mqtt://host:port
KLEINMAELZUNG_MQTT_USER           default service:NAME
KLEINMAELZUNG_MQTT_PASSWORD_FILE  file with its password
KLEINMAELZUNG_MQTT_CA_FILE        with mqtts://: trust only this CA; absent: the system's
KLEINMAELZUNG_DSN                 postgresql://user:password@host:port/database
KLEINMAELZUNG_DSN_FILE            or a file that holds it
KLEINMAELZUNG_NAME                default batches; of several each has its own, such as batches-2
KLEINMAELZUNG_LOG_LEVEL           debug, info (default), warning, error
"""

import argparse
import asyncio
import logging
import os
import signal
import sys

from kleinmaelzung_services.batches.service import Service
from kleinmaelzung_services.config import Config, ConfigError, read_config
from kleinmaelzung_services.migrate import SchemaError


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="kleinmaelzung-batches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    try:
        config = read_config(os.environ, "batches")
    except ConfigError as error:
        print("\n".join(error.mistakes), file=sys.stderr)
        sys.exit(2)
    logging.basicConfig(level=config.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_run(config))
    except* SchemaError as errors:
        print(f"database: {errors.exceptions[0]}", file=sys.stderr)
        sys.exit(1)


async def _run(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(config).run(stop)


if __name__ == "__main__":
    main()
