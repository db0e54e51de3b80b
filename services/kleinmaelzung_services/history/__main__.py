"""kleinmaelzung-history: what is stored, for whoever may ask, out of PostgreSQL or TimescaleDB. Configured by:

KLEINMAELZUNG_MQTT                mqtt://host:port
KLEINMAELZUNG_MQTT_USER           default service:NAME
KLEINMAELZUNG_MQTT_PASSWORD_FILE  file with its password
KLEINMAELZUNG_MQTT_CA_FILE        with mqtts://: trust only this CA; absent: the system's
KLEINMAELZUNG_DSN                 postgresql://user:password@host:port/database; reading is enough
KLEINMAELZUNG_DSN_FILE            or a file that holds it
KLEINMAELZUNG_NAME                default history; of several each has its own, such as history-2
KLEINMAELZUNG_LOG_LEVEL           debug, info (default), warning, error
"""

import argparse
import asyncio
import logging
import os
import signal
import sys

from kleinmaelzung_services.config import Config, ConfigError, read_config
from kleinmaelzung_services.history.service import Service


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="kleinmaelzung-history", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    try:
        config = read_config(os.environ, "history")
    except ConfigError as error:
        print("\n".join(error.mistakes), file=sys.stderr)
        sys.exit(2)
    logging.basicConfig(level=config.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(config))


async def _run(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(config).run(stop)


if __name__ == "__main__":
    main()
