"""`kleinmaelzung-gateway`: configured by the environment (config.py), ends orderly on SIGTERM.

On SIGHUP it reads its certificate again, which it also does by itself when the files change.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys

from kleinmaelzung_gateway import gateway
from kleinmaelzung_gateway.certificate import CertificateError
from kleinmaelzung_gateway.config import Config, ConfigError

logger = logging.getLogger("kleinmaelzung_gateway")

SPARE_FILES = 100  # besides sockets


async def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop, reload = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.set)
    async with gateway.listen(config, reload) as listening:
        logger.info("listening on %s:%d", *listening.address)
        await listening.until(stop)


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("KLEINMAELZUNG_LOG", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # For debugging websockets writes each header and message, passwords too; for information each strange handshake.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        config = Config.from_environment()
    except ConfigError as error:
        print(f"kleinmaelzung-gateway: {error}", file=sys.stderr)
        return 2
    _allow_files(config.limits.sockets)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(config))
    except CertificateError as error:  # changed since the configuration was read
        print(f"kleinmaelzung-gateway: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"kleinmaelzung-gateway: cannot listen on {config.host}:{config.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _allow_files(sockets: int) -> None:
    """Each socket needs two files, one towards the broker; many systems begin with 1024 in all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * sockets + SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        logger.warning("%d sockets need %d open files, the system allows %d (ulimit -n)", sockets, wanted, allowed)


if __name__ == "__main__":
    sys.exit(main())
