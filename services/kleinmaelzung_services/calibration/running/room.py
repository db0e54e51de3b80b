"""The room of a run now: the newest samples of its sensors in; what is wrong with it, and what to show, out. Pure.

What the record has of the room comes from the log (runs/environment.py): this is to stop in time.
"""

from collections.abc import Iterator
from typing import Final

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.running.bench import Bench
from kleinmaelzung_services.calibration.runs.environment import LOST_S
from kleinmaelzung_services.calibration.runs.events import RoomSensor
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.runs.samples import GOOD, Sample, Track
from kleinmaelzung_services.calibration.templates.template import Ambient
from kleinmaelzung_services.calibration.units import Unit, UnitError
from kleinmaelzung_wire.messages import MAX_SENTENCE
from kleinmaelzung_wire.runs import LiveSignal

_PERIODS: Final = 3  # as runs/environment.py has it


def mistakes(run: Run, bench: Bench, now_us: int) -> Iterator[str]:
    """A sentence for each condition that is not measured, or not as the template permits."""
    for ambient, sensor in _sensors(run):
        if why := _wrong(ambient, sensor, _track(sensor, bench), now_us):
            yield f"the {ambient.name} of the room: {why}"


def signals(run: Run, bench: Bench, now_us: int) -> Iterator[LiveSignal]:
    """As they are shown."""
    for ambient, sensor in _sensors(run):
        track = _track(sensor, bench)
        newest, why = track.newest, _wrong(ambient, sensor, track, now_us)
        value = _value(ambient, sensor, newest) if newest else None
        yield LiveSignal(
            role=sensor.name,
            instrument=sensor.instrument,
            channel=sensor.channel,
            value=value,
            unit=ambient.unit.symbol,
            time=newest.time_us if newest else 0,
            status="refused" if why else "stable",
            reason=why[:MAX_SENTENCE],
        )


def _sensors(run: Run) -> Iterator[tuple[Ambient, RoomSensor]]:
    chosen = {str(one.name): one for one in run.created.what.sensors}
    yield from ((one, chosen[one.name]) for one in run.template.environment if one.name in chosen)


def _track(sensor: RoomSensor, bench: Bench) -> Track:
    stream = bench.streams.get(sensor.instrument)
    return stream.track(sensor.channel) if stream else Track()


def _wrong(ambient: Ambient, sensor: RoomSensor, track: Track, now_us: int) -> str:
    newest, name = track.newest, f"{sensor.instrument}/{sensor.channel}"
    if newest is None:
        return f"nothing has come of {name} yet: check the sensor and its agent"
    if (age_s := (now_us - newest.received_us) / 1e6) > _longest_s(track):
        return f"{name} is lost, its newest sample came {age_s:.0f} s ago: check the sensor and its agent"
    if newest.value is None or newest.quality != GOOD:
        return f'{name} says "{newest.quality}": look at the sensor'
    value, symbol = _value(ambient, sensor, newest), ambient.unit.symbol
    if value is None:
        return f'{name} measures in "{newest.unit}", which cannot be converted to "{symbol}": set it back'
    if ambient.low is not None and value < ambient.low:
        return f"{value:.4g} {symbol}, the template permits {ambient.low:g} at least: wait for a better room"
    if ambient.high is not None and value > ambient.high:
        return f"{value:.4g} {symbol}, the template permits {ambient.high:g} at most: wait for a better room"
    return ""


def _longest_s(track: Track) -> float:
    """How long a sensor may be silent: one that tells seldom is not lost before it is due."""
    times = [one.received_us for one in track.frames if one.samples]
    period_s = (times[-1] - times[0]) / 1e6 / (len(times) - 1) if len(times) > 1 else 0.0
    return max(LOST_S, _PERIODS * period_s)


def _value(ambient: Ambient, sensor: RoomSensor, sample: Sample) -> float | None:
    try:
        unit: Unit = units.find(sample.unit or sensor.unit)
    except UnitError:
        return None
    if sample.value is None or not units.are_alike(unit, ambient.unit):
        return None
    return units.convert(sample.value, unit, ambient.unit)
