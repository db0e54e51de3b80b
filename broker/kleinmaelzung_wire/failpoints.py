"""Places at which a test lets a process die as by kill -9, for the moments that a kill from outside hits too rarely.

KLEINMAELZUNG_FAILPOINT=logger.after_commit dies there, logger.after_commit:3 when it comes there for the third time.

    agent.numbered          a frame has its number and is neither kept nor sent
    agent.sent              a frame has been handed to the socket
    agent.before_spool      memory is about to be written to the spool
    agent.after_spool       it is written
    gateway.received        an agent's message came and has not gone to the broker
    gateway.published       it has gone to the broker
    logger.before_commit    all rows of a batch are written, its transaction is open
    logger.after_commit     it is committed, and no agent knows
    logger.after_logged     the agents were told
"""

import os
import signal
from typing import Final

VARIABLE: Final = "KLEINMAELZUNG_FAILPOINT"

_reached: dict[str, int] = {}


def reach(name: str) -> None:
    """Die here if the environment says so."""
    wanted, _, count = os.environ.get(VARIABLE, "").partition(":")
    if wanted != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
