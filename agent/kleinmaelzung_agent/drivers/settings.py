"""What every instrument's configuration has, whatever its driver: tables in, frozen dataclasses out.

A driver's own configuration is a subclass with its own keys beside these. Mistakes are collected by the tables.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar, get_args

from kleinmaelzung_agent.alarms import limits
from kleinmaelzung_agent.commands import guard_config, guards
from kleinmaelzung_agent.commands.interlocks import Interlock
from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.configuration.tables import REQUIRED, Table, hint
from kleinmaelzung_agent.drivers import command_text
from kleinmaelzung_agent.drivers.channel import Channel
from kleinmaelzung_agent.drivers.health import Words
from kleinmaelzung_wire import frames, topics
from kleinmaelzung_wire.descriptions import Argument, ArgumentType
from kleinmaelzung_wire.frames import Value

WHEN_FULL: Final = ("drop-oldest", "stop")
SILENT_AFTER_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 5.0
TIMEOUT_S: Final = 1.0  # of a question, unless its driver says otherwise
FRAME_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    """What stands before a command, and how long it may take."""

    label: str = ""
    arguments: tuple[Argument, ...] = ()
    timeout_s: float = COMMAND_TIMEOUT_S
    interlocks: tuple[Interlock, ...] = ()
    max_age_s: float | None = None  # of the values that interlocks look at; None: 3 times silent_after
    is_dangerous: bool = False
    is_safe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentConfig:
    """One instrument. `place` is where it is, for people: a port or an address."""

    driver: str
    place: str
    label: str = ""
    silent_after_s: float = SILENT_AFTER_S
    frame_every_s: float = FRAME_EVERY_S
    when_full: str = "drop-oldest"
    channels: Mapping[str, Channel] = field(default_factory=dict)
    commands: Mapping[str, CommandConfig] = field(default_factory=dict)
    safe_command: str = ""
    safe_after_s: float = guards.SAFE_AFTER_S
    allow_raw: bool = False
    identity: Mapping[str, str] | None = None  # what it must say of itself; None: it is not asked
    profile: str = ""
    silence_s: float | None = None  # without a good value for so long it is an alarm

    @property
    def words(self) -> Words:
        """How the state speaks of what comes."""
        return Words()

    @property
    def port_key(self) -> str:
        """The same for all names of one port; empty for what has none."""
        return ""

    @property
    def bus_place(self) -> str:
        """What instruments with places of their own are lost with together; empty for what has none.

        The state's sentences begin with it where all of it is lost, and with something else where one instrument is.
        """
        return ""

    @property
    def shared_as(self) -> object:
        """What those must have in common who share a port, whatever they call it; None: it shares with nobody."""
        return None


AnyCommand = TypeVar("AnyCommand", bound=CommandConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How often something is asked, and how long its answer may take."""

    every_s: float
    timeout_s: float


def read_common(table: Table, commands: Mapping[str, CommandConfig], periods: Iterable[Period]) -> dict[str, Any]:
    """The fields of InstrumentConfig that are read alike, but `place` and `channels`."""
    return {
        "driver": table.text("driver", "text"),  # the registry has looked at it
        "label": table.text("label", ""),
        "silent_after_s": _silent_after(table, list(periods)),
        "frame_every_s": table.duration("frame_every", FRAME_EVERY_S, minimum=0.01),
        "when_full": table.choice("when_full", WHEN_FULL, "drop-oldest"),
        "commands": commands,
        "safe_command": guard_config.read_safe_command(table, commands),
        "safe_after_s": table.duration("safe_after", guards.SAFE_AFTER_S, minimum=1.0),
        "allow_raw": table.boolean("allow_raw", default=False),
        "profile": table.text("profile", ""),
        "silence_s": limits.read_silence(table),
    }


def _silent_after(table: Table, periods: list[Period]) -> float:
    # An instrument that is asked once a minute is not silent after five seconds.
    slowest = min((one.every_s + one.timeout_s for one in periods), default=0.0)
    silent_after = table.duration("silent_after", max(SILENT_AFTER_S, 2 * slowest), minimum=0.1)
    period = min((one.every_s for one in periods), default=0.0)
    if silent_after <= period:
        expected = f"more than {durations.show(period)}, the shortest poll.every"
        table.mistake("silent_after", f"expected {expected}, found {durations.show(silent_after)}")
    return silent_after


