"""deploy/backup --schedule on a server with systemd: what the timer starts, until deploy/uninstall ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kleinmaelzung_containers import backup
from tests.deploy import images, machines
from tests.deploy.installed import Installation, installation
from tests.deploy.machines import Machine

pytestmark = images.needed()
TREE = "/home/lab/kleinmaelzung"  # where people put it
SCHEDULE = (f"{TREE}/deploy/backup", "--schedule")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """A tree to install from."""
    with installation(tmp_path) as made:
        yield made


@pytest.fixture
def server(fresh: Installation) -> Iterator[Machine]:
    with machines.server(fresh.tree, TREE) as made:
        yield made


def test_backups_are_made_by_a_timer_until_the_system_is_uninstalled(
    fresh: Installation, server: Machine, tmp_path: Path
) -> None:
    name = f"{fresh.project}-backup"
    folder = fresh.deploy / "backups"
    assert f"a backup daily into {TREE}/deploy/backups, the last 1 kept" in server.run(
        *SCHEDULE, "daily", "--keep", "1"
    )
    assert server.run("systemd-analyze", "verify", *units(name)) == ""
    server.run("systemctl", "is-active", "--quiet", f"{name}.timer")
    assert "OnCalendar=*-*-* 03:00:00 ;" in server.run("systemctl", "show", f"{name}.timer")
    one_that_fails_is_told_and_tried_again(server, name)

    fresh.install()
    the_timer_starts_it_now(server, name)
    server.until(lambda: list(folder.glob("kleinmaelzung-*")), "a backup by the timer")
    server.until(lambda: shown(server, name, "ActiveState") == "inactive", "it has ended")
    [first] = folder.iterdir()
    server.run("systemctl", "start", f"{name}.service")
    [second] = folder.iterdir()
    assert second.name > first.name
    assert f"{TREE}/deploy/backups/{second.name}" in journal(server, name)
    assert backup.unpack(second, tmp_path / "parts")["kleinmaelzung"]

    told = server.run(f"{TREE}/deploy/uninstall", "--delete-data")
    assert "No backups are made by themselves any more" in told
    assert server.attempt("stat", *units(name)).returncode != 0
    assert name not in server.run("systemctl", "list-timers", "--all", "--no-legend")
    assert list(folder.iterdir()) == [second]
    assert fresh.leftovers() == {}


def one_that_fails_is_told_and_tried_again(server: Machine, name: str) -> None:
    assert server.attempt("systemctl", "start", f"{name}.service").returncode != 0
    assert "the system does not run: deploy/install starts it" in journal(server, name)
    assert shown(server, name, "SubState") == "auto-restart"
    assert "the schedule is removed" in server.run(*SCHEDULE, "off")
    assert server.attempt("stat", *units(name)).returncode != 0
    left = server.run("systemctl", "list-units", "--all", "--no-legend", f"{name}*")
    assert "auto-restart" not in left
    assert "there is no schedule" in server.run(*SCHEDULE, "off")
    server.run(*SCHEDULE, "weekly", "--keep", "1")
    assert "OnCalendar=Sun *-*-* 03:00:00 ;" in server.run("systemctl", "show", f"{name}.timer")


def the_timer_starts_it_now(server: Machine, name: str) -> None:
    folder = f"/etc/systemd/system/{name}.timer.d"
    now = "[Timer]\\nOnActiveSec=0\\nRandomizedDelaySec=0\\nAccuracySec=1us\\n"
    server.run("sh", "-c", f"mkdir {folder} && printf '{now}' >{folder}/now.conf")
    server.run("systemctl", "daemon-reload")
    server.run("systemctl", "restart", f"{name}.timer")


def units(name: str) -> list[str]:
    return [f"/etc/systemd/system/{name}.{kind}" for kind in ("service", "timer")]


def journal(server: Machine, name: str) -> str:
    return server.run("journalctl", "--no-pager", "-u", name)


def shown(server: Machine, name: str, key: str) -> str:
    return server.run("systemctl", "show", "--value", "--property", key, f"{name}.service").strip()
