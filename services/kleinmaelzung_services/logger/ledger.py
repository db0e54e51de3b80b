"""The ledger: records of commands in, entries of a chain of hashes out (chain.py); and what is wrong with it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kleinmaelzung_services import chain
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.logger import rows
from kleinmaelzung_services.logger.rows import PlacedFrame
from kleinmaelzung_wire import frames, ledger
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import MAX_TIME_US, MIN_TIME_US, Frame
from kleinmaelzung_wire.messages import MAX_ID, MAX_SENTENCE

AGENT: Final = "agent"
MAX_SHOWN: Final = 40  # of a value in a sentence
_LARGEST: Final = 2**63 - 1

Row = Any  # of asyncpg: columns by name


class Entry(NamedTuple):
    """What became of one command; the columns of the table between `number` and `previous`. Times in µs since 1970."""

    time: int
    agent: str
    instrument: str
    username: str
    origin: str
    command: str
    name: str
    arguments: str  # JSON
    result: str
    reason: str
    values: str  # JSON
    bytes_out: bytes
    bytes_in: bytes
    took_us: int
    received: int | None
    noted_by: str
    epoch: int | None
    frame: int | None
    record: int | None  # its position in the frame
    logged: int

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it the same one when it comes again."""
        if self.epoch is None:
            return self.agent, self.instrument, self.username, self.command, self.result, self.received
        return self.agent, self.instrument, self.epoch, self.frame, self.record


def of_frames(placed: Iterable[PlacedFrame]) -> Iterator[Entry]:
    """The entries that frames tell of."""
    for new in placed:
        for index, record in enumerate(new.entry.frame.records):
            if record["kind"] == ledger.KIND:
                stream = new.entry.stream
                yield of_record(stream.agent, stream.instrument, new.entry.frame, index, new.entry.arrival.received_us)


def of_record(agent: str, instrument: str, frame: Frame, index: int, logged: int) -> Entry:
    """The entry of a frame's record."""
    place = (AGENT, frame.epoch, frame.number, index)
    return _entry(agent, instrument, frame.records[index], place, frame.times[0], logged)


def of_refused(agent: str, instrument: str, record: Mapping[str, Any], service: str, logged: int) -> Entry:
    """The entry of what no agent saw."""
    return _entry(agent, instrument, record, (service, None, None, None), logged, logged)


def _entry(
    agent: str,
    instrument: str,
    record: Mapping[str, Any],
    place: tuple[str, int | None, int | None, int | None],
    otherwise: int,
    logged: int,
) -> Entry:
    """Whatever a record does not tell, or tells as something else, is empty: the frame's bytes have it."""
    noted_by, epoch, number, index = place
    return Entry(
        time=_time(record.get("time")) or otherwise,
        agent=agent,
        instrument=instrument,
        username=_text(record.get("user"), MAX_ID),
        origin=_text(record.get("origin"), MAX_ID),
        command=_text(record.get("id"), MAX_ID),
        name=_text(record.get("name"), MAX_ID),
        arguments=_map(record.get("arguments")),
        result=_text(record.get("result"), MAX_ID),
        reason=_text(record.get("reason"), MAX_SENTENCE),
        values=_map(record.get("values")),
        bytes_out=_bytes(record.get("bytes_out")),
        bytes_in=_bytes(record.get("bytes_in")),
        took_us=_integer(record.get("took_us"), 0, _LARGEST) or 0,
        received=_time(record.get("received")),
        noted_by=noted_by,
        epoch=epoch,
        frame=number,
        record=index,
        logged=logged,
    )


def _text(value: Any, longest: int) -> str:
    return value.replace("\x00", "\ufffd")[:longest] if type(value) is str else ""


def _map(value: Any) -> str:
    return rows.json_text(value) if type(value) is dict else "{}"


def _bytes(value: Any) -> bytes:
    return value if type(value) is bytes else b""


def _integer(value: Any, smallest: int, largest: int) -> int | None:
    return value if type(value) is int and smallest <= value <= largest else None


def _time(value: Any) -> int | None:
    return _integer(value, MIN_TIME_US, MAX_TIME_US)


def chained(head: Link, entries: Iterable[Entry]) -> tuple[list[tuple[Any, ...]], Link]:
    """Rows of the table, and the new head."""
    made = []
    for entry in entries:
        new = chain.link(head, head.number + 1, entry)
        made.append((new.number, *_stored(entry), head.hash, new.hash))
        head = new
    return made, head


def _stored(entry: Entry) -> tuple[Any, ...]:
    received = None if entry.received is None else rows.moment(entry.received)
    times = {"time": rows.moment(entry.time), "received": received, "logged": rows.moment(entry.logged)}
    return tuple(times.get(name, field) for name, field in zip(Entry._fields, entry, strict=True))


def of_row(row: Row) -> Entry:
    """An entry as it is stored, its times in µs."""
    return Entry(*(row[name] for name in Entry._fields))


# Verifying


def damage(last: Link, row: Row) -> str:
    """What is wrong with the row behind a good entry; empty if nothing is."""
    columns = of_row(row)
    why = chain.damage(last, row["number"], columns, previous=row["previous"], hash_=row["hash"], what="the ledger")
    return why or _difference(row["number"], row)


def _difference(number: int, row: Row) -> str:
    if row["payload"] is None:
        return ""
    entry = of_row(row)
    where = f"frame {entry.frame} of {entry.agent}/{entry.instrument}, run {entry.epoch}"
    try:
        frame = frames.decode(row["payload"])
    except WireError:
        return f"entry {number} came in {where}, which cannot be read any more: its bytes were changed"
    if entry.record is None or entry.record >= len(frame.records) or frame.records[entry.record]["kind"] != ledger.KIND:
        return f"entry {number} came in {where}, which tells of no such command: one of them was changed"
    told = of_record(entry.agent, entry.instrument, frame, entry.record, entry.logged)
    for name, here, there in zip(Entry._fields, entry, told, strict=True):
        if here != there:
            differ = f"{name} is {here!r:.{MAX_SHOWN}} here and {there!r:.{MAX_SHOWN}} there"
            return f"entry {number} differs from {where}, in which it came: {differ}; one of them was changed"
    return ""


def wrong_end(last: Link, head: Sequence[Row], noted: Link | None) -> tuple[int | None, str]:
    """What is wrong with the end of a good chain, and with which entry: by a head that somebody noted, and our own."""
    newest = max(noted.number if noted else 0, head[0]["number"] if head else 0)
    if newest > last.number:
        ends = f"the ledger ends with entry {last.number}" if last.number else "the ledger is empty"
        return last.number + 1, f"{chain.entries(last.number + 1, newest)} removed: {ends}"
    if not head:
        return None, "the ledger's head was removed"
    if head[0]["number"] < last.number:
        first = head[0]["number"] + 1
        return first, f"entry {first} was added from outside: the ledger's head is entry {first - 1}"
    if head[0]["hash"] != last.hash:
        return last.number, f"entry {last.number} is not the one that the ledger's head names: one of them was changed"
    return None, ""


def rewritten(number: int) -> str:
    return f"entry {number} is another one than was noted: the ledger was written anew, there or before"


def not_noted(row: Row) -> str:
    """Of a frame that tells of a command without an entry."""
    return (
        f"frame {row['frame']} of {row['agent']}/{row['instrument']}, run {row['epoch']}, tells of a command that the"
        " ledger has not: its entry was removed"
    )
