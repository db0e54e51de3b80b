"""kleinmaelzung-agent --check: looks at all that this agent needs, on its own machine, and says what is broken.

agent.toml --> configuration, data directory, clock, way to the gateway, login, each instrument --> findings

Nothing is written. Where the agent runs already, it has its ports and its connection: then these are not tried.
"""

import asyncio
import getpass
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from kleinmaelzung_agent import check_ports, clock
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import AgentConfig, Config, ConfigError
from kleinmaelzung_agent.orders import signature
from kleinmaelzung_agent.orders.signature import SignatureError
from kleinmaelzung_agent.sending import gateway_link
from kleinmaelzung_agent.sending.gateway_link import Trouble
from kleinmaelzung_agent.spool import disk, lock
from kleinmaelzung_agent.spool.spool_file import FILE_NAME
from kleinmaelzung_wire import findings, sockets, tls
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.findings import Finding
from kleinmaelzung_wire.orders import fingerprint

CONNECT_S: Final = 5.0
CLOCK_US: Final = 5_000_000
LITTLE_ROOM: Final = 200_000_000
NEARLY_FULL: Final = 0.8
_RUNS: Final = "the agent runs here, and has it"
_SYNCHRONISE: Final = "have it synchronised: `timedatectl`, and a time server that this machine reaches"

# By what kind of trouble a login ends in -> what to do.
_REMEDIES: Final = (
    ("secret", "put name and secret into agent.toml as `kleinmaelzung agent add` printed them; if lost, add it again"),
    ("broker", "look on the server whether Mosquitto runs: kleinmaelzung doctor"),
    ("http 421", "name the server as it is known, or tell its gateway this name: KLEINMAELZUNG_HOSTS"),
    ("http 503", "wait, or look on the server: kleinmaelzung doctor"),
    ("http", "look at agent.url: another server, or a proxy that passes no WebSockets (Upgrade and Connection)"),
    ("tls", "look at the certificate of the server, and at agent.ca_file"),
    ("", "look on the server: kleinmaelzung doctor"),
)


async def check(path: Path) -> list[Finding]:
    """All that can be found out here."""
    try:
        settings = config.load(path)
    except (ConfigError, OSError) as error:
        remedy = "correct these; agent.example.toml explains each key"
        rest = ("agent", "agent-spool", "agent-clock", "agent-orders", "server", "login", "instrument")
        because = "the configuration cannot be used"
        wrong = findings.broken("config", "; ".join(map(str.strip, str(error).splitlines())), remedy)
        return [wrong, *(findings.unchecked(id_, because) for id_ in rest)]
    holder = lock.find_holder(settings.agent.data)
    return [
        findings.ok("config", f"{path} is right: agent {settings.agent.name}, {len(settings.instruments)} instruments"),
        _agent(holder),
        spool(settings.agent),
        _clock(),
        orders(settings.agent),
        *await _gateway(settings.agent, is_running=bool(holder)),
        *await _instruments(settings, is_running=bool(holder)),
    ]


def _agent(holder: str) -> Finding:
    if holder:
        return findings.ok("agent", f"runs (process {holder})")
    found = f"does not run; this looks as user {_user()}, who may have other rights than the agent's"
    return findings.warning("agent", found, "start it: sudo systemctl start kleinmaelzung-agent")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def spool(wanted: AgentConfig) -> Finding:
    """Whether what is measured can be kept."""
    if (why := _unusable(wanted.data)) or (free := disk.free_bytes(_existing(wanted.data))) is None:
        remedy = "make it the agent's own directory on a disk that can be written: chown, df -h, dmesg"
        return findings.broken(
            "agent-spool", f"{wanted.data} cannot be used: {why or 'its disk does not answer'}", remedy
        )
    if free < LITTLE_ROOM:
        make = findings.broken if free < wanted.spool.bytes // 100 else findings.warning
        found = f"the disk of {wanted.data} has {free / 1e6:.0f} MB left"
        return make("agent-spool", found, "make room (df -h, journalctl --vacuum-size=100M)")
    share = _size(wanted.data / FILE_NAME) / wanted.spool.bytes
    if share >= NEARLY_FULL:
        remedy = "see to gateway and logger first; [spool] bytes allows more; when it is full, the oldest frames go"
        return findings.warning("agent-spool", f"{share:.0%} full", remedy)
    if aside := sorted(wanted.data.glob(f"{Path(FILE_NAME).stem}.corrupt-*")):
        remedy = "look at the disk (dmesg); what could be read of it was saved, so the file may be deleted"
        return findings.warning("agent-spool", f"was damaged once: {aside[-1].name} was moved aside", remedy)
    return findings.ok("agent-spool", f"{wanted.data}, {free / 1e9:.1f} GB are free")


def orders(wanted: AgentConfig) -> Finding:
    """Whose orders are carried out: that there is nobody is a choice, not a fault."""
    if wanted.server_key_file is None:
        return findings.ok(
            "agent-orders", "no server key is trusted: nobody configures or updates this agent from afar"
        )
    try:
        key = signature.read_key(wanted.server_key_file)
    except SignatureError as error:
        remedy = "put the server's public key there, or take server_key_file out of agent.toml"
        return findings.warning("agent-orders", f"no order is carried out: {error}", remedy)
    return findings.ok("agent-orders", f"orders by the server key {fingerprint(key)} are carried out")


