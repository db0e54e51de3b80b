"""Ports: free ones, kept from start to start."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_local import ports
from kleinmaelzung_local.ports import PortTaken


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)
    assert ports.is_free(ports.find_free())


def test_of_those_that_were_found_and_are_not_used_yet_none_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.find_free()
    monkeypatch.setattr(ports, "_NEVER_OUTGOING", (first, first + 24))
    found = [first, *(ports.find_free() for _ in range(9))]
    look = f"from kleinmaelzung_local import ports; ports._NEVER_OUTGOING = ({first}, {first + 24}); "
    look += "print(*(ports.find_free() for _ in range(5)))"
    elsewhere = subprocess.run([sys.executable, "-c", look], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    found += map(int, elsewhere.split())
    assert len(set(found)) == 15


def test_free_ones_are_found_differ_and_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    wanted: dict[str, int | None] = {"http": 0, "mqtt": None, "internal": None}
    first = ports.choose(path, wanted)
    assert len(set(first.values())) == 3
    assert json.loads(path.read_text()) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert ports.choose(path, dict.fromkeys(wanted)) == first


def test_one_that_was_asked_for_is_taken_and_then_kept(tmp_path: Path) -> None:
    wanted = ports.find_free()
    assert ports.choose(tmp_path / "p", {"http": wanted}) == {"http": wanted}
    assert ports.choose(tmp_path / "p", {"http": None}) == {"http": wanted}


def test_zero_is_any_free_one_and_not_the_last(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(json.dumps({"http": 1}))
    assert ports.choose(tmp_path / "p", {"http": 0})["http"] > 1


def test_one_that_was_asked_for_and_is_taken_is_said(tmp_path: Path, taken: int) -> None:
    with pytest.raises(PortTaken, match=f"port {taken} is used by another program; choose another, or 0 for any free"):
        ports.choose(tmp_path / "p", {"http": taken})


def test_a_kept_one_that_is_taken_meanwhile_is_replaced(tmp_path: Path, taken: int) -> None:
    (tmp_path / "p").write_text(json.dumps({"mqtt": taken}))
    assert ports.choose(tmp_path / "p", {"mqtt": None})["mqtt"] != taken


@pytest.mark.parametrize("content", ["", "{", "\x00\x00"])
def test_a_file_that_cannot_be_read_is_no_reason_to_stay_down(tmp_path: Path, content: str) -> None:
    (tmp_path / "p").write_text(content)
    assert ports.choose(tmp_path / "p", {"mqtt": None})["mqtt"] > 0
