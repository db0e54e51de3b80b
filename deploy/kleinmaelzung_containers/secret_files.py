"""The secrets, each a file that only its reader can read (0400): made once, then kept.

secrets/admin                    the first administrator's password, also for deploy/kleinmaelzung
secrets/<service>                a service's password at the broker
secrets/postgres, database       passwords in the database, of its superuser and of the role `kleinmaelzung`
secrets/dsn                      the database's address for the services, with that password
secrets/login/link               the one-time login link, until it was used
"""

import secrets

from kleinmaelzung_containers.place import OURS, Place, make_directory, own, write

ADMIN = "admin"
SERVICES = ("gateway", "logger", "history", "batches", "calibration")
ACCOUNTS = (ADMIN, *SERVICES)
OF_THE_DATABASE = ("postgres", "database")


def make(place: Place, database_user: int) -> list[str]:
    """Make what is missing, and see to owners and modes. Returns the names of what was made."""
    make_directory(place.secrets)
    make_directory(place.login_link.parent, OURS)
    owners = dict.fromkeys(ACCOUNTS, OURS) | dict.fromkeys(OF_THE_DATABASE, database_user)
    made = [name for name in owners if not (place.secrets / name).exists()]
    for name in made:
        write(place.secrets / name, secrets.token_urlsafe(32))
    for name, owner in owners.items():
        own(place.secrets / name, owner, 0o400)
    password = (place.secrets / "database").read_text().strip()
    if write(place.secrets / "dsn", f"postgresql://kleinmaelzung:{password}@database:5432/kleinmaelzung", owner=OURS):
        made.append("dsn")
    return made


def passwords(place: Place) -> dict[str, str]:
    """The passwords of the broker's accounts."""
    return {name: (place.secrets / name).read_text().strip() for name in ACCOUNTS}
