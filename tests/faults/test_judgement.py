"""The judgement: whatever is wrong with a database must show, and what is at risk must be told apart."""

import dataclasses
from collections import Counter

import pytest

from tests.faults import judgement, truth, verdict
from tests.faults.breaking import Happened
from tests.faults.judgement import AT_RISK_MS, Row
from tests.faults.ledger import Claims
from tests.faults.parts import Ending, How
from tests.faults.schedule import Fault
from tests.faults.truth import Truth

NAME = "pi-1/stream-1"
STEP_NS = 10_000_000  # 100 Hz
NO_CLAIMS = Claims(repeated_frames=0, unexplained_holes=0)


def sent(count: int, closed: int | None = None) -> Truth:
    """So many values, 10 ms apart, on one connection that was closed with the last or is still open."""
    lines = [truth.opened(NAME, 1, 0)]
    lines += [truth.sent(NAME, number, 1, number * STEP_NS) for number in range(1, count + 1)]
    lines += [truth.closed(NAME, 1, closed)] if closed is not None else []
    return truth.read(lines)[NAME]


def rows(*values: int) -> list[Row]:
    return [Row(value, 1, number, 1_000_000 + number) for number, value in enumerate(values, 1)]


def ended(how: How, at_ns: int) -> list[Ending]:
    return [Ending("pi-2", 0, "killed"), Ending("pi-1", at_ns, how)]


def test_all_that_was_sent_is_there() -> None:
    finding = judgement.judge(NAME, sent(5), rows(1, 2, 3, 4, 5), [])
    assert finding.is_good
    assert (finding.taken, finding.logged) == (5, 5)


def test_a_missing_value_is_noticed() -> None:
    finding = judgement.judge(NAME, sent(5), rows(1, 2, 4, 5), [])
    assert (finding.missing, finding.logged, finding.is_good) == (1, 4, False)
    assert "3: missing" in finding.examples[0]


def test_the_last_value_missing_is_noticed() -> None:
    assert judgement.judge(NAME, sent(5), rows(1, 2, 3, 4), []).missing == 1


def test_a_doubled_value_is_noticed() -> None:
    finding = judgement.judge(NAME, sent(3), rows(1, 2, 2, 2, 3), [])
    assert (finding.duplicated, finding.missing, finding.is_good) == (2, 0, False)


def test_a_value_doubled_in_another_stream_is_noticed() -> None:
    again = [Row(2, stream=9, number=1, time_us=1)]
    assert judgement.judge(NAME, sent(3), rows(1, 2, 3) + again, []).duplicated == 1


def test_an_invented_value_is_noticed() -> None:
    finding = judgement.judge(NAME, sent(3), rows(1, 2, 3, 4), [])
    assert (finding.invented, finding.is_good) == (1, False)


def test_a_time_that_runs_backwards_is_noticed_within_a_stream_only() -> None:
    first, second = Row(1, 1, 1, 2_000_000), Row(2, 1, 2, 1_000_000)
    assert judgement.judge(NAME, sent(2), [first, second], []).disordered == 1
    assert judgement.judge(NAME, sent(2), [first, second._replace(stream=2)], []).disordered == 0


def test_values_that_change_places_are_noticed() -> None:
    assert judgement.judge(NAME, sent(3), rows(1, 3, 2), []).disordered == 1


def test_what_was_in_memory_at_a_kill_has_a_figure_of_its_own() -> None:
    killed_ns = 100 * STEP_NS
    finding = judgement.judge(NAME, sent(100, killed_ns + 1), rows(*range(1, 71)), ended("killed", killed_ns))
    assert (finding.lost_in_window, finding.missing, finding.longest_window_ms) == (30, 0, 290.0)
    assert verdict.untold_losses([finding], NO_CLAIMS) == 1
    assert verdict.untold_losses([finding], dataclasses.replace(NO_CLAIMS, deaths=Counter({NAME: 1}))) == 0


def test_what_is_lost_at_a_kill_beyond_the_window_is_missing() -> None:
    killed_ns = 100 * STEP_NS
    lost = AT_RISK_MS // 10 + 5
    finding = judgement.judge(NAME, sent(100, killed_ns + 1), rows(*range(1, 101 - lost)), ended("killed", killed_ns))
    assert (finding.missing, finding.lost_in_window) == (4, lost - 4)
    assert "before its agent was killed" in finding.examples[0]


def test_an_agent_that_stops_in_order_may_leave_unread_what_came_last() -> None:
    stopped_ns = 90 * STEP_NS
    closed_ns = 100 * STEP_NS + 1
    finding = judgement.judge(NAME, sent(100, closed_ns), rows(*range(1, 99)), ended("stopped", stopped_ns))
    assert (finding.unread_at_stop, finding.lost_in_window, finding.missing) == (2, 0, 0)
    finding = judgement.judge(NAME, sent(100, closed_ns), rows(*range(1, 60)), ended("stopped", stopped_ns))
    assert finding.missing > 0


@pytest.mark.parametrize("at_ns", [-1, 101 * STEP_NS])
def test_the_end_of_an_agent_excuses_nothing_on_other_connections(at_ns: int) -> None:
    finding = judgement.judge(NAME, sent(100, 100 * STEP_NS), rows(*range(1, 100)), ended("killed", at_ns))
    assert (finding.missing, finding.lost_in_window) == (1, 0)


def test_a_line_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no line"):
        truth.read(["sent pi-1/stream-1 1\n"])


def give(claims: Claims = NO_CLAIMS, recovered_ns: int | None = 5, values: int = 3) -> verdict.Verdict:
    fault = Fault(kind="kill logger", target="logger", at_s=0, lasts_s=1)
    return verdict.give(
        [judgement.judge(NAME, sent(3), rows(*range(1, values + 1)), [])],
        claims,
        [Happened(fault=fault, begun_ns=1, ended_ns=2, recovered_ns=recovered_ns)],
        seed=1,
        started_ns=0,
        ended_ns=10**9,
        trust_broker=False,
        problems=[],
        may_miss_kinds=True,
    )


def test_a_verdict_is_ok_only_where_nothing_is_wrong() -> None:
    assert give().ok
    assert not give(values=2).ok
    assert not give(recovered_ns=None).ok
    for wrong in ({"repeated_frames": 1}, {"unexplained_holes": 1}, {"quarantined": Counter({"time": 1})}):
        found = give(dataclasses.replace(NO_CLAIMS, **wrong))
        assert not found.ok
        assert "NOT OK" in verdict.to_text(found)


def test_a_fault_names_what_else_went_on_before_it_was_recovered_from() -> None:
    def happened(name: str, begun_ns: int, ended_ns: int, recovered_ns: int) -> Happened:
        fault = Fault(kind=name, target=name, at_s=0, lasts_s=1)
        return Happened(fault=fault, begun_ns=begun_ns, ended_ns=ended_ns, recovered_ns=recovered_ns)

    one, during, after = happened("one", 0, 10, 50), happened("during", 5, 30, 50), happened("after", 60, 70, 80)
    assert verdict.report(one, [one, during, after], 0).meanwhile == ["during"]
    assert verdict.report(during, [one, during, after], 0).meanwhile == []
