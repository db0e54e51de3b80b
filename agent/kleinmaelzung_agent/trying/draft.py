"""What a person has said of an instrument so far, and the profile that this makes, as TOML. Pure.

Draft --instrument()--> the instrument's own keys        Draft --profile()--> the file: head, these keys, [[transcript]]
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_wire.frames import Value

HEAD: Final = """\
# Made with `kleinmaelzung-agent try`. [[transcript]] is what the instrument said then, and what it means: the profile's
# test. docs/drivers.md says what each key means.
"""
MOMENT: Final = "moment"  # the simulator's variable that says which answer is due
REFUSING: Final = "refusing"  # ... and whether it refuses
NumberType = Literal["number", "integer"]
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One value in the answers. `unit` is what it always is, `unit_group` the group that says it."""

    channel: str
    unit: str = ""
    unit_group: str = ""
    quality_group: str = ""
    quality: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Lines that are asked for by `send`, or come by themselves (None)."""

    send: str | None
    pattern: str
    every: str = "1s"
    timeout: str = "1s"
    lines: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentDraft:
    """A number of a command that is given each time."""

    name: str
    type: NumberType = "number"
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDraft:
    """`pattern` is empty where nothing is answered; `send` has the arguments in braces."""

    name: str
    send: str
    pattern: str = ""
    label: str = ""
    arguments: tuple[ArgumentDraft, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalDraft:
    """How the instrument refuses: a line it said, the pattern of that, and what it means."""

    line: str
    pattern: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDraft:
    """Which instrument it is: the question, the pattern of its answer, and the serial number, where it says one."""

    send: str
    pattern: str
    serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was sent and what came, as bytes and as lines, and what it means once the profile has read it."""

    send: str | None
    comes: bytes
    lines: tuple[str, ...] = ()
    command: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Value] = field(default_factory=dict)
    result: str = ""
    reason: str = ""
    is_identity: bool = False  # it says which instrument it is
    identity: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_reading(self) -> bool:
        return not self.command and not self.is_identity


@dataclass(slots=True, kw_only=True)
class Draft:
    name: str
    label: str = ""
    settings: PortSettings
    terminator: str = "\r\n"
    decimal: str = "."
    marks: dict[str, Any] = field(default_factory=dict)  # received_terminator and so on
    channels: list[Marked] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    commands: list[CommandDraft] = field(default_factory=list)
    refusals: list[RefusalDraft] = field(default_factory=list)
    identity: IdentityDraft | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    answer_end: str = ""  # what ends a line that comes

    @property
    def encoding(self) -> str:
        return str(self.marks.get("encoding", "ascii"))


# --- tables -----------------------------------------------------------------------------------------------------------


def instrument(draft: Draft) -> dict[str, Any]:
    """The instrument's table, as agent.toml has it, but for its port."""
    settings = draft.settings
    table: dict[str, Any] = {"driver": "text", "label": draft.label} if draft.label else {"driver": "text"}
    usual = PortSettings(port="")
    keys = ("baudrate", "bytesize", "parity", "stopbits", "flow")
    table |= {key: _plain(getattr(settings, key)) for key in keys if getattr(settings, key) != getattr(usual, key)}
    table.setdefault("baudrate", settings.baudrate)
    table["terminator"] = draft.terminator
    table |= draft.marks
    if draft.decimal != ".":
        table["decimal"] = draft.decimal
    if draft.identity:
        table["identity"] = {"send": draft.identity.send, "pattern": draft.identity.pattern}
    table["channels"] = {one.channel: _channel(one) for one in draft.channels}
    if polls := [_poll(one) for one in draft.sources if one.send is not None]:
        table["poll"] = polls
    if streams := [{"pattern": one.pattern} for one in draft.sources if one.send is None]:
        table["stream"] = streams
    if draft.commands:
        table["commands"] = {one.name: _command(one, draft.refusals) for one in draft.commands}
    return table


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _channel(one: Marked) -> dict[str, Any]:
    keys = {"unit": one.unit, "unit_group": one.unit_group, "quality_group": one.quality_group, "quality": one.quality}
    return {key: value for key, value in keys.items() if value}


def _poll(one: Source) -> dict[str, Any]:
    several = {"lines": one.lines} if one.lines > 1 else {}
    reply = [{"pattern": one.pattern}]
    return {"send": one.send, "every": one.every, "timeout": one.timeout, **several, "reply": reply}


