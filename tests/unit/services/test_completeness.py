"""Completeness without a database: the question, the percentage, and an answer that goes into one message."""

from typing import Any

import pytest

from kleinmaelzung_services.logger import completeness
from kleinmaelzung_services.logger.completeness import Found, Wanted
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Answer, Request

NOW_US = 1_790_000_000_000_000


def wanted(**arguments: Any) -> Wanted:
    return Wanted.parse(Request.from_map({"instrument": "+/+", **arguments, "request": "completeness"}))


def test_what_is_asked_for() -> None:
    assert wanted() == Wanted()
    assert wanted(instrument="pi-1/+", after="pi-1/balance") == Wanted(agent="pi-1", after=("pi-1", "balance"))
    asked = wanted(instrument="+/balance", **{"from": NOW_US, "to": None})
    assert (asked.name, asked.until, asked.is_anything) == ("balance", None, False)
    assert asked.since is not None
    assert asked.since.isoformat() == "2026-09-21T14:13:20+00:00"


@pytest.mark.parametrize(
    "arguments",
    [
        {"instrument": None},
        {"instrument": "pi-1"},
        {"instrument": "a/b/c"},
        {"instrument": "#/+"},
        {"from": 1.0},
        {"to": 0},
        {"after": "+/+"},
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        wanted(**arguments)


@pytest.mark.parametrize(
    ("received", "expected", "percent"),
    [(0, 0, None), (0, 5, 0.0), (5, 5, 100.0), (9_999_999, 10_000_000, 99.99), (2, 3, 66.66), (4800, 4812, 99.75)],
)
def test_a_percentage_is_never_rounded_up(received: int, expected: int, percent: float | None) -> None:
    assert completeness.percent(received, expected) == percent


def test_whatever_is_found_goes_into_one_message_and_what_does_not_is_counted() -> None:
    ids = range(1, completeness.PAGE + 2)
    counts = dict.fromkeys(("received", "missing", "quarantined", "conflicts"), 2**53)
    sums = {**counts, "expected": 2**53, "explained": 2**53}
    run = {"epoch": 2**53, "first": 2**53, "last": 2**53, "since": NOW_US, "until": NOW_US, "runs": 1000, **counts}
    run |= {f"all_{key}": value for key, value in sums.items()}
    detail = {"reason": "r" * 100, "detail": "\N{OHM SIGN}" * 500}
    hole = {"epoch": 2**53, "run_since": NOW_US, "first": 1, "last": 2**53, "kind": "quarantined", "ranges": 500}
    gap = {"since": NOW_US, "until": NOW_US, "gaps": 300, **detail}

    def of_each(row: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**row, "instrument": id_} for _ in range(20) for id_ in ids[: completeness.PAGE]]

    named = [{"id": id_, "agent": "a" * 32, "name": f"i{id_}".ljust(32, "x")} for id_ in ids]
    answer = completeness.page(
        Found(instruments=named, runs=of_each(run), ranges=of_each({**hole, **detail}), gaps=of_each(gap))
    )
    Answer(ok=True, content=answer).encode()
    assert (len(answer["instruments"]), answer["more"]) == (completeness.PAGE, True)
    for one in answer["instruments"]:
        assert len(one["runs"]) + one["more_runs"] == 1000
        assert len(one["ranges"]) + one["more_ranges"] == 500
        assert len(one["gaps"]) + one["more_gaps"] == 300
