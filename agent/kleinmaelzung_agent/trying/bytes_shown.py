"""Bytes for people: hexadecimal and as text, side by side; control characters as escapes that can be typed. Pure."""

from collections.abc import Iterator
from typing import Final

WIDTH: Final = 16
_NAMES: Final = {9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e", 92: "\\\\"}


def escaped(content: bytes, encoding: str = "ascii") -> str:
    r"""`S S 1.00 g\r\n`"""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("ascii", "surrogateescape")
    return "".join(_character(one) for one in text)


def _character(one: str) -> str:
    code = ord(one)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return _NAMES.get(code) or (one if one.isprintable() else f"\\x{code:02x}" if code < 0x100 else "?")


def rows(content: bytes, encoding: str = "ascii") -> Iterator[str]:
    """Lines such as `53 20 0d 0a    S \\r\\n`; a row ends where a line ends."""
    for row in _split(content):
        yield f"{row.hex(' '):<{3 * WIDTH - 1}}   {escaped(row, encoding)}"


def _split(content: bytes) -> Iterator[bytes]:
    begin = 0
    for at, byte in enumerate(content, 1):
        is_end = byte == 10 or (byte == 13 and content[at : at + 1] != b"\n")
        if is_end or at - begin == WIDTH or at == len(content):
            yield content[begin:at]
            begin = at