def _command(one: CommandDraft, refusals: Sequence[RefusalDraft]) -> dict[str, Any]:
    table: dict[str, Any] = {"label": one.label} if one.label else {}
    table["send"] = one.send
    if one.pattern:
        table["reply"] = [{"pattern": one.pattern}]
        if refuse := [_refusal(refusal) for refusal in refusals if not re.fullmatch(one.pattern, refusal.line)]:
            table["refuse"] = refuse
    if one.arguments:
        table["arguments"] = {argument.name: _argument(argument) for argument in one.arguments}
    return table


def _refusal(one: RefusalDraft) -> dict[str, str]:
    return {"pattern": one.pattern, "reason": one.reason}


def _argument(one: ArgumentDraft) -> dict[str, Any]:
    keys = {"unit": one.unit or None, "minimum": one.minimum, "maximum": one.maximum}
    return {"type": one.type, **{key: _plain(value) for key, value in keys.items() if value is not None}}


# --- text -------------------------------------------------------------------------------------------------------------


def profile(draft: Draft) -> str:
    """The whole file."""
    label = draft.label or draft.name
    head = {"label": label, "source": "kleinmaelzung-agent try", "tested": f"device {label}"}
    table = {key: value for key, value in instrument(draft).items() if key != "label"}  # each instrument has its own
    parts = [HEAD, *(_key(key, value) for key, value in table.items() if not _is_below(value))]
    parts += [*_table("profile", head), *_below("", table)]
    parts += [*_simulator(draft), *_entries("transcript", _transcript(draft.exchanges))]
    return "".join(parts)


def _simulator(draft: Draft) -> list[str]:
    """What a simulator needs beside the transcript: it says one answer after the other."""
    count = sum(one.is_reading for one in draft.exchanges)
    variables: dict[str, Any] = {MOMENT: {"steps": list(range(count)), "every": "2s"}} if count > 1 else {}
    if any(one.result == "failed" for one in draft.exchanges):
        variables[REFUSING] = 0
    end = {"terminator": draft.answer_end} if draft.answer_end not in ("", "\r\n") else {}
    if not variables and not end:
        return []
    return ["\n[simulator]\n", *map(_pair, end.items()), *([_pair(("variables", variables))] if variables else [])]


def _transcript(exchanges: Sequence[Exchange]) -> Iterator[dict[str, Any]]:
    read = [one for one in exchanges if one.is_reading]
    for one in exchanges:
        keys: dict[str, Any] = {"command": one.command, "arguments": one.arguments, "send": one.send}
        if one.result == "failed":
            keys |= {"when": f"{REFUSING} == 1", "given": {REFUSING: 1}}
        if one.is_reading and len(read) > 1:
            moment = read.index(one)
            keys |= {"when": f"{MOMENT} == {moment}", "given": {MOMENT: moment}}
        keys["every"] = "1s" if one.send is None else ""
        keys["reply"] = _reply(one.lines)
        keys["values"] = {name: "none" if value is None else value for name, value in one.values.items()}
        keys |= {"units": one.units, "quality": one.quality, "identity": one.identity}
        keys |= {"result": one.result, "reason": one.reason} if one.command else {}
        yield {key: value for key, value in keys.items() if value not in (None, {}, "", [])}


def _reply(lines: Sequence[str]) -> Any:
    """Braces would be formulas."""
    plain = [line.replace("{", "{{").replace("}", "}}") for line in lines]
    return plain[0] if len(plain) == 1 else plain


def _is_below(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _table(name: str, table: Mapping[str, Any]) -> list[str]:
    own = [_key(key, value) for key, value in table.items() if not _is_below(value)]
    return [f"\n[{name}]\n", *own, *_below(name, table)]


def _below(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    prefix = f"{name}." if name else ""
    for key, value in table.items():
        if isinstance(value, dict) and not all(isinstance(content, dict) for content in value.values()):
            yield from (f"\n[{prefix}{key}]\n", *map(_pair, value.items()))
        elif isinstance(value, dict):
            for inner, content in value.items():
                yield from (f"\n[{prefix}{key}.{_quoted(inner)}]\n", *map(_pair, content.items()))
        elif _is_below(value):
            yield from _entries(f"{prefix}{key}", value)


def _entries(name: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        yield from (f"\n[[{name}]]\n", *(_key(key, value) for key, value in entry.items() if value is not None))


def _pair(pair: tuple[str, Any]) -> str:
    return _key(*pair)


def _key(key: str, value: Any) -> str:
    return f"{_quoted(key)} = {written(value)}\n"


def _quoted(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def written(value: Any) -> str:
    """As TOML has it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case dict():
            return "{ " + ", ".join(f"{_quoted(key)} = {written(below)}" for key, below in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
    return str(value)


def _text(text: str) -> str:
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
