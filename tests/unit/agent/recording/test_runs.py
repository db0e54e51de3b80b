"""What came before a start, as gaps."""

import pytest

from kleinmaelzung_agent.recording.runs import gaps_before
from kleinmaelzung_agent.spool.spool import Damage, PreviousRun
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap

NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000


def run(*, is_clean: bool, last_known_us: int = NOW - HOUR) -> PreviousRun:
    return PreviousRun(
        epoch=77,
        since_us=NOW - 5 * HOUR,
        last_known_us=last_known_us,
        is_clean=is_clean,
        instruments=frozenset(["balance"]),
    )


def test_a_first_start_has_no_gap_before_it() -> None:
    assert gaps_before("balance", None, None, NOW) == []


def test_after_an_orderly_end_the_agent_was_off() -> None:
    assert gaps_before("balance", run(is_clean=True), None, NOW) == [
        Gap(reason=gaps.AGENT_OFF, since=NOW - HOUR, until=NOW)
    ]


def test_after_another_end_the_agent_died_and_its_epoch_is_named() -> None:
    (gap,) = gaps_before("balance", run(is_clean=False), None, NOW)
    assert (gap.reason, gap.epoch, gap.since, gap.until) == (gaps.AGENT_DIED, 77, NOW - HOUR, NOW)
    assert gap.detail == "the agent did not end in order; up to 250ms of samples before its end may be missing"


@pytest.mark.parametrize("since_us", [None, NOW - 2 * HOUR])
def test_a_damaged_spool_is_a_gap_since_what_is_known(since_us: int | None) -> None:
    damage = Damage(detail="moved aside to spool.corrupt-1.sqlite", since_us=since_us)
    (gap,) = gaps_before("balance", None, damage, NOW)
    assert gap == Gap(reason=gaps.SPOOL_CORRUPT, since=since_us, until=NOW, detail=damage.detail)


def test_a_damage_and_an_end_are_both_told() -> None:
    damage = Damage(detail="", since_us=NOW - 2 * HOUR)
    found = gaps_before("balance", run(is_clean=False), damage, NOW)
    assert [gap.reason for gap in found] == [gaps.SPOOL_CORRUPT, gaps.AGENT_DIED]


def test_after_a_wrong_year_was_put_right_no_gap_ends_before_it_begins() -> None:
    year = 400 * 24 * HOUR
    (gap,) = gaps_before("balance", run(is_clean=True, last_known_us=NOW + year), None, NOW)
    assert (gap.since, gap.until) == (NOW, NOW)
    (gap,) = gaps_before("balance", None, Damage(detail="", since_us=NOW + year), NOW)
    assert (gap.since, gap.until) == (NOW, NOW)


def test_an_instrument_that_the_run_before_did_not_have_has_no_gap() -> None:
    assert gaps_before("thermometer", run(is_clean=False), None, NOW) == []


def test_a_damage_of_which_each_lost_frame_is_named_is_no_gap_in_time() -> None:
    damage = Damage(detail="", since_us=NOW - HOUR, are_numbers_known=True)
    assert gaps_before("balance", None, damage, NOW) == []
