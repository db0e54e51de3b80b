"""deploy/restore FILE: the system as a backup has it, in place of what is here; agents go on with it.

In: a file by deploy/backup. Here there may be nothing yet but a checkout, or a system: its data, accounts and secrets
are replaced, which is asked for. A .env that is here stays: it says how this machine builds and where it listens.
"""

import argparse
import sys
import tarfile
import tempfile
from pathlib import Path

from kleinmaelzung_containers import backup, engine, install, variables
from kleinmaelzung_containers.place import Place, Refused, locked

WORD = "restore"
SQL = ("psql", "-XAtq", "-U", "postgres", "-d")
IS_TIMESCALE = "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/restore", description=__doc__.partition("\n\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that deploy/backup made")
    parser.add_argument("--yes", action="store_true", help="do not ask, replace what is here")
    arguments = parser.parse_args()

    def go() -> None:
        place = Place(install.DEPLOY)
        if place.secrets.exists() and not (arguments.yes or asked(arguments.file)):
            raise Refused("nothing was changed")
        outcome = restore(place, arguments.file)
        print(f"Kleinmaelzung is ready at {outcome.url}, as it was")

    return install.run("restore", go)


def asked(file: Path) -> bool:
    """Whether a person says so. Who cannot be asked replaces nothing."""
    question = f"This replaces all data, accounts and secrets here by those in {file}.\nType {WORD} to do so: "
    return sys.stdin.isatty() and input(question).strip() == WORD


def restore(place: Place, file: Path) -> install.Outcome:
    """Raises Refused; until the backup is found whole, nothing is changed."""
    compose = engine.find(place.deploy)
    outcome = install.Outcome()
    with locked(place), tempfile.TemporaryDirectory(dir=file.parent, prefix=".restore-") as name:
        parts = Path(name)
        made_by = backup.unpack(file, parts)["kleinmaelzung"]
        here = install.version(place.project.read_text())
        if numbers(made_by) > numbers(here):
            raise Refused(f"{file} was made by version {made_by}, this checkout is {here}: take a newer one")
        compose.run("--profile", "*", "down", "--volumes", "--remove-orphans")
        put_files(place, parts / "files")
        text = place.read_variables()
        place.variables.write_text(variables.changed(text, {"KLEINMAELZUNG_VERSION": here}))
        found = install.settle(place, install.Choices(), outcome)
        if compose.image_id("gateway") is None:
            install.build(compose)
        compose.pipe(*backup.ON_THE_VOLUME, "--extract", source=parts / "broker")
        fill_database(compose, parts)
        install.bring_up(place, compose, found, outcome)
    return outcome


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def put_files(place: Place, archive: Path) -> None:
    """Secrets and certificates with their owners; .env only where there is none."""
    with tarfile.open(archive) as files:
        for member in files.getmembers():
            top = member.name.partition("/")[0]
            if top in ("secrets", "certificates") or (top == ".env" and not place.variables.exists()):
                files.extract(member, place.deploy, numeric_owner=True, filter="tar")


def fill_database(compose: engine.Compose, parts: Path) -> None:
    """Roles first, which may own what follows; for those that are there already only the password is set."""
    compose.start("database")
    compose.pipe(*backup.IN_THE_DATABASE, *SQL, "postgres", source=parts / "roles")
    has_timescale = compose.sql("kleinmaelzung", IS_TIMESCALE).strip() != "0"
    if has_timescale:
        compose.sql("kleinmaelzung", "SELECT timescaledb_pre_restore()")
    into = ("pg_restore", "--exit-on-error", "-U", "postgres", "--dbname", "kleinmaelzung")
    compose.pipe(*backup.IN_THE_DATABASE, *into, source=parts / "database")
    if has_timescale:
        compose.sql("kleinmaelzung", "SELECT timescaledb_post_restore()")
    compose.sql("kleinmaelzung", "ANALYZE")
