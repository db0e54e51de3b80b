"""Places at which a test lets a process die as by kill -9, for the moments that a kill from outside hits too rarely.

KLEINMAELZUNG_FAILPOINT=logger.after_commit dies there, logger.after_commit:3 when it comes there for the third time.

    agent.numbered          a frame has its number and is neither kept nor sent
    agent.sent              a message has been handed to the socket
    agent.before_spool      memory is about to be written to the spool
    agent.after_spool       it is written
    agent.command_begun     a command's id is on disk and nothing has gone to the instrument
    agent.command_executed  the instrument has answered and nobody knows
    agent.command_ended     what became of it is on disk, its record and its answer are not on their way
    agent.alarm_kept        what happened to an alarm is on disk, its record is not on its way
    agent.order_kept        the content of an order is on disk, whole, and nothing has been done with it
    agent.order_trial       how to go back from a new configuration is on disk, it itself is not
    agent.order_written     the new configuration is in its place
    agent.order_noted       it is noted that it was, and the agent goes on with the old one
    agent.order_applied     the agent goes on with the new one
    agent.order_on_trial    a look at a configuration that is on trial
    agent.order_passed      it is noted as done, and what is on disk of it is still there
    agent.order_back        it is noted that a configuration is given up, and the one before is not in its place
    agent.order_handed      the content of a program is where its updater looks, and nothing tells it so
    logger.before_commit    all rows of a batch are written, its transaction is open
    logger.after_commit     it is committed, and no agent knows
    logger.after_logged     the agents were told
    calibration.judged      a window is to be captured, or given up, and nothing of it is written
    calibration.captured    it is written, and nobody knows
    calibration.commanded   an instrument has answered a command of a run, and its log does not say so
    calibration.calculated  the record of a run is kept, and the run does not say so
    calibration.issued      a certificate is issued, and who asked for it does not know

The gateway has none: it keeps nothing, so no moment is worse for it than another.
"""

import functools
import os
import signal
from typing import Final

VARIABLE: Final = "KLEINMAELZUNG_FAILPOINT"

_left: dict[str, int] = {}  # how often a place is still to be passed


@functools.cache  # asked for each frame
def _wanted() -> str:
    name, _, count = os.environ.get(VARIABLE, "").partition(":")
    _left[name] = int(count or 1)
    return name


def reach(name: str) -> None:
    """Die here if the environment says so."""
    if _wanted() != name:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
