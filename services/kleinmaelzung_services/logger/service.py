"""The logger: messages from the broker through the inbox into the database, and `logged` back to who sent them.

    broker --> inbox --> prepare (decode) --> write (one transaction) --> logged
                           one batch ahead

Decoding runs while the database works on the batch before. Nothing is awaited per message.

Memory has a bound, however long the database is away: the inbox, and beside it what inbox.take() gave at once (1 MiB)
with the batches made from it, of which there are three (being made, prepared, being written) of at most MAX_FRAMES
frames or MAX_SAMPLES samples each. What then comes is dropped and counted: agents send their frames again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, Never

from kleinmaelzung_bus import session as bus
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.keeping import Keeping
from kleinmaelzung_services.logger import batch, ledger_requests, retention, storage, store
from kleinmaelzung_services.logger.alarm_requests import AlarmRequests
from kleinmaelzung_services.logger.batch import Arrival, Entry
from kleinmaelzung_services.logger.completeness import REQUEST, Completeness
from kleinmaelzung_services.logger.inbox import Inbox
from kleinmaelzung_services.logger.ledger_requests import Ledger
from kleinmaelzung_services.logger.storage import Storage
from kleinmaelzung_services.logger.store import Store, StoreUnavailable, Written
from kleinmaelzung_services.logger.telling import Telling
from kleinmaelzung_services.presence import Health, Presence, run_until
from kleinmaelzung_services.requests import Requests
from kleinmaelzung_wire import alarms, failpoints, ledger, messages, stored, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.waits import Waits

logger = logging.getLogger(__name__)

WAITS = Waits(first_s=0.2, longest_s=5.0)
CHECK_EVERY_S: Final = 5.0  # an idle connection is asked, so that agents learn of a dead database before they need it
LATE_S: Final = 5.0  # a batch that takes longer is no reason to give it up, but one to say so
FINISH_S: Final = 5.0
# One transaction's. Messages of many small frames are cut into several, and so are frames of many samples.
MAX_FRAMES: Final = 5000
MAX_SAMPLES: Final = 200_000
# Decoded before others get their turn: 1 ms or so.
SLICE: Final = 50
SLICE_SAMPLES: Final = 20_000

# `latest` is what `data` says anyway, so it is not logged.
_TRAFFIC_KINDS: Final = ("reply", "state", "description", "control")
_FRAME_ENDS: Final = tuple(f"/{kind}" for kind in sorted(batch.FRAME_KINDS))


def filters() -> list[str]:
    """What a logger subscribes to."""
    any_instrument = f"{topics.ROOT}/{topics.ANY}/{topics.ANY}"
    kinds = (*sorted(batch.FRAME_KINDS), *_TRAFFIC_KINDS, *(f"{kind}/{topics.ANY}" for kind in topics.USER_KINDS))
    return [*(f"{any_instrument}/{kind}" for kind in kinds), topics.any_status(), topics.any_refused()]


@dataclass(slots=True)
class Figures:
    """What was done since the start."""

    frames: int = 0
    samples: int = 0
    repeats: int = 0
    conflicts: int = 0
    quarantined: int = 0
    batches: int = 0
    batch_ms: float = 0.0  # the last one's

    def add(self, written: Written, took_s: float) -> None:
        self.frames += written.frames
        self.samples += written.samples
        self.repeats += written.repeats
        self.conflicts += written.conflicts
        self.quarantined += written.quarantined
        self.batches += 1
        self.batch_ms = round(took_s * 1000, 1)


class Batch(NamedTuple):
    """What one transaction writes, and how many messages are dealt with then."""

    entries: list[Entry]
    finishes: int


class Service:
    """One logger. `run()` until `stop` is set."""

    def __init__(self, config: Config) -> None:
        self.inbox = Inbox()
        self.figures = Figures()
        self._config = config
        self._database = ""  # what is written to, for people
        # One batch: what is more waits in the inbox, which is bounded by bytes.
        self._prepared: asyncio.Queue[Batch] = asyncio.Queue(maxsize=1)
        self._unwritten: Batch | None = None
        self._dropped_said = 0
        self._is_prepared = asyncio.Event()  # the tables are there
        self._removed = retention.Removed()
        self._telling = Telling()
        commands = Ledger(config.dsn)
        self._requests = Requests(
            config.name,
            {
                REQUEST: Completeness(config.dsn).answer,
                ledger_requests.LEDGER: commands.answer,
                ledger_requests.VERIFY: commands.verify,
                storage.REQUEST: Storage(config).answer,
                alarms.REQUEST: AlarmRequests(config.dsn).answer,
            },
        )
        self._presence = Presence(
            config, role="logger", serve=self._serve, on_message=self._on_message, figures=self._figures
        )

    @property
    def health(self) -> Health:
        return self._presence.health

    async def run(self, stop: asyncio.Event) -> None:
        """Log until `stop` is set, write what has come, say goodbye. Raises a group with migrate.SchemaError."""
        tasks = {
            "logger-broker": self._presence.keep(),
            "logger-prepare": self._prepare_forever(),
            "logger-write": self._presence.explained(self._write_forever()),
            "logger-requests": self._requests.run(),
        }
        if self._config.keeping != Keeping():
            tasks["logger-retention"] = self._remove_forever()
        await run_until(stop, tasks, self._finish)

    # Broker

    def _on_message(self, message: bus.Message) -> None:
        if message.topic.endswith(_FRAME_ENDS):
            self.inbox.put(Arrival(message.topic, message.payload, now_us()), is_frame=True)
        elif not self._requests.take(message):
            arrival = Arrival(
                *(message.topic, message.payload, now_us(), message.retained),
                *(message.response_topic, message.correlation),
            )
            self.inbox.put(arrival, is_frame=False)
            if message.topic.endswith("/status"):
                self._telling.see(message.topic, message.payload)

    async def _serve(self, session: bus.Session) -> None:
        for topic_filter in filters():
            await session.subscribe(topic_filter, qos=0 if topic_filter.endswith(_FRAME_ENDS) else 1)
        await self._requests.serve(session)

    def _say_what_was_dropped(self) -> None:
        if self.inbox.dropped > self._dropped_said:
            logger.warning("%d messages had no room; agents send their frames again", self.inbox.dropped)
            self._dropped_said = self.inbox.dropped

    def _figures(self) -> dict[str, Any]:
        self._say_what_was_dropped()  # as often as the figures are told, not as often as it happens
        return {
            **asdict(self.figures),
            "dropped": self.inbox.dropped,
            "queue": len(self.inbox),
            "database": self._database,
            "keeping": str(self._config.keeping),
            **self._removed.figures(),
        }

    async def _tell_logged(self, written: Written) -> None:
        try:
            for agent, ranges in batch.logged(written.numbered).items():
                if self._presence.session is not None:
                    self._presence.session.publish_soon(topics.logged(agent), messages.encode_logged(ranges))
            for name, digests in batch.noted(written.noted).items():
                if self._presence.session is not None:
                    self._presence.session.publish_soon(topics.service_logged(name), ledger.encode_logged(digests))
            await asyncio.sleep(0)  # then they have left
            failpoints.reach("logger.after_logged")
        except bus.BusError as error:
            logger.debug("not told what is logged, it will be sent again: %s", error)

    # Database

    async def _prepare_forever(self) -> Never:
        while True:
            arrivals = await self.inbox.take()
            entries: list[Entry] = []
            samples = 0
            for entry in batch.sort_arrivals(arrivals, now_us()):
                entries.append(entry)
                added = batch.samples(entry)
                if len(entries) % SLICE == 0 or samples // SLICE_SAMPLES < (samples + added) // SLICE_SAMPLES:
                    await asyncio.sleep(0)
                samples += added
                if len(entries) >= MAX_FRAMES or samples >= MAX_SAMPLES:
                    await self._prepared.put(Batch(entries, 0))
                    entries, samples = [], 0
            await self._prepared.put(Batch(entries, len(arrivals)))

    async def _write_forever(self) -> Never:
        failures = 0
        while True:
            batches = self.figures.batches
            try:
                async with store.open_store(self._config.dsn) as opened:
                    self._database = str(opened.installation)
                    self._is_prepared.set()
                    await self._write_batches(opened)
            except StoreUnavailable as error:
                if self.figures.batches > batches:
                    failures = 0
                logger.log(logging.WARNING if failures == 0 else logging.DEBUG, "%s", error)
                self.health.set(str(error))
            failures += 1
            await asyncio.sleep(WAITS.after(failures))

    async def _write_batches(self, opened: Store) -> Never:
        # After a failure only a batch that is written proves that all is well again: a full disk lets us connect.
        if self._unwritten is None:
            self._be_well()
        self._telling.begin()
        while True:
            if self._unwritten is not None:
                await self._write_batch(opened, self._unwritten)
                self._unwritten = None
            await self._tell_stored(opened)
            try:
                async with asyncio.timeout(CHECK_EVERY_S):
                    self._unwritten = await self._prepared.get()
            except TimeoutError:
                await opened.check()

    async def _tell_stored(self, opened: Store) -> None:
        """Between two batches: an agent hears that a frame is committed before this, or it is not missed here."""
        for present in self._telling.due(time.monotonic()) if self._presence.session else ():
            streams = await opened.list_stored(present.agent, present.epochs, present.reaches_s)
            try:
                for told in stored.divided(streams):
                    if self._presence.session is not None:
                        self._presence.session.publish_soon(topics.logged(present.agent), told.encode())
            except (bus.BusError, WireError) as error:
                logger.warning("%s is not told what is stored of it: %s", present.agent, error)

    async def _write_batch(self, opened: Store, made: Batch) -> None:
        if made.entries:  # not so for retained messages that only repeat
            started = time.monotonic()
            with self._watched():
                written = await opened.write(made.entries)
            self.figures.add(written, time.monotonic() - started)
            await self._tell_logged(written)
            self._be_well()
        self.inbox.finish(made.finishes)

    async def _remove_forever(self) -> Never:
        await self._is_prepared.wait()
        await retention.keep(self._config.dsn, self._config.keeping, self._removed)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        sentence = f"database: a batch has taken more than {LATE_S:g} s"
        late = asyncio.get_running_loop().call_later(LATE_S, self.health.set, sentence)
        try:
            yield
        finally:
            late.cancel()

    def _be_well(self) -> None:
        if not self.health.healthy:
            logger.info("writing to %s", self._database)
        self.health.set("")

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(FINISH_S):
                await self.inbox.wait_idle()
        except TimeoutError:
            logger.warning("stopped with %d messages not written; agents send their frames again", len(self.inbox))
        await self._presence.leave()


def now_us() -> int:
    return time.time_ns() // 1000
