"""deploy/uninstall: removes the containers, networks and the timer of backups; the data only when that is asked for.

What is deleted then: the database, the broker's accounts and retained states, all secrets and certificates, the image.
Backups stay.
"""

import argparse
import shutil
import sys

from kleinmaelzung_containers import engine, install, schedule
from kleinmaelzung_containers.place import Place, locked

WORD = "delete"
QUESTION = f"""\
Delete all measured data, accounts, certificates and secrets as well? Nothing of it can be brought back.
Type {WORD} to do so, or Enter to keep them: """


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/uninstall", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--keep-data", action="store_true", help="do not ask, keep data, accounts and secrets")
    what.add_argument("--delete-data", action="store_true", help="do not ask, delete everything")
    arguments = parser.parse_args()

    def remove() -> None:
        deletes = arguments.delete_data or (not arguments.keep_data and asked())
        had_schedule = uninstall(Place(install.DEPLOY), deletes=deletes)
        kept = "Its data is kept; deploy/install continues with it, deploy/uninstall --delete-data deletes it."
        print("Kleinmaelzung is removed, with all data." if deletes else f"Kleinmaelzung is removed. {kept}")
        if had_schedule:
            print("No backups are made by themselves any more; those that were made stay.")

    return install.run("uninstall", remove)


def asked() -> bool:
    """Whether a person says so. Who cannot be asked keeps the data."""
    return sys.stdin.isatty() and input(QUESTION).strip() == WORD


def uninstall(place: Place, *, deletes: bool) -> bool:
    """Whether there was a schedule of backups, which is removed too. Raises Refused."""
    compose = engine.find(place.deploy)
    with locked(place):
        had_schedule = schedule.turn_off(place)  # first: the name of its units stands in .env
        compose.run("--profile", "*", "down", "--remove-orphans", *(["--volumes"] if deletes else []))
        if deletes:
            compose.remove_images()
            for directory in (place.secrets, place.certificates, place.broker_configuration.parent):
                shutil.rmtree(directory, ignore_errors=True)
            place.variables.unlink(missing_ok=True)
    return had_schedule


if __name__ == "__main__":
    sys.exit(main())
