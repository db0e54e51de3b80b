"""The agent's side of a new version of its own program: it hands order and content over, and hears what became of it.

The agent has no right to its own program. A unit of systemd, as root, waits for the file `ready` in `orders/program/`
beside the spool, looks at the signature itself, and writes `result`. Blocking.
"""

import json
from pathlib import Path
from typing import Final

from kleinmaelzung_agent import whole_file
from kleinmaelzung_agent.orders.orders_held import Last, OrdersHeld, Outcome, Signed
from kleinmaelzung_wire import codec, failpoints
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.orders import Order

# Not the unit itself, which is there too where somebody has disabled it.
UPDATER: Final = Path("/etc/systemd/system/multi-user.target.wants/kleinmaelzung-agent-update.path")
FOLDER: Final = "program"
NO_UPDATER: Final = (
    "nothing here replaces the agent's program: it was not installed by deploy/install-agent, or "
    "kleinmaelzung-agent-update.path is disabled; install the new version by hand"
)
MAX_RESULT: Final = 64 * 1024
MAX_REASON: Final = 300


class ProgramUpdate:
    """`updater` is the file that is there where the updater waits."""

    def __init__(self, held: OrdersHeld, updater: Path = UPDATER) -> None:
        self._held, self._updater = held, updater
        self._folder = held.folder / FOLDER
        self._seen: tuple[int, int] | None = None

    def refusal(self) -> str:
        """Why no program can be handed over now; empty where one can."""
        if not self._updater.exists():
            return NO_UPDATER
        if (self._folder / "ready").exists():
            return "a program that came before is still to be installed: wait until the agent's status tells its result"
        return ""

    def hand_over(self, signed: Signed, content: Path) -> None:
        """Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        (self._folder / "result").unlink(missing_ok=True)
        whole_file.write(self._folder / "order", signed.order)
        whole_file.write(self._folder / "signature", signed.signature)
        whole_file.move(content, self._folder / "content")
        failpoints.reach("agent.order_handed")
        whole_file.write(self._folder / "ready", b"")

    def waiting(self) -> Order | None:
        """What was handed over and has not been taken yet."""
        if not (self._folder / "ready").exists():
            return None
        try:
            return Order.decode((self._folder / "order").read_bytes())
        except (OSError, WireError):
            return None

    def result(self) -> Last | None:
        """What became of the last one, where that is told anew."""
        path = self._folder / "result"
        try:
            found = path.stat()
            seen = found.st_mtime_ns, found.st_ino
            if seen == self._seen or found.st_size > MAX_RESULT:
                return None
            last = _read(path.read_bytes(), found.st_mtime_ns // 1000)
        except OSError:
            return None
        self._seen = seen
        return last


def _read(content: bytes, written_us: int) -> Last | None:
    try:
        wire = Fields(json.loads(content), "result")
        result: Outcome = codec.one_of(wire.text("result"), Outcome, "result.result")
        return Last(
            kind="program",
            issued=wire.integer("issued"),
            sha256=wire.text("sha256", longest=64),
            result=result,
            reason=wire.text("reason", default="")[:MAX_REASON],
            time=wire.integer("time", default=written_us),
        )
    except (ValueError, WireError):
        return None
