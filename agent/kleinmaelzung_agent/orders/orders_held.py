"""What is on disk of orders, in `orders/` beside the spool: one that is coming, its content so far, what became of the
last, and how to go back from a configuration that is on trial. Blocking.

    announced   the order whose content comes, and its signature
    content     the content, as far as it came
    state       when the last order of each kind was issued, and what became of the last
    trial       the configuration before the one that is on trial

Each file is whole or not there, but the content, whose end is looked at by its SHA-256.
"""

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Self

from kleinmaelzung_agent import whole_file
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.orders import Kind, Order

FOLDER: Final = "orders"
Outcome = Literal["done", "refused", "rolled back", "under way"]


@dataclass(frozen=True, slots=True)
class Signed:
    """An order as it came."""

    order: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """What became of an order; `sha256` as hexadecimal digits, `time` in µs."""

    kind: Kind
    issued: int
    sha256: str
    result: Outcome
    reason: str = ""
    time: int = 0

    @classmethod
    def of(cls, order: Order, result: Outcome, reason: str = "") -> Self:
        return cls(kind=order.kind, issued=order.issued, sha256=order.sha256.hex(), result=result, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`issued`: of each kind, when the last order was issued that was carried out."""

    issued: Mapping[str, int] = field(default_factory=dict)
    last: Last | None = None

    def after(self, last: Last, *, is_carried_out: bool) -> "State":
        newest = max(last.issued, self.issued.get(last.kind, 0))
        return State(issued={**self.issued, last.kind: newest} if is_carried_out else self.issued, last=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A configuration that is on trial: `old` and `new` are whole files; `starts` of the agent with the new one."""

    old: str
    new: str
    order: bytes
    starts: int = 0

    def started(self) -> "Trial":
        return replace(self, starts=self.starts + 1)


class OrdersHeld:
    """Of one data directory; used by one thread at a time. Writing raises OSError."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER
        self._announced, self.content_file = self.folder / "announced", self.folder / "content"
        self._state, self._trial = self.folder / "state", self.folder / "trial"

    # --- an order that is coming --------------------------------------------------------------------------------------

    def announce(self, signed: Signed, order: Order) -> None:
        """Expect the content of this order; what came of it for another order stays."""
        before = self.announced()
        if before is None or Order.decode(before.order).sha256 != order.sha256:
            self.drop()
        _write_json(self._made(self._announced), {"order": _text(signed.order), "signature": _text(signed.signature)})

    def announced(self) -> Signed | None:
        found = _read_json(self._announced)
        try:
            signed = Signed(_bytes(found["order"]), _bytes(found["signature"]))
            Order.decode(signed.order)
        except (KeyError, TypeError, ValueError, WireError):
            return None
        return signed

    def size(self) -> int:
        """How much of the content is here."""
        try:
            return self.content_file.stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, piece: bytes) -> int:
        """Returns how much is here now."""
        is_new = not self.content_file.exists()
        handle = os.open(self._made(self.content_file), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            whole_file.sync_directory(self.folder)
        return self.size()

    def is_whole(self, order: Order) -> bool:
        """Whether what came is what was announced."""
        with self.content_file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest() == order.sha256

    def content(self) -> bytes:
        return self.content_file.read_bytes()

    def drop(self) -> None:
        """Neither an order nor a content any more."""
        if self.folder.is_dir():
            whole_file.remove(self._announced)
            whole_file.remove(self.content_file)

    # --- what became of them ------------------------------------------------------------------------------------------

    def state(self) -> State:
        found = _read_json(self._state)
        try:
            issued = {str(kind): int(when) for kind, when in found.get("issued", {}).items()}
            last = found.get("last")
            return State(issued=issued, last=Last(**last) if last else None)
        except (AttributeError, TypeError, ValueError):
            return State()

    def note(self, state: State) -> None:
        last = asdict(state.last) if state.last else None
        _write_json(self._made(self._state), {"issued": dict(state.issued), "last": last})

    # --- the way back -------------------------------------------------------------------------------------------------

    def trial(self) -> Trial | None:
        found = _read_json(self._trial)
        try:
            order = _bytes(found["order"])
            Order.decode(order)
            return Trial(old=found["old"], new=found["new"], order=order, starts=int(found["starts"]))
        except (KeyError, TypeError, ValueError, WireError):
            return None

    def try_out(self, trial: Trial) -> None:
        _write_json(self._made(self._trial), asdict(trial) | {"order": _text(trial.order)})

    def end_trial(self) -> None:
        if self.folder.is_dir():
            whole_file.remove(self._trial)

    def _made(self, path: Path) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def digest(text: str) -> bytes:
    """The SHA-256 of a configuration."""
    return hashlib.sha256(text.encode()).digest()


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    whole_file.write(path, json.dumps(content, ensure_ascii=False).encode())


def _read_json(path: Path) -> dict[str, Any]:
    """Empty where there is none; what is none is none."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
