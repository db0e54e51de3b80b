"""A new run: what is asked for in; the template, the register's entries and the streams gathered, and the run out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kleinmaelzung_services.calibration.certificates.asked import unpacked
from kleinmaelzung_services.calibration.register import standards as registered
from kleinmaelzung_services.calibration.register.register import Register
from kleinmaelzung_services.calibration.register.told import Registered
from kleinmaelzung_services.calibration.running.book import Book
from kleinmaelzung_services.calibration.running.watching import Watching
from kleinmaelzung_services.calibration.runs import channels, creating
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.creating import Known, Wanted
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.templates import checking, shipped
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_wire import sockets, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.register import ITEM, LABORATORY, STANDARD


class Beginning:
    """Creates runs, for whoever asks."""

    def __init__(self, book: Book, register: Register, watching: Watching) -> None:
        self._book, self._register, self._watching = book, register, watching

    async def create(self, instrument: str, wire: Fields, *, user: str, request: str) -> Run:
        """Raises Refused with every mistake, WireError; Moved and Again where it is to be decided anew."""
        _, template, content = template_of(wire)
        wanted = Wanted.parse(wire)
        expected = await self._book.log.newest_created()
        await self._book.refresh()
        standards = {one.name: await self._register.find(STANDARD, one.name) for one in wanted.standards}
        known = Known(
            laboratory=await self._register.find(LABORATORY, LABORATORY),
            item=await self._register.find(ITEM, instrument),
            standards=standards,
            streams=await self._streams(template, instrument, wanted, standards),
            today=datetime.now(UTC).date(),
            open_run=next((run.name for run in self._book.runs.values() if run.instrument == instrument), ""),
        )
        created = creating.create(template, instrument, wanted, known)
        await self._book.log.add_file(content)
        return await self._book.create(created, user=user, request=request, expected=expected)

    async def _streams(
        self, template: Template, instrument: str, wanted: Wanted, standards: Mapping[str, Registered | None]
    ) -> Streams:
        """The units of all that will be read, as the descriptions say, or else the newest samples."""
        read = dict[str, dict[str, str]]()  # the units that are expected, by instrument and channel
        for own in channels.own(template).values():
            read.setdefault(instrument, {})[wanted.channels.get(own.name, own.name)] = own.unit.symbol
        for chosen in wanted.standards:
            entry = standards.get(chosen.name)
            standard = next((one for one in template.standards if one.role == chosen.role), None)
            if entry and standard and standard.channel and (stream := registered.stream(entry))[0]:
                expected = standard.unit.symbol if standard.unit else template.measurands[0].unit.symbol
                read.setdefault(stream[0], {})[stream[1] or standard.channel] = expected
        conditions = {one.name: one.unit.symbol for one in template.environment}
        for condition, sensor in wanted.sensors.items():
            name, _, channel_name = sensor.rpartition("/")
            read.setdefault(name, {})[channel_name] = conditions.get(condition, "")
        return await self._watching.units({name: found for name, found in read.items() if _is_name(name)})


def template_of(wire: Fields) -> tuple[str, Template, bytes]:
    """The template of a request, by its name or as a file: its name, itself, its bytes. Raises Refused, WireError."""
    value: Any = wire.get("template")
    if isinstance(value, str):
        for one in shipped.templates():
            if one.name == value:
                return one.name, one.template, one.content
        there = ", ".join(one.name for one in shipped.templates())
        raise Refused(sockets.CONFLICT, f"no template {value!r:.60} comes along, but {there}: name one, or send a file")
    content = unpacked("template", wire.binary("template"))
    checked = checking.check(content, shipped.register())
    if checked.template is None:
        raise Refused(sockets.CONFLICT, *(f"the template: {one}" for one in checked.mistakes))
    return "", checked.template, content


def _is_name(instrument: str) -> bool:
    try:
        topics.split_full_name(instrument)
    except WireError:
        return False
    return True
