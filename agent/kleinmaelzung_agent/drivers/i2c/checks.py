"""Whether bytes arrived as they were sent: a CRC behind every word, as Sensirion has it, and SMBus's PEC. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_agent.drivers import checksums
from kleinmaelzung_agent.drivers.checksums import Checksum

PEC: Final = Checksum(algorithm=checksums.ALGORITHMS["crc8"])


class WrongCheckError(ValueError):
    """What came is not what was sent; the text says which bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """A checksum behind every `every` bytes."""

    every: int
    checksum: Checksum

    @property
    def length(self) -> int:
        """Of a group with its checksum."""
        return self.every + self.checksum.length


def without(groups: Groups, content: bytes) -> bytes:
    """The bytes without their checksums. Raises WrongCheckError."""
    return b"".join(_right(groups, group) for group in _cut(content, groups.length))


def within(groups: Groups, content: bytes) -> bytes:
    """The bytes with their checksums."""
    return b"".join(group + groups.checksum.of(group) for group in _cut(content, groups.every))


def without_pec(before: bytes, content: bytes) -> bytes:
    """The bytes without the PEC, which also covers what went before: addresses and command. Raises WrongCheckError."""
    inner, found = content[:-1], content[-1:]
    if not PEC.is_right(before + inner, found):
        raise WrongCheckError(f"the PEC of {content.hex(' ')} is wrong")
    return inner


def _cut(content: bytes, length: int) -> Iterator[bytes]:
    return (content[at : at + length] for at in range(0, len(content), length))


def _right(groups: Groups, group: bytes) -> bytes:
    inner, found = group[: groups.every], group[groups.every :]
    if not groups.checksum.is_right(inner, found):
        raise WrongCheckError(f"the CRC of {group.hex(' ')} is wrong")
    return inner
