"""What an instrument is, as it tells everybody: its channels, and its commands with what stands before them.

`<agent>/<instrument>/description`, a msgpack map with `v: 1`; an unknown key is ignored.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.frames import Value

ArgumentType = Literal["number", "integer", "text", "boolean", "choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a command. `minimum` and `maximum` are in `unit` and hold for numbers."""

    name: str
    type: ArgumentType
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] = field(default_factory=list)
    default: Value = None  # None: it must be given

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "argument")
        return cls(
            name=topics.check_name(wire.text("name"), "argument"),
            type=codec.one_of(wire.text("type"), ArgumentType, "argument.type"),
            unit=wire.text("unit", default=""),
            minimum=_limit(wire.get("minimum"), "argument.minimum"),
            maximum=_limit(wire.get("maximum"), "argument.maximum"),
            choices=_texts(wire.list("choices", default=[]), "argument.choices"),
            default=_value(wire.get("default"), "argument.default"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDescription:
    """A command an instrument knows: its arguments, how long it may take, and what stands before it.

    `dangerous`: it must be armed; `safe`: it is sent when who holds the instrument is gone; `interlocks`: conditions
    such as `temperature < 80`, all of which must hold.
    """

    name: str
    arguments: list[Argument] = field(default_factory=list)
    timeout_s: float = 5.0
    label: str = ""
    dangerous: bool = False
    safe: bool = False
    interlocks: list[str] = field(default_factory=list)

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "command")
        timeout_s = wire.get("timeout_s")
        if type(timeout_s) not in (int, float) or not 0 < timeout_s < math.inf:
            raise WireError("command.timeout_s is not a number of seconds")
        return cls(
            name=topics.check_name(wire.text("name"), "command"),
            arguments=[Argument.from_map(argument) for argument in wire.list("arguments", default=[])],
            timeout_s=timeout_s,
            label=wire.text("label", default=""),
            dangerous=wire.boolean("dangerous", default=False),
            safe=wire.boolean("safe", default=False),
            interlocks=_texts(wire.list("interlocks", default=[]), "command.interlocks"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What an instrument measures. `unit` is empty where there is none or where each reading brings its own."""

    name: str
    unit: str = ""
    label: str = ""

    @classmethod
    def from_map(cls, value: Any) -> Self:
        wire = Fields(value, "channel")
        return cls(
            name=topics.check_name(wire.text("name"), "channel"),
            unit=wire.text("unit", default=""),
            label=wire.text("label", default=""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What an instrument is: `<agent>/<instrument>/description`.

    `identity` is what it last said of itself, such as its model and serial number.
    """

    channels: list[Channel]
    commands: list[CommandDescription] = field(default_factory=list)
    driver: str
    label: str = ""
    profile: str = ""
    port: str = ""
    identity: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        # Where there is nothing to say it is a text: clients of version 0.1 know nothing else.
        return codec.pack_versioned(asdict(self) | {"identity": self.identity or ""})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields.versioned(payload, "description")
        return cls(
            channels=[Channel.from_map(channel) for channel in wire.list("channels")],
            commands=[CommandDescription.from_map(command) for command in wire.list("commands", default=[])],
            driver=wire.text("driver"),
            label=wire.text("label", default=""),
            profile=wire.text("profile", default=""),
            port=wire.text("port", default=""),
            identity=_identity(wire),
        )


def _identity(wire: Fields) -> dict[str, str]:
    if type(wire.get("identity")) in (str, type(None)):
        return {}
    identity = wire.map("identity")
    if not all(type(value) is str for value in identity.values()):
        raise WireError("identity holds something else than text")
    return identity


def _limit(value: Any, what: str) -> float | None:
    if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
        raise WireError(f"{what} is {value!r:.40}, expected a number or nil")
    limit: float | None = value
    return limit


def _texts(values: list[Any], what: str) -> list[str]:
    if not all(type(value) is str for value in values):
        raise WireError(f"{what} holds something else than text")
    return values


def _value(value: Any, what: str) -> Value:
    if value is not None and type(value) not in (int, float, str, bool):
        raise WireError(f"{what} is {value!r:.40}, expected number, text, bool or nil")
    default: Value = value
    return default
