"""deploy/backup --schedule: how often, where to and how many in; a systemd timer with its service out."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kleinmaelzung_containers import variables
from kleinmaelzung_containers.place import Place, Refused, write

OFF = "off"
CALENDAR = {"hourly": "*-*-* *:00:00", "daily": "*-*-* 03:00:00", "weekly": "Sun *-*-* 03:00:00"}
CRON = {"hourly": "0 * * * *", "daily": "0 3 * * *", "weekly": "0 3 * * 0"}
SYSTEM = Path("/etc/systemd/system")
RUNS_SYSTEMD = Path("/run/systemd/system")
TEMPLATE = "kleinmaelzung-backup"
KINDS = ("service", "timer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    how_often: str
    to: Path
    keep: int


def set_to(place: Place, wanted: Schedule) -> str:
    """Make backups from now on; returns a sentence. Raises Refused."""
    name = unit(place)
    if not RUNS_SYSTEMD.is_dir():
        raise Refused(
            f"systemd does not run here; with cron, put this line into /etc/cron.d/{name}:\n{cron(place, wanted)}"
        )
    changed = [
        write(SYSTEM / f"{name}.{kind}", filled(template(place, kind), place, wanted), mode=0o644) for kind in KINDS
    ]
    if any(changed):
        _systemctl("daemon-reload")
    _systemctl("enable", "--now", f"{name}.timer")
    if changed[1]:
        _systemctl("restart", f"{name}.timer")  # one that runs keeps its old time
    return (
        f"a backup {wanted.how_often} into {wanted.to}, the last {wanted.keep} kept."
        f" Next: systemctl list-timers {name}.timer; what came of it: journalctl -u {name}"
    )


def turn_off(place: Place) -> bool:
    """Make none by itself any more; whether there was a schedule. The backups stay."""
    name = unit(place)
    files = [SYSTEM / f"{name}.{kind}" for kind in KINDS]
    if not any(file.exists() for file in files):
        return False
    if RUNS_SYSTEMD.is_dir():
        _systemctl("disable", "--now", f"{name}.timer")
        if _systemctl("show", "--value", "--property=SubState", f"{name}.service").strip() == "auto-restart":
            _systemctl("stop", f"{name}.service")  # one that failed is not tried again; one at work ends its work
    for file in files:
        file.unlink(missing_ok=True)
    if RUNS_SYSTEMD.is_dir():
        _systemctl("daemon-reload")
    return True


def unit(place: Place) -> str:
    """The name of the units: of several installations on a machine each has its own."""
    return f"{variables.read(place.read_variables()).get('COMPOSE_PROJECT_NAME', 'kleinmaelzung')}-backup"


def template(place: Place, kind: str) -> str:
    return (place.deploy / "systemd" / f"{TEMPLATE}.{kind}").read_text()


def filled(template: str, place: Place, wanted: Schedule) -> str:
    """A unit's text; its first line, which explains the template, names no values."""
    values = {
        "DEPLOY": str(place.deploy).replace("%", "%%"),
        "DOCUMENTATION": str(place.deploy.parent / "docs" / "deployment.md").replace("%", "%%").replace(" ", "%%20"),
        "BACKUP": quoted(str(place.deploy / "backup")),
        "TO": quoted(str(wanted.to)),
        "FOLDER": quoted(str(wanted.to)).replace("$$", "$"),  # no command: a $ is nothing special there
        "KEEP": str(wanted.keep),
        "HOW_OFTEN": wanted.how_often,
        "WHEN": CALENDAR[wanted.how_often],
    }
    return re.sub(r"\{([A-Z_]+)\}", lambda match: values[match[1]], template)


def quoted(word: str) -> str:
    """One word of a command for systemd, whatever is in it."""
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(special, escaped)
    return f'"{word}"'


def cron(place: Place, wanted: Schedule) -> str:
    """The same as a line for /etc/cron.d, in which a % would end the command."""
    command = shlex.join([str(place.deploy / "backup"), "--to", str(wanted.to), "--keep", str(wanted.keep)])
    return f"{CRON[wanted.how_often]} root {command} >/dev/null".replace("%", "\\%")


def _systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout
