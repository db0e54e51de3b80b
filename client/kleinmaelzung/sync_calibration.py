"""Calibration runs and the register without async: what `runs` and `register` of kleinmaelzung.sync.Lab are."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from kleinmaelzung.blocking import Frames, Thread
from kleinmaelzung.register import LogCheck, RegisterChange, RegisterEntry, Use
from kleinmaelzung.run_views import CalibrationRun, RunEvent, RunSummary
from kleinmaelzung.runs import RunActs
from kleinmaelzung.watching import Watch
from kleinmaelzung_wire.register import Kind
from kleinmaelzung_wire.runs import Live


class Runs:
    """Calibration runs; `lab.runs` is one."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._runs = thread.lab.runs

    def create(
        self,
        template: str | bytes,
        instrument: str,
        standards: Mapping[str, str | Sequence[str]],
        *,
        sensors: Mapping[str, str] | None = None,
        channels: Mapping[str, str] | None = None,
        customer: Mapping[str, str] | None = None,
        place: Mapping[str, str] | None = None,
        condition: str = "",
        received: str = "",
        id: str = "",  # noqa: A002
    ) -> CalibrationRun:
        """Begin a run of an instrument, by the name of a template that comes along, or by a file's bytes."""
        creating = self._runs.create(
            template,
            instrument,
            standards,
            sensors=sensors,
            channels=channels,
            customer=customer,
            place=place,
            condition=condition,
            received=received,
            id=id,
        )
        return self._thread.wait(creating)

    def find(self, pattern: str = "+/+", *, is_open: bool = False, limit: int = 100) -> list[RunSummary]:
        """The runs of the instruments under a pattern, the newest first."""
        return self._thread.wait(self._runs.find(pattern, is_open=is_open, limit=limit))

    def show(self, run: str) -> CalibrationRun:
        """A run as it is, by its number."""
        return self._thread.wait(self._runs.show(run))

    def act(self, run: str, act: str, *, id: str = "", **arguments: Any) -> CalibrationRun:  # noqa: A002
        """Do something in a run; return the run as it is then."""
        return self._thread.wait(self._runs.act(run, act, id=id, **arguments))

    def on(self, run: str) -> RunActs[CalibrationRun]:
        """What may be done in a run, by names: `lab.runs.on("R-2026-0001").place(3)`."""
        return RunActs(lambda act, arguments: self.act(run, act, **arguments))

    def events(self, run: str) -> list[RunEvent]:
        """All that happened in a run, in its order."""
        return self._thread.wait(self._runs.events(run))

    def watch(self, run: CalibrationRun) -> Frames[Live]:
        """What a run's streams do now: `for live in lab.runs.watch(run)`."""

        async def watch() -> Watch[Live]:
            return self._runs.watch(run)

        return Frames(self._thread, self._thread.wait(watch()))


class Register:
    """The register of a laboratory; `lab.register` is one."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._register = thread.lab.register

    def standards(self) -> list[RegisterEntry]:
        """The reference standards by name, retired ones too."""
        return self._thread.wait(self._register.standards())

    def items(self) -> list[RegisterEntry]:
        """The instruments that are calibrated here, by name."""
        return self._thread.wait(self._register.items())

    def laboratory(self) -> RegisterEntry | None:
        """What stands on certificates as the laboratory; None where it was not said yet."""
        return self._thread.wait(self._register.laboratory())

    def find(self, kind: Kind) -> list[RegisterEntry]:
        """All entries of a kind that this user may see."""
        return self._thread.wait(self._register.find(kind))

    def show(self, kind: Kind, name: str) -> tuple[RegisterEntry, list[RegisterChange]]:
        """An entry, and who changed it when and why."""
        return self._thread.wait(self._register.show(kind, name))

    def put(
        self,
        kind: Kind,
        name: str,
        content: Mapping[str, Any],
        *,
        reason: str = "",
        file: bytes | str | os.PathLike[str] | None = None,
        id: str = "",  # noqa: A002
    ) -> RegisterEntry:
        """Add an entry, or change it; `file` is a standard's certificate. Raises NotAccepted with all that is wrong."""
        return self._thread.wait(self._register.put(kind, name, content, reason=reason, file=file, id=id))

    def upload(self, file: bytes | str | os.PathLike[str]) -> str:
        """Send a file that an entry is to name. Returns its SHA-256."""
        return self._thread.wait(self._register.upload(file))

    def retire(self, kind: Kind, name: str, reason: str, *, id: str = "") -> RegisterEntry:  # noqa: A002
        """Use an entry no more: it stays, with all that was done with it."""
        return self._thread.wait(self._register.retire(kind, name, reason, id=id))

    def file(self, sha256: str) -> bytes:
        """The file of a standard's certificate, by its SHA-256."""
        return self._thread.wait(self._register.file(sha256))

    def impact(self, name: str, *, since: int | None = None, until: int | None = None) -> list[Use]:
        """What was calibrated with a standard, the newest first."""
        return self._thread.wait(self._register.impact(name, since=since, until=until))

    def verify(self) -> LogCheck:
        """Whether the server's log of calibrations and its register of certificates are whole."""
        return self._thread.wait(self._register.verify())
