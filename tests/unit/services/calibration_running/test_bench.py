"""What the service of calibrations keeps of an instrument's frames."""

import pytest

from kleinmaelzung_services.calibration.running import bench
from kleinmaelzung_services.calibration.running.bench import Stream, Wanted
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Clock, Frame

START_US = 1_800_000_000_000_000


def frame(number: int, value: float = 1.0) -> bytes:
    made = Frame(
        epoch=7,
        number=number,
        times=(START_US + number * 100_000,),
        channels={"weight": [value], "other": [2.0]},
        clock=Clock(synchronised=True),
        units={"weight": "g"},
    )
    return frames.encode(made)


def stream(keep_s: float = 10.0) -> Stream:
    return Stream(Wanted(channels=frozenset({"weight"}), keep_s=keep_s))


def test_a_frame_is_kept_as_it_came_and_its_channel_as_a_track() -> None:
    found = stream()
    for number in (1, 2, 3):
        found.add(frame(number, number), START_US + number * 100_000)
    assert found.payloads == {(7, number): frame(number, number) for number in (1, 2, 3)}
    assert [one.value for one in found.track("weight").samples()] == [1, 2, 3]
    assert list(found.track("other").samples()) == [], "nobody wants it"


def test_a_frame_that_comes_again_is_there_once() -> None:
    found = stream()
    found.add(frame(1), START_US)
    found.add(frame(1), START_US + 1)
    assert len(list(found.track("weight").samples())) == len(found.payloads) == 1


def test_what_is_older_than_anybody_wants_is_forgotten() -> None:
    found = stream(keep_s=1.0)
    for number in range(1, 101):
        found.add(frame(number), START_US + number * 100_000)
    kept = [number for _, number in found.payloads]
    assert kept == list(range(90, 101))
    assert [one.number for one in found.track("weight").frames] == kept


def test_there_is_a_bound_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MAX_BYTES", 10 * len(frame(199)))
    found = stream(keep_s=3600)
    for number in range(100, 200):
        found.add(frame(number), START_US + number * 100_000)
    assert [number for _, number in found.payloads] == list(range(190, 200))
