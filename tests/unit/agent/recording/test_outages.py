"""What an instrument's conditions and samples mean as gaps: two records for each, whatever happens between."""

import random

from kleinmaelzung_agent.recording.outages import FULL, GRACE_S, SEARCH_S, Outages
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import Condition

NOW = 1_800_000_000_000_000  # µs; the agent's start
S = 1_000_000_000  # ns
SEARCH = int(SEARCH_S * S)


def sampling() -> Outages:
    """An instrument that has given one sample, a second after the start."""
    outages = Outages(NOW)
    assert outages.said("searching", "opening /dev/x", 0) == []
    assert outages.said("connected", "", S) == []
    assert outages.taken(NOW + 1_000_000, NOW + 1_000_000) == []
    return outages


def test_a_lost_port_is_told_at_once_and_again_with_its_end() -> None:
    outages = sampling()
    lost = Gap(reason=gaps.PORT_LOST, since=NOW + 1_000_000, detail="/dev/x is not there")
    assert outages.said("searching", "/dev/x is not there", 2 * S) == [lost]
    assert outages.said("connected", "", 8 * S) == []
    ended = Gap(reason=gaps.PORT_LOST, since=lost.since, until=NOW + 8_000_000, detail=lost.detail)
    assert outages.taken(NOW + 8_000_000, NOW + 8_500_000) == [ended]
    assert outages.taken(NOW + 9_000_000, NOW + 9_000_000) == []


def test_silence_and_rubbish_are_reasons_of_their_own() -> None:
    (silent,) = sampling().said("silent", "no valid line for 5s", 6 * S)
    assert (silent.reason, silent.detail) == (gaps.SILENT, "no valid line for 5s")
    (error,) = sampling().said("error", "check baudrate", 6 * S)
    assert (error.reason, error.since, error.until) == (gaps.UNREADABLE, NOW + 1_000_000, None)


def test_a_gap_lasts_from_the_newest_sample() -> None:
    outages = sampling()
    outages.taken(NOW + 2_000_000, NOW + 3_000_000)
    (gap,) = outages.said("silent", "", 9 * S)
    assert gap.since == NOW + 3_000_000
    (gap,) = outages.taken(NOW + 9_000_000, NOW + 9_500_000)
    assert gap.until == NOW + 9_000_000
    (gap,) = outages.said("silent", "", 20 * S)
    assert gap.since == NOW + 9_500_000


def test_an_instrument_that_is_off_for_a_week_makes_two_records() -> None:
    dice, outages = random.Random(7), sampling()
    told = outages.said("silent", "no valid line for 5s", 6 * S)
    others: tuple[Condition, ...] = ("searching", "silent", "error", "connected")
    for second in range(6, 7 * 86400, 60):
        told += outages.said(dice.choice(others), f"attempt {second}", second * S)
        told += outages.waited(second * S)
    told += outages.taken(NOW + 7 * 86_400_000_000, NOW + 7 * 86_400_000_000)
    assert [(gap.reason, gap.since, gap.detail) for gap in told] == [
        (gaps.SILENT, NOW + 1_000_000, "no valid line for 5s")
    ] * 2
    assert [gap.until for gap in told] == [None, NOW + 7 * 86_400_000_000]


def test_a_start_that_finds_its_instrument_soon_is_no_gap() -> None:
    outages = Outages(NOW)
    assert outages.said("searching", "opening /dev/x", 0) == []
    assert outages.due_ns == SEARCH
    assert outages.said("searching", "/dev/x is open, nothing has come yet", S) == []
    assert outages.due_ns == SEARCH
    assert outages.waited(SEARCH - 1) == []
    assert outages.said("connected", "", SEARCH - 1) == []
    assert outages.due_ns is None
    assert outages.waited(SEARCH) == []


def test_a_search_at_the_start_that_lasts_is_a_gap_since_the_start_with_the_newest_reason() -> None:
    outages = Outages(NOW)
    outages.said("searching", "opening /dev/x", 0)
    outages.said("searching", "/dev/x is not there", S)
    assert outages.waited(SEARCH) == [Gap(reason=gaps.PORT_LOST, since=NOW, detail="/dev/x is not there")]
    assert outages.due_ns is None
    assert outages.waited(2 * SEARCH) == []
    assert outages.said("searching", "/dev/x is not there", 2 * SEARCH) == []


def test_the_first_sample_ends_the_search_whatever_was_said() -> None:
    outages = Outages(NOW)
    outages.said("searching", "opening /dev/x", 0)
    assert outages.taken(NOW + 5, NOW + 5) == []
    assert outages.due_ns is None


