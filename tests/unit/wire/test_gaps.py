"""A gap as a record, and back."""

from typing import Any

import pytest

from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.gaps import Gap

NUMBERS = Gap(reason=gaps.SPOOL_FULL, epoch=7, first=3, last=9)
LASTING = Gap(reason=gaps.PORT_LOST, since=1_800_000_000_000_000, detail="/dev/ttyUSB0 is not there")
DIED = Gap(reason=gaps.AGENT_DIED, epoch=7, since=1_800_000_000_000_000, until=1_800_000_000_500_000)


@pytest.mark.parametrize("gap", [NUMBERS, LASTING, DIED])
def test_a_gap_comes_back_from_its_record(gap: Gap) -> None:
    assert Gap.from_record(gap.to_record()) == gap


def test_what_is_unknown_is_left_out() -> None:
    assert NUMBERS.to_record() == {"kind": "gap", "reason": "spool full", "epoch": 7, "first": 3, "last": 9}


@pytest.mark.parametrize(
    ("record", "gap"),
    [
        ({}, Gap(reason="")),
        ({"reason": "a\x00b", "first": True, "last": -1, "epoch": 2**53}, Gap(reason="a\ufffdb")),
        ({"reason": "x", "from": 17, "to": "later", "detail": 5}, Gap(reason="x")),
    ],
)
def test_what_a_record_tells_wrongly_is_unknown(record: dict[str, Any], gap: Gap) -> None:
    assert Gap.from_record(record) == gap


def test_a_long_detail_is_cut() -> None:
    assert len(Gap(reason="x", detail="y" * 10_000).to_record()["detail"]) == 500
