"""deploy/install-agent on a machine that boots with systemd: enrolled, restarted, cut off from power, uninstalled."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_wire import gaps
from tests.deploy import images, laboratory, machines
from tests.deploy.laboratory import CONFIG, CURRENT, do, reasons, until_logged_more
from tests.deploy.machines import UNIT, Machine
from tests.waiting import until
from tests.whole import Whole

pytestmark = [
    pytest.mark.timeout(1200),  # the first run on a machine builds images
    pytest.mark.skipif(bool(images.why_not()), reason=images.why_not()),
]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machines.machine(tmp_path) as made:
        yield made


async def test_from_an_empty_machine_through_restart_and_power_cut_until_it_is_uninstalled(
    machine: Machine, tmp_path: Path
) -> None:
    async with laboratory.server(tmp_path) as whole, laboratory.counter() as instrument:
        out = await laboratory.enrolled(machine, whole)
        assert "This machine is now agent pi-2" in out
        assert "has no TLS" in out
        assert "it has no instruments yet" in out
        await laboratory.add_kiln(machine, instrument)
        await until_logged_more(whole)
        await check_what_is_installed(machine)

        before, pid = await asyncio.to_thread(machine.files), await asyncio.to_thread(machine.shown, "MainPID")
        assert "nothing to change" in await asyncio.to_thread(machine.install)
        assert await asyncio.to_thread(machine.files) == before
        assert await asyncio.to_thread(machine.shown, "MainPID") == pid

        await asyncio.to_thread(a_mistake_is_told_and_not_tried_again_and_again, machine)
        await asyncio.to_thread(machine.reboot)
        await until_logged_more(whole)
        assert await reasons(whole) == [gaps.AGENT_OFF]

        await asyncio.to_thread(machine.cut_power)
        await until(lambda: instrument.count, "the instrument goes on alone")
        await asyncio.to_thread(machine.switch_on)
        await until_logged_more(whole)
        assert await reasons(whole) == [gaps.AGENT_OFF, gaps.AGENT_DIED]

        await an_agent_that_hangs_is_started_again(machine, whole)
        assert await reasons(whole) == [gaps.AGENT_OFF, *[gaps.AGENT_DIED] * 3]
        assert await whole.ask("SELECT count(*) - count(DISTINCT value) FROM readings") == 0, "each answer once"

        await a_version_that_does_not_come_up_is_taken_back(machine, whole)

        assert "is gone; its configuration" in await asyncio.to_thread(machine.install, "--uninstall")
        left = await asyncio.to_thread(machine.files)
        assert not [path for path in left if path.startswith("/opt/") or path.endswith((UNIT, f"{UNIT}.service"))]
        assert "/etc/kleinmaelzung/agent.secret" in left
        await asyncio.to_thread(machine.install)
        await until_logged_more(whole)
        await asyncio.to_thread(machine.install, "--uninstall", "--delete-data")
        assert await asyncio.to_thread(machine.files) == {}


async def check_what_is_installed(machine: Machine) -> None:
    etc = "/etc/kleinmaelzung"
    found = (etc, CONFIG, f"{etc}/agent.secret", f"{etc}/server.pub", "/var/lib/kleinmaelzung")
    modes = await do(machine, "stat", "-c", "%n %a %U %G", *found)
    assert modes.splitlines() == [
        f"{etc} 770 root kleinmaelzung",
        f"{CONFIG} 640 kleinmaelzung kleinmaelzung",
        f"{etc}/agent.secret 400 kleinmaelzung kleinmaelzung",
        f"{etc}/server.pub 644 root root",
        "/var/lib/kleinmaelzung 700 kleinmaelzung kleinmaelzung",
    ]
    units = [f"{UNIT}.service", f"{UNIT}-update.path", f"{UNIT}-update.service"]
    assert (await do(machine, "systemd-analyze", "verify", *units)) == ""
    exposure = re.search(
        r"exposure level .*: ([0-9.]+)", await do(machine, "systemd-analyze", "security", f"{UNIT}.service")
    )
    assert exposure
    assert float(exposure[1]) < 2.5
    await do(machine, "udevadm", "verify", "/etc/udev/rules.d/70-kleinmaelzung.rules")
    pid = await asyncio.to_thread(machine.shown, "MainPID")
    status = dict(
        line.split(":\t", 1) for line in (await do(machine, "cat", f"/proc/{pid}/status")).splitlines() if ":\t" in line
    )
    assert (status["CapEff"].strip("0"), status["CapBnd"].strip("0"), status["NoNewPrivs"]) == ("", "", "1")
    assert status["Seccomp"] == "2"
    assert {"adjtimex", "clock_adjtime"} <= set((await asyncio.to_thread(machine.shown, "SystemCallFilter")).split())


async def a_version_that_does_not_come_up_is_taken_back(machine: Machine, whole: Whole) -> None:
    module = machine.tree / "agent" / "kleinmaelzung_agent" / "sending" / "uplink.py"
    good, before = module.read_text(), await do(machine, "readlink", CURRENT)
    # It starts, and has a fault only when it runs.
    module.write_text(good.replace("        self._wants_beats = False\n", '        raise RuntimeError("a fault")\n'))
    assert module.read_text() != good
    refused = await asyncio.to_thread(machine.attempt, "/media/tree/deploy/install-agent", "--wheels", "/media/wheels")
    assert (refused.returncode, "so the one before runs again" in refused.stderr) == (3, True), refused.stderr
    assert await do(machine, "readlink", CURRENT) == before
    await until_logged_more(whole)
    module.write_text(f"{good}# another version\n")
    assert "changed: program" in await asyncio.to_thread(machine.install)
    assert await do(machine, "readlink", CURRENT) != before
    await until_logged_more(whole)


def test_in_a_chroot_it_installs_and_starts_nothing(tmp_path: Path) -> None:
    with machines.machine(tmp_path, boots=False) as card:
        assert "on the server: kleinmaelzung agent enrol NAME" in card.install()
        wanted = f"/etc/systemd/system/multi-user.target.wants/{UNIT}.service"
        assert card.run("readlink", wanted).strip() == f"/etc/systemd/system/{UNIT}.service"
        assert "--server URL" in card.run("kleinmaelzung-agent", "enrol", "--help")
        assert "nothing to change" in card.install()
        card.run("rm", "-r", f"{card.run('readlink', CURRENT).strip()}/complete")  # as when it was interrupted
        assert "installing the program" in card.install()
        wrongly_typed(card)
        card.install("--uninstall", "--delete-data")
        assert card.files() == {}


def wrongly_typed(card: Machine) -> None:
    for typed, code, sentence in (
        (("--nonsense",), 2, "--nonsense is not known"),
        (("--server", "http://lab"), 2, "--server and --name go together"),
        (("--code", "7F3K-9QXD"), 2, "--code and --ca-file go with --server and --name"),
        (("--name",), 2, "--name needs a value"),
        (("--wheels", "/nowhere"), 2, "/nowhere is no folder"),
        (("--delete-data",), 2, "--delete-data goes with --uninstall"),
        (("--server", "http://127.0.0.1:1", "--name", "pi-2", "--code", "7F3K-9QXD"), 1, "not reached"),
    ):
        refused = card.attempt("/media/tree/deploy/install-agent", *typed)
        assert (refused.returncode, sentence in refused.stderr) == (code, True), (typed, refused.stderr)
    as_nobody = card.attempt("setpriv", "--reuid", "65534", "/media/tree/deploy/install-agent")
    assert (as_nobody.returncode, "needs root: sudo" in as_nobody.stderr) == (1, True)


def a_mistake_is_told_and_not_tried_again_and_again(machine: Machine) -> None:
    machine.run("sh", "-c", f"echo nonsense >>{CONFIG}")
    assert machine.attempt("systemctl", "restart", UNIT).returncode != 0
    assert (machine.shown("ActiveState"), machine.shown("NRestarts")) == ("failed", "0")
    assert f"{CONFIG}: not TOML" in machine.run("journalctl", "--no-pager", "-u", UNIT)
    machine.run("sed", "-i", "$d", CONFIG)


async def an_agent_that_hangs_is_started_again(machine: Machine, whole: Whole) -> None:
    """Stopped as by a loop that never comes round: systemd hears nothing from it and puts another in its place."""
    drop_in = f"/etc/systemd/system/{UNIT}.service.d/quick.conf"
    await do(
        machine, "sh", "-c", f"mkdir -p {Path(drop_in).parent} && printf '[Service]\\nWatchdogSec=3\\n' >{drop_in}"
    )
    await do(machine, "systemctl", "daemon-reload")
    pid = await asyncio.to_thread(machine.shown, "MainPID")
    await do(machine, "systemctl", "kill", "--signal", "KILL", UNIT)  # the span is told to a process when it starts
    quick = await another_process(machine, pid)
    await until_logged_more(whole)
    await do(machine, "systemctl", "kill", "--signal", "STOP", UNIT)
    await another_process(machine, quick)
    await until_logged_more(whole)
    assert "Watchdog timeout" in await do(machine, "journalctl", "--no-pager", "-u", UNIT)


async def another_process(machine: Machine, before: str) -> str:
    await asyncio.to_thread(machine.until, lambda: machine.shown("MainPID") not in (before, "0"), "another process")
    return await asyncio.to_thread(machine.shown, "MainPID")