def read_period(table: Table, *, every_s: Any = REQUIRED, timeout_s: float = TIMEOUT_S) -> Period:
    """The keys `every` and `timeout`; what is given here is what they are unless the table says otherwise."""
    return Period(every_s=table.duration("every", every_s), timeout_s=read_timeout(table, timeout_s))


def read_timeout(table: Table, usual_s: float = TIMEOUT_S) -> float:
    return table.duration("timeout", usual_s, minimum=0.001)


def read_scales(table: Table, arguments: Iterable[Argument]) -> dict[str, float]:
    """A command's `scale`, for arguments that are sent as whole numbers, value / scale."""
    numbers = [one.name for one in arguments if one.type in ("number", "integer")]
    found = {name: table.number(name) for name in table.values}
    for name, scale in found.items():
        if name not in numbers:
            table.mistake(name, f"expected an argument that is a number{hint(name, numbers)}")
        if scale == 0:
            table.mistake(name, "expected another number than 0")
    return {name: scale for name, scale in found.items() if scale and name in numbers}


def read_commands(table: Table, make: Callable[[Table, dict[str, Any]], AnyCommand]) -> dict[str, AnyCommand]:
    """The tables `[commands.NAME]`; `make` gets each with what is common, and reads what is its driver's own."""
    commands = {}
    for name, below in table.named_tables("commands").items():
        _check_name(below, name, "a command")
        commands[name] = _command(below, make)
    return commands


def _command(table: Table, make: Callable[[Table, dict[str, Any]], AnyCommand]) -> AnyCommand:
    arguments = []
    for name, below in table.named_tables("arguments").items():
        _check_name(below, name, "an argument")
        arguments.append(_argument(name, below))
    common: dict[str, Any] = {
        "label": table.text("label", ""),
        "arguments": tuple(arguments),
        "timeout_s": read_timeout(table, COMMAND_TIMEOUT_S),
        "interlocks": guard_config.read_interlocks(table),
        "max_age_s": table.duration("max_age", minimum=0.01) if "max_age" in table else None,
        "is_dangerous": table.boolean("dangerous", default=False),
        "is_safe": table.boolean("safe", default=False),
    }
    if common["max_age_s"] is not None and not common["interlocks"]:
        table.mistake("max_age", "expected an interlock beside it")
    command = make(table, common)
    table.finish()
    return command


def _check_name(table: Table, name: str, what: str) -> None:
    if not topics.NAME.match(name) or name.isdigit():
        sentence = f"{what}'s name is 1 to 32 of a-z 0-9 _ -, starting with a letter or digit"
        table.mistakes.append(f"{table.place}: {sentence}")


def _argument(name: str, table: Table) -> Argument:
    kind = table.choice("type", get_args(ArgumentType))
    is_number = kind in ("number", "integer")
    argument = Argument(
        name=name,
        type=kind,
        unit=table.text("unit", "", longest=frames.MAX_UNIT),
        minimum=table.number("minimum") if is_number and "minimum" in table else None,
        maximum=table.number("maximum") if is_number and "maximum" in table else None,
        choices=table.text_list("choices") if kind == "choice" else [],
    )
    if kind == "choice" and not argument.choices:
        table.mistake("choices", "missing, expected a list of texts")
    if argument.minimum is not None and argument.maximum is not None and argument.minimum > argument.maximum:
        table.mistake("minimum", f"expected at most maximum, {argument.maximum:g}, found {argument.minimum:g}")
    argument = replace(argument, default=_default(table, argument))
    table.finish()
    return argument


def _default(table: Table, argument: Argument) -> Value:
    if "default" not in table:
        return None
    value: Any = table.anything("default")
    try:
        return command_text.check(argument, value)
    except command_text.ArgumentError as error:
        table.mistake("default", str(error))
        return None
