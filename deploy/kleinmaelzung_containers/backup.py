"""deploy/backup: one file with all that a system is made of, taken while it runs, read back before it counts.

    manifest.json    what made it, when, and the SHA-256 of each part
    database         the database as one moment saw it (pg_dump), readable by any later PostgreSQL and TimescaleDB
    roles            who may log in to the database, such as a role for Grafana
    broker           accounts and retained states, from the broker's volume
    files            secrets, certificates, .env

It holds every password: 0600, and to be kept like one.
"""

import argparse
import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kleinmaelzung_containers import engine, install, schedule
from kleinmaelzung_containers.place import Place, Refused, locked, make_directory, own

PARTS = ("database", "roles", "broker", "files")
SUFFIX = ".backup.tar"
NAME = re.compile(r"kleinmaelzung-\d{8}T\d{6}Z" + re.escape(SUFFIX))
KEPT = 14  # of a schedule that does not say how many
IN_THE_DATABASE = ("exec", "-T", "database")
ON_THE_VOLUME = ("run", "--rm", "-T", "--entrypoint", "tar", "accounts", "--directory", "/mosquitto/data")


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/backup", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--to", type=Path, metavar="DIR", help="where it is put (deploy/backups)")
    parser.add_argument("--keep", type=int, metavar="N", help="then remove the oldest ones there beyond so many")
    parser.add_argument(
        "--schedule",
        choices=[*schedule.CALENDAR, schedule.OFF],
        help=f"not now, but so often from now on, by systemd (--keep {KEPT})",
    )
    arguments = parser.parse_args()

    def back_up() -> None:
        if arguments.keep is not None and arguments.keep < 1:
            raise Refused("--keep needs a number of at least 1")
        place = Place(install.DEPLOY)
        directory = (arguments.to or place.backups).absolute()
        if arguments.schedule == schedule.OFF:
            was_there = schedule.turn_off(place)
            print("the schedule is removed; the backups stay" if was_there else "there is no schedule")
        elif arguments.schedule:
            keep = arguments.keep or KEPT
            print(schedule.set_to(place, schedule.Schedule(how_often=arguments.schedule, to=directory, keep=keep)))
        else:
            made = backup(place, directory, datetime.now(UTC))
            for old in beyond(directory.iterdir(), made, arguments.keep):
                old.unlink()
            print(made)

    return install.run("backup", back_up)


def beyond(found: Iterable[Path], made: Path, keep: int | None) -> list[Path]:
    """Which backups, oldest first, are beyond the number to keep: never the one just made, nor one named otherwise."""
    if keep is None:
        return []
    others = sorted(path for path in found if NAME.fullmatch(path.name) and path.name != made.name)
    return others[: max(0, len(others) - (keep - 1))]


def backup(place: Place, directory: Path, now: datetime) -> Path:
    """Write one and read it back; returns its file. Raises Refused."""
    compose = engine.find(place.deploy)
    with locked(place):
        if not {"database", "broker"} <= set(compose.running()):
            raise Refused("the system does not run: deploy/install starts it")
        if not directory.is_dir():
            make_directory(directory)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unfinished-") as name:
            parts = Path(name)
            gather(place, compose, parts)
            compose.pipe(*IN_THE_DATABASE, "pg_restore", "--file", "/dev/null", source=parts / "database")
            version = install.version(place.project.read_text())
            manifest = {"kleinmaelzung": version, "made": now.isoformat(), "sha256": digests(parts)}
            (parts / "manifest.json").write_text(json.dumps(manifest, indent=1))
            return pack(parts, directory / f"kleinmaelzung-{now:%Y%m%dT%H%M%SZ}{SUFFIX}")


def gather(place: Place, compose: engine.Compose, parts: Path) -> None:
    dump = ("pg_dump", "--format=custom", "-U", "postgres", "kleinmaelzung")
    compose.pipe(*IN_THE_DATABASE, *dump, target=parts / "database")
    compose.pipe(*IN_THE_DATABASE, "pg_dumpall", "--roles-only", "-U", "postgres", target=parts / "roles")
    # The broker replaces its files whole, so a copy is one moment's. Retained states it writes when it is told.
    compose.run("kill", "--signal", "USR1", "broker")
    compose.pipe(*ON_THE_VOLUME, "--create", ".", target=parts / "broker")
    with tarfile.open(parts / "files", "w") as files:
        for path in (place.variables, place.secrets, place.certificates):
            if path.exists():
                files.add(path, path.name, filter=_without_login_link)


def _without_login_link(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.startswith("secrets/login/") else member  # of no use later


def digests(parts: Path) -> dict[str, str]:
    found = {}
    for name in PARTS:
        with (parts / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def pack(parts: Path, target: Path) -> Path:
    partial = parts / "packed"
    with tarfile.open(partial, "w") as packed:
        for name in ("manifest.json", *PARTS):
            packed.add(parts / name, name)
    own(partial, 0, 0o600)
    read_back(partial)
    shutil.move(partial, target)
    return target


def read_back(file: Path) -> None:
    """What is in it as it is on the disk must be what its manifest says. Raises Refused."""
    found = {}
    with tarfile.open(file) as packed:
        manifest = json.load(_member(packed, "manifest.json"))
        for name in PARTS:
            found[name] = hashlib.file_digest(_member(packed, name), "sha256").hexdigest()
    if damaged := [name for name in PARTS if manifest["sha256"][name] != found[name]]:
        raise Refused(f"{file} is damaged: {', '.join(damaged)} is not what was put into it")


def _member(packed: tarfile.TarFile, name: str) -> Any:
    member = packed.extractfile(name)
    assert member is not None, name
    return member


def unpack(file: Path, parts: Path) -> dict[str, str]:
    """The parts of a backup, whole and unchanged; returns its manifest. Raises Refused."""
    try:
        with tarfile.open(file) as packed:
            packed.extractall(parts, filter="data")
        manifest = json.loads((parts / "manifest.json").read_text())
        found = digests(parts)
    except (OSError, tarfile.TarError, ValueError) as error:
        raise Refused(f"{file} is no whole backup: {error}") from error
    damaged = [name for name in PARTS if manifest.get("sha256", {}).get(name) != found[name]]
    if damaged:
        raise Refused(f"{file} is damaged: {', '.join(damaged)} is not what was put into it")
    return {"kleinmaelzung": str(manifest["kleinmaelzung"]), "made": str(manifest["made"])}
