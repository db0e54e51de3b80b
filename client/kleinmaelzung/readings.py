"""What a watching program gets: frames and the samples in them; and what is known of an instrument now."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from kleinmaelzung_wire import calibrations, codec, frames, topics
from kleinmaelzung_wire.calibrations import Calibration, Corrected
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.descriptions import Description
from kleinmaelzung_wire.frames import Clock, Value
from kleinmaelzung_wire.messages import AgentStatus, Control, State

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one channel at one time (integer µs since 1970 UTC). `unit` is empty where there is none."""

    time: int
    channel: str
    value: Value
    unit: str
    quality: str

    def corrected(self, calibration: Calibration) -> Corrected | str:
        """The value as a certificate corrects it, with U and k; or why it does not, in a few words."""
        measurand = calibration.measurand_of(self.channel)
        if measurand is None:
            return "it was not calibrated"
        if self.time < calibration.issued:
            return "it was taken before the certificate was issued"
        return calibrations.corrected(measurand, self.value, self.unit, self.quality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Samples of one instrument that were sent together.

    `times[i]` (integer µs since 1970 UTC, the agent's clock) belongs to `channels[name][i]` and, where it is not
    good, to `quality[name][i]`. `units[name]` is the channel's unit if it has one. `epoch` and `number` name the frame:
    within an epoch numbers count up without a hole. `records` says what happened instead of samples.
    """

    instrument: str
    epoch: int
    number: int
    times: tuple[int, ...]
    channels: dict[str, list[Value]]
    units: dict[str, str]
    quality: dict[str, list[str | None]]
    clock: Clock
    records: list[dict[str, Any]] = field(default_factory=list)

    def samples(self) -> Iterator[Sample]:
        """Every value, in the order of time; channels of the same time in the frame's order."""
        for index in range(len(self.times)):
            yield from self.at(index).values()

    def at(self, index: int) -> dict[str, Sample]:
        """The samples taken at `times[index]`, by channel."""
        return {channel: self._sample(channel, index) for channel in self.channels}

    def _sample(self, channel: str, index: int) -> Sample:
        qualities = self.quality.get(channel)
        return Sample(
            time=self.times[index],
            channel=channel,
            value=self.channels[channel][index],
            unit=self.units.get(channel, ""),
            quality=(qualities[index] if qualities else None) or "good",
        )

    @classmethod
    def decode(cls, instrument: str, payload: bytes) -> Self:
        """From the bytes on the wire; raises kleinmaelzung_wire.codec.WireError."""
        wire = frames.decode(payload)
        return cls(
            instrument=instrument,
            epoch=wire.epoch,
            number=wire.number,
            times=wire.times,
            channels=wire.channels,
            units=wire.units,
            quality=wire.quality,
            clock=wire.clock,
            records=wire.records,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is known of an instrument now; None where nothing is known. `latest` may be old: look at `is_live`.

    `control` says who alone may command it, and until when; None: nobody holds it. `calibration` is what holds of it by
    its certificate; None: nothing.
    """

    name: str
    description: Description | None
    state: State | None
    latest: dict[str, Sample]
    agent: AgentStatus | None
    control: Control | None = None
    calibration: Calibration | None = None

    @property
    def is_online(self) -> bool:
        """Whether its agent is connected."""
        return self.agent is not None and self.agent.online

    @property
    def is_live(self) -> bool:
        """Whether it can be read at this moment. The last state of an agent that went away is no news."""
        return self.is_online and self.state is not None and self.state.state == "connected"

    @property
    def condition(self) -> str:
        """connected, searching, silent, error, or offline when its agent is not there."""
        if not self.is_online:
            return "offline"
        return self.state.state if self.state else "unknown"


def instruments(retained: dict[str, bytes]) -> list[Instrument]:
    """What retained messages, by topic below the root, say of each instrument. Unreadable ones count as not known."""
    # Who holds it, and its certificate, may be left of an instrument that was taken away.
    kinds = {"description", "state", "latest"}
    names = {topic.rpartition("/")[0] for topic in retained if topic.rpartition("/")[2] in kinds}
    return [_instrument(name, retained) for name in sorted(names)]


def _instrument(name: str, retained: dict[str, bytes]) -> Instrument:
    agent, _ = topics.split_full_name(name)
    control = _known(f"{name}/control", Control.decode, retained)
    return Instrument(
        name=name,
        description=_known(f"{name}/description", Description.decode, retained),
        state=_known(f"{name}/state", State.decode, retained),
        latest=_known(f"{name}/latest", _latest, retained) or {},
        agent=_known(f"{agent}/status", AgentStatus.decode, retained),
        control=control if control and control.user else None,
        calibration=_known(f"{name}/calibration", _calibration, retained),
    )


def _known(topic: str, decode: Callable[[bytes], T], retained: dict[str, bytes]) -> T | None:
    payload = retained.get(topic)
    if payload is None:
        return None
    try:
        return decode(payload)
    except WireError as error:
        # One agent of another version must not hide all the other instruments.
        logger.warning("what is retained on %s is not readable: %s", topic, error)
        return None


def _calibration(payload: bytes) -> Calibration | None:
    return Calibration.decode(payload) if payload else None


def _latest(payload: bytes) -> dict[str, Sample]:
    channels = codec.from_json(payload)
    if not isinstance(channels, dict):
        raise WireError("latest is no map of channels")
    return {channel: _latest_sample(channel, entry) for channel, entry in channels.items()}


def _latest_sample(channel: str, entry: Any) -> Sample:
    wire = Fields(entry, f"latest.{channel}")
    return Sample(
        time=wire.integer("time"),
        channel=channel,
        value=wire.get("value"),
        unit=wire.text("unit", default=""),
        quality=wire.text("quality", default="good"),
    )
