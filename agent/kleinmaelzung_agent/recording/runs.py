"""What came before this run of the agent: the previous run and a damaged spool in, gaps to be recorded out. Pure."""

from typing import Final

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.spool.spool import WINDOW_S, Damage, PreviousRun
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap

_DIED: Final = (
    f"the agent did not end in order; up to {durations.show(WINDOW_S)} of samples before its end may be missing"
)


def gaps_before(instrument: str, previous: PreviousRun | None, damage: Damage | None, started_us: int) -> list[Gap]:
    """Why an instrument has no samples just before this start. One that the run before did not have has no gap."""
    found = []
    if damage is not None and not damage.are_numbers_known:  # otherwise the spool itself names what is lost
        since_us = None if damage.since_us is None else min(damage.since_us, started_us)
        found.append(Gap(reason=gaps.SPOOL_CORRUPT, since=since_us, until=started_us, detail=damage.detail))
    if previous is not None and instrument in previous.instruments:
        found.append(_since_end(previous, started_us))
    return found


def gap_of_commands(name: str, previous: PreviousRun | None, started_us: int) -> Gap | None:
    """Why records of commands to the agent itself may be missing: only where the run before had some, and died."""
    if previous is None or previous.is_clean or name not in previous.instruments:
        return None
    return _since_end(previous, started_us)


def _since_end(previous: PreviousRun, started_us: int) -> Gap:
    since_us = min(previous.last_known_us, started_us)  # later only where a wrong year was put right
    if previous.is_clean:
        return Gap(reason=gaps.AGENT_OFF, since=since_us, until=started_us)
    return Gap(reason=gaps.AGENT_DIED, epoch=previous.epoch, since=since_us, until=started_us, detail=_DIED)