def _unusable(data: Path) -> str:
    place = _existing(data)
    if not place.is_dir():
        return f"{place} is no directory"
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return "its disk is read-only"
    return "" if os.access(place, os.W_OK | os.X_OK) else f"user {_user()} may not write there"


def _existing(path: Path) -> Path:
    """The directory itself, or where it will be made."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _clock() -> Finding:
    if time.time_ns() // 1000 < clock.EARLIEST_US:
        return findings.broken("agent-clock", "it is before this program was made", _SYNCHRONISE)
    judged = clock.kernel_clock()
    if not judged.synchronised:
        return findings.warning("agent-clock", "not synchronised: samples are marked so", _SYNCHRONISE)
    return findings.ok("agent-clock", "synchronised")


# --- the way to the gateway -------------------------------------------------------------------------------------------


async def _gateway(wanted: AgentConfig, *, is_running: bool) -> list[Finding]:
    url = gateway_link.agent_url(wanted.url)
    if (failed := await _unreached(url, wanted)) is not None:
        return [failed, findings.unchecked("login", "the server is not reached")]
    reached = findings.ok("server", f"{wanted.url} is reached")
    if is_running:
        return [reached, findings.unchecked("login", "the agent that runs would lose its connection")]
    return [reached, *await _login(url, wanted)]


async def _unreached(url: str, wanted: AgentConfig) -> Finding | None:
    """Open the port, with TLS where that is meant, and close it again."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "wss"
    host, port = parts.hostname or "", parts.port or (443 if is_secure else 80)
    try:
        context = tls.client_context(wanted.ca_file) if is_secure else None
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError, UnicodeError) as error:
        return _why_unreached(error, host, port, wanted, is_secure=is_secure)
    writer.transport.abort()
    return None


def _why_unreached(error: Exception, host: str, port: int, wanted: AgentConfig, *, is_secure: bool) -> Finding:
    where = f"{host}:{port}"
    if is_secure and isinstance(error, OSError) and (told := tls.sentence(error, where, wanted.ca_file)):
        sentence, _, remedy = told.partition(": ")
        return findings.broken("server", sentence, remedy or "look at agent.ca_file")
    if isinstance(error, ConnectionRefusedError):
        return findings.broken("server", f"nothing listens at {where}", "start the server, or correct agent.url")
    if isinstance(error, TimeoutError):
        remedy = "look whether the server is on and in this network, and whether a firewall lets this port through"
        return findings.broken("server", f"{where} does not answer within {CONNECT_S:g} s", remedy)
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        remedy = "look at this machine's network: cable, Wi-Fi, address"
        return findings.broken("server", f"there is no way to {where}: {os.strerror(error.errno)}", remedy)
    remedy = f"correct agent.url; without a name server try {host.partition('.')[0]}.local or the IP address"
    return findings.broken("server", f"the name {host} is not known to this machine", remedy)


async def _login(url: str, wanted: AgentConfig) -> list[Finding]:
    """Come in as this agent, and leave at once."""
    try:
        async with gateway_link.opening(url, wanted.name, wanted.secret, wanted.ca_file) as link:
            try:
                async with asyncio.timeout(CONNECT_S):
                    kind, rest = sockets.decode(await link.recv(), sockets.MSGPACK)
                return _welcome(wanted.name, kind, rest)
            except ConnectionClosed:
                trouble = gateway_link.why_closed(link, wanted.name)
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WireError) as error:
        trouble = gateway_link.why_not_connected(error, wanted.name, url, wanted.ca_file)
    return [_refused(trouble)]


def _welcome(name: str, kind: str, rest: Sequence[object]) -> list[Finding]:
    about = rest[0] if kind == "welcome" and rest and isinstance(rest[0], dict) else None
    if about is None:
        return [_refused(Trouble(f"sent {kind!r:.40} instead of a welcome"))]
    entered = findings.ok("login", f"the gateway lets agent {name} in, its version is {about.get('version')}")
    ahead_us = time.time_ns() // 1000 - time_us if type(time_us := about.get("time")) is int else 0
    if abs(ahead_us) <= CLOCK_US:
        return [entered]
    way = "ahead of" if ahead_us > 0 else "behind"
    return [entered, findings.broken("clock", f"{abs(ahead_us) / 1e6:.0f} s {way} the server's", _SYNCHRONISE)]


def _refused(trouble: Trouble) -> Finding:
    remedy = next(remedy for kind, remedy in _REMEDIES if trouble.kind.startswith(kind))
    return findings.broken("login", f"the gateway {trouble.sentence}", remedy)


# --- instruments ------------------------------------------------------------------------------------------------------


async def _instruments(settings: Config, *, is_running: bool) -> list[Finding]:
    if not settings.instruments:
        remedy = "describe one: agent.example.toml shows how"
        return [findings.warning("instrument", "agent.toml describes none", remedy)]
    if is_running:
        return [check_ports.held(name, one.place, _RUNS) for name, one in settings.instruments.items()]
    return await check_ports.try_all(settings.instruments)