def test_silence_from_the_start_is_a_gap_at_once_since_the_start() -> None:
    outages = Outages(NOW)
    outages.said("searching", "opening /dev/x", 0)
    assert outages.said("silent", "no valid line for 3s", 3 * S) == [
        Gap(reason=gaps.SILENT, since=NOW, detail="no valid line for 3s")
    ]
    assert outages.waited(SEARCH) == []


def test_an_instrument_that_is_silent_from_the_start_is_not_called_lost() -> None:
    # The driver says "silent" when silent_after is over: the search must not be given up before.
    outages = Outages(NOW, silent_after_s=30)
    outages.said("searching", "/dev/x is open, nothing has come yet", 0)
    assert outages.due_ns == int((30 + GRACE_S) * S)
    (gap,) = outages.said("silent", "no valid line for 30s", 30 * S)
    assert gap.reason == gaps.SILENT


def test_readings_that_a_full_spool_does_not_take_are_one_gap_with_their_count() -> None:
    outages = sampling()
    (full,) = outages.refused(NOW + 2_000_000, 3)
    assert full == Gap(reason=gaps.SPOOL_FULL, since=NOW + 1_000_000, detail=FULL)
    assert outages.refused(NOW + 3_000_000, 4) == []
    assert outages.said("silent", "", 9 * S) == []
    (ended,) = outages.taken(NOW + 9_000_000, NOW + 9_000_000)
    assert (ended.reason, ended.since, ended.until) == (gaps.SPOOL_FULL, full.since, NOW + 9_000_000)
    assert ended.detail == f"{FULL}; readings not taken: 7"
    outages.refused(NOW + 10_000_000, 1)
    (ended,) = outages.taken(NOW + 11_000_000, NOW + 11_000_000)
    assert ended.detail == f"{FULL}; readings not taken: 1"


def test_what_comes_back_while_the_spool_is_full_changes_the_reason_once() -> None:
    outages = sampling()
    outages.said("searching", "/dev/x is not there", 2 * S)
    lost, full = outages.refused(NOW + 5_000_000, 1)
    assert (lost.reason, lost.since, lost.until) == (gaps.PORT_LOST, NOW + 1_000_000, NOW + 5_000_000)
    assert (full.reason, full.since, full.until) == (gaps.SPOOL_FULL, NOW + 5_000_000, None)
    assert outages.said("searching", "/dev/x is not there", 6 * S) == []
    assert outages.refused(NOW + 9_000_000, 1) == []


def test_no_gap_ends_before_it_begins() -> None:
    outages = sampling()
    outages.said("silent", "", 6 * S)
    (ended,) = outages.taken(NOW, NOW)
    assert ended.until == ended.since == NOW + 1_000_000
    (gap,) = outages.said("silent", "", 9 * S)
    assert gap.since == NOW + 1_000_000


def test_a_changed_configuration_is_a_gap_from_the_stop_to_the_next_sample() -> None:
    outages = sampling()
    (paused,) = outages.renewed(NOW + 5_000_000, silent_after_s=60.0)
    assert paused == Gap(reason=gaps.RECONFIGURED, since=NOW + 5_000_000)
    assert outages.said("searching", "opening /dev/y", 6 * S) == []
    assert outages.said("connected", "", 7 * S) == []
    (ended,) = outages.taken(NOW + 8_000_000, NOW + 8_000_000)
    assert (ended.reason, ended.since, ended.until) == (gaps.RECONFIGURED, paused.since, NOW + 8_000_000)


def test_one_that_had_no_sample_yet_or_has_a_gap_already_gets_none_by_a_change() -> None:
    assert Outages(NOW).renewed(NOW + 1, silent_after_s=1.0) == []  # it may be one that is only commanded
    outages = sampling()
    (lost,) = outages.said("searching", "gone", 2 * S)
    assert outages.renewed(NOW + 3_000_000, silent_after_s=1.0) == []
    assert outages.taken(NOW + 4_000_000, NOW + 4_000_000)[0].reason == lost.reason


def test_a_gap_that_lasts_ends_when_its_instrument_is_removed() -> None:
    outages = sampling()
    outages.said("silent", "nothing", 2 * S)
    (ended,) = outages.ended(NOW + 9_000_000)
    assert (ended.reason, ended.until) == (gaps.SILENT, NOW + 9_000_000)
    assert outages.ended(NOW + 10_000_000) == []
