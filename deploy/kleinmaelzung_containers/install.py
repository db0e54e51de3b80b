"""deploy/install: from a checkout and a Docker engine to a running system; again changes nothing.

In: a few choices. Out: secrets, certificates, the broker's configuration and accounts, an image, running containers,
and an address. What was chosen is kept in deploy/.env.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kleinmaelzung_containers import broker_file, certificates, engine, secret_files, variables
from kleinmaelzung_containers.place import OURS, Place, Refused, locked, make_directory, write

DEPLOY = Path(__file__).resolve().parents[1]
TLS_FILES = "compose.yaml:compose.tls.yaml"
ACCOUNTS_FILE = "/mosquitto/data/dynamic-security.json"
DATABASE_USER = "70"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chose; None leaves what was chosen before."""

    host: str | None = None
    port: int | None = None
    mqtt_port: int | None = None
    names: tuple[str, ...] = ()
    tls: bool = False
    given: certificates.Given | None = None
    public_view: bool | None = None
    new_admin_password: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of it, for a person or a script."""

    url: str = ""
    mqtt: str = ""
    login_link: str | None = None
    has_public_view: bool = False
    changed: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/install", description=__doc__)
    add_arguments(parser)
    arguments = parser.parse_args()
    return run("install", lambda: _report(install(Place(DEPLOY), choices(arguments)), as_json=arguments.json))


def run(name: str, what: Callable[[], None]) -> int:
    """Do it as root; a refusal, by us or by a disk, is one sentence on stderr and exit code 1."""
    try:
        if os.geteuid() != 0:
            raise Refused(f"this makes files that belong to the containers' users: run it as root, sudo deploy/{name}")
        what()
    except (Refused, OSError) as error:
        print(f"deploy/{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="where it listens: 127.0.0.1 (this machine only), 0.0.0.0 lets others in")
    parser.add_argument("--port", type=int, metavar="N", help="for page and agents (8080)")
    parser.add_argument("--mqtt-port", type=int, metavar="N", help="for MQTT tools (1883, with TLS 8883)")
    parser.add_argument("--name", action="append", default=[], help="what others call this machine; may come again")
    parser.add_argument("--tls", action="store_true", help="https, wss and mqtts, with a certificate of a private CA")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="or with this certificate (PEM, with its chain),")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key,")
    parser.add_argument("--tls-ca", type=Path, metavar="FILE", help="and its CA, if not everybody trusts it anyway")
    parser.add_argument(
        "--public-view", action=argparse.BooleanOptionalAction, help="whoever opens the page may watch (not so)"
    )
    parser.add_argument("--new-admin-password", action="store_true", help="where that of admin was lost")
    parser.add_argument("--json", action="store_true", help="say what came of it as JSON")


def choices(arguments: argparse.Namespace) -> Choices:
    """Raises Refused."""
    given = None
    if arguments.tls_cert or arguments.tls_key or arguments.tls_ca:
        if not (arguments.tls_cert and arguments.tls_key):
            raise Refused("--tls-cert and --tls-key go together")
        given = certificates.Given(arguments.tls_cert, arguments.tls_key, arguments.tls_ca)
    return Choices(
        host=arguments.host,
        port=arguments.port,
        mqtt_port=arguments.mqtt_port,
        names=tuple(arguments.name),
        tls=arguments.tls or given is not None,
        given=given,
        public_view=arguments.public_view,
        new_admin_password=arguments.new_admin_password,
    )


def install(place: Place, chosen: Choices) -> Outcome:
    """Bring everything to what was chosen, and wait until it is healthy. Raises Refused."""
    compose = engine.find(place.deploy)
    outcome = Outcome()
    with locked(place):
        found = settle(place, chosen, outcome)
        if compose.image_id("gateway") is None:
            build(compose)
            outcome.changed.append("image")
        bring_up(place, compose, found, outcome, new_admin=chosen.new_admin_password)
    return outcome


def settle(place: Place, chosen: Choices, outcome: Outcome) -> dict[str, str]:
    """Write every file that the containers need; returns the variables."""
    before = place.read_variables()
    text = variables.changed(before, wanted(variables.read(before), chosen, version(place.project.read_text())))
    found = variables.read(text)
    is_tls = found["COMPOSE_FILE"] == TLS_FILES
    if chosen.given:
        certificates.check(chosen.given)
    if is_tls and not found.get("KLEINMAELZUNG_NAME"):
        raise Refused(
            "with TLS, agents and browsers check the name: say --name lab.local, or an address; several may come"
        )
    if write(place.variables, text, mode=0o600):
        outcome.changed.append(".env")
    if chosen.new_admin_password:
        (place.secrets / secret_files.ADMIN).unlink(missing_ok=True)
    made = secret_files.make(place, int(found.get("DATABASE_UID", DATABASE_USER)))
    outcome.changed += [f"secrets/{name}" for name in made]
    outcome.changed += secret_files.make_server_key(place)
    if is_tls and _certify(place, chosen, found):
        outcome.changed.append("certificates")
    make_directory(place.broker_configuration.parent, mode=0o755)
    if write(place.broker_configuration, broker_file.filled(place.broker_template.read_text(), tls=is_tls), mode=0o444):
        outcome.changed.append("configuration/mosquitto.conf")
    return found


def _certify(place: Place, chosen: Choices, found: dict[str, str]) -> bool:
    if chosen.given:
        return certificates.take(place, chosen.given)
    if found.get("CERTIFICATE") == "given":
        return False
    return certificates.make(place, [found["KLEINMAELZUNG_NAME"], *_words(found.get("KLEINMAELZUNG_HOSTS", ""))])


def wanted(present: dict[str, str], chosen: Choices, version: str) -> dict[str, str]:
    """The variables to set: what was chosen now, before, or is usual. Raises Refused."""
    is_tls = chosen.tls or present.get("COMPOSE_FILE") == TLS_FILES
    host, port = _split(present.get("HTTP_ADDRESS", "127.0.0.1:8080"))
    _, mqtt_port = _split(present.get("MQTT_ADDRESS", "127.0.0.1:1883"))
    if is_tls and mqtt_port == "1883":
        mqtt_port = "8883"  # as everybody expects
    host = chosen.host or host
    values = {
        "COMPOSE_FILE": TLS_FILES if is_tls else "compose.yaml",
        "KLEINMAELZUNG_VERSION": present.get("KLEINMAELZUNG_VERSION", version),
        "HTTP_ADDRESS": f"{host}:{chosen.port or port}",
        "MQTT_ADDRESS": f"{host}:{chosen.mqtt_port or mqtt_port}",
    }
    if chosen.names:
        values |= {"KLEINMAELZUNG_NAME": chosen.names[0], "KLEINMAELZUNG_HOSTS": ",".join(chosen.names)}
    if chosen.public_view is not None:
        values["PUBLIC_VIEW"] = "yes" if chosen.public_view else ""
    elif (public_view := present.get("PUBLIC_VIEW", "")) not in ("", "yes"):
        raise Refused(f".env: PUBLIC_VIEW is yes or empty, found {public_view!r}")
    values["PUBLIC_URL"], _ = addresses(present | values)
    if is_tls and (chosen.given or "CERTIFICATE" not in present):
        values["CERTIFICATE"] = "given" if chosen.given else "private"
        own_ca = not chosen.given or chosen.given.ca
        values["KLEINMAELZUNG_CA_FILE"] = "/certificates/ca.pem" if own_ca else ""
        # By which name deploy/kleinmaelzung finds the gateway: one that is in the certificate.
        dns_names = [name for name in chosen.names if not certificates.is_address(name)]
        values["INSIDE_NAME"] = dns_names[0] if chosen.given and dns_names else "gateway"
    return values


def _split(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Refused(f".env: expected an address such as 127.0.0.1:8080, found {address!r}")
    return host, port


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def version(project: str) -> str:
    """The software's version, as pyproject.toml says it."""
    return next(line.split('"')[1] for line in project.splitlines() if line.startswith("version = "))


