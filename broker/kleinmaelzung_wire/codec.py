"""msgpack and JSON, bounded: what comes from outside is refused here before it can cost anything.

Bytes in, plain Python values out (nil, bool, int, float, str, bytes, list, dict with text keys), and back.
"""

import json
import math
from typing import Any, Self, get_args

import msgpack

from kleinmaelzung_wire import VERSION, nesting

CONTENT_TYPE = "application/msgpack"
CONTENT_TYPE_JSON = "application/json"

MAX_BYTES = 128 * 1024  # one message, frame or payload; an agent cuts its frames long before
MAX_DEPTH = 12  # the contract's deepest message, a list of descriptions, needs 9
MAX_ARRAY = 8192  # samples in one frame, twice what an agent sends
MAX_MAP = 256
MAX_TEXT = 16 * 1024
MAX_BINARY = MAX_BYTES

HEX_KEY = "$hex"  # JSON has no bytes: {"$hex": "0d0a"}


class WireError(ValueError):
    """What came in does not keep the contract; the message says what was found and what was expected."""


def pack(value: Any) -> bytes:
    """Encode as msgpack. Raises WireError for what the contract cannot carry."""
    try:
        packed = msgpack.packb(value, use_bin_type=True)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"cannot be packed: {error}") from error
    assert isinstance(packed, bytes)
    return packed


def pack_versioned(content: dict[str, Any]) -> bytes:
    """Encode a message: a map with the contract's version."""
    return pack({"v": VERSION, **content})


def unpack(payload: bytes) -> Any:
    """Decode one msgpack value. Raises WireError for anything malformed, too large or too deep."""
    if len(payload) > MAX_BYTES:
        raise WireError(f"message of {len(payload)} bytes, allowed are {MAX_BYTES}")
    if nesting.is_suspicious(payload) and nesting.is_deeper(payload, MAX_DEPTH):
        raise WireError(f"nested deeper than {MAX_DEPTH}")
    try:
        value = msgpack.unpackb(
            payload,
            raw=False,
            strict_map_key=True,
            max_str_len=MAX_TEXT,
            max_bin_len=MAX_BINARY,
            max_array_len=MAX_ARRAY,
            max_map_len=MAX_MAP,
            max_ext_len=0,
            ext_hook=_refuse_extension,
            object_pairs_hook=_each_once,
        )
    except (ValueError, OverflowError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"not msgpack: {error or type(error).__name__}") from error
    check_depth(value)
    return value


def _each_once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A map, unless a key comes twice: of two values one would win, and which depends on who decodes it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice in one map")
    return found


def _refuse_extension(code: int, content: bytes) -> Any:
    raise ValueError(f"extension type {code}")


def check_depth(value: Any, allowed: int = MAX_DEPTH) -> None:
    """Raise WireError where lists and maps nest deeper than the contract needs, or a key is not text."""
    if isinstance(value, dict):
        if allowed == 0:
            raise WireError(f"nested deeper than {MAX_DEPTH}")
        for key, inner in value.items():
            if not isinstance(key, str):
                raise WireError(f"key {key!r} is not text")
            if type(inner) in _CONTAINERS:
                check_depth(inner, allowed - 1)
    elif isinstance(value, list):
        if allowed == 0:
            raise WireError(f"nested deeper than {MAX_DEPTH}")
        if _CONTAINERS.isdisjoint(map(type, value)):  # a column of a thousand values: asked at once
            return
        for inner in value:
            if type(inner) in _CONTAINERS:
                check_depth(inner, allowed - 1)


_CONTAINERS = frozenset([dict, list])


def to_json(value: Any) -> str:
    """Encode as JSON text: bytes as {"$hex": ...}, numbers that are not finite as null."""
    return json.dumps(_jsonable(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(text: str | bytes) -> Any:
    """Decode JSON text with the limits of unpack(). Raises WireError."""
    if len(text) > MAX_BYTES:
        raise WireError(f"message of {len(text)} characters, allowed are {MAX_BYTES}")
    try:
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair: nothing takes it back out
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error
    check_depth(value)
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number:.40} is too large a number")
    return value


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {HEX_KEY: bytes(value).hex()}
    return value


class Fields:
    """Typed access to a decoded map: each getter checks, and a WireError names the field.

    >>> Fields({"n": 3}, "frame").integer("n", minimum=1)
    3
    """

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, dict):
            raise WireError(f"{what} is {_kind(value)}, expected a map")
        self._map: dict[str, Any] = value
        self._what = what

    @classmethod
    def versioned(cls, payload: bytes, what: str) -> Self:
        """Of a message that pack_versioned() made. Raises WireError."""
        wire = cls(unpack(payload), what)
        if wire.integer("v") != VERSION:
            raise WireError(f"{what} has version {wire.get('v')}, expected {VERSION}")
        return wire

    def get(self, key: str) -> Any:
        return self._map.get(key)

    def text(self, key: str, *, default: str | None = None, longest: int = MAX_TEXT) -> str:
        value = self._map.get(key, default)
        if type(value) is not str:
            raise self._wrong(key, str, default)
        if len(value) > longest:
            raise WireError(f"{self._what}.{key} has {len(value)} characters, allowed are {longest}")
        return value

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        value = self._map.get(key, default)
        if type(value) is not bool:
            raise self._wrong(key, bool, default)
        return value

    def integer(
        self, key: str, *, minimum: int = -(2**63), maximum: int = 2**63 - 1, default: int | None = None
    ) -> int:
        value = self._map.get(key, default)
        if type(value) is not int:  # bool is no integer here
            raise self._wrong(key, int, default)
        if not minimum <= value <= maximum:
            raise WireError(f"{self._what}.{key} is {value}, expected {minimum} to {maximum}")
        return value

    def optional_integer(self, key: str) -> int | None:
        return None if self._map.get(key) is None else self.integer(key)

    def binary(self, key: str, *, default: bytes | None = None) -> bytes:
        value = self._map.get(key, default)
        if type(value) is not bytes:
            raise self._wrong(key, bytes, default)
        return value

    def map(self, key: str, *, default: dict[str, Any] | None = None) -> dict[str, Any]:
        value = self._map.get(key, default)
        if type(value) is not dict:
            raise self._wrong(key, dict, default)
        return value

    def list(self, key: str, *, default: "list[Any] | None" = None) -> "list[Any]":
        value = self._map.get(key, default)
        if type(value) is not list:
            raise self._wrong(key, list, default)
        return value

    def _wrong(self, key: str, wanted: type, default: Any) -> WireError:
        value = self._map.get(key, default)
        if value is None and default is None:
            return WireError(f"{self._what}.{key} is missing")
        return WireError(f"{self._what}.{key} is {_kind(value)}, expected {_NAMES[wanted]}")


def one_of(value: str, allowed: Any, what: str) -> Any:
    """The value if it is one of a Literal's. Raises WireError."""
    if value not in get_args(allowed):
        raise WireError(f"{what} is {value!r:.40}, expected one of {', '.join(get_args(allowed))}")
    return value


_NAMES = {
    str: "text",
    bool: "true or false",
    int: "an integer",
    bytes: "bytes",
    dict: "a map",
    list: "a list",
}


def _kind(value: Any) -> str:
    return "nil" if value is None else _NAMES.get(type(value), type(value).__name__)
