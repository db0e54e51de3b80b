"""Run as root by kleinmaelzung-agent-update.service: installs the version of the program that the server sent.

what the agent handed over (orders/handed_over.py) --_take()--> a copy of root's, verified: under way --_carry_out()-->
its own deploy/install-agent --> what became of it, kept here and told to the agent

The agent has no right over its own program, and is not trusted here: an order counts by the signature of the key
in server.pub, which must be root's. From when the copy is complete only the copy counts. It stays until the new
version is confirmed or the old one runs again, so after a power cut, at the next boot, this goes on (the path unit
looks at it too); after the third interruption the old version is put back. This module itself runs from the
version that was confirmed last. Exit codes: 0 looked at it, whatever came of it; 1 it cannot work here.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import whole_file
from kleinmaelzung_agent.orders import handed_over, program_file, signature
from kleinmaelzung_agent.orders.handed_over import Folder, NotTaken, Outcome, Result
from kleinmaelzung_agent.orders.signature import SignatureError
from kleinmaelzung_wire import orders
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.orders import Order

ATTEMPTS: Final = 3
INSTALL_LIMIT_S: Final = 3600.0  # on the smallest Pi a package may be compiled
MAX_REASON: Final = 300
MAX_ORDER: Final = 4096
MAX_CONFIG: Final = 2 * orders.MAX_CONTENT["configuration"]
ROLLED_BACK: Final = 3  # deploy/install-agent: the version before runs again
INSTALLER: Final = "deploy/install-agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where deploy/install-agent puts things, whose server.pub must be, and how long an installation may take."""

    program: Path = Path("/opt/kleinmaelzung-agent")
    etc: Path = Path("/etc/kleinmaelzung")
    data: Path = Path("/var/lib/kleinmaelzung")
    owner: int = 0
    limit_s: float = INSTALL_LIMIT_S

    @property
    def own(self) -> Path:
        return self.program / "update"

    @property
    def under_way(self) -> Path:
        return self.own / "under-way"

    @property
    def last(self) -> Path:
        return self.own / "last"

    @property
    def installer_before(self) -> Path:
        return self.program / "confirmed" / "installed" / INSTALLER


def main() -> int:
    if os.geteuid() != 0:
        print("the agent's program is root's: systemd starts this", file=sys.stderr)
        return 1
    run(Places())
    return 0


def run(places: Places) -> None:
    """Finish what was interrupted, then carry out what waits; nothing waits afterwards."""
    places.own.mkdir(mode=0o700, exist_ok=True)
    finished = b""
    if places.under_way.exists():
        _say("going on with an update that was interrupted")
        finished = (places.under_way / "order").read_bytes()
        _carry_out(places)
    with handed_over.opened(places.data) as folder:
        if folder is None or not folder.is_ready():
            return
        try:
            if not finished or folder.read("order", MAX_ORDER) != finished:  # it came between the copy and its end
                _take(places, folder)
        except NotTaken as refused:
            _say(f"refused: {refused}")
            _tell(folder, _result(_claimed(folder), "refused", str(refused)))
        finally:
            folder.clear()
    if places.under_way.exists():
        _carry_out(places)


def _take(places: Places, folder: Folder) -> None:
    """Make a copy of root's and verify that. Raises NotTaken."""
    taken = places.own / "taken"
    shutil.rmtree(taken, ignore_errors=True)
    taken.mkdir(mode=0o700)
    try:
        for name, limit in (("order", MAX_ORDER), ("signature", orders.SIGNATURE_BYTES)):
            folder.copy(name, taken / name, limit)
        order = _verified(places, taken)
        folder.copy("content", taken / "content", order.size)
        _check_content(order, taken / "content")
        whole_file.sync_directory(taken)
        taken.rename(places.under_way)
        whole_file.sync_directory(places.own)
    except OSError as error:
        raise NotTaken(f"it could not be copied: {error}") from error
    finally:
        shutil.rmtree(taken, ignore_errors=True)


def _verified(places: Places, taken: Path) -> Order:
    """The order, signed by the server's key, for this agent, and a new one. Raises NotTaken."""
    encoded = (taken / "order").read_bytes()
    key = taken / "server.pub"
    key.write_text(orders.pem(_server_key(places)))
    try:
        signature.verify(key, encoded, (taken / "signature").read_bytes())
        order = Order.decode(encoded)
    except (SignatureError, WireError) as error:
        raise NotTaken(str(error)) from error
    if order.kind != "program":
        raise NotTaken(f"this is an order for a {order.kind}, expected one for a program")
    if order.agent != (name := _agent_name(places)):
        raise NotTaken(f"this is an order for agent {order.agent}, this machine is agent {name}")
    if order.issued <= _last_issued(places):
        raise NotTaken("this order, or a later one, was carried out already: give a new one")
    return order