def build(compose: engine.Compose) -> None:
    print("making the image: the first time this takes a few minutes", file=sys.stderr)
    compose.run("build", "--quiet")


def bring_up(
    place: Place, compose: engine.Compose, found: dict[str, str], outcome: Outcome, *, new_admin: bool = False
) -> None:
    """Accounts first, for which the broker must not run; then all containers."""
    before = compose.containers()
    outcome.has_public_view = bool(found.get("PUBLIC_VIEW"))
    code = _settle_accounts(place, compose, outcome, new_admin=new_admin)
    if "configuration/mosquitto.conf" in outcome.changed:
        compose.run("stop", "broker")
    if "configuration/server.pub" in outcome.changed and "gateway" in before:
        compose.run("rm", "--stop", "--force", "gateway")  # it has the file as it was when the container was made
    compose.start()
    if "certificates" in outcome.changed and "broker" in before:
        compose.run("kill", "--signal", "HUP", "broker")  # the gateway looks by itself
    after = compose.containers()
    outcome.changed += sorted(f"container {name}" for name in after if before.get(name) != after[name])
    outcome.url, outcome.mqtt = addresses(found)
    outcome.login_link = f"{outcome.url}/#login={code}" if code else None


def _settle_accounts(place: Place, compose: engine.Compose, outcome: Outcome, *, new_admin: bool) -> str | None:
    passwords = json.dumps(secret_files.passwords(place, public_view=outcome.has_public_view))

    def ask(what: str) -> dict[str, str]:
        answer = compose.run("run", "--rm", "-T", "accounts", what, ACCOUNTS_FILE, stdin=passwords)
        told: dict[str, str] = json.loads(answer)
        return told

    if ask("look")["accounts"] == "unchanged" and not new_admin:
        return None
    compose.run("stop", "broker")
    done = ask("write")
    if new_admin and "link" not in done:
        done = ask("new-admin")
    outcome.changed.append("the broker's accounts")
    if "link" in done:
        write(place.login_link, done["link"], owner=OURS)
    return done.get("code")


