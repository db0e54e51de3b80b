"""A schedule for backups: what systemd and cron are told."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from kleinmaelzung_containers import schedule
from kleinmaelzung_containers.place import Place

DEPLOY = Path(__file__).parents[3] / "deploy"


def wanted(to: str = "/mnt/backup", how_often: str = "daily") -> schedule.Schedule:
    return schedule.Schedule(how_often=how_often, to=Path(to), keep=5)


def units(to: str = "/mnt/backup", how_often: str = "daily", deploy: Path = DEPLOY) -> dict[str, str]:
    source = Place(DEPLOY)
    return {
        kind: schedule.filled(schedule.template(source, kind), Place(deploy), wanted(to, how_often))
        for kind in schedule.KINDS
    }


def test_the_service_makes_one_and_keeps_so_many() -> None:
    text = units(deploy=Path("/opt/lab/deploy"))["service"]
    assert 'ExecStart="/opt/lab/deploy/backup" --to "/mnt/backup" --keep 5\n' in text


def test_the_timer_says_when() -> None:
    assert "OnCalendar=Sun *-*-* 03:00:00\n" in units(how_often="weekly")["timer"]
    assert "OnCalendar=*-*-* *:00:00\n" in units(how_often="hourly")["timer"]


def test_whatever_is_in_a_folders_name_stays_one_word() -> None:
    assert schedule.quoted('a b"c\\d%e$f') == '"a b\\"c\\\\d%%e$$f"'


def test_for_cron_it_is_one_line() -> None:
    line = schedule.cron(Place(Path("/opt/my lab/deploy")), wanted("/mnt/100%"))
    assert line.startswith("0 3 * * * root '/opt/my lab/deploy/backup' --to /mnt/100\\% --keep 5")
    assert shlex.split(line)[6] == "/opt/my lab/deploy/backup"


def test_each_installation_has_units_of_its_own(tmp_path: Path) -> None:
    assert schedule.unit(Place(tmp_path)) == "kleinmaelzung-backup"
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=other-lab\n")
    assert schedule.unit(Place(tmp_path)) == "other-lab-backup"


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian: systemd)"
)
@pytest.mark.parametrize("how_often", schedule.CALENDAR)
def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path, how_often: str) -> None:
    for kind, text in units("/mnt/my $backup 100%", how_often).items():
        (tmp_path / f"kleinmaelzung-backup.{kind}").write_text(text)
    checked = [str(tmp_path / f"kleinmaelzung-backup.{kind}") for kind in schedule.KINDS]
    done = subprocess.run(["systemd-analyze", "verify", *checked], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "kleinmaelzung-backup" in line]
    assert (ours, done.returncode) == ([], 0), done.stderr
