"""An agent gets other versions of its program from the server, on a machine that boots with systemd."""

import asyncio
import hashlib
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import kleinmaelzung
from kleinmaelzung import server_key
from kleinmaelzung_wire import gaps
from kleinmaelzung_wire.orders import Order
from tests.deploy import images, laboratory, machines
from tests.deploy.installed import ROOT, docker
from tests.deploy.laboratory import CURRENT, do, reasons, until_logged_more
from tests.deploy.machines import UNIT, Machine
from tests.whole import Whole

pytestmark = [
    pytest.mark.timeout(1200),  # the first run on a machine builds images
    pytest.mark.skipif(bool(images.why_not()), reason=images.why_not()),
]
PLACE = "/opt/kleinmaelzung-agent"
FOLDER = "/var/lib/kleinmaelzung/orders/program"
LIMIT_S = 240.0  # a version is installed meanwhile
AS_AGENT = ("setpriv", "--reuid", "kleinmaelzung", "--regid", "kleinmaelzung", "--clear-groups")
# No package can be had from a network here.
DROP_IN = """\
[Service]
Environment=PIP_INDEX_URL=http://127.0.0.1:9/ PIP_RETRIES=0 KLEINMAELZUNG_CONNECTS_WITHIN_S=20
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What makes a version another one."""

    file: str
    before: str
    after: str


UPLINK = "agent/kleinmaelzung_agent/sending/uplink.py"
UNIT_FILE = f"deploy/systemd/{UNIT}.service"
GOOD = Change(UPLINK, "class Uplink:", "# another one\n{}")
FAULTY = Change(UPLINK, "        self._wants_beats = False\n", '        raise RuntimeError("a fault")\n')
OTHER_UNIT = Change(UNIT_FILE, "MemoryMax=256M", "MemoryMax=255M")
DEAF = Change(UPLINK, "gateway_link.opening(self._url,", 'gateway_link.opening("ws://127.0.0.1:9/agent",')
SLOW = Change(UPLINK, "        while True:\n            self._welcomed_s", "        await asyncio.sleep(6)\n{}")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machines.machine(tmp_path) as made:
        yield made
        # Shown where a test fails.
        print(made.attempt("journalctl", "--no-pager", "-n", "150", "-u", UNIT, "-u", f"{UNIT}-update").stdout)


class Updates:
    """What the server's admin does, and what the agent does with it."""

    def __init__(self, machine: Machine, whole: Whole, directory: Path) -> None:
        assert whole.running.server_key
        self.machine, self.whole = machine, whole
        self.key = whole.running.server_key
        self._directory = directory
        self._versions = itertools.count(2)

    def program(self, *changes: Change) -> tuple[Path, str]:
        """A file with a version of this tree that is not the one before, and the version."""
        number = f"0.{next(self._versions)}.0"
        tree, project = self.machine.tree, self.machine.tree / "pyproject.toml"
        project.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{number}"', project.read_text()))
        good = {change.file: (tree / change.file).read_text() for change in changes}
        for change in changes:
            assert change.before in good[change.file]
            changed = good[change.file].replace(change.before, change.after.format(change.before))
            (tree / change.file).write_text(changed)
        file = self._directory / f"{number}.tar.xz"
        command = [str(tree / "deploy/agent-program"), str(file), "--python", sys.executable]
        subprocess.run(command, check=True, capture_output=True)
        for name, text in good.items():
            (tree / name).write_text(text)
        return file, number

    async def send(self, program: Path) -> kleinmaelzung.OrderOutcome:
        return await self.whole.lab.agents.update("pi-2", program, key=self.key, timeout=LIMIT_S)

    async def current(self) -> str:
        return await do(self.machine, "readlink", CURRENT)

    async def until_machine(self, is_so: Callable[[], object], what: str) -> None:
        await asyncio.to_thread(self.machine.until, is_so, what, LIMIT_S)

    def hand_over(self, order: bytes, signature: bytes, content: bytes, *, then: str = "true") -> None:
        """As the agent would, or somebody who has become the agent's user."""
        files = self.machine.tree / "handed"
        files.mkdir(exist_ok=True)
        for name, what in (("order", order), ("signature", signature), ("content", content)):
            (files / name).write_bytes(what)
        copied = (
            f"mkdir -p {FOLDER} && cd {FOLDER} && rm -f result && cp /media/tree/handed/* . && {then} && touch ready"
        )
        self.machine.run(*AS_AGENT, "sh", "-c", copied)

    def result(self) -> dict[str, Any]:
        """What root left for the agent, once it did."""
        told_in = ("test", "-e", f"{FOLDER}/result")
        self.machine.until(lambda: self.machine.attempt(*told_in).returncode == 0, "a result", LIMIT_S)
        told: dict[str, Any] = json.loads(self.machine.run("cat", f"{FOLDER}/result"))
        assert self.machine.attempt("test", "-e", f"{FOLDER}/ready").returncode == 1
        return told

    def order(self, content: bytes, agent: str = "pi-2", issued: int = 0) -> tuple[bytes, bytes]:
        """An order for this content, and the server key's signature."""
        made = Order(
            kind="program",
            agent=agent,
            issued=issued or time.time_ns() // 1000,
            sha256=hashlib.sha256(content).digest(),
            size=len(content),
        ).encode()
        return made, server_key.open_key(self.key).sign(made)


