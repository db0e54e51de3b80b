"""`kleinmaelzung-gateway`: configured by the environment (config.py), ends orderly on SIGTERM."""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from kleinmaelzung_gateway import gateway
from kleinmaelzung_gateway.config import Config, ConfigError

logger = logging.getLogger("kleinmaelzung_gateway")


async def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway.listen(config) as listening:
        logger.info("listening on %s:%d", *listening.address)
        await listening.until(stop)


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("KLEINMAELZUNG_LOG", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        config = Config.from_environment()
    except ConfigError as error:
        print(f"kleinmaelzung-gateway: {error}", file=sys.stderr)
        return 2
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(config))
    except OSError as error:
        print(f"kleinmaelzung-gateway: cannot listen on {config.host}:{config.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
