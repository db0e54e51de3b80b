# ruff: noqa: E501 - a refusal is one line, however long
"""The room over a run: what a sensor logged becomes a range of the record, or a sentence why it does not."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.records import record_check
from kleinmaelzung_services.calibration.records.record import AmbientRange, UnitText
from kleinmaelzung_services.calibration.runs import environment, recording
from kleinmaelzung_services.calibration.runs.environment import Logged
from kleinmaelzung_services.calibration.runs.events import RoomSensor
from kleinmaelzung_services.calibration.templates.template import Ambient
from tests.unit.services.calibration_records import simulated
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs.streamed import START_US

HOUR = 3600.0
AMBIENT = Ambient(
    name="temperature", sensor="required", unit=units.find("degC"), low=18.0, high=27.0, max_change_per_h=1.0
)
SENSOR = RoomSensor(name="temperature", instrument="pi-1/room", channel="air", unit=UnitText("degC"))
NAME = "the temperature of the room (pi-1/room/air): "


def logged(values: Iterable[float | None], every_s: float = 60.0, **other: Any) -> list[Logged]:
    return [
        Logged(time_us=START_US + round(place * every_s * 1e6), value=value, **{"unit": "degC", **other})
        for place, value in enumerate(values)
    ]


def room(
    samples: list[Logged], ambient: Ambient = AMBIENT, since_s: float = 0.0, until_s: float = 0.0
) -> AmbientRange | str:
    """Over the time that they cover, or another."""
    last_us = max((one.time_us for one in samples), default=START_US)
    until_us = START_US + round(until_s * 1e6) if until_s else last_us
    return environment.room(ambient, SENSOR, environment.shown(samples, START_US + round(since_s * 1e6), until_us))


def test_a_range_has_start_end_extremes_and_the_sensor() -> None:
    assert room(logged([21.0, 21.5, 20.75, 21.25])) == AmbientRange(
        name="temperature",
        unit=UnitText("degC"),
        start=21.0,
        end=21.25,
        low=20.75,
        high=21.5,
        mean=21.125,
        sensor="pi-1/room/air",
    )


def test_a_mean_is_weighted_with_time_however_often_the_sensor_speaks() -> None:
    samples = [*logged([20.0] * 11, 1.0), *logged([0, 0, 22.0, 22.0, 22.0], 10.0)[2:]]
    found = room(samples, replace(AMBIENT, max_change_per_h=None))
    assert isinstance(found, AmbientRange)
    assert found.mean == pytest.approx((20 * 10 + 21 * 10 + 22 * 20) / 40)


@pytest.mark.parametrize(("value", "count"), [(21.1, 7), (20.7, 4), (22.3, 4), (19.9, 7)])
def test_the_mean_of_what_is_constant_is_that_whatever_floats_make_of_it(value: float, count: int) -> None:
    found = room(logged([value] * count, 0.700001))
    assert isinstance(found, AmbientRange)
    assert (found.low, found.mean, found.high) == (value, value, value)


def test_other_units_are_told_in_that_of_the_template() -> None:
    found = room(logged([294.15, 295.15], unit="K"))
    assert isinstance(found, AmbientRange)
    assert found.unit == "degC"
    assert (found.low, found.high) == pytest.approx((21.0, 22.0))
    assert isinstance(room(logged([21.0, 21.0], unit="")), AmbientRange)


def test_what_came_before_and_after_does_not_count() -> None:
    found = room(logged([99.0, 21.0, 21.0, 99.0]), since_s=30, until_s=170)
    assert isinstance(found, AmbientRange)
    assert (found.start, found.high) == (21.0, 21.0)


CLOCK = "2026-03-10 09:"
REFUSED: list[tuple[list[Logged], dict[str, Any], str]] = [
    ([], {}, "nothing is in the log of the whole run: check the sensor and the logger, and measure again"),
    (logged([None, 21.0], quality="error"), {}, "nothing is in the log of the whole run: check the sensor and the logger, and measure again"),
    (logged([21.0] * 60, 1.0), {"until_s": 90}, f"its sensor was lost from {CLOCK}00:59 to {CLOCK}01:30 UTC, for 31 s, and 10 s are permitted: check the sensor and its agent, and measure again"),
    ([*logged([21.0] * 60, 1.0)[:20], *logged([21.0] * 60, 1.0)[40:]], {}, f"its sensor was lost from {CLOCK}00:19 to {CLOCK}00:40 UTC, for 21 s, and 10 s are permitted: check the sensor and its agent, and measure again"),
    (logged([*[21.0] * 20, *[None] * 20, 21.0], 1.0), {}, f"its sensor was lost from {CLOCK}00:19 to {CLOCK}00:40 UTC, for 21 s, and 10 s are permitted: check the sensor and its agent, and measure again"),
    (logged([21.0] * 5, 660.0), {}, f"its sensor was lost from {CLOCK}00:00 to {CLOCK}11:00 UTC, for 660 s, and 600 s are permitted: check the sensor and its agent, and measure again"),
    ([*logged([21.0]), *logged([21.0, 294.15], unit="K")[1:]], {}, "its unit changed in the run, degC and K: measure again with one unit throughout"),
    (logged([21.0, 21.0], unit="hPa"), {}, 'its unit "hPa" cannot be converted to "degC": choose another sensor'),
    (logged([21.0, 21.0], unit="grad"), {}, '"grad" is no unit that is known here: set the sensor to degC'),
    (logged([18.5, 17.75, 18.5]), {}, "it fell to 17.75 degC, the template permits 18: measure again in a better room"),
    (logged([26.5, 27.25, 26.5]), {}, "it rose to 27.25 degC, the template permits 27: measure again in a better room"),
    (logged([21.0, 21.5, 22.5]), {}, "it changed by 1.5 degC in an hour, the template permits 1: measure again in a steadier room"),
]  # fmt: skip


@pytest.mark.parametrize(("samples", "how", "said"), REFUSED, ids=lambda each: None)
def test_a_room_that_cannot_be_told_says_why(samples: list[Logged], how: dict[str, Any], said: str) -> None:
    assert room(samples, **how) == NAME + said


def test_a_slow_sensor_is_not_lost_between_its_samples() -> None:
    assert isinstance(room(logged([21.0] * 5, 300.0)), AmbientRange)


def test_each_hour_is_looked_at_and_the_whole_run_too() -> None:
    hours = [21.0 + 0.9 * place / 60 for place in range(181)]  # 2.7 degC in three hours
    assert isinstance(room(logged(hours)), AmbientRange)
    jump = [21.0] * 90 + [22.5] * 91  # half a degree for each hour, but all at once
    assert (
        room(logged(jump))
        == f"{NAME}it changed by 1.5 degC in an hour, the template permits 1: measure again in a steadier room"
    )
    steps = [21.0] * 6 + [22.0] * 66 + [23.0] * 66 + [24.0] * 12  # one in any hour, three in two and a half
    assert (
        room(logged(steps))
        == f"{NAME}it changed by 1.21 degC in an hour, the template permits 1: measure again in a steadier room"
    )


@settings(max_examples=100, deadline=None)
@given(
    some.lists(some.floats(17.5, 27.5), min_size=2, max_size=200),
    some.sampled_from([5.0, 60.0, 300.0]),
    some.sampled_from([None, 0.5, 2.0, 20.0]),
    some.sampled_from(["degC", "K"]),
)
def test_a_room_that_is_accepted_passes_the_check_of_the_record(
    values: list[float], every_s: float, change: float | None, unit: str
) -> None:
    template = TEMPLATES["balance"]
    ambient = replace(AMBIENT, max_change_per_h=change)
    own = units.find(unit)
    samples = logged([units.convert(value, ambient.unit, own) for value in values], every_s, unit=unit)
    found = room(samples, ambient)
    if isinstance(found, str):
        return
    made = simulated.record(template)
    series = replace(made.as_found, finished=recording.moment(samples[-1].time_us))
    asked = replace(template, environment=(ambient,))
    record = replace(made, environment=(found,), as_found=series)
    assert [one for one in record_check.check(asked, record) if one.path.startswith("environment")] == []
    assert math.isfinite(found.mean)
