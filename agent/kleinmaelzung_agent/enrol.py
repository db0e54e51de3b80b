"""`kleinmaelzung-agent enrol`: by a short code this machine becomes an agent of a server.

server's address, name and code in; out: the agent's secret and the server's public key in files of their own, and
[agent] in agent.toml. The code comes from `kleinmaelzung agent enrol NAME` and works once. Exit codes: 0 done,
1 refused or failed, 2 wrong usage.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from kleinmaelzung_agent import whole_file
from kleinmaelzung_agent.configuration import agent_file
from kleinmaelzung_agent.configuration.agent_file import NotChanged
from kleinmaelzung_agent.sending import gateway_link
from kleinmaelzung_agent.sending.gateway_link import CLOSE_TIMEOUT_S, MAX_MESSAGE, OPEN_TIMEOUT_S
from kleinmaelzung_wire import enrolment, orders, sockets, tls, topics
from kleinmaelzung_wire.codec import WireError

CONFIG: Final = Path("/etc/kleinmaelzung/agent.toml")
DATA: Final = Path("/var/lib/kleinmaelzung")
KEPT_IN: Final = "agent.secret"
KEY_IN: Final = "server.pub"
ANSWER_TIMEOUT_S: Final = 30.0  # the gateway lets who guessed wait
READABLE: Final = """\
{server} has no TLS: whoever listens in the network on the way can read the agent's secret and all that is measured.
Where that network is not your own, give the server a certificate (docs/front-door.md) and enrol again by https://"""
TRUSTED: Final = """\
It carries out what the server's key signs: new configurations, new versions of the program. The key's fingerprint:
  {fingerprint}"""
UNTRUSTED: Final = "This server gave no key to verify orders by, so nobody configures or updates this agent from afar."
ELSEWHERE: Final = "if it was not you who used it, shut that one out: kleinmaelzung agent remove"


class NotEnrolled(Exception):
    """This machine did not become an agent; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What the code opened. `server_key` is the public key whose orders the agent carries out; None: of nobody."""

    secret: str = field(repr=False)
    server_key: bytes | None = None


def main(arguments: Sequence[str]) -> int:
    wanted = _parser().parse_args(arguments)
    try:
        code = enrolment.read_code(wanted.code or _asked())
        topics.check_name(wanted.name, "agent")
        _check_address(wanted.server)
    except WireError as error:
        return _say(str(error), 2)
    ca_file = wanted.ca_file.absolute() if wanted.ca_file else None
    try:
        _check_writable(wanted.config)
        enrolled = asyncio.run(fetch(wanted.server, wanted.name, code, ca_file))
        _write(wanted, ca_file, enrolled)
    except NotChanged as error:
        return _say(f"{wanted.config}: {error}", 1)
    except (NotEnrolled, WireError, OSError) as error:
        return _say(str(error), 1)
    print(f"This machine is now agent {wanted.name} of {wanted.server}; {wanted.config} says so.")
    if urlsplit(wanted.server).scheme in ("http", "ws"):
        print(READABLE.format(server=wanted.server))
    key = enrolled.server_key
    print(TRUSTED.format(fingerprint=orders.fingerprint(key)) if key else UNTRUSTED)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kleinmaelzung-agent enrol",
        description="Let this machine become an agent, by the code that `kleinmaelzung agent enrol NAME` shows.",
    )
    parser.add_argument("--server", required=True, metavar="URL", help="the gateway, such as http://lab:8080")
    parser.add_argument("--name", required=True, metavar="NAME", help="the agent's name, as the code was made for")
    parser.add_argument("--code", metavar="CODE", help=f"such as {enrolment.EXAMPLE}; asked for unless given")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="with https: trust only this CA")
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"to write ({CONFIG})")
    return parser


def _asked() -> str:
    return input("Code: ") if sys.stdin.isatty() else sys.stdin.readline()


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("ws", "wss", "http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise WireError(f"{url!r:.100} is no server's address, expected something such as http://lab:8080")


async def fetch(server: str, name: str, code: str, ca_file: Path | None) -> Enrolled:
    """Exchange the code for the agent's secret and the server's public key. Raises NotEnrolled, WireError."""
    keys = enrolment.keys(name, code)
    url = gateway_link.agent_url(server)
    hello = {"enrol": name, "password": keys.password}
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S), _opening(url, ca_file) as link:
            await link.send(sockets.encode(["hello", hello], sockets.MSGPACK))
            kind, rest = sockets.decode(await link.recv(), sockets.MSGPACK)
    except ConnectionClosed as closed:
        raise NotEnrolled(_refusal(closed, name)) from closed
    except (OSError, InvalidHandshake, InvalidURI) as error:
        trouble = gateway_link.why_not_connected(error, name, url, ca_file)
        raise NotEnrolled(f"gateway {server}: {trouble.sentence}") from error
    match kind, rest:
        case "enrolled", [{"sealed": bytes(waiting), **more}]:
            sealed, behind = enrolment.split(waiting)
            key = more.get("key", behind)  # older gateways send none, or what a newer one made as it is
            server_key = enrolment.open_key(key, keys.pad) if isinstance(key, bytes) and key else None
            return Enrolled(secret=enrolment.open_sealed(sealed, keys.pad), server_key=server_key)
    raise NotEnrolled(f"gateway {server}: {kind!r:.40} received, expected enrolled")


