"""A simulated instrument that speaks in binary records. It answers by its transcript, which is written in hexadecimal.

    bytes --Requests--> what is sent, without its wrapping --Script--> a reply's bytes: plain ones as they are,
                                                              those with formulas with their checksum and escapes

`send` and `match` are as a poll or a command has them: "46", and "53 {flow:H}", whose numbers become variables. A reply
is a whole record: "02 46 {flow * 10:H} 00 03" has any byte where its checksum will be.
"""

import math
import string
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import formula as formulas
from kleinmaelzung_agent.drivers.binary import sending
from kleinmaelzung_agent.drivers.binary.config import BinaryConfig
from kleinmaelzung_agent.drivers.binary.records import Field, Record, RecordSum, escaped, read, size
from kleinmaelzung_agent.drivers.binary.sending import Slot, Wrapping
from kleinmaelzung_agent.drivers.formula import Formula
from kleinmaelzung_agent.simulating import script
from kleinmaelzung_agent.simulating.instrument import Say, Voice
from kleinmaelzung_agent.simulating.script import Entry, Match, Reply, Script
from kleinmaelzung_agent.simulating.variables import Variables

SILENCE_S: Final = 0.2  # after it, what comes begins a request
_LETTERS: Final = "bBhHiIqQfd?"
_WIDE: Final = {"u24": 3, "i24": 3}  # what struct has not


# --- the transcript ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent to it, without its wrapping."""

    template: sending.Template

    @property
    def length(self) -> int:
        return sum(len(part) if isinstance(part, bytes) else struct.calcsize(part.format) for part in self.template)

    def taken(self, request: str) -> dict[str, float] | None:
        """The numbers that the request gives; None: it is another one."""
        content, found = request.encode("latin-1"), dict[str, float]()
        if len(content) != self.length:
            return None
        at = 0
        for part in self.template:
            if isinstance(part, Slot):
                found[part.name] = float(struct.unpack_from(part.format, content, at)[0])
                at += struct.calcsize(part.format)
            elif content.startswith(part, at):
                at += len(part)
            else:
                return None
        return found if all(map(math.isfinite, found.values())) else None


@dataclass(frozen=True, slots=True)
class Said:
    """A record with formulas between its bytes."""

    parts: tuple[tuple[bytes, Formula | None, str], ...]
    records: tuple[Record, ...]

    def fill(self, numbers: Mapping[str, float]) -> str:
        content = b"".join(
            plain + (packed(formulas.value(formula, numbers) or 0.0, form) if formula else b"")
            for plain, formula, form in self.parts
        )
        if any(formula for _, formula, _ in self.parts):
            content = finished(content, self.records)
        return content.decode("latin-1")


def packed(value: float, form: str) -> bytes:
    """As near as the format comes to it."""
    order, letter = (form[0], form[1:]) if form[:1] in "<>" else (">", form)
    if letter in "fd":
        return struct.pack(order + letter, value)
    if letter == "?":
        return struct.pack("?", bool(value))
    width = _WIDE.get(letter) or struct.calcsize(order + letter)
    is_signed = letter.islower() and letter != "u24"
    least, most = (-(1 << 8 * width - 1), (1 << 8 * width - 1) - 1) if is_signed else (0, (1 << 8 * width) - 1)
    return max(least, min(most, round(value))).to_bytes(width, "big" if order == ">" else "little", signed=is_signed)


def finished(content: bytes, records: Sequence[Record]) -> bytes:
    """With the checksum and the escapes of the record that its header says it is."""
    longest = sorted(records, key=lambda one: -len(one.header))
    record = next((one for one in longest if content.startswith(one.header)), None)
    if record is None or len(content) < record.least:
        return content
    if found := record.record_sum:
        covered, old = found.parts(content)
        at = len(content) + found.at
        content = content[:at] + found.checksum.of(covered) + content[at + len(old) :]
    if record.escape:
        begin, end = len(record.header), len(content) - len(record.end)
        special = record.header[:1] + record.end[:1]
        content = content[:begin] + escaped(content[begin:end], record.escape, special) + content[end:]
    return content


