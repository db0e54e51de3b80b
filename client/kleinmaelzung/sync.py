"""The laboratory without async: for notebooks, scripts and the interactive prompt.

with kleinmaelzung.sync.connect("http://lab:8080", user="anna", password="...") as lab:
    lab.send("pi-1/balance", "tare")
    for frame in lab.watch("pi-1/balance", since="1h"):
        print(frame.times, frame.channels)

Each connection has a thread with an event loop of its own, so this also works where a loop runs already, as in Jupyter.
The thread ends with the block. Ctrl-C ends what is waited for. All calls do what those of kleinmaelzung.Lab do, and
raise the same; here a call returns what it is awaited for there.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kleinmaelzung import agents, controlling, history, settings
from kleinmaelzung.agents import Key
from kleinmaelzung.alarms import AlarmGroup, RecordedAlarm
from kleinmaelzung.backlog import WatchSince
from kleinmaelzung.batches import Batch, BatchEvent
from kleinmaelzung.blocking import Frames, Thread
from kleinmaelzung.calibrations import PastCalibration
from kleinmaelzung.certificates import Certificate, Known
from kleinmaelzung.columns import History
from kleinmaelzung.completeness import Completeness
from kleinmaelzung.controlling import Held
from kleinmaelzung.delivery import Progress
from kleinmaelzung.enrolling import Enrolment
from kleinmaelzung.history import Since
from kleinmaelzung.ledger import LedgerCheck, LedgerEntry
from kleinmaelzung.notes import Note
from kleinmaelzung.orders import AgentConfiguration, OrderOutcome, Reloaded
from kleinmaelzung.readings import Frame, Instrument, Sample
from kleinmaelzung.sync_calibration import Register, Runs
from kleinmaelzung.watching import Message, Watch
from kleinmaelzung_wire.alarms import ALL
from kleinmaelzung_wire.calibrations import Calibration
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import AgentStatus, Reply
from kleinmaelzung_wire.rights import Rights


@contextmanager
def connect(
    url: str | None = None,
    *,
    user: str | None = None,
    password: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
) -> Iterator["Lab"]:
    """Connect, and stay connected until the block is left; what is not given is found as by kleinmaelzung.connect()."""
    with Thread(settings.find(url, user, password, ca_file=ca_file)) as thread:
        yield Lab(thread)


class Lab:
    """An open connection to a laboratory, from connect(); kleinmaelzung.Lab tells of each call what it does."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._lab = thread.lab

    @property
    def is_connected(self) -> bool:
        return self._lab.is_connected

    def watch(self, pattern: str, *, since: Since | None = None) -> Frames[Frame]:
        """Live frames of `<agent>/<instrument>`, with `since` after those logged since then: `for frame in ...`."""

        async def watch() -> Watch[Frame] | WatchSince:
            return self._lab.watch(pattern) if since is None else self._lab.watch(pattern, since=since)

        return Frames(self._thread, self._thread.wait(watch()))

    def messages(self, pattern: str) -> Frames[Message]:
        """Messages as they are on the broker, what is retained first."""

        async def watch() -> Watch[Message]:
            return self._lab.messages(pattern)

        return Frames(self._thread, self._thread.wait(watch()))

    def history(
        self,
        instruments: str | Sequence[str],
        *,
        since: Since | None = None,
        until: Since | None = None,
        channels: Iterable[str] | None = None,
        points: int | None = None,
        limit: int = history.LIMIT,
        timeout: float = 60.0,
    ) -> History:
        """What was measured, as columns for numpy, pandas or polars; with `points` as buckets on a grid."""
        asked = self._lab.history(
            instruments, since=since, until=until, channels=channels, points=points, limit=limit, timeout=timeout
        )
        return self._thread.wait(asked)

    def latest(self, pattern: str = "+/+", *, timeout: float = 30.0) -> dict[str, list[Sample]]:
        """The newest logged sample of each channel, by instrument."""
        return self._thread.wait(self._lab.latest(pattern, timeout=timeout))

    def retained(self, pattern: str) -> dict[str, bytes]:
        """The retained messages of a pattern at this moment, by topic below the root."""
        return self._thread.wait(self._lab.retained(pattern))

    def calibration(self, instrument: str) -> Calibration | None:
        """What holds of an instrument by its certificate now; None where nothing does."""
        return self._thread.wait(self._lab.calibration(instrument))

    def calibrations(self, pattern: str = "+/+") -> dict[str, Calibration]:
        """What holds of the instruments of a pattern by their certificates now, by their names."""
        return self._thread.wait(self._lab.calibrations(pattern))

    def past_calibrations(self, instrument: str, *, timeout: float = 15.0) -> list[PastCalibration]:
        """All that was calibrated of an instrument, the newest first, each compared with the one before."""
        return self._thread.wait(self._lab.past_calibrations(instrument, timeout=timeout))

    def send(
        self,
        instrument: str,
        command: str,
        arguments: Mapping[str, Value] | None = None,
        /,
        *,
        timeout: float = 5.0,
        id: str = "",  # noqa: A002 (as the contract calls it)
        **more: Value,
    ) -> Reply:
        """Send a command and return the Reply, whatever its `result` is."""
        return self._thread.wait(self._lab.send(instrument, command, arguments, timeout=timeout, id=id, **more))

    @contextmanager
    def control(
        self, instrument: str, *, duration_s: float = controlling.USUAL_S, force: bool = False, extend: bool = True
    ) -> Iterator[Held]:
        """Be the only one who may command an instrument: `with lab.control("pi-1/balance") as held:`."""

        held = self._lab.control(instrument, duration_s=duration_s, force=force, extend=extend)
        with self._thread.entered(held) as controlled:
            yield controlled

    def release(self, instrument: str) -> None:
        """End this user's sole control of an instrument, also where another session of the same user has it."""
        self._thread.wait(self._lab.release(instrument))

    def instruments(self, pattern: str = "+/+") -> list[Instrument]:
        """What is known of each instrument now, by name."""
        return self._thread.wait(self._lab.instruments(pattern))

    def request(self, service: str, name: str, /, *, timeout: float = 10.0, **body: Any) -> Any:
        """Ask a service, such as the one called `logger`, and return its answer as plain values."""
        return self._thread.wait(self._lab.request(service, name, timeout=timeout, **body))

    def services(self, role: str) -> list[str]:
        """The names of the services that do something, such as "logger": those that are there and well first."""
        return self._thread.wait(self._lab.services(role))

    def completeness(
        self, pattern: str = "+/+", *, since: int | None = None, until: int | None = None, timeout: float = 30.0
    ) -> list[Completeness]:
        """What came and what is missing of each instrument."""
        return self._thread.wait(self._lab.completeness(pattern, since=since, until=until, timeout=timeout))

    def ledger(
        self,
        pattern: str = "+/+",
        *,
        user: str | None = None,
        result: str | None = None,
        since: int | None = None,
        until: int | None = None,
        superseded: bool = False,
        limit: int = 100,
        timeout: float = 30.0,
    ) -> list[LedgerEntry]:
        """The commands to each instrument, and what became of each: the newest first."""
        asked = self._lab.ledger(
            pattern,
            user=user,
            result=result,
            since=since,
            until=until,
            superseded=superseded,
            limit=limit,
            timeout=timeout,
        )
        return self._thread.wait(asked)

    def verify_ledger(self, head: str | None = None, *, timeout: float = 30.0) -> LedgerCheck:
        """Whether the record of all commands is whole."""
        return self._thread.wait(self._lab.verify_ledger(head, timeout=timeout))

    def alarms(self, pattern: str = "+/+") -> list[AlarmGroup]:
        """What is wrong now, one for each cause, the worst first."""
        return self._thread.wait(self._lab.alarms(pattern))

    def acknowledge(self, instrument: str, id: str = ALL, *, note: str = "", timeout: float = 5.0) -> Reply:  # noqa: A002
        """Acknowledge an alarm of an instrument by its id, or all that are active."""
        return self._thread.wait(self._lab.acknowledge(instrument, id, note=note, timeout=timeout))

    def recorded_alarms(
        self,
        pattern: str = "+/+",
        *,
        since: int | None = None,
        until: int | None = None,
        is_active: bool | None = None,
        limit: int = 100,
        timeout: float = 30.0,
    ) -> list[RecordedAlarm]:
        """The alarms on record, the newest first."""
        asked = self._lab.recorded_alarms(
            pattern, since=since, until=until, is_active=is_active, limit=limit, timeout=timeout
        )
        return self._thread.wait(asked)

    def rights(self) -> Rights | None:
        """The role of this user and the instruments it holds for; None where nobody told."""
        return self._thread.wait(self._lab.rights())

    def access(self, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Have the broker execute commands on accounts; for admins only."""
        return self._thread.wait(self._lab.access(commands))

    def enrol_agent(self, name: str, *, replace: bool = False) -> Enrolment:
        """Let a machine become this agent by a code, once, within 15 minutes. For admins only."""
        return self._thread.wait(self._lab.enrol_agent(name, replace=replace))

    def tell_rights(self, user: str, rights: Rights | None) -> None:
        """Tell a user's sessions what the user may watch; for admins only."""
        self._thread.wait(self._lab.tell_rights(user, rights))

    def batches(self, pattern: str = "+/+", *, is_open: bool = False, limit: int = 100) -> list[Batch]:
        """Batches with an instrument of a pattern, those that began last first, without events."""
        return self._thread.wait(self._lab.batches(pattern, is_open=is_open, limit=limit))

    def batch(self, name: str) -> Batch:
        """One batch with its events."""
        return self._thread.wait(self._lab.batch(name))

    @property
    def notes(self) -> "Notes":
        """Notes on instruments' time lines: add them, find them, withdraw them."""
        return Notes(self._thread)

    @property
    def certificates(self) -> "Certificates":
        """Calibration certificates: issue them, find them, know them again."""
        return Certificates(self._thread)

    @property
    def runs(self) -> Runs:
        """Calibration runs: begin them, act in them, watch them, read what happened."""
        return Runs(self._thread)

    @property
    def register(self) -> Register:
        """The laboratory, its reference standards, the instruments that it calibrates; and whether its log is whole."""
        return Register(self._thread)

    @property
    def agents(self) -> "Agents":
        """Agents changed from afar: read and replace their configuration, give them another version."""
        return Agents(self._thread)

    def start_batch(
        self,
        name: str,
        *instruments: str,
        at: int | None = None,
        note: str | None = None,
        id: str = "",  # noqa: A002
    ) -> BatchEvent:
        """Begin a batch over instruments, now or at an earlier time (µs since 1970 UTC)."""
        return self._thread.wait(self._lab.start_batch(name, *instruments, at=at, note=note, id=id))

    def add_to_batch(self, name: str, *instruments: str, id: str = "") -> None:  # noqa: A002
        """Let further instruments belong to a batch, from its beginning on."""
        self._thread.wait(self._lab.add_to_batch(name, *instruments, id=id))

    def mark_batch(self, name: str, stage: str, *, at: int | None = None, id: str = "") -> BatchEvent:  # noqa: A002
        """Note that a stage begins, such as steeping, germination or kilning."""
        return self._thread.wait(self._lab.mark_batch(name, stage, at=at, id=id))

    def note_batch(self, name: str, text: str, *, at: int | None = None, id: str = "") -> BatchEvent:  # noqa: A002
        """Note something of a batch, also of one that has ended."""
        return self._thread.wait(self._lab.note_batch(name, text, at=at, id=id))

    def end_batch(self, name: str, *, at: int | None = None, id: str = "") -> BatchEvent:  # noqa: A002
        """End a batch."""
        return self._thread.wait(self._lab.end_batch(name, at=at, id=id))

    def reopen_batch(self, name: str, *, id: str = "") -> BatchEvent:  # noqa: A002
        """Go on with a batch that was ended by mistake."""
        return self._thread.wait(self._lab.reopen_batch(name, id=id))


class Notes:
    """Notes on instruments' time lines; `lab.notes` is one."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._notes = thread.lab.notes

    def add(
        self,
        instrument: str,
        text: str,
        *,
        at: int | None = None,
        until: int | None = None,
        id: str = "",  # noqa: A002
    ) -> Note:
        """Put a note on the time line of `<agent>/<instrument>`, now or from `at` to `until` (µs since 1970 UTC)."""
        return self._thread.wait(self._notes.add(instrument, text, at=at, until=until, id=id))

    def withdraw(self, number: int, reason: str, *, id: str = "") -> Note:  # noqa: A002
        """Say that a note was wrong: it stays on record, as withdrawn."""
        return self._thread.wait(self._notes.withdraw(number, reason, id=id))

    def find(
        self, pattern: str = "+/+", *, since: int | None = None, until: int | None = None, limit: int = 100
    ) -> list[Note]:
        """The notes on the instruments under a pattern, those of the latest time first."""
        return self._thread.wait(self._notes.find(pattern, since=since, until=until, limit=limit))


class Certificates:
    """Calibration certificates that the server issues; `lab.certificates` is one."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._certificates = thread.lab.certificates

    def issue(
        self,
        record: bytes,
        *,
        template: bytes | None = None,
        language: str = "en",
        number: str = "",
        amends: str = "",
        reason: str = "",
        changes: Sequence[tuple[str, str, str]] = (),
        readings: bool = True,
        id: str = "",  # noqa: A002
    ) -> Certificate:
        """Have a record's certificate issued. Raises NotIssued with all that forbids it."""
        issuing = self._certificates.issue(
            record,
            template=template,
            language=language,
            number=number,
            amends=amends,
            reason=reason,
            changes=changes,
            readings=readings,
            id=id,
        )
        return self._thread.wait(issuing)

    def known(self, sha256: str, number: str | None = None) -> Known:
        """What the server knows of a document: of its bytes, and of its number."""
        return self._thread.wait(self._certificates.known(sha256, number))

    def withdraw(self, number: str, reason: str, *, id: str = "") -> Certificate:  # noqa: A002
        """Say that a certificate holds no more: it stays on record, as withdrawn."""
        return self._thread.wait(self._certificates.withdraw(number, reason, id=id))

    def find(
        self,
        pattern: str = "+/+",
        *,
        text: str = "",
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
    ) -> list[Certificate]:
        """What was issued of the instruments under a pattern, the newest first."""
        finding = self._certificates.find(pattern, text=text, since=since, until=until, limit=limit)
        return self._thread.wait(finding)

    def file(self, number: str, file: str, revision: int | None = None) -> bytes:
        """A file of a certificate: "pdf", "xml", "json", or another attachment by its name."""
        return self._thread.wait(self._certificates.file(number, file, revision))

    def pdf(self, number: str, revision: int | None = None) -> bytes:
        """The document, byte for byte as it was issued; its newest revision unless told."""
        return self._thread.wait(self._certificates.pdf(number, revision))


class Agents:
    """Agents changed from afar; `lab.agents` is one."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._agents = thread.lab.agents

    def status(self, agent: str) -> AgentStatus:
        """What the agent, or the broker in its name, said last."""
        return self._thread.wait(self._agents.status(agent))

    def configuration(self, agent: str) -> AgentConfiguration:
        """The agent's configuration as it is now: the text of its agent.toml, without the table [agent]."""
        return self._thread.wait(self._agents.configuration(agent))

    def configure(self, agent: str, text: str, *, key: Key, replaces: str = "") -> Reloaded:
        """Give the agent another configuration, made from the one it `replaces`."""
        return self._thread.wait(self._agents.configure(agent, text, key=key, replaces=replaces))

    def reload(self, agent: str) -> Reloaded:
        """Have the agent read its agent.toml again, which somebody changed on its machine."""
        return self._thread.wait(self._agents.reload(agent))

    def update(
        self,
        agent: str,
        program: Key,
        *,
        key: Key,
        timeout: float = agents.INSTALLED_S,
        progress: Progress = agents.unseen,
    ) -> OrderOutcome:
        """Give the agent another version of its program; what became of it. `progress` is called in another thread."""
        updating = self._agents.update(agent, program, key=key, timeout=timeout, progress=progress)
        return self._thread.wait(updating)