def _opening(url: str, ca_file: Path | None) -> connect:
    return connect(
        url,
        subprotocols=[Subprotocol(sockets.MSGPACK)],
        compression=None,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        max_size=MAX_MESSAGE,
        proxy=None,
        ssl=tls.client_context(ca_file) if url.startswith("wss:") else None,
    )


def _refusal(closed: ConnectionClosed, name: str) -> str:
    code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")
    if code != sockets.NOT_LOGGED_IN:
        return f"the gateway ended the connection ({code or 'without a word'} {reason})".replace(" )", ")")
    if "hello." in reason:
        return "this gateway is older and knows no codes: use `kleinmaelzung agent add`"
    return f"{reason}; {ELSEWHERE} {name}" if "used already" in reason else reason


def _check_writable(config: Path) -> None:
    """Before the code is used up."""
    directory = config.parent
    if not os.access(directory, os.W_OK) or (config.exists() and not os.access(config, os.R_OK | os.W_OK)):
        raise NotEnrolled(f"{config} cannot be written here: run this as root, or name another file by --config")
    if before := _read(config):
        agent_file.changed(before, {"name": "x"})


def _read(config: Path) -> str:
    """The file as it is, "" where there is none. Root follows no link, for the agent's user may put one there."""
    try:
        with os.fdopen(os.open(config, os.O_RDONLY | (os.O_NOFOLLOW if _is_installed(config) else 0))) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _is_installed(config: Path) -> bool:
    """Whether this is what deploy/install-agent made, and we are root: the agent runs as another user."""
    return os.geteuid() == 0 and config == CONFIG


def _write(wanted: argparse.Namespace, ca_file: Path | None, enrolled: Enrolled) -> None:
    """The secret and the key first: a configuration without them would be refused."""
    config: Path = wanted.config
    secret = f"{enrolled.secret}\n".encode()
    whole_file.write(config.parent / KEPT_IN, secret, mode=0o400, owner=_owner(config))
    values = {"name": wanted.name, "url": wanted.server, "secret_file": KEPT_IN}
    values |= {"ca_file": str(ca_file)} if ca_file else {}
    key_file = config.parent / KEY_IN  # root's own where root runs this: by it a new version of the program is verified
    if enrolled.server_key:
        whole_file.write(key_file, orders.pem(enrolled.server_key).encode(), mode=0o644)
        values |= {"server_key_file": KEY_IN}
    before = _read(config)
    if not agent_file.says(before, "data"):
        values |= {"data": str(DATA if config == CONFIG else config.parent.absolute() / "agent-data")}
    without = frozenset({"secret", "ca_file", "server_key_file"})
    text = agent_file.changed(before, values, without) if before else agent_file.first(str(config), values)
    _replace(config, text)
    if not enrolled.server_key:
        key_file.unlink(missing_ok=True)  # an earlier server is not trusted for ever


def _owner(config: Path) -> tuple[int, int] | None:
    """Whom secret and configuration are for: who owns the agent's data, where we are root; None: us."""
    if _is_installed(config):
        with contextlib.suppress(FileNotFoundError):
            owner = DATA.stat()
            return owner.st_uid, owner.st_gid
    return None


def _replace(path: Path, text: str) -> None:
    """The file anew, for whom it was before; a new one for the agent's user, who may be told to change it."""
    try:
        before = path.lstat()
    except FileNotFoundError:
        whole_file.write(path, text.encode(), mode=0o640, owner=_owner(path) or _as_its_folder(path))
        return
    owner = (before.st_uid, before.st_gid) if os.geteuid() == 0 else None
    whole_file.write(path, text.encode(), mode=before.st_mode & 0o777, owner=owner)


def _as_its_folder(path: Path) -> tuple[int, int] | None:
    folder = path.parent.stat()
    return (folder.st_uid, folder.st_gid) if os.geteuid() == 0 else None


def _say(sentence: str, code: int) -> int:
    print(f"kleinmaelzung-agent enrol: {sentence}", file=sys.stderr)
    return code