class Bytes:
    """A script.Language: hexadecimal digits with numbers and formulas between them."""

    def __init__(self, records: tuple[Record, ...]) -> None:
        self._records = records

    def names(self, match: object) -> list[str]:
        try:
            template = sending.parse(match) if isinstance(match, str) else ()
        except ValueError:
            return []  # match() says it
        return [part.name for part in template if isinstance(part, Slot)]

    def match(self, table: Table) -> Match | None:
        key = next((key for key in ("match", "send") if key in table), "")
        try:
            return Sent(sending.parse(table.text(key))) if key else None
        except ValueError as error:
            table.mistake(key, str(error))
            return None

    def reply(self, table: Table, text: str, known: set[str]) -> Reply:
        try:
            return Said(tuple(_parts(table, text, known)), self._records)
        except ValueError as error:
            table.mistake("reply", f'expected hexadecimal digits with formulas such as "02 {{flow:H}} 03": {error}')
            return Said((), ())


def _parts(table: Table, text: str, known: set[str]) -> Iterator[tuple[bytes, Formula | None, str]]:
    for before, inside, form, _ in string.Formatter().parse(text):
        if inside is not None and (form or "").lstrip("<>") not in (*_LETTERS, *_WIDE):
            raise ValueError(f"{form!r} is no letter of struct such as h, nor u24 or i24")
        found = None if inside is None else script.read_formula(table, "reply", inside, known)
        yield bytes.fromhex(before), found, form or ""


# --- the instrument ---------------------------------------------------------------------------------------------------


class SimulatedBinary:
    """An instrument that speaks in records."""

    def __init__(self, config: BinaryConfig, variables: Variables, entries: Sequence[Entry]) -> None:
        self.variables, self.entries = variables, entries
        self.script = Script(entries, variables)
        lengths = sorted({one.match.length for one in entries if isinstance(one.match, Sent)})
        self.requests = tuple(_request(config.wrapping, length) for length in lengths)

    def talk(self, say: Say) -> "BinaryTalk":
        return BinaryTalk(self, say)


def _request(wrapping: Wrapping, length: int) -> Record:
    """What is sent, as a record with a content of so many bytes."""
    found = wrapping.record_sum
    tail = (found.checksum.length if found else 0) + len(wrapping.end)
    return Record(
        name="request",
        header=wrapping.header,
        end=wrapping.end,
        length=len(wrapping.header) + length + tail,
        escape=wrapping.escape,
        record_sum=RecordSum(checksum=found.checksum, skip=found.skip, at=-tail) if found else None,
        fields=(Field(name="content", at=len(wrapping.header), format=f"{length}s"),),
    )


class BinaryTalk:
    """One conversation."""

    def __init__(self, instrument: SimulatedBinary, say: Say) -> None:
        self._instrument, self._say = instrument, say
        self._pending = bytearray()
        self._heard_s = 0.0
        self._voice = Voice(instrument.script.unasked, self._speak)
        self.close = self._voice.close

    def heard(self, chunk: bytes) -> None:
        now_s = time.monotonic()
        if now_s - self._heard_s > SILENCE_S:
            self._pending.clear()
        self._heard_s = now_s
        self._pending += chunk
        while self._pending and (used := self._understood(now_s)):
            del self._pending[:used]

    def _understood(self, now_s: float) -> int:
        """How many bytes are done with: those of a request, one that begins none, or none yet."""
        is_begun = False
        for record in self._instrument.requests:
            content = bytes(self._pending)
            wanted = size(record, content) if content.startswith(record.header[: len(content)]) else 0
            is_begun = is_begun or wanted is None or wanted > len(content)
            message = read(record, content[:wanted]) if wanted and wanted <= len(content) else None
            if message and self._answered(message.values["content"], now_s):
                return wanted or 0
        return 0 if is_begun else 1

    def _answered(self, content: object, now_s: float) -> bool:
        assert isinstance(content, bytes), "it is the field of a request"
        answer = self._instrument.script.answer(content.decode("latin-1"), now_s)
        if answer:
            self._say("".join(answer).encode("latin-1"))
        return answer is not None

    def _speak(self, entry: Entry) -> None:
        if records := self._instrument.script.say(entry, time.monotonic()):
            self._say("".join(records).encode("latin-1"))
