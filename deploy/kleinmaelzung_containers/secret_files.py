"""The secrets, each a file that only its reader can read (0400): made once, then kept.

secrets/admin                    the first administrator's password, also for deploy/kleinmaelzung
secrets/<service>                a service's password at the broker
secrets/public                   the password of the public view, where install makes that account; nobody types it
secrets/postgres, database       passwords in the database, of its superuser and of the role `kleinmaelzung`
secrets/dsn                      the database's address for the services, with that password
secrets/login/link               the one-time login link, until it was used
secrets/server-key               signs what agents are told from afar (Ed25519, PKCS#8): for deploy/kleinmaelzung only

Its public half, configuration/server.pub, is no secret: the gateway gives it to agents when they are enrolled.
"""

import secrets

from kleinmaelzung_containers import openssl
from kleinmaelzung_containers.place import OURS, Place, make_directory, own, write

ADMIN = "admin"
PUBLIC = "public"
SERVICES = ("gateway", "logger", "history", "batches", "calibration")
ACCOUNTS = (ADMIN, *SERVICES)
OF_THE_DATABASE = ("postgres", "database")
SERVER_KEY = "server-key"


def make(place: Place, database_user: int) -> list[str]:
    """Make what is missing, and see to owners and modes. Returns the names of what was made."""
    make_directory(place.secrets)
    make_directory(place.login_link.parent, OURS)
    owners = dict.fromkeys((*ACCOUNTS, PUBLIC), OURS) | dict.fromkeys(OF_THE_DATABASE, database_user)
    made = [name for name in owners if not (place.secrets / name).exists()]
    for name in made:
        write(place.secrets / name, secrets.token_urlsafe(32))
    for name, owner in owners.items():
        own(place.secrets / name, owner, 0o400)
    password = (place.secrets / "database").read_text().strip()
    if write(place.secrets / "dsn", f"postgresql://kleinmaelzung:{password}@database:5432/kleinmaelzung", owner=OURS):
        made.append("dsn")
    return made


def make_server_key(place: Place) -> list[str]:
    """Make the server's key where there is none, and its public half as it is. Returns the names of what was made."""
    key, made = place.secrets / SERVER_KEY, []
    if not key.exists():
        write(key, openssl.run("genpkey", "-algorithm", "ed25519"))
        made.append(f"secrets/{SERVER_KEY}")
    own(key, OURS, 0o400)
    make_directory(place.server_public_key.parent, mode=0o755)
    if write(place.server_public_key, openssl.run("pkey", "-in", str(key), "-pubout"), mode=0o444):
        made.append("configuration/server.pub")
    return made


def passwords(place: Place, *, public_view: bool) -> dict[str, str]:
    """The passwords of the broker's accounts."""
    names = (*ACCOUNTS, PUBLIC) if public_view else ACCOUNTS
    return {name: (place.secrets / name).read_text().strip() for name in names}
