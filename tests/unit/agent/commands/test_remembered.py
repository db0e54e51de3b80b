"""Which commands were begun: lines written and read again, whatever happened to the file."""

import random

from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.commands import remembered
from kleinmaelzung_agent.commands.remembered import KEPT, Begun, Kept, Memory
from kleinmaelzung_agent.recording.recorder import NumberedFrame
from kleinmaelzung_wire.messages import Control, Reply

FRAME = NumberedFrame(instrument="oven", epoch=5, number=7, payload=b"\x00\n\xff", time_us=9, is_record=True)


def begun(id_: str = "c1", instrument: str = "oven") -> Begun:
    arguments = {"value": 1.5, "text": "a\nb", "bytes": b"\n"}
    return Begun(instrument=instrument, user="anna", id=id_, name="set", origin="s1", arguments=arguments, received=8)


def reply(id_: str = "c1") -> bytes:
    return Reply(id=id_, name="set", user="anna", result="done", bytes_in=b"\r\n").encode()


def read(content: bytes) -> tuple[Memory, int]:
    return remembered.read(content.split(b"\n"))


def test_what_was_begun_is_known_and_then_what_became_of_it() -> None:
    content = remembered.begun_line(begun())
    memory, bad = read(content)
    assert (memory.get(begun().key), bad) == (Kept(begun=begun()), 0)
    memory, bad = read(content + remembered.ended_line(begun().key, reply(), FRAME))
    assert (memory.get(begun().key), bad) == (Kept(reply=reply(), frame=FRAME), 0)
    assert memory.get(("oven", "otto", "c1")) is None
    assert memory.get(("lamp", "anna", "c1")) is None


def test_written_anew_it_says_the_same() -> None:
    content = remembered.begun_line(begun("c1")) + remembered.ended_line(begun("c2").key, reply("c2"), FRAME)
    memory, _ = read(content)
    anew, bad = read(b"".join(remembered.lines(memory, with_frames=True)))
    assert (dict(anew.items()), bad) == (dict(memory.items()), 0)
    without, _ = read(b"".join(remembered.lines(memory, with_frames=False)))
    assert [kept.frame for kept in without.values()] == [None, None]
    assert without.get(begun("c2").key) == Kept(reply=reply("c2"))


def test_who_holds_an_instrument_is_known_until_nobody_does() -> None:
    held = Control(user="anna", session="s1", since=1, until=2)
    content = remembered.lease_line("oven", held) + remembered.lease_line("lamp", held)
    memory, bad = read(content + remembered.lease_line("lamp", Control()))
    assert (memory.leases, bad) == ({"oven": held}, 0)
    anew, _ = read(b"".join(remembered.lines(memory, with_frames=False)))
    assert anew.leases == {"oven": held}


def test_of_each_instrument_the_newest_are_kept() -> None:
    memory = Memory()
    for count in range(KEPT + 10):
        memory.put(("oven", "anna", str(count)), Kept(reply=reply()))
    memory.put(("lamp", "anna", "0"), Kept(reply=reply()))
    assert len(memory) == KEPT + 1
    assert memory.get(("oven", "anna", "9")) is None
    assert memory.get(("oven", "anna", "10")) is not None


@given(st.integers(1, 200))
def test_a_line_that_broke_off_does_not_spoil_the_next(left: int) -> None:
    torn = remembered.begun_line(begun("c1"))[: -1 - left]
    memory, bad = read(torn + remembered.begun_line(begun("c2")))
    assert memory.get(begun("c2").key) is not None
    assert memory.get(begun("c1").key) is None
    assert bad <= 1


def test_a_flipped_bit_costs_its_line_only() -> None:
    dice = random.Random(20261123)
    content = b"".join(remembered.begun_line(begun(f"c{count}")) for count in range(10))
    for _ in range(300):
        spoiled = bytearray(content)
        spoiled[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        memory, _ = read(bytes(spoiled))
        assert len(memory) >= 8
        assert all(kept.begun and kept.begun == begun(kept.begun.id) for kept in memory.values())


@given(st.binary(max_size=300))
def test_rubbish_is_no_command(content: bytes) -> None:
    memory, _ = read(content)
    assert len(memory) == 0
