"""Everything on one machine, without Docker: broker, database, gateway and services as children of one process.

In: a data directory and a few choices. Out: a running System with its addresses; what it needs to continue
(accounts, data, ports, secrets) stays in the directory.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never

import asyncpg

from kleinmaelzung import server_key
from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import login_link, probe
from kleinmaelzung_gateway.certificate import LOOK_EVERY_S, CertificateError, CertificateFiles, make_context
from kleinmaelzung_local import order_key, ports
from kleinmaelzung_local.children import Child, Running
from kleinmaelzung_local.mosquitto import Mosquitto, write_private
from kleinmaelzung_local.postgres import DATABASE, Postgres
from kleinmaelzung_wire import access, messages, topics

SECRETS = ("admin", *access.SERVICES, "postgres")
# The logger first: it makes the tables that most of what others read is in.
SERVICES = ("logger", "history", "batches", "calibration")
ANY_HOST = ("0.0.0.0", "::")  # noqa: S104 -- asked for by --host
CHECK_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 10.0


class DatabaseUnreachable(Exception):
    """The server named by --dsn cannot be used; the sentence says why, without the password."""


class DataDirectoryInUse(Exception):
    """Another Kleinmaelzung runs on the same data directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chose. Ports: None is the usual or the last one, 0 any free one."""

    data: Path
    host: str = "127.0.0.1"
    port: int | None = 8080
    mqtt_port: int | None = None
    dsn: str | None = field(default=None, repr=False)
    name: str | None = None  # what people and agents call this machine; with TLS, as in the certificate
    tls_cert: Path | None = None
    tls_key: Path | None = None
    public_view: bool = False  # whoever opens the page may watch

    @property
    def certificate(self) -> CertificateFiles | None:
        """Certificate and key, for page, agents and MQTT tools. Raises CertificateError."""
        if self.tls_cert is None and self.tls_key is None:
            return None
        if self.tls_cert is None or self.tls_key is None:
            raise CertificateError("--tls-cert and --tls-key go together")
        files = CertificateFiles(self.tls_cert.resolve(), self.tls_key.resolve())
        make_context(files)
        return files


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A running system. `url` is for people and agents, `mqtt` for MQTT tools, `dsn` for SQL.

    `login_link` signs in admin, once; None after one of these links was used.
    """

    url: str
    mqtt: str
    dsn: str = field(repr=False)
    password_file: Path
    login_link: str | None = field(repr=False)
    children: dict[str, Running]
    server_key: Path | None = None  # signs what agents are told from afar


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to run where; its files are written and nothing is started."""

    url: str
    mqtt: str
    dsn: str = field(repr=False)
    login_link: str | None = field(repr=False)
    server_key: Path | None
    mosquitto: Mosquitto
    children: list[Child]  # in the order in which they need each other


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data directory for this process alone. Raises DataDirectoryInUse."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise DataDirectoryInUse(
                f"{data} is in use by another Kleinmaelzung (process {file.read().strip() or '?'});"
                " stop it, or name another --data directory"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def secrets_of(data: Path) -> dict[str, str]:
    """The generated passwords: made at the first start, 0600, read at each further one."""
    directory = data / "secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    for name in SECRETS:
        if not (path := directory / name).exists():
            write_private(path, access.make_secret())
    return {name: (directory / name).read_text().strip() for name in SECRETS}


@asynccontextmanager
async def run(choices: Choices) -> AsyncIterator[System]:
    """Run everything as long as the context lasts; ready when entered, stopped in order when left."""
    data = choices.data.resolve()
    with locked(data):
        planned = plan(choices)
        if choices.dsn is not None:
            await _check_database(choices.dsn)
        (data / "log").mkdir(mode=0o700, exist_ok=True)
        async with (
            _kept(planned.children, data / "log") as running,
            _renewing(choices.certificate, running["mosquitto"]),
        ):
            yield System(
                url=planned.url,
                mqtt=planned.mqtt,
                dsn=planned.dsn,
                password_file=data / "secrets" / "admin",
                login_link=planned.login_link,
                children=running,
                server_key=planned.server_key,
            )


def plan(choices: Choices) -> Plan:
    """Choose ports and write what the children need. Whoever starts them holds the data directory by `locked`."""
    data = choices.data.resolve()
    secrets = secrets_of(data)
    chosen = ports.choose(
        data / "ports.json",
        {"http": choices.port, "mqtt": choices.mqtt_port, "internal": None, "postgres": None},
    )
    certificate = choices.certificate
    # Before the broker's accounts are written, by which a first start is known.
    code = _login_code(data, secrets["admin"])
    mosquitto = Mosquitto(
        directory=data / "mosquitto",
        tls_cert=certificate.certificate if certificate else None,
        tls_key=certificate.key if certificate else None,
        host=choices.host,
        port=chosen["mqtt"],
        internal_port=chosen["internal"],
        passwords=secrets,
        public_password=_public_password(data, choices),
    )
    mosquitto.write()
    postgres = Postgres(directory=data / "postgres", port=chosen["postgres"], password=secrets["postgres"])
    dsn = choices.dsn or postgres.dsn
    write_private(data / "secrets" / "dsn", dsn)
    signing = order_key.find(data / "secrets")
    reachable = choices.name or ("127.0.0.1" if choices.host in ANY_HOST else choices.host)
    secure = "s" if certificate else ""
    url = f"http{secure}://{reachable}:{chosen['http']}"
    local = "127.0.0.1" if choices.host in ANY_HOST else choices.host
    return Plan(
        url=url,
        mqtt=f"mqtt{secure}://{reachable}:{chosen['mqtt']}",
        dsn=dsn,
        login_link=f"{url}/#login={code}" if code else None,
        server_key=signing,
        mosquitto=mosquitto,
        children=_children(
            data,
            f"{choices.host}:{chosen['http']}",
            mosquitto,
            postgres,
            dsn,
            lambda: probe.is_well(local, chosen["http"], certificate.certificate if certificate else None),
            _front_door(data, choices, certificate) | _public_key(signing),
        ),
    )


def _login_code(data: Path, password: str) -> str | None:
    """A new code that signs in admin, as long as none was used; those made before are void."""
    path = _login_link_file(data)
    left_over = login_link.taken_path(path)  # by a gateway that was killed while somebody logged in
    is_first_start = not (data / "mosquitto" / "dynamic-security.json").exists()
    if not (is_first_start or path.exists() or left_over.exists()):
        return None
    code, link = login_link.make("admin", password, time.time_ns() // 1000)
    write_private(path, link.to_json())
    left_over.unlink(missing_ok=True)
    return code


def _login_link_file(data: Path) -> Path:
    return data / "secrets" / "login-link"


def _public_password(data: Path, choices: Choices) -> str | None:
    """A new password for the public view, which only the gateway is told; None where there is none."""
    if not choices.public_view:
        _public_password_file(data).unlink(missing_ok=True)
        return None
    password = access.make_secret()
    write_private(_public_password_file(data), password)
    return password


def _public_password_file(data: Path) -> Path:
    return data / "secrets" / "public"


def _front_door(data: Path, choices: Choices, certificate: CertificateFiles | None) -> dict[str, str]:
    """What the gateway is told of names, certificate and ways in, beside what the environment says already."""
    told = {
        "KLEINMAELZUNG_LOGIN_LINK_FILE": str(_login_link_file(data)),
        "KLEINMAELZUNG_PUBLIC_VIEW_PASSWORD_FILE": str(_public_password_file(data)) if choices.public_view else "",
    }
    if choices.name:
        told["KLEINMAELZUNG_HOSTS"] = ",".join(filter(None, (choices.name, os.environ.get("KLEINMAELZUNG_HOSTS"))))
    if certificate:
        told["KLEINMAELZUNG_TLS_CERT"] = str(certificate.certificate)
        told["KLEINMAELZUNG_TLS_KEY"] = str(certificate.key)
    return told


def _public_key(key: Path | None) -> dict[str, str]:
    return {"KLEINMAELZUNG_SERVER_PUBLIC_KEY_FILE": str(server_key.public_file(key))} if key else {}


def _children(
    data: Path,
    listen: str,
    mosquitto: Mosquitto,
    postgres: Postgres,
    dsn: str,
    gateway_is_ready: Callable[[], bool],
    front_door: dict[str, str],
) -> list[Child]:
    children = []
    if dsn == postgres.dsn:
        postgres.initialise()
        children.append(
            Child(
                name="postgres",
                command=postgres.command(),
                is_ready=lambda: _database_is_ready(postgres),
                stop_signal=2,  # SIGINT: fast shutdown, which does not wait for clients
            )
        )
    internal = f"mqtt://127.0.0.1:{mosquitto.internal_port}"
    gateway_environment = {
        "KLEINMAELZUNG_LISTEN": listen,
        "KLEINMAELZUNG_MQTT": internal,
        "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(data / "secrets" / "gateway"),
        **front_door,
    }
    return [
        *children,
        Child(name="mosquitto", command=mosquitto.command(), is_ready=lambda: _broker_is_ready(mosquitto)),
        *(_service(name, data, internal, mosquitto) for name in SERVICES),
        Child(
            name="gateway",
            command=[sys.executable, "-m", "kleinmaelzung_gateway"],
            environment=os.environ | gateway_environment,
            is_ready=lambda: asyncio.to_thread(gateway_is_ready),
        ),
    ]


def _service(name: str, data: Path, internal: str, mosquitto: Mosquitto) -> Child:
    environment = {
        "KLEINMAELZUNG_MQTT": internal,
        "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(data / "secrets" / name),
        "KLEINMAELZUNG_DSN_FILE": str(data / "secrets" / "dsn"),
    }
    return Child(
        name=name,
        command=[sys.executable, "-m", f"kleinmaelzung_services.{name}"],
        environment=os.environ | environment,
        is_ready=lambda: _service_is_ready(mosquitto, name),
    )


@asynccontextmanager
async def _kept(children: list[Child], log: Path) -> AsyncIterator[dict[str, Running]]:
    running: dict[str, Running] = {}
    keepers: list[asyncio.Task[None]] = []
    try:
        for child in children:
            running[child.name] = one = Running(child, log / f"{child.name}.log")
            await one.start()
            keepers.append(asyncio.create_task(one.keep(), name=f"keep-{child.name}"))
        yield running
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for one in reversed(running.values()):
            await one.stop()


async def _check_database(dsn: str) -> None:
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S)
        await connection.close(timeout=CHECK_TIMEOUT_S)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = str(error) or "it does not answer"
        raise DatabaseUnreachable(f"cannot use the database named by --dsn: {why}") from error


async def _database_is_ready(postgres: Postgres) -> bool:
    try:
        dsn = postgres.dsn_of("postgres")
        connection = await asyncpg.connect(dsn, timeout=CHECK_TIMEOUT_S, command_timeout=CHECK_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close(timeout=CHECK_TIMEOUT_S)
    return True


async def _broker_is_ready(mosquitto: Mosquitto) -> bool:
    try:
        # Not as admin, whose password people change.
        async with bus.connect(mosquitto.broker("gateway"), client_id="readiness", on_message=lambda message: None):
            return True
    except bus.BusError:
        return False


async def _service_is_ready(mosquitto: Mosquitto, name: str) -> bool:
    """Whether the service says so itself: its retained status."""
    healthy = asyncio.Event()

    def look(message: bus.Message) -> None:
        if messages.ServiceStatus.decode(message.payload).healthy:
            healthy.set()

    try:
        async with bus.connect(mosquitto.broker("gateway"), client_id="readiness", on_message=look) as session:
            await session.subscribe(topics.service_status(name))
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await healthy.wait()
    except (bus.BusError, TimeoutError):
        return False
    return True


@asynccontextmanager
async def _renewing(certificate: CertificateFiles | None, mosquitto: Running) -> AsyncIterator[None]:
    """Have the broker read its certificate again when the files change; the gateway looks by itself."""
    if certificate is None:
        yield
        return
    task = asyncio.create_task(_tell_broker(certificate, mosquitto), name="certificate")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def _tell_broker(certificate: CertificateFiles, mosquitto: Running) -> Never:
    seen = certificate.version()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        with contextlib.suppress(OSError, CertificateError):  # half written, or gone for a moment; the gateway says so
            version = certificate.version()
            if version != seen and mosquitto.pid is not None:
                make_context(certificate)
                os.kill(mosquitto.pid, signal.SIGHUP)
                seen = version
