"""What is said of a run's room while it is measured."""

import pytest

from kleinmaelzung_services.calibration.running import room
from kleinmaelzung_services.calibration.running.bench import Bench, Stream, Wanted
from kleinmaelzung_services.calibration.running.watching import read_by
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_wire import frames
from kleinmaelzung_wire.frames import Clock, Frame
from tests.unit.services.calibration_runs.guided import START_US, Guided

ROOM = "pi-1/room"
NOW_US = START_US + 60_000_000


def bench(
    run: Run, temperature: float, *, unit: str = "°C", quality: str | None = None, before_s: float = 0.0
) -> Bench:
    """A room with this temperature, told some seconds ago."""
    found = Bench()
    found.streams[ROOM] = Stream(Wanted(channels=read_by(run)[ROOM], keep_s=60))
    at_us = NOW_US - int(before_s * 1e6)
    made = Frame(
        epoch=7,
        number=1,
        times=(at_us,),
        channels={"temperature": [temperature], "humidity": [50.0], "pressure": [1000.0]},
        clock=Clock(synchronised=True),
        units={"temperature": unit, "humidity": "%RH", "pressure": "hPa"},
        quality={"temperature": [quality]},
    )
    found.streams[ROOM].add(frames.encode(made), at_us)
    return found


@pytest.fixture
def run() -> Run:
    return Guided().run


def test_a_good_room_stands_in_nobodys_way(run: Run) -> None:
    found = bench(run, 21.5)
    assert list(room.mistakes(run, found, NOW_US)) == []
    shown = {one.role: (one.value, one.unit, one.status) for one in room.signals(run, found, NOW_US)}
    assert shown["temperature"] == (21.5, "degC", "stable")
    assert shown["humidity"] == (50.0, "%RH", "stable")


def test_a_value_is_told_in_the_templates_unit(run: Run) -> None:
    [shown] = [one for one in room.signals(run, bench(run, 293.15, unit="K"), NOW_US) if one.role == "temperature"]
    assert shown.value == pytest.approx(20.0)
    assert shown.unit == "degC"


@pytest.mark.parametrize(
    ("temperature", "changed", "said"),
    [
        (30.0, {}, "30 degC, the template permits 27 at most: wait for a better room"),
        (15.0, {}, "15 degC, the template permits 18 at least"),
        (21.0, {"before_s": 11}, "pi-1/room/temperature is lost, its newest sample came 11 s ago"),
        (21.0, {"quality": "error"}, 'pi-1/room/temperature says "error"'),
        (21.0, {"unit": "V"}, 'pi-1/room/temperature measures in "V", which cannot be converted to "degC"'),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    run: Run, temperature: float, changed: dict[str, object], said: str
) -> None:
    found = bench(run, temperature, **changed)  # type: ignore[arg-type]
    mistakes = [one for one in room.mistakes(run, found, NOW_US) if "temperature" in one]
    assert len(mistakes) == 1
    assert mistakes[0].startswith(f"the temperature of the room: {said}")
    [shown] = [one for one in room.signals(run, found, NOW_US) if one.role == "temperature"]
    assert (shown.status, shown.reason in mistakes[0]) == ("refused", True)


def test_a_sensor_that_never_said_anything_is_missing(run: Run) -> None:
    mistakes = list(room.mistakes(run, Bench(), NOW_US))
    assert len(mistakes) == len(run.created.what.sensors)
    assert all("nothing has come of" in one for one in mistakes)
