"""deploy/upgrade: this checkout's version in place of the one that runs, with all data. Agents spool meanwhile.

    git pull && deploy/upgrade

A new image, new images of broker and database where compose.yaml or .env name others, what the new version needs beside
them (accounts, secrets, configuration); then all containers that changed are replaced. Tables are brought up to date by
the services when they start.
"""

import argparse
import json
import sys

from kleinmaelzung_containers import engine, install, variables
from kleinmaelzung_containers.place import Place, Refused, locked, write

EXTENSION_IS_OLD = (
    "SELECT installed_version || ' -> ' || default_version FROM pg_available_extensions"
    " WHERE name = 'timescaledb' AND installed_version <> default_version"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/upgrade", description=__doc__)
    parser.add_argument("--json", action="store_true", help="say what came of it as JSON")
    arguments = parser.parse_args()
    return install.run("upgrade", lambda: _report(upgrade(Place(install.DEPLOY)), as_json=arguments.json))


def upgrade(place: Place) -> install.Outcome:
    """Bring an installation to this checkout's version. Raises Refused."""
    if not place.secrets.exists():
        raise Refused("nothing is installed here yet: deploy/install")
    compose = engine.find(place.deploy)
    outcome = install.Outcome()
    with locked(place):
        before = compose.image_id("gateway")
        text = place.read_variables()
        version = install.version(place.project.read_text())
        write(place.variables, variables.changed(text, {"KLEINMAELZUNG_VERSION": version}), mode=0o600)
        found = install.settle(place, install.Choices(), outcome)
        pull(compose)
        install.build(compose)
        if compose.image_id("gateway") != before:
            outcome.changed.append("image")
        update_extension(compose, outcome)
        install.bring_up(place, compose, found, outcome)
        compose.remove_images(only_replaced=True)
    return outcome


def pull(compose: engine.Compose) -> None:
    """The images of broker and database, where they are not here yet."""
    for service in ("broker", "database"):
        if compose.image_id(service) is None:
            compose.run("pull", "--quiet", service)


def update_extension(compose: engine.Compose, outcome: install.Outcome) -> None:
    """A newer TimescaleDB needs a word in each database; before the services come, because it must be the first."""
    compose.start("database")
    for database in ("postgres", "template1", "kleinmaelzung"):
        if steps := compose.sql(database, EXTENSION_IS_OLD).strip():
            compose.sql(database, "ALTER EXTENSION timescaledb UPDATE")
            outcome.changed.append(f"TimescaleDB {steps} in {database}")


def _report(outcome: install.Outcome, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ready": True, "url": outcome.url, "changed": outcome.changed}))
        return
    print(f"Kleinmaelzung is ready at {outcome.url}")
    print("  changed: " + ", ".join(outcome.changed) if outcome.changed else "  nothing had to be changed")


if __name__ == "__main__":
    sys.exit(main())
