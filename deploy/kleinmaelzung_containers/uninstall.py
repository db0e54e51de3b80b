"""deploy/uninstall: stops and removes the containers and networks; the data only when that is asked for.

What is deleted then: the database, the broker's accounts and retained states, all secrets and certificates, the image.
Backups stay.
"""

import argparse
import shutil
import sys

from kleinmaelzung_containers import engine, install
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
        uninstall(Place(install.DEPLOY), deletes=deletes)
        kept = "Its data is kept; deploy/install continues with it, deploy/uninstall --delete-data deletes it."
        print("Kleinmaelzung is removed, with all data." if deletes else f"Kleinmaelzung is removed. {kept}")

    return install.run("uninstall", remove)


def asked() -> bool:
    """Whether a person says so. Who cannot be asked keeps the data."""
    return sys.stdin.isatty() and input(QUESTION).strip() == WORD


def uninstall(place: Place, *, deletes: bool) -> None:
    """Raises Refused."""
    compose = engine.find(place.deploy)
    with locked(place):
        compose.run("--profile", "*", "down", "--remove-orphans", *(["--volumes"] if deletes else []))
        if deletes:
            compose.remove_images()
            for directory in (place.secrets, place.certificates, place.broker_configuration.parent):
                shutil.rmtree(directory, ignore_errors=True)
            place.variables.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
