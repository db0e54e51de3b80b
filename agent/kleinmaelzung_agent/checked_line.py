"""A line of a file that shows by a checksum whether it is as it was written: a map in, a line out, and back. Pure.

map --made(), msgpack in letters--> b"0123abcd aGVsbG8=\\n" --read()--> Fields, or WireError
"""

import base64
import binascii
import functools
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kleinmaelzung_wire import codec
from kleinmaelzung_wire.codec import Fields, WireError


@dataclass(frozen=True, slots=True)
class Letters:
    """How bytes become letters that have no line end among them, and back; that raises ValueError."""

    written: Callable[[bytes], bytes]
    read: Callable[[bytes], bytes]


HEX: Final = Letters(binascii.hexlify, binascii.unhexlify)
BASE64: Final = Letters(base64.b64encode, functools.partial(base64.b64decode, validate=True))


def made(wire: Mapping[str, Any], letters: Letters) -> bytes:
    text = letters.written(codec.pack(wire))
    return b"%08x %s\n" % (zlib.crc32(text), text)


def read(line: bytes, letters: Letters) -> Fields:
    """Raises WireError for what is not as it was written."""
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) == zlib.crc32(text):
            return Fields(codec.unpack(letters.read(text)), "line")
    except ValueError as error:
        raise WireError(f"a line is not as it was written: {line[:40]!r}") from error
    raise WireError(f"a line is not as it was written: {line[:40]!r}")