def addresses(found: dict[str, str]) -> tuple[str, str]:
    """Where people and agents, and where MQTT tools go."""
    secure = "s" if found["COMPOSE_FILE"] == TLS_FILES else ""
    (host, port), (_, mqtt_port) = _split(found["HTTP_ADDRESS"]), _split(found["MQTT_ADDRESS"])
    name = found.get("KLEINMAELZUNG_NAME") or ("127.0.0.1" if host in ("0.0.0.0", "[::]") else host)  # noqa: S104
    return f"http{secure}://{name}:{port}", f"mqtt{secure}://{name}:{mqtt_port}"


def _report(outcome: Outcome, *, as_json: bool) -> None:
    password_file = DEPLOY / "secrets" / secret_files.ADMIN
    if as_json:
        told = {"ready": True, "url": outcome.url, "mqtt": outcome.mqtt, "user": "admin"}
        told |= {"password_file": str(password_file), "login_link": outcome.login_link, "changed": outcome.changed}
        print(json.dumps(told))
        return
    print(text(outcome, password_file))


def text(outcome: Outcome, password_file: Path) -> str:
    lines = [f"Kleinmaelzung is ready at {outcome.url}"]
    if outcome.login_link:
        lines.append(f"  sign in by {outcome.login_link}   (once, within an hour)")
    lines += [
        f"  user admin, password in {password_file}",
        f"  MQTT tools: {outcome.mqtt}",
        "  an agent: deploy/kleinmaelzung agent add pi-1",
    ]
    if outcome.has_public_view:
        lines.append("  whoever opens the page may watch; --no-public-view ends that")
    if outcome.url.startswith("https:") and (DEPLOY / "certificates" / "public" / "ca.pem").exists():
        lines.append(f"  agents and browsers trust {DEPLOY / 'certificates' / 'public' / 'ca.pem'}")
    elif not outcome.url.startswith("https:") and "127.0.0.1" not in outcome.url:
        lines.append("  without TLS: whoever listens to this network reads passwords. deploy/install --tls --name NAME")
    if not outcome.changed:
        lines.append("  nothing had to be changed")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
