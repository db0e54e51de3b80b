"""What is on disk of orders, and what a start makes of it."""

import hashlib
import os
from pathlib import Path

import pytest

from kleinmaelzung_agent.orders import trial
from kleinmaelzung_agent.orders.orders_held import FOLDER, Last, OrdersHeld, Signed, State, Trial
from kleinmaelzung_agent.orders.program_update import ProgramUpdate
from kleinmaelzung_agent.spool.lock import DirectoryLock
from tests.orders import ordered

OLD = '[agent]\nname = "a"\nurl = "ws://x"\nsecret = "x"\ndata = "data"\n'
NEW = OLD + "\n[spool]\nkeep = '1h'\n"


def test_nothing_is_known_of_an_agent_that_had_no_orders(tmp_path: Path) -> None:
    held = OrdersHeld(tmp_path)
    assert (held.announced(), held.size(), held.state(), held.trial()) == (None, 0, State(), None)
    held.drop()
    held.end_trial()
    assert list(tmp_path.iterdir()) == []  # to ask leaves no trace


def test_what_is_noted_is_found_again_by_others_in_the_same_place(tmp_path: Path) -> None:
    held, other = OrdersHeld(tmp_path), OrdersHeld(tmp_path)
    order = ordered(b"content")
    held.announce(Signed(order.encode(), b"s"), order)
    assert held.append(b"con") == 3
    assert other.announced() == Signed(order.encode(), b"s")
    assert other.append(b"tent") == 7
    assert held.is_whole(order)
    state = State().after(Last.of(order, "done", "why"), is_carried_out=True)
    held.note(state)
    held.try_out(Trial(old="ö", new="n", order=order.encode(), starts=1))
    assert (other.state(), other.trial()) == (state, Trial(old="ö", new="n", order=order.encode(), starts=1))
    another = ordered(b"another")
    held.announce(Signed(another.encode(), b"s"), another)
    assert other.size() == 0, "what came was for another content"


def test_a_refused_order_does_not_count_as_carried_out_and_time_never_goes_back() -> None:
    early, late = ordered(b"1", issued=5), ordered(b"2", issued=9)
    state = State().after(Last.of(late, "done"), is_carried_out=True)
    assert state.after(Last.of(early, "done"), is_carried_out=True).issued == {"configuration": 9}
    assert State().after(Last.of(late, "refused"), is_carried_out=False).issued == {}


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"order": 5}', b'{"order": "x", "issued": []}'])
def test_a_spoiled_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    held, programs = OrdersHeld(tmp_path), ProgramUpdate(OrdersHeld(tmp_path))
    (tmp_path / FOLDER / "program").mkdir(parents=True)
    for name in ("announced", "state", "trial", "program/result", "program/order", "program/ready"):
        (tmp_path / FOLDER / name).write_bytes(content)
    assert (held.announced(), held.state(), held.trial()) == (None, State(), None)
    assert (programs.result(), programs.waiting()) == (None, None)


def on_trial(directory: Path, *, starts: int = 0, text: str = NEW) -> OrdersHeld:
    (directory / "agent.toml").write_text(text)
    (directory / "agent.toml").chmod(0o600)
    held = OrdersHeld(directory / "data")
    held.try_out(Trial(old=OLD, new=NEW, order=ordered(NEW.encode()).encode(), starts=starts))
    return held


def test_the_first_start_goes_on_with_a_configuration_on_trial_and_the_second_gives_it_up(tmp_path: Path) -> None:
    held = on_trial(tmp_path)
    trial.at_start(tmp_path / "agent.toml", 77)
    known = held.trial()
    assert known is not None
    assert known.starts == 1
    assert (tmp_path / "agent.toml").read_text() == NEW
    trial.at_start(tmp_path / "agent.toml", 77)
    assert (tmp_path / "agent.toml").read_text() == OLD
    last = held.state().last
    assert last is not None
    assert (last.result, last.time, last.sha256) == ("rolled back", 77, hashlib.sha256(NEW.encode()).hexdigest())
    assert held.trial() is None
    trial.at_start(tmp_path / "agent.toml", 78)
    assert (tmp_path / "agent.toml").read_text() == OLD


def test_one_that_never_came_into_its_place_was_never_tried(tmp_path: Path) -> None:
    held = on_trial(tmp_path, starts=1, text=OLD)
    trial.at_start(tmp_path / "agent.toml", 77)
    assert (held.trial(), held.state()) == (None, State())


def test_what_somebody_changed_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    mine = NEW + "# mine\n"
    held = on_trial(tmp_path, starts=5, text=mine)
    trial.at_start(tmp_path / "agent.toml", 77)
    assert (tmp_path / "agent.toml").read_text() == mine
    assert held.trial() is not None, "the agent that runs says what became of it"


def test_a_second_process_started_by_mistake_decides_nothing(tmp_path: Path) -> None:
    held = on_trial(tmp_path, starts=1)
    lock = DirectoryLock(tmp_path / "data")
    lock.take()
    trial.at_start(tmp_path / "agent.toml", 77)
    assert (tmp_path / "agent.toml").read_text() == NEW
    lock.release()
    trial.at_start(tmp_path / "agent.toml", 77)
    assert (tmp_path / "agent.toml").read_text() == OLD
    assert held.trial() is None


@pytest.mark.parametrize("text", ["", "[agent]\n", "[agent]\ndata = 5\n", "agent = 5\n", "\x00"])
def test_a_file_that_says_nothing_of_the_data_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "agent.toml").write_text(text)
    trial.at_start(tmp_path / "agent.toml", 77)
    trial.at_start(tmp_path / "none", 77)
    assert os.listdir(tmp_path) == ["agent.toml"]
