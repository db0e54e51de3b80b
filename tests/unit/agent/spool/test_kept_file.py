"""What is kept after it was logged: bounded by age and bytes, and no more than a copy."""

import sqlite3
from pathlib import Path

from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_agent.spool import kept_file
from kleinmaelzung_agent.spool.kept_file import KeptFile

DAY_S = 86_400.0
T = 1_790_000_000_000_000


def frame(number: int, *, epoch: int = 7, age_s: float = 0.0, size: int = 10, name: str = "balance") -> NumberedFrame:
    time_us = T - int(age_s * 1e6)
    return NumberedFrame(instrument=name, epoch=epoch, number=number, payload=b"x" * size, time_us=time_us)


def opened(path: Path, *, limit: int = 10_000_000) -> KeptFile:
    return KeptFile(path / kept_file.FILE_NAME, keep_s=7 * DAY_S, limit_bytes=limit)


def test_what_is_kept_is_found_by_its_numbers(tmp_path: Path) -> None:
    file = opened(tmp_path)
    assert file.add([frame(1), frame(2), frame(5), frame(1, epoch=8), frame(3, name="kiln")]) == 5
    assert file.add([frame(2), frame(3)]) == 1
    assert file.numbers == {("balance", 7): [(1, 3), (5, 5)], ("balance", 8): [(1, 1)], ("kiln", 7): [(3, 3)]}
    assert file.read(("balance", 7), 2, 9, 2) == [frame(2), frame(3)]
    before = file.numbers, file.bytes
    file.close()
    file = opened(tmp_path)
    assert (file.numbers, file.bytes) == before
    file.close()


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.add([frame(number, age_s=8 * DAY_S) for number in range(1, 11)])
    file.add([frame(number, age_s=6 * DAY_S) for number in range(11, 21)])
    assert file.numbers == {("balance", 7): [(1, 20)]}
    file.add([frame(21)])
    assert file.numbers == {("balance", 7): [(11, 21)]}
    file.close()


def test_what_is_too_much_goes_the_oldest_first(tmp_path: Path) -> None:
    file = opened(tmp_path, limit=20 * 1100)
    for number in range(1, 101):
        file.add([frame(number, size=1000)])
        assert file.bytes <= 20 * 1100
    assert file.numbers == {("balance", 7): [(81, 100)]}
    file.close()


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.add([frame(number) for number in range(1, 500)])
    file.close()
    path = tmp_path / kept_file.FILE_NAME
    path.write_bytes(b"not what it was" * 1000)
    file = opened(tmp_path)
    assert file.numbers == {}
    file.add([frame(1)])
    file.close()


def test_a_frame_that_is_not_as_it_was_written_is_not_given(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.add([frame(1), frame(2)])
    file.close()
    connection = sqlite3.connect(tmp_path / kept_file.FILE_NAME)
    connection.execute("UPDATE frames SET payload = 'xxxxxxxxxy' WHERE number = 1")
    connection.commit()
    connection.close()
    file = opened(tmp_path)
    assert file.read(("balance", 7), 1, 2, 10) == [frame(2)]
    file.close()


def test_it_is_removed_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    file = opened(tmp_path)
    file.add([frame(1)])
    kept_file.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []
    file.close()
    kept_file.remove(tmp_path / "missing")