async def test_versions_from_the_server_run_or_are_taken_back_whatever_they_are_and_whenever_the_power_fails(
    machine: Machine, tmp_path: Path
) -> None:
    async with laboratory.server(tmp_path) as whole, laboratory.counter() as instrument:
        assert "The key's fingerprint" in await laboratory.enrolled(machine, whole)
        await laboratory.add_kiln(machine, instrument)
        drop_in = f"/etc/systemd/system/{UNIT}-update.service.d/test.conf"
        await asyncio.to_thread(machine.run, "install", "-D", "-m", "644", "/dev/stdin", drop_in, stdin=DROP_IN)
        await do(machine, "systemctl", "daemon-reload")
        await until_logged_more(whole)
        updates = Updates(machine, whole, tmp_path)

        await a_new_version_runs_and_says_so(updates)
        await what_nobody_signed_is_refused(updates)
        await one_with_a_fault_is_taken_back(updates)
        await one_that_does_not_connect_is_taken_back_also_by_the_next_boot(updates)
        await one_that_was_cut_short_goes_on_at_the_next_boot(updates)

        await until_logged_more(whole)
        assert {gaps.AGENT_OFF, gaps.AGENT_DIED} <= set(await reasons(whole)), "and nothing is missing"
        assert await whole.ask("SELECT count(*) - count(DISTINCT value) FROM readings") == 0, "each answer once"


async def a_new_version_runs_and_says_so(updates: Updates) -> None:
    before = await updates.current()
    program, version = updates.program(GOOD)
    outcome = await updates.send(program)
    assert (outcome.result, outcome.version) == ("done", version), outcome
    assert await updates.current() != before
    await until_logged_more(updates.whole)
    listed = await do(updates.machine, "ls", f"{PLACE}/update")
    assert "under-way" not in listed


async def what_nobody_signed_is_refused(updates: Updates) -> None:
    before = await updates.current(), await asyncio.to_thread(updates.machine.shown, "MainPID")
    await asyncio.to_thread(_refusals, updates)
    assert (await updates.current(), await asyncio.to_thread(updates.machine.shown, "MainPID")) == before


