"""The spool's file as a machine: whatever is done in whatever order, it holds what was committed and not logged."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kleinmaelzung_agent.recording.recorder import Key, NumberedFrame
from kleinmaelzung_agent.spool.spool_file import FILE_NAME, SpoolFile
from kleinmaelzung_agent.spool.spool_held import Change, Limits

LIMITS = Limits(bytes=10**9)
STREAMS = st.sampled_from([("balance", 1), ("balance", 2), ("thermometer", 1)])


class Machine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.file = SpoolFile(self.directory / FILE_NAME, LIMITS)
        self.committed: dict[Key, NumberedFrame] = {}
        self.added: list[NumberedFrame] = []
        self.numbers: dict[tuple[str, int], int] = {}
        self.last_id = 0

    @rule(stream=STREAMS, count=st.integers(1, 5), size=st.integers(0, 6000), time_us=st.integers(0, 100))
    def add(self, stream: tuple[str, int], count: int, size: int, time_us: int) -> None:
        for _ in range(count):
            number = self.numbers[stream] = self.numbers.get(stream, 0) + 1
            payload = bytes([number % 256]) * size
            frame = NumberedFrame(
                instrument=stream[0],
                epoch=stream[1],
                number=number,
                payload=payload,
                time_us=time_us,
                is_record=number % 7 == 0,
            )
            self.added.append(frame)

    @rule(stream=STREAMS, first=st.integers(1, 20), length=st.integers(0, 10))
    def commit(self, stream: tuple[str, int], first: int, length: int) -> None:
        """Frames and what is logged together; the first frame is there already, as after a lost answer."""
        repeated = list(self.committed.values())[:1]
        logged = (*stream, first, first + length)
        frames = [frame for frame in repeated if not names(logged, frame.key)] + self.added
        before = set(self.committed)
        self.committed = {key: frame for key, frame in self.committed.items() if not names(logged, key)}
        outcome = self.file.commit(Change(frames=frames, logged=[logged]))
        self.committed |= {frame.key: frame for frame in self.added}
        if self.added:
            assert outcome.last_id >= self.last_id + len({frame.key for frame in self.added} - before)
            self.last_id = outcome.last_id
        self.added = []
        assert outcome.losses == []

    @rule()
    def forget_all(self) -> None:
        ranges = [(*stream, 1, 2**53) for stream in {key[:2] for key in self.committed}]
        assert self.file.commit(Change(logged=ranges)).count == 0
        self.committed = {}

    @rule()
    def reopen(self) -> None:
        self.file.close()
        self.added = []  # memory dies with the process, the numbers are not used again in this test
        self.file = SpoolFile(self.directory / FILE_NAME, LIMITS)

    @rule()
    def die(self) -> None:
        """As a kill or a power cut leaves the files: copied while they are open."""
        copy = Path(tempfile.mkdtemp())
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            shutil.copyfile(self.directory / name, copy / name)
        self.file.close()
        shutil.rmtree(self.directory)
        self.directory, self.added = copy, []
        self.file = SpoolFile(copy / FILE_NAME, LIMITS)

    @rule()
    def fail(self) -> None:
        """A commit of which one row is impossible changes nothing."""
        bad = NumberedFrame(instrument="balance", epoch=2**70, number=1, payload=b"")
        try:
            self.file.commit(Change(frames=[*self.added, bad], logged=[("balance", 1, 1, 2**53)]))
        except OverflowError:
            return
        raise AssertionError("an epoch of 71 bits was taken")

    @precondition(lambda self: hasattr(self, "file"))
    @invariant()
    def holds_what_was_committed_and_nothing_else(self) -> None:
        found, damage = self.file.read(after=0, until=2**62, count=100_000)
        assert damage is None
        assert {entry.frame.key: entry.frame for entry in found} == self.committed
        assert [entry.id for entry in found] == sorted({entry.id for entry in found})
        outcome = self.file.outcome()
        assert outcome.count == len(found)
        assert outcome.bytes == sum(len(frame.payload) + 100 for frame in self.committed.values())
        assert outcome.streams == {key[:2] for key in self.committed}

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
            shutil.rmtree(self.directory)


def names(logged: tuple[str, int, int, int], key: Key) -> bool:
    return key[:2] == logged[:2] and logged[2] <= key[2] <= logged[3]


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