def _server_key(places: Places) -> bytes:
    path = places.etc / "server.pub"
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            found = os.fstat(file.fileno())
            if found.st_uid != places.owner or found.st_mode & 0o022 or found.st_nlink != 1:
                raise NotTaken(f"{path} must belong to root, and nobody else may write it: enrol again as root")
            return orders.read_pem(file.read(MAX_ORDER))
    except FileNotFoundError as error:
        raise NotTaken(f"this machine trusts no server's key: there is no {path}") from error
    except (OSError, WireError, UnicodeDecodeError) as error:
        raise NotTaken(f"{path} cannot be used: {error}") from error


def _agent_name(places: Places) -> str:
    path = places.etc / "agent.toml"
    try:  # the agent may write this file, so it may be anything
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            table = tomllib.loads(file.read(MAX_CONFIG)).get("agent", {})
        return str(table["name"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotTaken(f"{path} does not say which agent this is") from error


def _check_content(order: Order, content: Path) -> None:
    with content.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    if found != order.sha256:
        raise NotTaken("the program that came is not the one that was signed")


def _carry_out(places: Places) -> None:
    """From the copy alone. Whatever happens, in the end there is a result and nothing is under way."""
    order = Order.decode((places.under_way / "order").read_bytes())
    try:
        result = _result(order, *_attempt(places))
    except NotTaken as refused:
        result = _result(order, "refused", str(refused))
    except OSError as error:  # a full disk, as a rule
        _roll_back(places)
        result = _result(order, "rolled back", f"it could not be installed: {error}")
    _say(f"{result.result}{': ' if result.reason else ''}{result.reason}")
    try:
        whole_file.write(places.last, result.to_json().encode())
        with handed_over.opened(places.data) as folder:
            if folder:
                _tell(folder, result)
    finally:
        _end(places)


def _end(places: Places) -> None:
    """At once, so that no half of it is ever found under way."""
    over = places.own / "over"
    shutil.rmtree(over, ignore_errors=True)
    places.under_way.rename(over)
    whole_file.sync_directory(places.own)
    shutil.rmtree(over)


def _attempt(places: Places) -> tuple[Outcome, str]:
    attempts = places.under_way / "attempts"
    before = len(attempts.read_text()) if attempts.exists() else 0
    if before >= ATTEMPTS:
        _roll_back(places)
        return "rolled back", f"it was interrupted {ATTEMPTS} times"
    whole_file.write(attempts, b"x" * (before + 1))
    tree = places.under_way / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    program_file.unpack(places.under_way / "content", tree)
    if not os.access(tree / INSTALLER, os.X_OK):
        raise NotTaken(f"the program has no {INSTALLER}")
    return _install(places, tree)


def _install(places: Places, tree: Path) -> tuple[Outcome, str]:
    code, said = _run(places, tree / INSTALLER, "--must-connect")
    if code == 0:
        return "done", ""
    if code is None:
        _roll_back(places)
        return "rolled back", f"it was not installed within {places.limit_s / 60:.0f} minutes"
    return ("rolled back" if code == ROLLED_BACK else "refused"), said


def _roll_back(places: Places) -> None:
    """By the installer of the version that was confirmed last, which knows its own files."""
    if places.installer_before.exists():
        _run(places, places.installer_before, "--roll-back")


def _run(places: Places, installer: Path, how: str) -> tuple[int | None, str]:
    """The exit code, None where it took too long, and the last thing it said; all of it goes to the journal too."""
    said = places.own / "said"
    with (
        said.open("wb") as errors,
        subprocess.Popen([installer, how], stderr=errors, start_new_session=True) as running,
    ):
        code: int | None
        try:
            code = running.wait(places.limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            code = None
    text = said.read_text(errors="replace")
    sys.stderr.write(text)
    lines = [line.removeprefix("install-agent: ") for line in text.splitlines() if line.startswith("install-agent: ")]
    return code, lines[-1] if lines else f"it ended with {code}: {text[-300:].strip()}"


def _claimed(folder: Folder) -> Order | None:
    """What a refused order says of itself, so that the agent knows which one it was."""
    try:
        return Order.decode(folder.read("order", MAX_ORDER))
    except (NotTaken, WireError):
        return None


def _result(order: Order | None, outcome: Outcome, reason: str) -> Result:
    return Result(
        issued=order.issued if order else 0,
        sha256=order.sha256.hex() if order else "",
        result=outcome,
        reason=reason[:MAX_REASON],
        time=time.time_ns() // 1000,
    )


def _last_issued(places: Places) -> int:
    try:
        return int(json.loads(places.last.read_text())["issued"])
    except FileNotFoundError:
        return 0
    except (ValueError, KeyError, TypeError) as error:
        raise NotTaken(f"{places.last} is damaged, and says when the last order was given: remove it") from error


def _tell(folder: Folder, result: Result) -> None:
    try:
        folder.tell(result)
    except OSError as error:  # it is the agent's folder, and what stands in the way is the agent's
        _say(f"the agent could not be told: {error}")


def _say(sentence: str) -> None:
    print(f"update: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