def _refusals(updates: Updates) -> None:
    content = updates.program(GOOD)[0].read_bytes()
    order, signature = updates.order(content)
    forged = bytes(64)
    for_another = updates.order(content, "pi-3")
    old = updates.order(content, issued=1)
    for handed, sentence in (
        ((order, forged, content), "was not signed by the server key"),
        ((*for_another, content), "for agent pi-3, this machine is agent pi-2"),
        ((*old, content), "was carried out already"),
        ((order, signature, content[:-1] + b"\0"), "is not the one that was signed"),
    ):
        updates.hand_over(*handed)
        told = updates.result()
        assert (told["result"], sentence in told["reason"]) == ("refused", True), told
    updates.hand_over(order, signature, content, then="ln -sf /etc/shadow content")
    assert "content was not handed over as a file" in updates.result()["reason"]
    left = updates.machine.run("stat", "-c", "%a %U", f"{FOLDER}/result", "/etc/shadow").split()
    assert left == ["600", "kleinmaelzung", "640", "root"]


async def one_with_a_fault_is_taken_back(updates: Updates) -> None:
    before = await updates.current()
    outcome = await updates.send(updates.program(FAULTY, OTHER_UNIT)[0])
    assert (outcome.result, "RuntimeError: a fault" in outcome.reason) == ("rolled back", True), outcome
    assert await updates.current() == before
    assert "MemoryMax=256M" in await do(updates.machine, "cat", f"/etc/systemd/system/{UNIT}.service")
    await until_logged_more(updates.whole)


async def one_that_does_not_connect_is_taken_back_also_by_the_next_boot(updates: Updates) -> None:
    """The power fails while it is on trial: it runs when the machine is switched on, until it is found out."""
    machine, before = updates.machine, await updates.current()
    content = updates.program(DEAF)[0].read_bytes()
    await asyncio.to_thread(updates.hand_over, *updates.order(content), content)
    await until_on_trial(updates)
    await power_fails(machine)
    told = await asyncio.to_thread(updates.result)
    assert (told["result"], "does not reach its gateway within 20 s" in told["reason"]) == ("rolled back", True), told
    assert await updates.current() == before
    await until_logged_more(updates.whole)
    status = await updates.whole.lab.agents.status("pi-2")
    assert (status.online, status.orders["last"]["result"]) == (True, "rolled back")


async def one_that_was_cut_short_goes_on_at_the_next_boot(updates: Updates) -> None:
    """Once while it is installed, once while it is on trial."""
    before = await updates.current()
    program, version = updates.program(SLOW)
    content = program.read_bytes()
    await asyncio.to_thread(updates.hand_over, *updates.order(content), content)
    begun = ("test", "-e", f"{PLACE}/update/under-way/tree/deploy/install-agent")
    await updates.until_machine(lambda: updates.machine.attempt(*begun).returncode == 0, "the installation has begun")
    await power_fails(updates.machine)
    await until_on_trial(updates)
    await power_fails(updates.machine)
    assert (await asyncio.to_thread(updates.result))["result"] == "done"
    assert await updates.current() != before
    confirmed = await do(updates.machine, "readlink", f"{PLACE}/confirmed")
    assert confirmed == await updates.current()
    await until_logged_more(updates.whole)
    assert (await updates.whole.lab.agents.status("pi-2")).version == version


async def power_fails(machine: Machine) -> None:
    """... and comes back. While it updates, systemd does not say that it has booted, so that is not waited for."""
    await asyncio.to_thread(machine.cut_power)
    await asyncio.to_thread(docker, "start", machine.name)


async def until_on_trial(updates: Updates) -> None:
    links = ("readlink", f"{PLACE}/confirmed", CURRENT)
    await updates.until_machine(lambda: len(set(updates.machine.run(*links).split())) == 2, "a version on trial")


def test_the_same_tree_makes_the_same_small_file(tmp_path: Path) -> None:
    made = [tmp_path / "one.tar.xz", tmp_path / "another.tar.xz"]
    for file in made:
        subprocess.run(
            [ROOT / "deploy/agent-program", file, "--python", sys.executable], check=True, capture_output=True
        )
    assert made[0].read_bytes() == made[1].read_bytes()
    assert made[0].stat().st_size < 500_000
