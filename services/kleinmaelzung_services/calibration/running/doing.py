"""Acts that need more than the run itself: what is found out or done for one in; events, or the certificate, out.

begin, place and the like look whether the streams are there and take the instrument; `command` sends; `calculate`
compares all with the log and calculates, in a thread; `issue` verifies the log and writes in one transaction.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.issuer import Ending, Issuer
from kleinmaelzung_services.calibration.certificates.making import Reviewed
from kleinmaelzung_services.calibration.documents.certificate import certificate_reports
from kleinmaelzung_services.calibration.documents.texts import Language
from kleinmaelzung_services.calibration.log.entries import Draft
from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import AmbientRange, Person
from kleinmaelzung_services.calibration.running import room
from kleinmaelzung_services.calibration.running.book import Book, Damaged, now_us, subject_of
from kleinmaelzung_services.calibration.running.conducting import Conducting
from kleinmaelzung_services.calibration.running.logged import Logged
from kleinmaelzung_services.calibration.running.watching import is_read
from kleinmaelzung_services.calibration.runs import acting, environment, events, recording, steps
from kleinmaelzung_services.calibration.runs.acting import Found
from kleinmaelzung_services.calibration.runs.events import Calculated, Signal
from kleinmaelzung_services.calibration.runs.permitting import Refused, Who
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire import codec, failpoints, sockets
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.descriptions import CommandDescription

MARGIN_S: Final = 3.0  # of a request's time, for what comes behind the command
SLACK_S: Final = 2.0  # an instrument may need so much longer than its command's own time, on the way
_NOT_OURS: Final = "_"  # how the agent's own commands begin


class Doing:
    """Does acts, for whoever asks."""

    def __init__(self, book: Book, conducting: Conducting, logged: Logged, issuer: Issuer) -> None:
        self._book, self._conducting, self._logged, self._issuer = book, conducting, logged, issuer
        self._own: dict[str, Callable[[Run, Fields, Who, Asked, str], Awaitable[Run]]] = {
            "command": self._command,
            "calculate": self._calculate,
            "issue": self._issue,
        }

    async def do(self, run: Run, act: str, wire: Fields, who: Who, asked: Asked, id_: str) -> Run:
        """Do it, once for each id. Returns the run as it is then.

        Raises Refused, WireError; Moved and Again where it is to be decided anew.
        """
        if act in self._own:
            return await self._own[act](run, wire, who, asked, id_)
        made = acting.decide(run, act, wire, who, await self._found(run, act, wire, who))
        return await self._book.write(run, made, user=who.user, request=id_)

    async def _found(self, run: Run, act: str, wire: Fields, who: Who) -> Found:
        if act in ("begin", "place") or (act == "resume" and run.state != "created"):
            acting.decide(run, act, wire, who)  # what is refused anyway need not take the instrument
            return Found(conflicts=tuple(await self._conflicts(run)))
        if act == "review" and run.calculated is not None:
            return Found(data_sha256=_sha256(await self._record(run)))
        return acting.NOTHING

    async def _conflicts(self, run: Run, *, is_measuring: bool = True) -> list[str]:
        """What stands in the way of it now: a sentence for each; the instrument is taken where nothing does."""
        conducting = self._conducting
        await conducting.watching.ready(run)
        found = conducting.watching.mistakes(run)
        found += room.mistakes(run, conducting.bench, now_us()) if is_measuring else ()
        if not found and is_read(run) and not conducting.holding.is_held(run.instrument):
            found += filter(None, [await conducting.holding.take(run.instrument)])
        return found

    # A command

    async def _command(self, run: Run, wire: Fields, who: Who, asked: Asked, id_: str) -> Run:
        acting.decide(run, "command", wire, who)
        name, arguments = wire.text("name"), wire.map("arguments", default={})
        if name.startswith(_NOT_OURS):
            raise WireError(
                f"{name:.40} is a command to the agent, and the run holds the instrument: name one of its own"
            )
        acting.decide(run, "command", wire, who, Found(conflicts=tuple(await self._conflicts(run, is_measuring=False))))
        known = self._described(run, name)
        timeout_s = min((known.timeout_s if known else 5.0) + SLACK_S, asked.deadline - time.monotonic() - MARGIN_S)
        if timeout_s <= 0:
            raise RequestRefused(sockets.TIMEOUT, f"{name}: nothing was sent, there is too little time left for it")
        if known and known.dangerous:
            await self._arm(run, wire, name, arguments, known)
        reply = await self._conducting.commanding.send(
            run.instrument,
            name,
            arguments,
            status=self._conducting.bench.status(run.instrument),
            timeout_s=timeout_s,
            id_=_sha256(f"{who.user}\n{id_}".encode())[:32],
        )
        failpoints.reach("calibration.commanded")
        done = acting.commanded(wire, reply.result, reply.reason, reply.values)
        made = acting.decide(run, "command", wire, who, Found(commanded=done))
        return await self._book.write(run, made, user=who.user, request=id_)

    async def _arm(
        self, run: Run, wire: Fields, name: str, arguments: Mapping[str, Any], known: CommandDescription
    ) -> None:
        if not wire.boolean("confirmed", default=False):
            rule = "it is dangerous, as its configuration says"
            raise Refused(sockets.CONFLICT, f"{known.label or name}: {rule}; look at the instrument, and confirm it")
        reply = await self._conducting.commanding.send(
            run.instrument,
            "_arm",
            {"name": name, "arguments": dict(arguments)},
            status=self._conducting.bench.status(run.instrument),
            timeout_s=SLACK_S,
        )
        if reply.result != "done":
            raise Refused(sockets.CONFLICT, f"{known.label or name} is not armed: {reply.reason}")

    def _described(self, run: Run, name: str) -> CommandDescription | None:
        stream = self._conducting.bench.streams.get(run.instrument)
        described = stream.description.commands if stream and stream.description else []
        return next((one for one in described if one.name == name), None)

    # Calculate

    async def _calculate(self, run: Run, wire: Fields, who: Who, asked: Asked, id_: str) -> Run:
        acting.decide(run, "calculate", wire, who)
        if wrong := await self._logged.disagreements(_captured(run)):
            raise Refused(sockets.CONFLICT, *wrong)
        content = record_json.encode(recording.record(run, await self._room(run)))
        _, template = await self._book.template(run.created.what.template.sha256)
        checked = await asyncio.to_thread(certificate_reports.checked, content, template)
        if not checked["ok"]:
            raise Refused(sockets.CONFLICT, *(one["sentence"] for one in checked["mistakes"]))
        await self._book.log.add_file(content)
        failpoints.reach("calibration.calculated")
        found = json.loads(json.dumps(checked["found"]))  # as JSON has it: lists for tuples
        calculated = Calculated(data_sha256=_sha256(content), verdict=found["verdict"], results=found)
        made = acting.decide(run, "calculate", wire, who, Found(calculated=calculated))
        return await self._book.write(run, made, user=who.user, request=id_)

    async def _room(self, run: Run) -> list[AmbientRange]:
        """By the logged samples of the whole run. Raises Refused with what is wrong with each."""
        wanted, span = {one.name: one for one in run.template.environment}, recording.span(run)
        found = [
            environment.room(wanted[sensor.name], sensor, await self._logged.shown(sensor, *span))
            for sensor in run.created.what.sensors
        ]
        if wrong := [one for one in found if isinstance(one, str)]:
            raise Refused(sockets.CONFLICT, *wrong)
        return [one for one in found if not isinstance(one, str)]

    # Issue

    async def _issue(self, run: Run, wire: Fields, who: Who, asked: Asked, id_: str) -> Run:
        acting.decide(run, "issue", wire, who)
        content = await self._record(run)
        acting.decide(run, "issue", wire, who, Found(data_sha256=_sha256(content)))
        function = wire.text("function", default=who.role).strip() or who.role
        approver = Person(name=who.user, role="approver", function=function, at=await _whole_second_after(run))
        signed = recording.signed(record_json.decode(content), run, approver)
        _, template = await self._book.template(run.created.what.template.sha256)
        wish = Wish(
            user=who.user,
            pattern=asked.request.instrument,
            id=id_,
            record=record_json.encode(signed),
            template=template,
            language=codec.one_of(wire.text("language", default=run.template.language), Language, "language"),
            number="",
            amends="",
            reason="",
            changes=(),
            with_readings=wire.boolean("readings", default=True),
        )
        ending = Ending(
            subject=subject_of(run.name),
            first=run.created.number,
            expected=run.head,
            event=_issued,
            reviewed=Reviewed(may_be_operator=run.created.what.reviewer == "same"),
        )
        try:
            await self._issuer.issue_run(wish, ending)
        except certificate_reports.Refused as error:
            raise Refused(sockets.CONFLICT, *(one["sentence"] for one in error.mistakes)) from error
        except RequestRefused as error:
            raise Refused(error.code, str(error)) from error
        failpoints.reach("calibration.issued")
        return await self._book.run(run.name) or run

    async def _record(self, run: Run) -> bytes:
        """The record that was calculated."""
        assert run.calculated is not None
        sha256 = run.calculated.what.data_sha256
        content = await self._book.log.file(sha256)
        if content is None:
            raise Damaged(
                f"run {run.name}: the record with SHA-256 {sha256} is not among the files of the log any more"
            )
        return content


def _captured(run: Run) -> Iterator[tuple[str, Signal]]:
    """All that was captured, also what was struck, with its step in words."""
    for series in filter(None, (run.as_found, run.as_left)):
        for step in series.steps:
            for reading in step.readings:
                yield from ((steps.told(step.step), signal) for signal in reading.signals)


def _issued(told: dict[str, Any]) -> Draft:
    issued = events.Issued(certificate=told["number"], revision=told["revision"], sha256=told["sha256"])
    kind, details = events.encode(issued)
    return Draft(kind=kind, details=details)


async def _whole_second_after(run: Run) -> datetime:
    """Now, in whole seconds as certificates have it, and not before the run was reviewed: perhaps it waits for one."""
    reviewed_us = run.reviewed.time_us if run.reviewed else 0
    earliest = recording.moment(reviewed_us)
    if datetime.now(UTC).replace(microsecond=0) < earliest:
        next_s = (earliest.replace(microsecond=0) + timedelta(seconds=1) - datetime.now(UTC)) / timedelta(seconds=1)
        await asyncio.sleep(min(1.0, max(0.0, next_s)))
    return datetime.now(UTC).replace(microsecond=0)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
