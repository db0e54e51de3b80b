"""The laboratory as a program sees it: watch, send, look up.

Everything here asks by the connection that is there at the moment (link.py).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeVar, overload

from kleinmaelzung import (
    alarms,
    asking,
    backlog,
    batches,
    calibrations,
    commanding,
    completeness,
    controlling,
    desk,
    history,
    ledger,
    readings,
)
from kleinmaelzung.agents import Agents
from kleinmaelzung.alarms import AlarmGroup, RecordedAlarm
from kleinmaelzung.asking import Ask
from kleinmaelzung.backlog import WatchSince
from kleinmaelzung.batches import Batch, BatchEvent
from kleinmaelzung.calibrations import PastCalibration
from kleinmaelzung.certificates import Certificates
from kleinmaelzung.columns import History
from kleinmaelzung.completeness import Completeness
from kleinmaelzung.controlling import Held
from kleinmaelzung.desk import Desk, HistoryDesk
from kleinmaelzung.enrolling import Enrolment
from kleinmaelzung.errors import Error, Refused
from kleinmaelzung.history import Since
from kleinmaelzung.ledger import LedgerCheck, LedgerEntry
from kleinmaelzung.link import Link
from kleinmaelzung.notes import Notes
from kleinmaelzung.readings import Frame, Instrument, Sample
from kleinmaelzung.register import Register
from kleinmaelzung.runs import Runs
from kleinmaelzung.watching import FrameReader, Message, Watch
from kleinmaelzung_wire.alarms import ACKNOWLEDGE, ALL, check_note
from kleinmaelzung_wire.calibrations import Calibration
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Reply
from kleinmaelzung_wire.rights import Rights

T = TypeVar("T")

BATCHES_S: Final = 10.0  # for an answer about batches


class Lab:
    """An open connection to a laboratory, from connect()."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._desk = Desk(link)

    @property
    def is_connected(self) -> bool:
        return self._link.is_connected

    @overload
    def watch(self, pattern: str, *, since: None = None) -> Watch[Frame]: ...

    @overload
    def watch(self, pattern: str, *, since: Since) -> WatchSince: ...

    def watch(self, pattern: str, *, since: Since | None = None) -> Watch[Frame] | WatchSince:
        """Return the live frames of `<agent>/<instrument>`, where `+` stands for any name: `async for frame in ...`.

        With `since` (a span before now such as "1h" or "7d", a time with its offset from UTC as text or datetime, or µs
        since 1970 UTC) first what was logged since then, and over lost connections each frame once. Raises ValueError
        for what is no pattern or no time; reading raises Refused where it is not permitted or there is no history
        service.
        """
        desk.check_pattern(pattern)
        if since is None:
            return self._link.watch(f"{pattern}/data", FrameReader())
        live = self._link.watch(f"{pattern}/data", desk.as_it_is, backlog.LIVE_LIMIT)
        return WatchSince(pattern, history.moment(since), live, HistoryDesk(self._desk, backlog.ANSWER_S))

    async def history(
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
        """Return what was measured, as columns for numpy, pandas or polars: History says what shapes they have.

        Of one instrument every sample as it was taken; with `points` (10 to 20000) at most so many buckets of equal
        width with least, mean and greatest, and then also of several instruments, by names or a pattern with `+`,
        on one grid. `since` (inclusive; the first sample unless given) and `until` (exclusive; now unless given) are a
        span before now such as "7d", a time with its offset from UTC as text or datetime, or µs since 1970 UTC.
        Raises ValueError for what makes no sense; TooManySamples where there are more than `limit` samples; Refused
        where it is not permitted, nothing of the instrument was ever logged or it has no such channel ("unknown",
        "bad-message"), or no history service is there ("unavailable"). `timeout` is for each piece that is read.
        """
        wanted = history.Wanted.of(since, until, channels, points, limit)
        names = [instruments] if isinstance(instruments, str) else list(instruments)
        return await self._desk.history(names, wanted, timeout)

    async def latest(self, pattern: str = "+/+", *, timeout: float = 30.0) -> dict[str, list[Sample]]:
        """Return the newest logged sample of each channel of `<agent>/<instrument>`, by instrument's name.

        A channel that changed its unit has one of each. Raises Refused as history() does. What is new this moment, and
        perhaps not logged yet, instruments() tells.
        """
        granted = await self._desk.granted(pattern)
        return await self._desk.by_one("history", lambda ask: history.latest(ask, granted), timeout)

    def messages(self, pattern: str) -> Watch[Message]:
        """Return messages as they are on the broker, what is retained first: `pi-1/+/state`, `+/status` or the like."""
        return self._link.watch(pattern, desk.as_it_is)

    async def retained(self, pattern: str) -> dict[str, bytes]:
        """Return the retained messages of a pattern at this moment, by topic below the root."""
        return await self._desk.retained(pattern)

    async def send(
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
        """Send a command and return the Reply, whatever its `result` is ("done" or what else became of it).

        Arguments are given by name or, where a name is none in Python or is one of those here, as a mapping. `timeout`
        is in seconds. With an `id` of the caller's own it may be sent again: the same id is executed once and answered
        with the first result.
        Raises Refused when it is not permitted or the instrument is not known, NotReachable when there is no
        connection (nothing was sent), and ConnectionLost when the connection ended before the answer: then it is
        not known whether the command was executed, and it is not sent again.
        """
        values = {**(arguments or {}), **more}
        commanding.check(instrument, values)
        options: dict[str, Value] = {"timeout": timeout, **({"id": id} if id else {})}
        return await commanding.send(self._link.connection(), instrument, command, values, options)

    def control(
        self, instrument: str, *, duration_s: float = controlling.USUAL_S, force: bool = False, extend: bool = True
    ) -> AbstractAsyncContextManager[Held]:
        """Be the only one who may command an instrument: `async with lab.control("pi-1/balance") as held:`.

        It is taken for `duration_s` (1 to 3600 s), extended in time unless `extend` is false, and given back at the
        end. With `force` it is taken from whoever holds it. Raises Refused saying who does, or that this is not
        permitted. It ends early when somebody takes it over, this connection is lost, or the agent is away until its
        time is up: then `held.lost` says why, `held.ended()` returns, and the end of the block raises ControlLost.
        """
        commanding.check(instrument)
        opened = self._link.connection()
        timeout_s = min(5.0, duration_s / 2)

        async def send(command: str, arguments: dict[str, Value]) -> Reply:
            return await commanding.send(opened, instrument, command, arguments, {"timeout": timeout_s})

        return controlling.hold(
            Held(instrument, opened.session),
            send,
            lambda: self.messages(f"{instrument}/control"),
            opened.wait_ended,
            duration_s=duration_s,
            force=force,
            extend=extend,
        )

    async def release(self, instrument: str) -> None:
        """End this user's sole control of an instrument, also where another session of the same user has it.

        Nothing happens where nobody holds it. Raises Refused where somebody else does.
        """
        commanding.check(instrument)
        reply = await self.send(instrument, "_release", any_session=True)
        if reply.result != "done":
            raise Refused(f"{instrument} was not released: {reply.reason or reply.result}", reply.result)

    async def instruments(self, pattern: str = "+/+") -> list[Instrument]:
        """Return what is known of each instrument now, by name."""
        # By what is retained and not by the gateway's `list`: that answer is one message, which has its limits.
        agent = pattern.partition("/")[0]
        known: dict[str, bytes] = {}
        for kind in ("description", "state", "latest", "control", "calibration"):
            known |= await self.retained(f"{pattern}/{kind}")
        return readings.instruments(known | await self.retained(f"{agent}/status"))

    async def calibration(self, instrument: str) -> Calibration | None:
        """Return what holds of an instrument by its certificate now; None where nothing does.

        `sample.corrected(calibration)` is a sample's value by that, with its uncertainty.
        """
        commanding.check(instrument)
        return (await self.calibrations(instrument)).get(instrument)

    async def calibrations(self, pattern: str = "+/+") -> dict[str, Calibration]:
        """Return what holds of the instruments of `<agent>/<instrument>`, `+` for any name, now; by their names."""
        desk.check_pattern(pattern)
        return calibrations.in_force(await self.retained(f"{pattern}/calibration"))

    async def past_calibrations(self, instrument: str, *, timeout: float = 15.0) -> list[PastCalibration]:
        """Return all that was calibrated of an instrument, the newest first, each compared with the one before.

        Raises Refused where this user may not see the instrument, or no calibration service is there ("unavailable").
        """
        commanding.check(instrument)
        return await self._desk.by_one("calibration", lambda ask: calibrations.past(ask, instrument), timeout)

    async def request(self, service: str, name: str, /, *, timeout: float = 10.0, **body: Any) -> Any:
        """Ask a service, such as the one called `logger`, and return its answer as plain values.

        `timeout` is in seconds, at most 60. Raises Refused when the service is not there (code "unavailable"), did not
        answer in time ("timeout"), or says no.
        """
        return await self._desk.request(service, name, timeout, body)

    async def services(self, role: str) -> list[str]:
        """Return the names of the services that do something, such as "logger": those that are there and well first."""
        return await self._desk.services(role)

    async def completeness(
        self, pattern: str = "+/+", *, since: int | None = None, until: int | None = None, timeout: float = 30.0
    ) -> list[Completeness]:
        """Return what came and what is missing of each instrument of `<agent>/<instrument>`, `+` for any name.

        With `since` and `until` (µs since 1970 UTC) of the runs and gaps that overlap. Raises Refused when no logger is
        there or can read its database ("unavailable"), or nothing of the instrument was ever logged ("unknown").
        """
        question = {"from": since, "to": until}
        granted = await self._desk.granted(pattern)
        return await self._desk.by_one("logger", lambda ask: completeness.find(ask, granted, question), timeout)

    async def ledger(
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
        """Return the commands to `<agent>/<instrument>`, `+` for any name, and what became of each: the newest first.

        `since` and `until` are in µs since 1970 UTC. With `superseded` also what a gateway noted of a command that the
        agent has a record of. Raises Refused as completeness() does when no logger can tell.
        """
        question = {"user": user, "result": result, "from": since, "to": until, "superseded": superseded}
        granted = await self._desk.granted(pattern)
        return await self._desk.by_one("logger", lambda ask: ledger.find(ask, granted, question, limit), timeout)

    async def verify_ledger(self, head: str | None = None, *, timeout: float = 30.0) -> LedgerCheck:
        """Return whether the record of all commands is whole: no entry edited, removed, or added from outside.

        `head` is that of an earlier check, kept where nobody who can write to the database can change it: with it, also
        a removed end and a ledger that was written anew are found. `timeout` is for each of the pieces it is read in.
        """
        if head is not None:
            ledger.parse_head(head)
        return await self._desk.by_one("logger", lambda ask: ledger.verify(ask, head), timeout)

    async def alarms(self, pattern: str = "+/+") -> list[AlarmGroup]:
        """Return what is wrong now at `<agent>/<instrument>`, `+` for any name: one for each cause, the worst first.

        An agent that is away is one of them, and has below it what was last known of its instruments.
        """
        desk.check_pattern(pattern)
        agent = pattern.partition("/")[0]
        return alarms.grouped(await self.retained(f"{agent}/status") | await self.retained(f"{pattern}/alarm"))

    async def acknowledge(self, instrument: str, id: str = ALL, *, note: str = "", timeout: float = 5.0) -> Reply:  # noqa: A002
        """Acknowledge an alarm of an instrument by its id, or all that are active; the Reply says what became of it.

        Permitted to whoever may command the instrument, also while somebody else holds it. What was acknowledged before
        stays as it was: `acknowledged` among the values counts the others. Raises as send() does.
        """
        check_note(note)
        return await self.send(instrument, ACKNOWLEDGE, {"id": id, **({"note": note} if note else {})}, timeout=timeout)

    async def recorded_alarms(
        self,
        pattern: str = "+/+",
        *,
        since: int | None = None,
        until: int | None = None,
        is_active: bool | None = None,
        limit: int = 100,
        timeout: float = 30.0,
    ) -> list[RecordedAlarm]:
        """Return the alarms on record of `<agent>/<instrument>`, `+` for any name, the newest first.

        With `since` and `until` (µs since 1970 UTC) those that were active then; with `is_active` those that have not
        cleared, or have. Raises Refused as completeness() does when no logger can tell.
        """
        question = {"active": is_active, "from": since, "to": until}
        granted = await self._desk.granted(pattern)
        return await self._desk.by_one("logger", lambda ask: alarms.find(ask, granted, question, limit), timeout)

    async def batches(self, pattern: str = "+/+", *, is_open: bool = False, limit: int = 100) -> list[Batch]:
        """Return batches with an instrument of `<agent>/<instrument>`, those that began last first, without events.

        With `is_open` only those that have not ended. Raises Refused ("unavailable") when nobody is there who knows.
        """
        granted = await self._desk.granted(pattern)
        return await self._by_batches(lambda ask: batches.find(ask, granted, limit, is_open=is_open))

    async def batch(self, name: str) -> Batch:
        """Return one batch with its events. Raises Refused ("unknown") where this user sees none of that name."""
        granted = await self._desk.granted("+/+")
        return await self._by_batches(lambda ask: batches.show(ask, granted, name))

    async def start_batch(
        self,
        name: str,
        *instruments: str,
        at: int | None = None,
        note: str | None = None,
        id: str = "",  # noqa: A002
    ) -> BatchEvent:
        """Begin a batch over instruments, now or at an earlier time (µs since 1970 UTC).

        Raises Refused: "conflict" where the name is taken, "not-permitted" where an instrument is not this user's to
        command. With an `id` of the caller's own, here and below, it may be sent again and is done once.
        """
        rights, question = await self.rights(), {"name": name, "at": at, "note": note, "id": id or asking.make_id()}
        return await self._by_batches(lambda ask: batches.start(ask, rights, question, instruments))

    async def add_to_batch(self, name: str, *instruments: str, id: str = "") -> None:  # noqa: A002
        """Let further instruments belong to a batch, from its beginning on."""
        rights, question = await self.rights(), {"name": name, "id": id or asking.make_id()}
        await self._by_batches(lambda ask: batches.add(ask, rights, question, instruments))

    async def mark_batch(self, name: str, stage: str, *, at: int | None = None, id: str = "") -> BatchEvent:  # noqa: A002
        """Note that a stage begins, such as steeping, germination or kilning.

        Permitted, here and below, to who began the batch, and to who may command all its instruments by one grant.
        """
        return await self._note_batch("batch-mark", {"name": name, "stage": stage, "at": at}, id)

    async def note_batch(self, name: str, text: str, *, at: int | None = None, id: str = "") -> BatchEvent:  # noqa: A002
        """Note something of a batch, also of one that has ended."""
        return await self._note_batch("batch-note", {"name": name, "text": text, "at": at}, id)

    async def end_batch(self, name: str, *, at: int | None = None, id: str = "") -> BatchEvent:  # noqa: A002
        """End a batch. Raises Refused ("conflict") where it has ended, or a stage began later."""
        return await self._note_batch("batch-end", {"name": name, "at": at}, id)

    async def reopen_batch(self, name: str, *, id: str = "") -> BatchEvent:  # noqa: A002
        """Go on with a batch that was ended by mistake."""
        return await self._note_batch("batch-reopen", {"name": name}, id)

    async def _note_batch(self, request: str, question: dict[str, Any], id_: str) -> BatchEvent:
        rights, asked = await self.rights(), {**question, "id": id_ or asking.make_id()}
        return await self._by_batches(lambda ask: batches.note(ask, rights, request, asked))

    async def _by_batches(self, ask: Callable[[Ask], Awaitable[T]]) -> T:
        return await self._desk.by_one("batches", ask, BATCHES_S)

    @property
    def notes(self) -> Notes:
        """Notes on instruments' time lines: add them, find them, withdraw them."""
        return Notes(self._desk)

    @property
    def certificates(self) -> Certificates:
        """Calibration certificates: issue them, find them, know them again."""
        return Certificates(self._desk)

    @property
    def runs(self) -> Runs:
        """Calibration runs: begin them, act in them, watch them, read what happened."""
        return Runs(self._desk, self._link)

    @property
    def register(self) -> Register:
        """The laboratory, its reference standards, the instruments that it calibrates; and whether its log is whole."""
        return Register(self._desk)

    @property
    def agents(self) -> Agents:
        """Agents changed from afar: read and replace their configuration, give them another version."""
        return Agents(self._link, self._desk)

    async def rights(self) -> Rights | None:
        """Return the role of this user and the instruments it holds for; None where nobody told. The broker decides."""
        return await self._desk.rights()

    async def access(self, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Have the broker execute commands on accounts; return its answers in order, each perhaps with an `error`.

        For admins only; kleinmaelzung_wire.access makes the commands. Raises Refused for anyone else.
        """
        answers = await self._link.ask("access", commands)
        if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
            raise Error("the server's answer about accounts is not readable: is it of another version?")
        return answers

    async def enrol_agent(self, name: str, *, replace: bool = False) -> Enrolment:
        """Let a machine become this agent by a code, once, within 15 minutes. For admins only.

        With `replace` an agent that is there gets a new secret, which shuts out whoever has the old one; without, that
        is Refused ("conflict").
        """
        return Enrolment.from_map(await self._link.ask("enrol", name, {"replace": replace}))

    async def tell_rights(self, user: str, rights: Rights | None) -> None:
        """Tell a user's sessions what the user may watch; None once the account is gone. For admins only.

        What anyone may is decided by the account at the broker, which access() changes.
        """
        await self._link.ask("rights", user, rights.to_map() if rights else None)
