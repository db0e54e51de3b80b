"""What is active is read back as it was written, and nothing is made of a damaged file."""

from pathlib import Path

import pytest

from kleinmaelzung_agent.alarms import alarms_file
from kleinmaelzung_agent.alarms.alarms_file import Kept
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.alarms import Acknowledged, Alarm
from kleinmaelzung_wire.codec import WireError


def alarm(number: int) -> Alarm:
    by = Acknowledged(user="anna", time=7, note="on my way") if number % 2 else None
    return Alarm(
        id=f"a{number}", channel="t", kind="high", level="alarm", since=5, value=81.0, limit=80.0, acknowledged=by
    )


FRAME = NumberedFrame(instrument="oven", epoch=3, number=9, payload=b"\x00\xff", time_us=12, is_record=True)
KEPT = Kept(active={"oven": [alarm(n) for n in range(120)], "kiln": [alarm(1)]}, frames=(FRAME,))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert alarms_file.read(tmp_path) == Kept(), "there is no file yet"
    alarms_file.write(tmp_path, KEPT)
    assert alarms_file.read(tmp_path) == KEPT
    alarms_file.write(tmp_path, Kept())
    assert alarms_file.read(tmp_path) == Kept()


def test_a_file_that_is_not_whole_is_refused() -> None:
    content = alarms_file.encode(KEPT)
    lines = content.splitlines(keepends=True)
    for damaged in (b"", b"".join(lines[:-1]), b"".join(lines[1:]), content.replace(b"0", b"1", 1), b"\xff" + content):
        with pytest.raises(WireError):
            alarms_file.decode(damaged)
