"""What people ask services: a Request to `_service/<name>/request/<user>/<role>`, an Answer to its response topic.

    {v: 1, request: name, timeout_us, ...}      what else it holds are the arguments of this request
    {v: 1, ok: true, answer}                    or
    {v: 1, ok: false, code, sentence}           a code of sockets.py, and what people are told

What a request is about, `pi-1/balance` or `pi-1/+`, are two further levels of its topic. The broker lets only the user
write to the topic that names the user, in this user's role, about instruments granted to this user: so a service knows
who asks, and may ask (docs/decisions/0010). It answers to an inbox of that same user and nowhere else.

An answer is one message: what may be larger is asked for piece by piece, and the answer says whether there is more.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from kleinmaelzung_wire import VERSION, codec, topics
from kleinmaelzung_wire.codec import Fields, WireError
from kleinmaelzung_wire.messages import MAX_SENTENCE

MAX_ANSWER: Final = codec.MAX_BYTES - 1024  # bytes; a socket's message has the answer and a little around it
MAX_CODE: Final = 32
DEFAULT_TIMEOUT_US: Final = 10_000_000
MIN_TIMEOUT_US: Final = 1_000
MAX_TIMEOUT_US: Final = 60_000_000
_OWN_KEYS: Final = frozenset({"v", "request", "timeout_us", "instrument"})


class TooLarge(WireError):
    """It would not go into one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, perhaps about instruments. After `timeout_us` nobody waits for the answer."""

    name: str
    arguments: dict[str, Any]
    instrument: str | None = None  # a pattern; it travels in the topic
    timeout_us: int = DEFAULT_TIMEOUT_US

    @classmethod
    def from_map(cls, value: Any, timeout_us: int | None = None) -> Self:
        """From a socket's `{"request": name, "instrument": pattern, ...}`."""
        wire = Fields(value, "request")
        pattern = None if wire.get("instrument") is None else wire.text("instrument")
        if pattern is not None:
            topics.split_pattern(pattern)
        return cls(
            instrument=pattern,
            name=topics.check_name(wire.text("request"), "request"),
            arguments={key: inner for key, inner in value.items() if key not in _OWN_KEYS},
            timeout_us=timeout_us
            or wire.integer("timeout_us", minimum=MIN_TIMEOUT_US, maximum=MAX_TIMEOUT_US, default=DEFAULT_TIMEOUT_US),
        )

    def encode(self) -> bytes:
        own = {"v": VERSION, "request": self.name, "timeout_us": self.timeout_us}
        return _bounded(codec.pack({**self.arguments, **own}), codec.MAX_BYTES)

    @classmethod
    def decode(cls, payload: bytes, instrument: str | None = None) -> Self:
        """From the broker; what it is about stands in the topic."""
        value = codec.unpack(payload)
        _check_version(Fields(value, "request"), "request")
        return cls.from_map({**value, "instrument": instrument})

    def fields(self) -> Fields:
        """The arguments, each checked where it is used."""
        return Fields(self.arguments, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request: `content`, or where it is not `ok` a code and a sentence."""

    ok: bool
    content: Any = None
    code: str = ""
    sentence: str = ""

    def encode(self) -> bytes:
        """Raises TooLarge, or WireError for content that the contract cannot carry."""
        if self.ok:
            return _bounded(codec.pack({"v": VERSION, "ok": True, "answer": self.content}), MAX_ANSWER)
        sentence = self.sentence[:MAX_SENTENCE]
        return codec.pack({"v": VERSION, "ok": False, "code": self.code, "sentence": sentence})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        wire = Fields(codec.unpack(payload), "answer")
        _check_version(wire, "answer")
        if wire.boolean("ok"):
            return cls(ok=True, content=wire.get("answer"))
        sentence = wire.text("sentence", longest=MAX_SENTENCE)
        return cls(ok=False, code=wire.text("code", longest=MAX_CODE), sentence=sentence)


def _bounded(packed: bytes, allowed: int) -> bytes:
    if len(packed) > allowed:
        raise TooLarge(f"{len(packed)} bytes are too many for one message, allowed are {allowed}")
    return packed


def _check_version(wire: Fields, what: str) -> None:
    if wire.integer("v") != VERSION:
        raise WireError(f"{what} has version {wire.get('v')}, expected {VERSION}")
