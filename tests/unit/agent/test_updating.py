"""What root does with a program that the agent handed over: real signatures, and small scripts for installers."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung import server_key
from kleinmaelzung_agent import updating
from kleinmaelzung_agent.updating import Places
from kleinmaelzung_wire import orders
from kleinmaelzung_wire.orders import Kind, Order

INSTALLER = "deploy/install-agent"
DONE = '#!/bin/sh\necho "$1" >>{log}\n'
FAILED = DONE + 'echo "install-agent: no room left" >&2\nexit 1\n'
TAKEN_BACK = DONE + 'echo noise >&2\necho "install-agent: it does not come up" >&2\nexit 3\n'
HANGS = DONE + 'sleep 1000 & echo "$!" >>{log}\nwait\n'
KILLS = DONE + 'kill -9 "$PPID"\n'
AS_SYSTEMD_DOES = """\
import sys
from pathlib import Path
from kleinmaelzung_agent import updating
program, etc, data, owner = sys.argv[1:]
updating.run(updating.Places(program=Path(program), etc=Path(etc), data=Path(data), owner=int(owner)))
"""


class Machine:
    """One with an agent, in a folder; `ran` is how installers were called."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "log"
        own = {name: directory / name for name in ("program", "etc", "data")}
        for each in own.values():
            each.mkdir()
        self.places = Places(**own, owner=os.getuid(), limit_s=60)
        self.key = server_key.make(directory / "key")
        self.write_key(0o644)
        (self.places.etc / "agent.toml").write_text('[agent]\nname = "pi-2"\n')
        before = self.places.program / "one" / "installed" / "deploy"
        before.mkdir(parents=True)
        self._script(before / "install-agent", DONE)
        (self.places.program / "confirmed").symlink_to(self.places.program / "one")
        self.folder = self.places.data / "orders" / "program"

    def write_key(self, mode: int) -> None:
        (self.places.etc / "server.pub").write_text(orders.pem(self.key.public))
        (self.places.etc / "server.pub").chmod(mode)

    def order(
        self, content: bytes, *, agent: str = "pi-2", issued: int = 10, kind: Kind = "program", size: int | None = None
    ) -> bytes:
        sha256, size = hashlib.sha256(content).digest(), len(content) if size is None else size
        return Order(kind=kind, agent=agent, issued=issued, sha256=sha256, size=size).encode()

    def hand_over(self, order: bytes, content: bytes, signature: bytes | None = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "order").write_bytes(order)
        (self.folder / "signature").write_bytes(self.key.sign(order) if signature is None else signature)
        (self.folder / "content").write_bytes(content)
        (self.folder / "ready").write_bytes(b"")

    def give(self, content: bytes, issued: int = 10) -> None:
        self.hand_over(self.order(content, issued=issued), content)

    def run(self) -> None:
        """As often as systemd does: while there is something to look at."""
        for _ in range(10):
            updating.run(self.places)
            if not (self.folder / "ready").exists() and not self.places.under_way.exists():
                return
        raise AssertionError("systemd would start it for ever")

    def result(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "result").read_text())
        return told

    def program(self, script: str) -> bytes:
        return packed({INSTALLER: script.replace("{log}", str(self.log))})

    @property
    def ran(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def _script(self, path: Path, text: str) -> None:
        path.write_text(text.replace("{log}", str(self.log)))
        path.chmod(0o755)


def packed(files: Mapping[str, str], *members: tarfile.TarInfo) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:xz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
        for member in members:
            tar.addfile(member)
    return made.getvalue()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def refused(machine: Machine) -> str:
    """Why it was refused; nothing was run, nothing waits, nothing is under way."""
    machine.run()
    assert machine.ran == []
    assert machine.result()["result"] == "refused"
    return str(machine.result()["reason"])


def test_without_anything_handed_over_there_is_nothing_to_do(machine: Machine) -> None:
    machine.run()
    machine.folder.mkdir(parents=True)
    machine.run()
    assert list(machine.folder.iterdir()) == []


def test_a_signed_program_is_installed_and_the_agent_is_told(machine: Machine) -> None:
    content = machine.program(DONE)
    machine.give(content)
    machine.run()
    assert machine.ran == ["--must-connect"]
    told = machine.result()
    assert told.pop("time") > 0
    sha256 = hashlib.sha256(content).hexdigest()
    assert told == {"kind": "program", "issued": 10, "sha256": sha256, "result": "done", "reason": ""}
    assert [file.name for file in machine.folder.iterdir()] == ["result"]


@pytest.mark.parametrize(
    ("script", "result", "reason"),
    [(FAILED, "refused", "no room left"), (TAKEN_BACK, "rolled back", "it does not come up")],
)
def test_what_its_installer_says_is_told(machine: Machine, script: str, result: str, reason: str) -> None:
    machine.give(machine.program(script))
    machine.run()
    assert (machine.result()["result"], machine.result()["reason"]) == (result, reason)


def test_an_installer_that_does_not_end_is_ended_and_the_version_before_put_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.places = Places(
        program=machine.places.program, etc=machine.places.etc, data=machine.places.data, owner=os.getuid(), limit_s=0.3
    )
    machine.give(machine.program(HANGS))
    machine.run()
    how, pid, then = machine.ran
    assert (how, then, machine.result()["result"]) == ("--must-connect", "--roll-back", "rolled back")
    assert not is_running(pid), "what it had started is ended too"


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_each_order_is_carried_out_once_and_none_before_it(machine: Machine) -> None:
    content = machine.program(DONE)
    machine.give(content, issued=10)
    machine.run()
    for issued in (10, 9):
        machine.give(content, issued=issued)
        machine.run()
        assert "was carried out already" in machine.result()["reason"]
    machine.give(content, issued=11)
    machine.run()
    assert (machine.result()["result"], len(machine.ran)) == ("done", 2)


def test_a_version_that_was_taken_back_needs_a_new_order_too(machine: Machine) -> None:
    machine.give(machine.program(TAKEN_BACK))
    machine.run()
    machine.give(machine.program(DONE))
    machine.run()
    assert machine.result()["result"] == "refused"


def test_what_another_key_signed_or_nobody_is_refused(machine: Machine, tmp_path: Path) -> None:
    content = machine.program(DONE)
    order = machine.order(content)
    for signature in (server_key.make(tmp_path / "other").sign(order), bytes(64), b"", bytes(65)):
        machine.hand_over(order, content, signature)
        assert "sign" in refused(machine)
    machine.hand_over(machine.order(content, issued=11), content, machine.key.sign(order))
    assert "sign" in refused(machine)


def test_an_order_for_something_else_is_refused(machine: Machine) -> None:
    content = machine.program(DONE)
    for order, sentence in (
        (machine.order(content, agent="pi-3"), "for agent pi-3, this machine is agent pi-2"),
        (machine.order(content, kind="configuration"), "for a configuration"),
        (machine.order(content + b"x"), "is not the one that was signed"),
        (machine.order(content, size=len(content) - 1), "content is no file of at most"),
        (b"nonsense", "not msgpack"),
        (bytes(5000), "order is no file of at most 4096 bytes"),
    ):
        machine.hand_over(order, content)
        assert sentence in refused(machine)


def test_a_key_that_is_not_roots_alone_counts_for_nothing(machine: Machine) -> None:
    key = machine.places.etc / "server.pub"
    for mode in (0o664, 0o646):
        machine.write_key(mode)
        machine.give(machine.program(DONE))
        assert "must belong to root" in refused(machine)
    machine.write_key(0o644)
    os.link(key, machine.places.etc / "another-name")
    machine.give(machine.program(DONE))
    assert "must belong to root" in refused(machine)
    (machine.places.etc / "another-name").unlink()
    key.rename(machine.places.etc / "elsewhere")
    key.symlink_to("elsewhere")
    machine.give(machine.program(DONE))
    assert "cannot be used" in refused(machine)
    key.unlink()
    machine.give(machine.program(DONE))
    assert "trusts no server's key" in refused(machine)
    key.write_text("nonsense")
    key.chmod(0o644)
    machine.give(machine.program(DONE))
    assert "no Ed25519 public key" in refused(machine)


def test_a_key_of_another_user_counts_for_nothing(machine: Machine) -> None:
    own = machine.places
    machine.places = Places(program=own.program, etc=own.etc, data=own.data, owner=os.getuid() + 1)
    machine.give(machine.program(DONE))
    assert "must belong to root" in refused(machine)


@pytest.mark.parametrize("text", ["", "nonsense", "agent = 1", "[agent]\nurl = 1", "\0"])
def test_a_configuration_that_names_no_agent_lets_nothing_pass(machine: Machine, text: str) -> None:
    (machine.places.etc / "agent.toml").write_text(text)
    machine.give(machine.program(DONE))
    assert "does not say which agent this is" in refused(machine)


def test_a_link_in_the_place_of_the_configuration_is_not_followed(machine: Machine) -> None:
    config = machine.places.etc / "agent.toml"
    config.rename(config.with_name("elsewhere"))
    config.symlink_to("elsewhere")
    machine.give(machine.program(DONE))
    assert "does not say which agent this is" in refused(machine)


@pytest.mark.parametrize("name", ["order", "signature", "content"])
def test_links_pipes_and_folders_in_the_place_of_a_file_are_not_looked_at(machine: Machine, name: str) -> None:
    for put in (
        lambda path: path.symlink_to(path.with_name("elsewhere")),
        lambda path: os.mkfifo(path),
        lambda path: (path.mkdir(), (path / "within").write_text("")),
        lambda path: None,
    ):
        machine.give(machine.program(DONE))
        path = machine.folder / name
        path.rename(machine.folder / "elsewhere")
        put(path)
        assert f"{name} " in refused(machine)
        assert {file.name for file in machine.folder.iterdir()} == {"elsewhere", "result"}


@pytest.mark.parametrize("where", ["orders", "orders/program"])
def test_a_link_in_the_place_of_a_folder_is_taken_away_and_what_it_leads_to_is_left_alone(
    machine: Machine, where: str
) -> None:
    machine.give(machine.program(DONE))
    folder = machine.places.data / where
    folder.rename(machine.places.data / "elsewhere")
    folder.symlink_to(machine.places.data / "elsewhere")
    machine.run()
    assert machine.ran == []
    assert not folder.is_symlink()
    assert list((machine.places.data / "elsewhere").rglob("ready"))


def test_a_link_in_the_place_of_the_answer_is_replaced_and_not_written_through(
    machine: Machine, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    machine.give(machine.program(DONE))
    for name in ("result", "result.new"):
        (machine.folder / name).symlink_to(precious)
    machine.run()
    assert machine.result()["result"] == "done"
    assert precious.read_text() == "as it was"


def test_a_folder_in_the_place_of_the_answer_only_keeps_the_agent_from_hearing(machine: Machine) -> None:
    machine.give(machine.program(DONE))
    (machine.folder / "result").mkdir()
    machine.run()
    assert machine.ran == ["--must-connect"]


def test_a_word_that_is_a_folder_is_taken_away_too(machine: Machine) -> None:
    machine.give(machine.program(DONE))
    (machine.folder / "ready").unlink()
    (machine.folder / "ready" / "within").mkdir(parents=True)
    machine.run()
    assert machine.result()["result"] == "done"


def a_link(name: str, to: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, to
    return member


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (packed({"../escaped": "x"}), "expected files within its own folder"),
        (packed({"deploy/../../escaped": "x"}), "expected files within its own folder"),
        (packed({"/tmp/escaped-from-a-program": "x"}), "expected files within its own folder"),
        (packed({}, a_link("deploy", "/tmp")), "expected files within its own folder"),
        (packed({INSTALLER: "x"})[:60], "no whole .tar.xz"),
        (b"nonsense", "no whole .tar.xz"),
        (packed({"readme": "x"}), "no deploy/install-agent"),
    ],
    ids=["above", "above by a detour", "absolute", "link", "cut off", "nonsense", "without an installer"],
)
def test_a_program_that_is_none_is_refused_even_where_it_is_signed(
    machine: Machine, content: bytes, sentence: str
) -> None:
    machine.give(content)
    assert sentence in refused(machine)
    assert not list(machine.places.program.parent.rglob("escaped"))
    assert not Path("/tmp/escaped-from-a-program").exists()


def interrupted(machine: Machine, content: bytes, *, attempts: int) -> bytes:
    """As a power cut leaves it while a version is installed: root's copy, and nothing in the agent's folder."""
    order = machine.order(content)
    machine.places.under_way.mkdir(parents=True)
    (machine.places.under_way / "order").write_bytes(order)
    (machine.places.under_way / "content").write_bytes(content)
    (machine.places.under_way / "tree").mkdir()
    (machine.places.under_way / "attempts").write_text("x" * attempts)
    machine.folder.mkdir(parents=True)
    return order


def test_after_an_interruption_it_goes_on(machine: Machine) -> None:
    interrupted(machine, machine.program(DONE), attempts=1)
    machine.run()
    assert (machine.result()["result"], machine.ran) == ("done", ["--must-connect"])


def test_an_order_that_was_copied_but_still_waits_after_an_interruption_is_not_carried_out_twice(
    machine: Machine,
) -> None:
    content = machine.program(DONE)
    machine.hand_over(interrupted(machine, content, attempts=0), content)
    machine.run()
    assert (machine.result()["result"], machine.ran) == ("done", ["--must-connect"])


def test_one_that_came_after_an_interrupted_one_is_carried_out_after_it(machine: Machine) -> None:
    content = machine.program(DONE)
    interrupted(machine, content, attempts=1)
    machine.give(content, issued=11)
    machine.run()
    assert (machine.result()["issued"], len(machine.ran)) == (11, 2)


def test_a_version_at_which_the_machine_dies_each_time_is_given_up(machine: Machine) -> None:
    machine.give(machine.program(KILLS))
    places = machine.places
    told = (str(each) for each in (places.program, places.etc, places.data, places.owner))
    command = [sys.executable, "-c", AS_SYSTEMD_DOES, *told]
    ended = [subprocess.run(command, check=False, capture_output=True).returncode for _ in range(4)]
    assert ended == [-signal.SIGKILL] * 3 + [0]
    assert machine.ran == ["--must-connect"] * 3 + ["--roll-back"]
    assert machine.result()["result"] == "rolled back"
    assert not places.under_way.exists()


def test_after_the_third_interruption_the_version_before_is_put_back(machine: Machine) -> None:
    interrupted(machine, machine.program(DONE), attempts=3)
    machine.run()
    assert (machine.result()["result"], machine.ran) == ("rolled back", ["--roll-back"])
    assert "interrupted 3 times" in machine.result()["reason"]


def test_an_interruption_at_its_very_end_leaves_nothing_behind(machine: Machine) -> None:
    (machine.places.own / "over" / "tree").mkdir(parents=True)
    machine.give(machine.program(DONE))
    machine.run()
    assert (machine.result()["result"], (machine.places.own / "over").exists()) == ("done", False)
